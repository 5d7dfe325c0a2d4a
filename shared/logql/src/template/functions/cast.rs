//! Numbers of anything: what cannot be one is 0, as templates expect.

use crate::template::value::Value;
use crate::template::{float, integer};

/// As an integer.
pub(super) fn to_int(value: Value<'_>) -> i64 {
    match value.plain() {
        Value::Int(int) | Value::Int64(int) => int,
        Value::Byte(byte) => i64::from(byte),
        Value::Float(float) => float::int_of(float),
        Value::Bool(truth) => i64::from(truth),
        Value::Text(text) => parse(text).unwrap_or(0),
        _ => 0,
    }
}

/// As a float.
pub(super) fn to_float(value: Value<'_>) -> f64 {
    match value.plain() {
        Value::Int(int) | Value::Int64(int) => int as f64,
        Value::Byte(byte) => f64::from(byte),
        Value::Float(float) => float,
        Value::Bool(truth) => f64::from(u8::from(truth)),
        Value::Text(text) => float::parse(text).unwrap_or(0.0),
        _ => 0.0,
    }
}

/// An integer in any base, or the whole part of a decimal number.
fn parse(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let wide = match text.split_once('.') {
        Some((whole, fraction)) => {
            let digits = whole.strip_prefix(['+', '-']).unwrap_or(whole);
            let mut all = digits.bytes().chain(fraction.bytes());
            if !all.all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            if digits.is_empty() {
                0
            } else {
                integer::parse(whole)?
            }
        }
        None => integer::parse(text)?,
    };
    i64::try_from(wide).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        for (text, want) in [
            ("12", 12),
            ("2.5", 2),
            ("-2.9", -2),
            ("-.9", 0),
            ("08", 0),
            ("010", 8),
            ("0x10", 16),
            ("1e3", 0),
            ("1.5e3", 0),
            ("9223372036854775808", 0),
            ("", 0),
        ] {
            assert_eq!(to_int(Value::Text(text.as_bytes())), want, "{text}");
        }
        assert_eq!(to_int(Value::Float(-1.9)), -1);
        assert_eq!(to_int(Value::Bool(true)), 1);
    }
}
