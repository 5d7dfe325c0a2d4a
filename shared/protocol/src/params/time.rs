//! Points in time: seconds, nanoseconds or RFC 3339.

use narvi_model::{NANOS_PER_SECOND, Timestamp, parse_rfc3339};

use super::{ParamError, not_a_number};

/// Integers of more characters are nanoseconds, others seconds.
const MAX_SECONDS_CHARS: usize = 10;

/// Reads a time as Loki does: with a `.` it is seconds, rounded to milliseconds; an integer of up
/// to 10 characters is seconds, a longer one nanoseconds (so 13 digits of milliseconds are read as
/// nanoseconds); else RFC 3339.
///
/// # Errors
/// Go's text for what is no integer. `start` and `end` wrap it, `time` does not.
pub fn parse_time(text: &str) -> Result<Timestamp, ParamError> {
    if text.contains('.')
        && let Ok(seconds) = text.parse::<f64>()
        && seconds.is_finite()
    {
        let (whole, part) = (seconds.trunc(), seconds.fract());
        let nanos = (part * 1000.0).round() / 1000.0 * NANOS_PER_SECOND as f64;
        // A float beyond i64 is cut to its end by `as`.
        return Ok(Timestamp::from_seconds(whole as i64).plus(nanos as i64));
    }
    match text.parse::<i64>() {
        Ok(seconds) if text.len() <= MAX_SECONDS_CHARS => Ok(Timestamp::from_seconds(seconds)),
        Ok(nanos) => Ok(Timestamp::from_nanos(nanos)),
        Err(error) => parse_rfc3339(text)
            .ok_or_else(|| ParamError::Number(not_a_number("ParseInt", text, &error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Result<i64, &str>) {
        let got = parse_time(text)
            .map(Timestamp::nanos)
            .map_err(|e| e.to_string());
        assert_eq!(
            got.as_ref().map_err(String::as_str),
            want.as_ref().map_err(|e| *e),
            "{text}"
        );
    }

    #[test]
    fn follows_loki() {
        const S: i64 = NANOS_PER_SECOND;
        check("1700000000", Ok(1_700_000_000 * S));
        check("4000000000", Ok(4_000_000_000 * S));
        check("1700000000000", Ok(1_700_000_000_000));
        check("1700000000000000001", Ok(1_700_000_000_000_000_001));
        check("1700000000.123", Ok(1_700_000_000 * S + 123_000_000));
        check("1700000000.1239", Ok(1_700_000_000 * S + 124_000_000));
        check("1.7e9", Ok(1_700_000_000 * S));
        check("-5", Ok(-5 * S));
        check("2024-01-02T03:04:05Z", Ok(1_704_164_645 * S));
        check("2024-01-02T03:04:05.000000001Z", Ok(1_704_164_645 * S + 1));
        check(
            "2024-01-02T03:04:05.5+02:00",
            Ok((1_704_164_645 - 7200) * S + 500_000_000),
        );
        check("2024-01-02T03:04:05-00:30", Ok((1_704_164_645 + 1800) * S));
        check("9999-01-02T03:04:05Z", Ok(i64::MAX));
        for bad in [
            "bogus",
            "",
            "2024-01-02",
            "2024-01-02T03:04Z",
            "2024-01-02T24:00:00Z",
            "2024-02-30T00:00:00Z",
            "2024-01-02T03:04:05",
            "2024-01-02T03:04:05.Z",
            "2024-01-02T03:04:05+2:00",
            "2024-01-02 03:04:05Z",
        ] {
            check(
                bad,
                Err(&format!(
                    "strconv.ParseInt: parsing \"{bad}\": invalid syntax"
                )),
            );
        }
        check(
            "99999999999999999999",
            Err(r#"strconv.ParseInt: parsing "99999999999999999999": value out of range"#),
        );
    }
}
