//! Values as text: [`text`] of a label, of metadata or of a line; lists and maps as JSON.
//!
//! The forms are those of the OpenTelemetry Collector, which Loki uses: keys of maps sorted, bytes
//! in base64, doubles in their shortest form.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64_simd::STANDARD;

use super::tree::Value;

/// The text of a value; empty for none.
pub(super) fn text<'a>(value: &Value<'a>) -> Cow<'a, str> {
    match value {
        Value::Empty => Cow::Borrowed(""),
        Value::Text(text) => Cow::Borrowed(text),
        Value::Bool(true) => Cow::Borrowed("true"),
        Value::Bool(false) => Cow::Borrowed("false"),
        Value::Int(int) => Cow::Owned(int.to_string()),
        Value::Double(double) => Cow::Owned(float(*double)),
        Value::Bytes(bytes) => Cow::Owned(STANDARD.encode_to_string(bytes)),
        Value::List(_) | Value::Map(_) => {
            let mut out = String::new();
            json(value, &mut out);
            Cow::Owned(out)
        }
    }
}

/// Values lie in each other to `MAX_VALUE_DEPTH`, so this ends early enough.
fn json(value: &Value<'_>, out: &mut String) {
    match value {
        Value::Empty => out.push_str("null"),
        Value::Text(text) => quoted(text, out),
        Value::Bytes(_) => quoted(&text(value), out),
        // JSON has no other numbers.
        Value::Double(double) if !double.is_finite() => quoted(&float(*double), out),
        Value::Bool(_) | Value::Int(_) | Value::Double(_) => out.push_str(&text(value)),
        Value::List(values) => {
            out.push('[');
            for (n, value) in values.iter().enumerate() {
                out.push_str(if n > 0 { "," } else { "" });
                json(value, out);
            }
            out.push(']');
        }
        Value::Map(pairs) => {
            // Of equal keys the last counts.
            let sorted: BTreeMap<_, _> = pairs.iter().map(|(key, value)| (*key, value)).collect();
            out.push('{');
            for (n, (key, value)) in sorted.into_iter().enumerate() {
                out.push_str(if n > 0 { "," } else { "" });
                quoted(key, out);
                out.push(':');
                json(value, out);
            }
            out.push('}');
        }
    }
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Writing to a string cannot fail.
            c if (c as u32) < 0x20 => drop(write!(out, "\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The shortest text that reads back as the same number; with an exponent where Go's JSON has one.
fn float(double: f64) -> String {
    let size = double.abs();
    if double.is_nan() {
        return "NaN".to_owned();
    }
    if double.is_infinite() {
        return if double > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{double:e}");
        return match text.split_once("e-") {
            Some(_) => text,
            None => text.replace('e', "e+"),
        };
    }
    double.to_string()
}

/// Lower-case hexadecimal, as ids are written.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &Value<'_>, want: &str) {
        assert_eq!(text(value), want);
    }

    #[test]
    fn forms() {
        check(&Value::Empty, "");
        check(&Value::Text("a \"b\""), "a \"b\"");
        check(&Value::Bool(false), "false");
        check(&Value::Int(-5), "-5");
        for (double, want) in [
            (0.5, "0.5"),
            (1.0, "1"),
            (-0.0, "-0"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1e-6, "0.000001"),
            (1.5e-7, "1.5e-7"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            check(&Value::Double(double), want);
        }
        for (bytes, want) in [
            (b"".as_slice(), ""),
            (b"f", "Zg=="),
            (b"fo", "Zm8="),
            (b"foo", "Zm9v"),
            (b"foob\xff", "Zm9vYv8="),
        ] {
            check(&Value::Bytes(bytes), want);
        }
        assert_eq!(hex(&[0x0a, 0xff]), "0aff");
    }

    #[test]
    fn lists_and_maps_are_json() {
        let list = Value::List(vec![
            Value::Text("a\n\u{1}<é>"),
            Value::Int(1),
            Value::Empty,
            Value::Double(f64::INFINITY),
            Value::Bytes(b"f"),
        ]);
        let map = Value::Map(vec![
            ("b", Value::Bool(true)),
            ("a", Value::Int(1)),
            ("a", list),
        ]);
        check(
            &map,
            r#"{"a":["a\n\u0001<é>",1,null,"+Inf","Zg=="],"b":true}"#,
        );
        check(&Value::Map(Vec::new()), "{}");
    }
}
