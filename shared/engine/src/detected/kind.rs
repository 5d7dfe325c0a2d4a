//! What a value looks like, and sizes in bytes as they are shown.

use narvi_model::answer::FieldKind;
use narvi_model::duration;

/// The kind of a value: the first that can read it.
pub(super) fn kind(value: &str) -> FieldKind {
    let is_switch = matches!(
        value,
        "1" | "t" | "T" | "TRUE" | "true" | "True" | "0" | "f" | "F" | "FALSE" | "false" | "False"
    );
    if value.parse::<i64>().is_ok() {
        FieldKind::Int
    } else if value.parse::<f64>().is_ok() {
        FieldKind::Float
    } else if is_switch {
        FieldKind::Boolean
    } else if duration::parse_go(value).is_ok() {
        FieldKind::Duration
    } else if bytes(value).is_some() {
        FieldKind::Bytes
    } else {
        FieldKind::String
    }
}

/// A value as it is listed: sizes with a unit get the largest one that fits.
pub(super) fn shown(value: &str) -> String {
    match (kind(value), bytes(value)) {
        (FieldKind::Bytes, Some(size)) => humanize(size),
        _ => value.to_owned(),
    }
}

/// Units of a thousand and of 1024, by their power.
const UNITS: [&str; 7] = ["", "k", "m", "g", "t", "p", "e"];

/// The bytes of a size such as `1.5kB`, `2 MiB` or `3k`.
fn bytes(value: &str) -> Option<u64> {
    let is_number = |c: char| c.is_ascii_digit() || c == '.' || c == ',';
    let (number, unit) = value.split_at(value.find(|c| !is_number(c)).unwrap_or(value.len()));
    let number: f64 = number.replace(',', "").parse().ok()?;
    let unit = unit.trim().to_ascii_lowercase();
    let unit = unit.strip_suffix('b').unwrap_or(&unit);
    let (unit, base) = match unit.strip_suffix('i') {
        Some("") => return None,
        Some(unit) => (unit, 1024_f64),
        None => (unit, 1000_f64),
    };
    let power = UNITS.iter().position(|known| *known == unit)?;
    let size = number * base.powi(power as i32);
    // Beyond it no u64 holds it; NaN is in no range.
    (0.0..1.8e19).contains(&size).then_some(size as u64)
}

/// A size with the largest unit of a thousand, without a space: `200B`, `1.5kB`, `12MB`.
fn humanize(size: u64) -> String {
    const SUFFIXES: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    if size < 10 {
        return format!("{size}B");
    }
    let power = size.ilog(1000) as usize;
    let value = size as f64 / 1000_f64.powi(power as i32);
    let value = (value * 10.0 + 0.5).floor() / 10.0;
    let suffix = SUFFIXES.get(power).copied().unwrap_or("EB");
    match value < 10.0 {
        true => format!("{value:.1}{suffix}"),
        false => format!("{value:.0}{suffix}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_in_their_order() {
        use FieldKind::{Boolean, Bytes, Duration, Float, Int, String};
        for (value, want) in [
            ("1", Int),
            ("-7", Int),
            ("1.0", Float),
            ("1e3", Float),
            ("true", Boolean),
            ("T", Boolean),
            ("174ms", Duration),
            ("1m", Duration),
            ("1.5kB", Bytes),
            ("1,234 MiB", Bytes),
            ("10B", Bytes),
            ("5k", Bytes),
            ("", String),
            ("kB", String),
            ("10 beers", String),
            ("2026-01-15T10:00:00Z", String),
            ("tRUE", String),
        ] {
            assert_eq!(kind(value), want, "{value:?}");
        }
    }

    #[test]
    fn sizes_as_shown() {
        for (value, want) in [
            ("200", "200"),
            ("9B", "9B"),
            ("200B", "200B"),
            ("1536B", "1.5kB"),
            ("1.5KB", "1.5kB"),
            ("1KiB", "1.0kB"),
            ("12 MB", "12MB"),
            ("82854982b", "83MB"),
            ("3ms", "3ms"),
            ("x", "x"),
        ] {
            assert_eq!(shown(value), want, "{value:?}");
        }
    }
}
