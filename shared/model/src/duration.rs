//! Durations as Loki reads and prints them: Prometheus' (`30d1h`) and Go's (`721h0m0s`).
//!
//! All values are nanoseconds in an `i64`, since offsets may be negative. [`parse`] takes either
//! form.

use std::fmt::{self, Write as _};

use crate::{NANOS_PER_MILLI, NANOS_PER_SECOND};

const MICRO: i64 = 1_000;
const MINUTE: i64 = 60 * NANOS_PER_SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;
const YEAR: i64 = 365 * DAY;

/// Units of a Prometheus duration, which must come in this order.
const PROMETHEUS: [(&str, i64); 7] = [
    ("y", YEAR),
    ("w", WEEK),
    ("d", DAY),
    ("h", HOUR),
    ("m", MINUTE),
    ("s", NANOS_PER_SECOND),
    ("ms", NANOS_PER_MILLI),
];

/// Units of a Go duration, in any order and with fractions.
const GO: [(&str, i64); 8] = [
    ("ns", 1),
    ("us", MICRO),
    ("µs", MICRO),
    ("μs", MICRO),
    ("ms", NANOS_PER_MILLI),
    ("s", NANOS_PER_SECOND),
    ("m", MINUTE),
    ("h", HOUR),
];

/// Why a text is no duration; the texts are those of Prometheus and Go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Nothing was written.
    #[error("empty duration string")]
    Empty,
    /// Neither numbers nor units, or units out of order.
    #[error("not a valid duration string: {0:?}")]
    Shape(String),
    /// A unit that does not exist.
    #[error("unknown unit {unit:?} in duration {text:?}")]
    Unit {
        /// What stood where a unit belongs.
        unit: String,
        /// The whole text.
        text: String,
    },
    /// More than 292 years.
    #[error("duration out of range")]
    Range,
    /// Go's text for anything that is wrong with the form, or beyond 292 years.
    #[error("time: invalid duration {}", GoQuoted(.0))]
    Go(String),
    /// Go's text for a number without a unit.
    #[error("time: missing unit in duration {}", GoQuoted(.0))]
    GoUnit(String),
    /// Go's text for a unit that does not exist.
    #[error("time: unknown unit {} in duration {}", GoQuoted(.unit), GoQuoted(.text))]
    GoUnknownUnit {
        /// What stood where a unit belongs.
        unit: String,
        /// The whole text.
        text: String,
    },
}

/// A text in quotes as Go's `time` puts them: bytes that are not plain ASCII as `\xNN`.
struct GoQuoted<'a>(&'a str);

impl fmt::Display for GoQuoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for byte in self.0.bytes() {
            match byte {
                b'"' | b'\\' => write!(f, "\\{}", char::from(byte))?,
                0x20..0x80 => f.write_char(char::from(byte))?,
                other => write!(f, "\\x{other:02x}")?,
            }
        }
        f.write_char('"')
    }
}

/// Reads a Prometheus duration (`1h30m`), or else a Go duration (`1.5h`); nanoseconds.
///
/// # Errors
/// What Prometheus says of it, since that form is the documented one.
pub fn parse(text: &str) -> Result<i64, DurationError> {
    parse_prometheus(text).or_else(|error| parse_go(text).map_err(|_| error))
}

/// Reads whole numbers with units `y w d h m s ms` in falling order; nanoseconds. `0` needs no
/// unit.
///
/// # Errors
/// Prometheus' text for what is wrong.
pub fn parse_prometheus(text: &str) -> Result<i64, DurationError> {
    match text {
        "" => return Err(DurationError::Empty),
        "0" => return Ok(0),
        _ => {}
    }
    let shape = || DurationError::Shape(text.to_owned());
    let mut rest = text;
    let mut total = 0_i64;
    let mut next_unit = 0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits == 0 {
            return Err(shape());
        }
        let (number, tail) = rest.split_at(digits);
        let unit_len = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_len);
        let place = PROMETHEUS.iter().position(|(name, _)| *name == unit);
        let place = place.ok_or_else(|| {
            if unit.is_empty() {
                return shape();
            }
            DurationError::Unit {
                unit: unit.to_owned(),
                text: text.to_owned(),
            }
        })?;
        if place < next_unit {
            return Err(shape());
        }
        next_unit = place + 1;
        let number: i64 = number.parse().map_err(|_| DurationError::Range)?;
        total = number
            .checked_mul(PROMETHEUS[place].1)
            .and_then(|part| total.checked_add(part))
            .ok_or(DurationError::Range)?;
        rest = tail;
    }
    Ok(total)
}

