//! [`parse_rfc3339`]: times as people write them. Writing them is `Timestamp::rfc3339`.

use crate::{Day, NANOS_PER_SECOND, Timestamp};

/// Reads `2024-01-02T03:04:05.000000001Z` or with an offset such as `+02:00`; `None` for the rest.
/// Times beyond the years 1677 and 2262 become the first or last time there is.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_at_checked(10)?;
    let day = Day::parse(date)?;
    let (clock, rest) = rest.strip_prefix('T')?.split_at_checked(8)?;
    let [hours, minutes, seconds] = numbers(clock)?;
    let (fraction, zone) = match rest.strip_prefix(['.', ',']) {
        Some(rest) => rest.split_at(
            rest.bytes()
                .position(|c| !c.is_ascii_digit())
                .unwrap_or(rest.len()),
        ),
        None => ("0", rest),
    };
    if hours > 23 || minutes > 59 || seconds > 59 || fraction.is_empty() {
        return None;
    }
    let nanos: i64 = format!("{fraction:0<9.9}").parse().ok()?;
    let offset = match zone.split_at_checked(1)? {
        ("Z", "") => 0,
        (sign @ ("+" | "-"), zone) => {
            let [hours, minutes] = numbers(zone)?;
            if hours > 23 || minutes > 59 {
                return None;
            }
            let offset = hours * 3600 + minutes * 60;
            if sign == "+" { offset } else { -offset }
        }
        _ => return None,
    };
    let seconds = hours * 3600 + minutes * 60 + seconds - offset;
    Some(day.start().plus(seconds * NANOS_PER_SECOND + nanos))
}

/// `N` numbers of two digits with `:` between them.
fn numbers<const N: usize>(text: &str) -> Option<[i64; N]> {
    let mut out = [0; N];
    let mut parts = text.split(':');
    for number in &mut out {
        let part = parts.next()?;
        if part.len() != 2 || !part.bytes().all(|c| c.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let time = Timestamp::from_seconds(1_704_844_800).plus(1);
        for (text, want) in [
            (time.rfc3339().as_str(), Some(time)),
            ("2024-01-10T02:00:00.000000001+02:00", Some(time)),
            ("2024-01-10", None),
            ("2024-01-10T24:00:00Z", None),
            ("é", None),
        ] {
            assert_eq!(parse_rfc3339(text), want, "{text}");
        }
    }
}
