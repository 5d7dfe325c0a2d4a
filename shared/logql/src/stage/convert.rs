//! Numbers out of the texts of labels, as Go reads them: [`float`], [`duration`], [`size`].
//!
//! For conditions on labels and for `unwrap`. A [`Refusal`] prints what Go says, which becomes
//! `__error_details__`; it is made when it is printed, since most refusals are not.

use std::borrow::Cow;
use std::fmt::{self, Display};

use narvi_model::duration::{self, DurationError};
use narvi_model::write_quoted;

/// Why a text is no number.
#[derive(Debug)]
pub(super) enum Refusal<'t> {
    /// Not the form of a number, or more than a double holds.
    Float(Cow<'t, [u8]>, &'static str),
    /// No duration.
    Duration(DurationError),
    /// The unit of a size that does not exist.
    SizeUnit(&'t str),
    /// More bytes than 64 bits count.
    SizeRange(Cow<'t, str>),
}

impl Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Float(text, reason) => {
                f.write_str("strconv.ParseFloat: parsing ")?;
                write_quoted(f, &String::from_utf8_lossy(text))?;
                write!(f, ": {reason}")
            }
            Self::Duration(error) => error.fmt(f),
            Self::SizeUnit(unit) => write!(f, "unhandled size name: {}", unit.to_lowercase()),
            Self::SizeRange(text) => write!(f, "too large: {text}"),
        }
    }
}

/// What Go's `ParseFloat` reads: decimal or hexadecimal, `_` between digits, `Inf`, `NaN`.
pub(super) fn float(text: &[u8]) -> Result<f64, Refusal<'_>> {
    parse_float(text).map_err(|reason| Refusal::Float(text.into(), reason))
}

fn parse_float(text: &[u8]) -> Result<f64, &'static str> {
    const SYNTAX: &str = "invalid syntax";
    let digits = if memchr::memchr(b'_', text).is_some() {
        without_underscores(text).ok_or(SYNTAX)?
    } else {
        Cow::Borrowed(text)
    };
    let (negative, unsigned) = match digits.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, &*digits),
    };
    let is_signed = unsigned.len() < digits.len();
    let value = match unsigned {
        [b'0', b'x' | b'X', digits @ ..] => hexadecimal(digits),
        _ => std::str::from_utf8(unsigned)
            .ok()
            // A second sign is none, nor is `-nan`.
            .filter(|text| !text.starts_with(['-', '+']))
            .and_then(|text| text.parse::<f64>().ok())
            .filter(|value| !(value.is_nan() && is_signed)),
    };
    let value = value.ok_or(SYNTAX)?;
    if value.is_infinite() && unsigned.iter().any(u8::is_ascii_digit) {
        return Err("value out of range");
    }
    Ok(if negative { -value } else { value })
}

/// The text without its underscores; `None` where one does not stand between digits. The prefix
/// `0x` counts as a digit.
fn without_underscores(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    let unsigned = text.strip_prefix(b"-").or(text.strip_prefix(b"+"));
    let unsigned = unsigned.unwrap_or(text);
    let is_hexadecimal = matches!(unsigned, [b'0', b'x' | b'X', ..]);
    let is_digit = |byte: &u8| match is_hexadecimal {
        true => byte.is_ascii_hexdigit() || matches!(byte, b'x' | b'X'),
        false => byte.is_ascii_digit(),
    };
    let between = text.iter().enumerate().filter(|(_, byte)| **byte == b'_');
    for (at, _) in between {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        let behind = text.get(at + 1);
        if !(before.is_some_and(is_digit) && behind.is_some_and(is_digit)) {
            return None;
        }
    }
    let digits = text.iter().copied().filter(|byte| *byte != b'_');
    Some(digits.collect::<Vec<u8>>().into())
}