/// Reads what Go's `time.ParseDuration` reads: signed, fractions, units `ns us µs ms s m h`.
///
/// # Errors
/// Go's text for what is wrong.
pub fn parse_go(text: &str) -> Result<i64, DurationError> {
    let bad = || DurationError::Go(text.to_owned());
    let (negative, mut rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(bad());
    }
    let mut total = 0_u64;
    while !rest.is_empty() {
        let (whole, tail) = split_digits(rest);
        let (fraction, tail) = match tail.strip_prefix('.') {
            Some(tail) => split_digits(tail),
            None => ("", tail),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(bad());
        }
        let unit_len = tail
            .find(|c: char| c == '.' || c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_len);
        if unit.is_empty() {
            return Err(DurationError::GoUnit(text.to_owned()));
        }
        let known = GO.iter().find(|(name, _)| *name == unit);
        let (_, nanos) = known.ok_or_else(|| DurationError::GoUnknownUnit {
            unit: unit.to_owned(),
            text: text.to_owned(),
        })?;
        let part = go_part(whole, fraction, *nanos);
        let sum = part.and_then(|part| total.checked_add(part));
        total = sum.filter(|sum| *sum <= 1 << 63).ok_or_else(bad)?;
        rest = tail;
    }
    let total = i128::from(total);
    i64::try_from(if negative { -total } else { total }).map_err(|_| bad())
}

fn split_digits(text: &str) -> (&str, &str) {
    let digits = text.find(|c: char| !c.is_ascii_digit());
    text.split_at(digits.unwrap_or(text.len()))
}

/// `whole.fraction` units in nanoseconds, with the floating point of Go; `None` where it is more
/// than a duration holds.
fn go_part(whole: &str, fraction: &str, unit: i64) -> Option<u64> {
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let whole = whole.checked_mul(unit.unsigned_abs())?;
    let (mut digits, mut scale) = (0_u64, 1_f64);
    for digit in fraction.bytes() {
        // What no longer fits is left off: it is far below a nanosecond.
        if digits > (i64::MAX / 10) as u64 {
            break;
        }
        let more = digits * 10 + u64::from(digit - b'0');
        if more > 1 << 63 {
            break;
        }
        (digits, scale) = (more, scale * 10.0);
    }
    whole.checked_add((digits as f64 * (unit as f64 / scale)) as u64)
}

