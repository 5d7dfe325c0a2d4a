//! `step` and `interval`: seconds as a float, or a Prometheus duration. All values are nanoseconds.

use narvi_model::{NANOS_PER_MILLI, NANOS_PER_SECOND, Timestamp, duration};

use super::ParamError;

/// Points of a series where no step is asked for.
const DEFAULT_POINTS: i64 = 250;

/// The step of a query that names none: a 250th of its range in whole seconds, at least one.
#[must_use]
pub fn default_step(start: Timestamp, end: Timestamp) -> i64 {
    let seconds = end.since(start) / NANOS_PER_SECOND / DEFAULT_POINTS;
    seconds.max(1) * NANOS_PER_SECOND
}

/// Reads `step`, cut to milliseconds; [`default_step`] where absent.
///
/// # Errors
/// Where it cannot be read, or is below a millisecond.
pub fn parse_step(text: Option<&str>, start: Timestamp, end: Timestamp) -> Result<i64, ParamError> {
    let step = match text.filter(|text| !text.is_empty()) {
        Some(text) => parse(text)?,
        None => default_step(start, end),
    };
    let step = step - step % NANOS_PER_MILLI;
    if step <= 0 {
        return Err(ParamError::Step);
    }
    Ok(step)
}

/// Reads `interval`; 0 (every entry) where absent.
///
/// # Errors
/// Where it cannot be read, or is negative.
pub fn parse_interval(text: Option<&str>) -> Result<i64, ParamError> {
    let interval = text.filter(|text| !text.is_empty()).map_or(Ok(0), parse)?;
    if interval < 0 {
        return Err(ParamError::Interval);
    }
    Ok(interval)
}

fn parse(text: &str) -> Result<i64, ParamError> {
    if let Ok(seconds) = text.parse::<f64>() {
        let nanos = seconds * NANOS_PER_SECOND as f64;
        // 2^63 as a float; NaN is in no range.
        if !(-9.3e18..9.3e18).contains(&nanos) || nanos.abs() >= i64::MAX as f64 {
            return Err(ParamError::DurationRange(text.to_owned()));
        }
        return Ok(nanos as i64);
    }
    duration::parse_prometheus(text).map_err(|_| ParamError::Duration(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps() {
        let (start, end) = (Timestamp::from_seconds(0), Timestamp::from_seconds(3600));
        let zero = "zero or negative query resolution step widths are not accepted. \
                    Try a positive integer";
        for (text, want) in [
            (None, Ok(14_000)),
            (Some(""), Ok(14_000)),
            (Some("15s"), Ok(15_000)),
            (Some("1h30m"), Ok(5_400_000)),
            (Some("30"), Ok(30_000)),
            (Some("0.5"), Ok(500)),
            (Some("0.0015"), Ok(1)),
            (Some("60000ms"), Ok(60_000)),
            (Some("0"), Err(zero)),
            (Some("0.0001"), Err(zero)),
            (Some("-5"), Err(zero)),
            (Some("x"), Err(r#"cannot parse "x" to a valid duration"#)),
            (
                Some("1e300"),
                Err(r#"cannot parse "1e300" to a valid duration. It overflows int64"#),
            ),
            (
                Some("NaN"),
                Err(r#"cannot parse "NaN" to a valid duration. It overflows int64"#),
            ),
        ] {
            let got = parse_step(text, start, end).map_err(|e| e.to_string());
            let want = want.map(|millis| millis * NANOS_PER_MILLI);
            assert_eq!(
                got.as_ref().map_err(String::as_str),
                want.as_ref().map_err(|e| *e)
            );
        }
        assert_eq!(default_step(start, start), NANOS_PER_SECOND);
    }

    #[test]
    fn intervals() {
        assert_eq!(parse_interval(None), Ok(0));
        assert_eq!(parse_interval(Some("5m")), Ok(300 * NANOS_PER_SECOND));
        assert_eq!(
            parse_interval(Some("-1")).unwrap_err().to_string(),
            "interval must be >= 0"
        );
    }
}
