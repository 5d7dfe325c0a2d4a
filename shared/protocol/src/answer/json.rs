//! JSON as Go writes it: strings with HTML escapes, floats without exponents, label objects.

use std::io::Write as _;

use narvi_model::Labels;

/// For each byte: 0 where it is written as it is, else the letter of its escape (`u` = `\u00XX`).
/// `0xE2` begins U+2028 and U+2029, so it asks for a closer look.
const ESCAPE: [u8; 256] = {
    let mut table = [0; 256];
    let mut c = 0;
    while c < 0x20 {
        table[c] = b'u';
        c += 1;
    }
    table[b'\n' as usize] = b'n';
    table[b'\r' as usize] = b'r';
    table[b'\t' as usize] = b't';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table[b'<' as usize] = b'u';
    table[b'>' as usize] = b'u';
    table[b'&' as usize] = b'u';
    table[0xe2] = 0xe2;
    table
};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Writes UTF-8 text in quotes.
pub(super) fn write_string(out: &mut Vec<u8>, text: &[u8]) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut start = 0;
    for (at, &c) in text.iter().enumerate() {
        let escape = ESCAPE[usize::from(c)];
        if escape == 0 {
            continue;
        }
        if escape == 0xe2 {
            // U+2028 and U+2029 end a line in JavaScript, so Go escapes them.
            if let Some(&[_, 0x80, last @ (0xa8 | 0xa9)]) = text.get(at..at + 3) {
                out.extend_from_slice(&text[start..at]);
                out.extend_from_slice(if last == 0xa8 { br"\u2028" } else { br"\u2029" });
                start = at + 3;
            }
            continue;
        }
        out.extend_from_slice(&text[start..at]);
        start = at + 1;
        if escape == b'u' {
            out.extend_from_slice(br"\u00");
            out.push(HEX[usize::from(c >> 4)]);
            out.push(HEX[usize::from(c & 15)]);
        } else {
            out.extend_from_slice(&[b'\\', escape]);
        }
    }
    out.extend_from_slice(&text[start..]);
    out.push(b'"');
}

/// Writes `[…]`.
pub(super) fn write_list<T>(out: &mut Vec<u8>, all: &[T], item: impl Fn(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (n, one) in all.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        item(out, one);
    }
    out.push(b']');
}

/// Writes `{"name":"value",…}`.
pub(super) fn write_labels(out: &mut Vec<u8>, labels: &Labels) {
    out.push(b'{');
    for (n, (name, value)) in labels.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        write_string(out, name.as_bytes());
        out.push(b':');
        write_string(out, value.as_bytes());
    }
    out.push(b'}');
}

/// Writes a sample's value as Go's `FormatFloat(v, 'f', -1, 64)`: the shortest digits that read
/// back as the same value, never with an exponent.
pub(super) fn write_float(out: &mut Vec<u8>, value: f64) {
    // Writing to a vector cannot fail.
    let _ = match value {
        v if v.is_nan() => out.write_all(b"NaN"),
        f64::INFINITY => out.write_all(b"+Inf"),
        f64::NEG_INFINITY => out.write_all(b"-Inf"),
        v => write!(out, "{v}"),
    };
}

/// Writes milliseconds as seconds with up to three decimals.
pub(super) fn write_seconds(out: &mut Vec<u8>, millis: i64) {
    let (whole, part) = (millis.unsigned_abs() / 1000, millis.unsigned_abs() % 1000);
    if millis < 0 {
        out.push(b'-');
    }
    // Writing to a vector cannot fail.
    let _ = match part {
        0 => write!(out, "{whole}"),
        p if p % 100 == 0 => write!(out, "{whole}.{}", p / 100),
        p if p % 10 == 0 => write!(out, "{whole}.{:02}", p / 10),
        p => write!(out, "{whole}.{p:03}"),
    };
}

/// Writes a whole number.
pub(super) fn write_integer(out: &mut Vec<u8>, value: i64) {
    // Writing to a vector cannot fail.
    let _ = write!(out, "{value}");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(want: &str, write: impl Fn(&mut Vec<u8>)) {
        let mut out = Vec::new();
        write(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), want);
    }

    #[test]
    fn strings_as_go_writes_them() {
        for (text, want) in [
            ("", r#""""#),
            ("plain é🎉", r#""plain é🎉""#),
            ("\"\\\n\r\t", r#""\"\\\n\r\t""#),
            (
                "\u{0}\u{8}\u{c}\u{1f}\u{7f}",
                "\"\\u0000\\u0008\\u000c\\u001f\u{7f}\"",
            ),
            ("<a>&b", r#""\u003ca\u003e\u0026b""#),
            (
                "x\u{2028}y\u{2029}\u{2027}\u{202a}",
                "\"x\\u2028y\\u2029\u{2027}\u{202a}\"",
            ),
        ] {
            check(want, |out| write_string(out, text.as_bytes()));
        }
    }

    #[test]
    fn floats_as_go_writes_them() {
        for (value, want) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e21, "1000000000000000000000"),
            (1e-7, "0.0000001"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            check(want, |out| write_float(out, value));
        }
    }

    #[test]
    fn seconds() {
        for (millis, want) in [
            (0, "0"),
            (1_500, "1.5"),
            (1_050, "1.05"),
            (1, "0.001"),
            (-1_500, "-1.5"),
            (-10, "-0.01"),
        ] {
            check(want, |out| write_seconds(out, millis));
        }
    }

    proptest! {
        #[test]
        fn strings_read_back(text in "\\PC*|[\\x00-\\x7f\u{2020}-\u{2030}]*") {
            let mut out = Vec::new();
            write_string(&mut out, text.as_bytes());
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn floats_read_back(bits: u64) {
            let value = f64::from_bits(bits);
            let mut out = Vec::new();
            write_float(&mut out, value);
            let text = String::from_utf8(out).unwrap();
            prop_assert!(!text.contains('e'));
            let back: f64 = text.parse().unwrap();
            prop_assert!(back == value || (back.is_nan() && value.is_nan()));
        }
    }
}