/// Prints as Go's `time.Duration`: `24h0m0s`, `1.5s`, `100µs`, `0s`.
#[must_use]
pub fn to_go(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let left = nanos.unsigned_abs();
    let (unit, name) = match left {
        0 => return "0s".to_owned(),
        1..1_000 => (1, "ns"),
        1_000..1_000_000 => (1_000, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => return format!("{sign}{}", hours_minutes_seconds(left)),
    };
    format!("{sign}{}{name}", decimal(left, unit))
}

fn hours_minutes_seconds(nanos: u64) -> String {
    const SECOND: u64 = 1_000_000_000;
    let (minutes, rest) = (nanos / (60 * SECOND), nanos % (60 * SECOND));
    let mut out = String::new();
    // Writing to a string cannot fail.
    if minutes >= 60 {
        let _ = write!(out, "{}h", minutes / 60);
    }
    if minutes > 0 {
        let _ = write!(out, "{}m", minutes % 60);
    }
    let _ = write!(out, "{}s", decimal(rest, SECOND));
    out
}

/// `value / unit` without needless zeros.
fn decimal(value: u64, unit: u64) -> String {
    let (whole, fraction) = (value / unit, value % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    let digits = format!("{fraction:0width$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

/// Prints as Prometheus' `model.Duration`: `30d1h`, `1h30m`, `0s`; below a millisecond is cut.
#[must_use]
pub fn to_prometheus(nanos: i64) -> String {
    let mut left = nanos / NANOS_PER_MILLI;
    if left == 0 {
        return "0s".to_owned();
    }
    let mut out = String::new();
    if left < 0 {
        out.push('-');
        left = -left;
    }
    for (place, (name, unit)) in PROMETHEUS.iter().enumerate() {
        let unit = unit / NANOS_PER_MILLI;
        // Years and weeks only where nothing is left over, as Prometheus prints them.
        if left < unit || (place < 2 && left % unit != 0) {
            continue;
        }
        let _ = write!(out, "{}{name}", left / unit);
        left %= unit;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(got: Result<i64, DurationError>, want: Result<i64, &str>) {
        assert_eq!(got.map_err(|e| e.to_string()), want.map_err(str::to_owned));
    }

    #[test]
    fn prometheus() {
        check(parse_prometheus("1h30m"), Ok(90 * MINUTE));
        check(parse_prometheus("1y2w3d"), Ok(YEAR + 2 * WEEK + 3 * DAY));
        check(parse_prometheus("0"), Ok(0));
        check(parse_prometheus("5ms"), Ok(5 * NANOS_PER_MILLI));
        check(parse_prometheus(""), Err("empty duration string"));
        check(
            parse_prometheus("30s1m"),
            Err("not a valid duration string: \"30s1m\""),
        );
        check(
            parse_prometheus("-5m"),
            Err("not a valid duration string: \"-5m\""),
        );
        check(
            parse_prometheus("5"),
            Err("not a valid duration string: \"5\""),
        );
        check(
            parse_prometheus("5minutes"),
            Err("unknown unit \"minutes\" in duration \"5minutes\""),
        );
        check(
            parse_prometheus("5 m"),
            Err("unknown unit \" m\" in duration \"5 m\""),
        );
        check(
            parse_prometheus("1.5m"),
            Err("unknown unit \".\" in duration \"1.5m\""),
        );
        check(parse_prometheus("300y"), Err("duration out of range"));
        check(
            parse_prometheus("99999999999999999999s"),
            Err("duration out of range"),
        );
    }

    #[test]
    fn go() {
        check(parse_go("1.5h"), Ok(90 * MINUTE));
        check(parse_go("1h1.5m"), Ok(HOUR + 90 * NANOS_PER_SECOND));
        check(parse_go("-5s"), Ok(-5 * NANOS_PER_SECOND));
        check(parse_go("100µs"), Ok(100 * MICRO));
        check(parse_go(".5s"), Ok(NANOS_PER_SECOND / 2));
        check(parse_go("0"), Ok(0));
        check(parse_go("5"), Err("time: missing unit in duration \"5\""));
        check(parse_go("str"), Err("time: invalid duration \"str\""));
        check(parse_go("."), Err("time: invalid duration \".\""));
        check(parse_go("1.s"), Ok(NANOS_PER_SECOND));
        check(parse_go("0.3333333333333333333h"), Ok(20 * MINUTE));
        check(parse_go("0.9223372036854775807h"), Ok(3_320_413_933_267));
        check(parse_go("0.830103483285477580700h"), Ok(2_988_372_539_827));
        check(parse_go("-9223372036854775808ns"), Ok(i64::MIN));
        for (text, want) in [
            ("1.2.3s", r#"time: missing unit in duration "1.2.3s""#),
            ("1h1", r#"time: missing unit in duration "1h1""#),
            ("1d", r#"time: unknown unit "d" in duration "1d""#),
            ("1h-5s", r#"time: unknown unit "h-" in duration "1h-5s""#),
            (
                "1é",
                r#"time: unknown unit "\xc3\xa9" in duration "1\xc3\xa9""#,
            ),
            ("a\"\\\n", r#"time: invalid duration "a\"\\\x0a""#),
            (
                "9223372036854775808ns",
                r#"time: invalid duration "9223372036854775808ns""#,
            ),
            (
                "99999999999999999999s",
                r#"time: invalid duration "99999999999999999999s""#,
            ),
        ] {
            check(parse_go(text), Err(want));
        }
        check(
            parse_go("9999999999h"),
            Err("time: invalid duration \"9999999999h\""),
        );
    }

    #[test]
    fn printing() {
        for (nanos, go, prometheus) in [
            (0, "0s", "0s"),
            (721 * HOUR, "721h0m0s", "30d1h"),
            (90 * MINUTE, "1h30m0s", "1h30m"),
            (1_500 * NANOS_PER_MILLI, "1.5s", "1s500ms"),
            (-5 * NANOS_PER_SECOND, "-5s", "-5s"),
            (100 * MICRO, "100µs", "0s"),
            (14 * DAY, "336h0m0s", "2w"),
            (YEAR, "8760h0m0s", "1y"),
            (3 * HOUR - NANOS_PER_MILLI, "2h59m59.999s", "2h59m59s999ms"),
        ] {
            assert_eq!((&*to_go(nanos), &*to_prometheus(nanos)), (go, prometheus));
        }
    }
}