/// `1.8p3`: hexadecimal digits with an exponent of two, which must be there.
fn hexadecimal(text: &[u8]) -> Option<f64> {
    let end = memchr::memchr2(b'p', b'P', text)?;
    let (digits, exponent) = (text.get(..end)?, text.get(end + 1..)?);
    let exponent = std::str::from_utf8(exponent).ok()?;
    let unsigned = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let far = if exponent.starts_with('-') { -FAR } else { FAR };
    let mut exponent = exponent.parse::<i64>().unwrap_or(far).clamp(-FAR, FAR);
    let (mut mantissa, mut point, mut any) = (0_u64, false, false);
    for byte in digits {
        if *byte == b'.' && !point {
            point = true;
            continue;
        }
        let digit = u64::from(char::from(*byte).to_digit(16)?);
        any = true;
        if mantissa >> 60 == 0 {
            mantissa = mantissa << 4 | digit;
            exponent -= if point { 4 } else { 0 };
        } else {
            // What does not fit decides only which way is rounded.
            mantissa |= u64::from(digit > 0);
            exponent += if point { 0 } else { 4 };
        }
    }
    any.then(|| scaled(mantissa, exponent))
}

/// Exponents beyond this are infinite or 0 whatever digits a line can hold.
const FAR: i64 = 1 << 40;

/// `mantissa * 2^exponent`, rounded once to the nearest double, ties to even.
fn scaled(mantissa: u64, exponent: i64) -> f64 {
    if mantissa == 0 {
        return 0.0;
    }
    let shift = mantissa.leading_zeros();
    let (mantissa, exponent) = (mantissa << shift, exponent - i64::from(shift));
    // A double keeps 53 bits, and fewer below 2^-1022.
    let lost = (-1074 - exponent).max(11);
    if lost > 64 {
        return 0.0;
    }
    let (wide, lost) = (u128::from(mantissa), lost as u32);
    let (kept, rest, half) = (wide >> lost, wide & ((1 << lost) - 1), 1 << (lost - 1));
    let up = rest > half || (rest == half && kept & 1 == 1);
    let kept = kept + u128::from(up);
    // Both factors are exact, and so is their product unless it is infinite.
    kept as f64 * power_of_two(exponent + i64::from(lost))
}

fn power_of_two(exponent: i64) -> f64 {
    match exponent {
        ..-1074 => 0.0,
        -1074..-1022 => f64::from_bits(1 << (exponent + 1074)),
        -1022..1024 => f64::from_bits(((exponent + 1023) as u64) << 52),
        _ => f64::INFINITY,
    }
}

/// What Go's `ParseDuration` reads, in nanoseconds.
pub(super) fn duration(text: &[u8]) -> Result<i64, Refusal<'_>> {
    duration::parse_go(&String::from_utf8_lossy(text)).map_err(Refusal::Duration)
}

/// A size in bytes: `1.5 KiB`, `1,000`, `2gb`; without a unit bytes.
pub(super) fn size(text: &[u8]) -> Result<u64, Refusal<'_>> {
    let is_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b',');
    let number = text.iter().position(|byte| !is_number(byte));
    let (number, unit) = text.split_at(number.unwrap_or(text.len()));
    let number: Cow<'_, [u8]> = match memchr::memchr(b',', number) {
        Some(_) => number.iter().copied().filter(|b| *b != b',').collect(),
        None => number.into(),
    };
    let number = parse_float(&number).map_err(|reason| Refusal::Float(number, reason))?;
    let unit = std::str::from_utf8(unit).unwrap_or("\u{FFFD}").trim();
    let factor = factor(unit).ok_or(Refusal::SizeUnit(unit))?;
    let bytes = number * factor;
    // 2^64 as a float.
    if bytes >= 18_446_744_073_709_551_616.0 {
        return Err(Refusal::SizeRange(String::from_utf8_lossy(text)));
    }
    Ok(bytes as u64)
}

/// Bytes of one `unit`, whatever its case: thousands, or powers of 1024 where it has an `i`.
fn factor(unit: &str) -> Option<f64> {
    let mut letters = unit.bytes().map(|byte| byte.to_ascii_lowercase());
    let power = match letters.next() {
        None => return Some(1.0),
        Some(b'b') => return letters.next().is_none().then_some(1.0),
        Some(b'k') => 1,
        Some(b'm') => 2,
        Some(b'g') => 3,
        Some(b't') => 4,
        Some(b'p') => 5,
        Some(b'e') => 6,
        Some(_) => return None,
    };
    let base = match (letters.next(), letters.next(), letters.next()) {
        (None | Some(b'b'), None, None) => 1000_f64,
        (Some(b'i'), None | Some(b'b'), None) => 1024_f64,
        _ => return None,
    };
    Some(base.powi(power))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: PartialEq + fmt::Debug>(got: Result<T, Refusal<'_>>, want: Result<T, &str>) {
        let got = got.map_err(|refusal| refusal.to_string());
        assert_eq!(got, want.map_err(str::to_owned));
    }

    /// Values and texts, here and below, are those of Go 1.26's `strconv.ParseFloat`.
    #[test]
    fn floats() {
        for (text, want) in [
            ("1e3", 1000.0),
            ("-1.5", -1.5),
            ("+.5", 0.5),
            ("5.", 5.0),
            ("inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("1_000", 1000.0),
            ("1e1_0", 1e10),
            ("1e-400", 0.0),
            ("00012", 12.0),
            ("0x1p4", 16.0),
            ("-0X1.Fp-2", -0.484_375),
            ("0x_1p4", 16.0),
            ("0x.8p0", 0.5),
            ("0x0p5", 0.0),
            ("0x1.fffffffffffff8p0", 2.0),
            ("0x1.fffffffffffff7p0", 2.0 - f64::EPSILON),
            ("0x123456789abcdef01p0", 2.098_829_547_942_064_5e19),
            ("0x1p-1074", 5e-324),
            ("0x1p-1075", 0.0),
            ("0x1.8p-1075", 5e-324),
            ("0x1p-2000", 0.0),
            ("0x1p1023", 8.988_465_674_311_58e307),
            ("0x1p-99999999999999999999", 0.0),
        ] {
            check(float(text.as_bytes()), Ok(want));
        }
        assert!(float(b"NaN").unwrap().is_nan());
    }

    #[test]
    fn no_floats() {
        for text in [
            "",
            ".",
            "+",
            "- 1",
            "--1",
            " 1",
            "1 ",
            "1e",
            "e1",
            "1e1.5",
            "1,000",
            "0x1F",
            "0xp1",
            "0x",
            "0x1p",
            "0x1p+",
            "0x1.1.1p0",
            "1__0",
            "_1",
            "1_",
            "1_.5",
            "1._5",
            "+nan",
            "-NaN",
            "infinit",
            "i_nf",
            "0b1",
            "日本",
            "١",
        ] {
            let want = format!("strconv.ParseFloat: parsing {text:?}: invalid syntax");
            check(float(text.as_bytes()), Err(&want));
        }
        for text in [
            "1e400",
            "-1e400",
            "1e99999999999",
            "0x1p2000",
            "0x1.fffffffffffff8p1023",
            "0x1p99999999999999999999",
        ] {
            let want = format!("strconv.ParseFloat: parsing {text:?}: value out of range");
            check(float(text.as_bytes()), Err(&want));
        }
    }

    #[test]
    fn durations() {
        check(duration(b"1m30s"), Ok(90_000_000_000));
        check(
            duration(b"1d"),
            Err(r#"time: unknown unit "d" in duration "1d""#),
        );
    }

    #[test]
    fn sizes() {
        for (text, want) in [
            ("42", 42),
            ("42B", 42),
            ("1kb", 1000),
            ("1.5 KiB", 1536),
            ("2Ki", 2048),
            ("3m", 3_000_000),
            ("1,000KB", 1_000_000),
            ("1EiB", 1 << 60),
            ("1.9", 1),
        ] {
            check(size(text.as_bytes()), Ok(want));
        }
        for (text, want) in [
            ("", r#"strconv.ParseFloat: parsing "": invalid syntax"#),
            ("-1KB", r#"strconv.ParseFloat: parsing "": invalid syntax"#),
            (
                "1,2.3.4",
                r#"strconv.ParseFloat: parsing "12.3.4": invalid syntax"#,
            ),
            ("5XB", "unhandled size name: xb"),
            ("5kib/s", "unhandled size name: kib/s"),
            ("99EB", "too large: 99EB"),
        ] {
            check(size(text.as_bytes()), Err(want));
        }
    }
}
