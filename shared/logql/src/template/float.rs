//! Floats as Go's `strconv` reads and writes them: [`parse`], [`write`], [`int_of`].

use super::error::Answer;
use super::sink::Sink;

/// Decimals behind which those of any float are zeros.
const MAX_DECIMALS: usize = 1100;

/// How a float is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// Go's verb: one of `b e E f g G x X`.
    pub(super) verb: u8,
    /// Digits; `None` for as many as tell it from its neighbours.
    pub(super) precision: Option<usize>,
}

/// Go's `ParseFloat`; `None` for what is no float, or beyond them.
pub(super) fn parse(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    let lower = body.to_ascii_lowercase();
    match lower.as_str() {
        "inf" | "infinity" => return Some(sign * f64::INFINITY),
        "nan" => return Some(f64::NAN),
        _ => {}
    }
    if let Some(hex) = lower.strip_prefix("0x") {
        return parse_hex(hex).map(|value| sign * value);
    }
    // What is left of Rust's syntax is Go's.
    if !lower.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let value: f64 = lower.parse().ok()?;
    value.is_finite().then_some(sign * value)
}

/// What follows `0x`: `1.8p3`.
fn parse_hex(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() == 0 {
        return None;
    }
    let mut value: u64 = 0;
    let mut shift: i32 = 0;
    for (at, digit) in whole
        .chars()
        .chain(fraction.chars())
        .filter(|c| *c != '_')
        .enumerate()
    {
        let digit = digit.to_digit(16)?;
        if value < 1 << 58 {
            value = value * 16 + u64::from(digit);
            shift -= if at >= whole.len() { 4 } else { 0 };
        } else {
            shift += if at < whole.len() { 4 } else { 0 };
        }
    }
    let exponent: i32 = exponent.parse().ok().filter(|e: &i32| e.abs() < 10_000)?;
    let value = value as f64 * f64::powi(2.0, exponent.saturating_add(shift));
    value.is_finite().then_some(value)
}

/// One more than the largest integer.
const INT_END: f64 = (1_u64 << 63) as f64;

/// The integer that a float is exactly.
pub(super) fn exact_int(float: f64) -> Option<i64> {
    let is_whole = float.fract() == 0.0 && (-INT_END..INT_END).contains(&float);
    is_whole.then_some(float as i64)
}

/// Go's conversion on the machines that Loki runs on: what has no place is the smallest integer.
pub(super) fn int_of(float: f64) -> i64 {
    if (-INT_END..INT_END).contains(&float) {
        float as i64
    } else {
        i64::MIN
    }
}

/// Ten to a power, rounded step by step as Go's `math.Pow` does; 0 and infinity beyond floats.
pub(super) fn power_of_10(exponent: i64) -> f64 {
    let mut left = exponent.unsigned_abs().min(5_000);
    let (mut result, mut result_exponent) = (1.0_f64, 0_i32);
    // 10 is 0.625 times 2 to the power of 4.
    let (mut base, mut base_exponent) = (0.625_f64, 4_i32);
    while left != 0 {
        if left % 2 == 1 {
            result *= base;
            result_exponent += base_exponent;
        }
        base *= base;
        base_exponent *= 2;
        if base < 0.5 {
            base += base;
            base_exponent -= 1;
        }
        left /= 2;
    }
    if exponent < 0 {
        (result, result_exponent) = (1.0 / result, -result_exponent);
    }
    // In two halves, since either may be beyond floats where the product is not.
    let half = result_exponent.clamp(-2_100, 2_100) / 2;
    let rest = result_exponent.clamp(-2_100, 2_100) - half;
    result * f64::powi(2.0, half) * f64::powi(2.0, rest)
}

/// Writes `float`, with a sign only if it is negative.
pub(super) fn write(sink: &mut Sink<'_>, float: f64, shape: Shape) -> Answer<()> {
    if float.is_nan() {
        return sink.push(b"NaN");
    }
    if float.is_infinite() {
        return sink.push(if float > 0.0 { b"+Inf" } else { b"-Inf" });
    }
    if float.is_sign_negative() {
        sink.byte(b'-')?;
    }
    let float = float.abs();
    match shape.verb {
        b'e' | b'E' => exponential(sink, &Digits::of(float, shape.precision), shape),
        b'f' => fixed(sink, float, shape.precision),
        b'b' => {
            let (mantissa, exponent) = parts(float);
            sink.put(format_args!("{mantissa}p{exponent:+}"))
        }
        b'x' | b'X' => hexadecimal(sink, float, shape),
        _ => general(sink, float, shape),
    }
}

/// Decimal digits without trailing zeros, and the place of the point behind their first.
struct Digits {
    /// One at least.
    text: String,
    exponent: i32,
}

impl Digits {
    /// With `precision` digits behind the first.
    fn of(float: f64, precision: Option<usize>) -> Self {
        let text = match precision {
            Some(precision) => format!("{float:.*e}", precision.min(MAX_DECIMALS)),
            None => format!("{float:e}"),
        };
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = mantissa.replace('.', "");
        let kept = digits.trim_end_matches('0').len().max(1);
        Self {
            text: digits.get(..kept).unwrap_or("0").to_owned(),
            exponent: exponent.parse().unwrap_or(0),
        }
    }
}

fn exponential(sink: &mut Sink<'_>, digits: &Digits, shape: Shape) -> Answer<()> {
    let (first, rest) = digits.text.split_at_checked(1).unwrap_or(("0", ""));
    sink.push(first.as_bytes())?;
    let wanted = shape.precision.unwrap_or(rest.len());
    if wanted > 0 {
        sink.byte(b'.')?;
        sink.push(rest.as_bytes())?;
        sink.repeat(b"0", wanted.saturating_sub(rest.len()))?;
    }
    let mark = if shape.verb.is_ascii_uppercase() {
        'E'
    } else {
        'e'
    };
    let sign = if digits.exponent < 0 { '-' } else { '+' };
    sink.put(format_args!("{mark}{sign}{:02}", digits.exponent.abs()))
}

fn fixed(sink: &mut Sink<'_>, float: f64, precision: Option<usize>) -> Answer<()> {
    let Some(precision) = precision else {
        return sink.put(format_args!("{float}"));
    };
    let shown = precision.min(MAX_DECIMALS);
    sink.put(format_args!("{float:.shown$}"))?;
    sink.repeat(b"0", precision - shown)
}

fn general(sink: &mut Sink<'_>, float: f64, shape: Shape) -> Answer<()> {
    // A precision of 0 means one digit.
    let precision = shape.precision.map(|precision| precision.max(1));
    let digits = Digits::of(float, precision.map(|precision| precision - 1));
    let count = digits.text.len() as i64;
    let point = i64::from(digits.exponent) + 1;
    let limit = match precision {
        None => 6,
        Some(precision) if precision as i64 > count && count >= point => count,
        Some(precision) => precision as i64,
    };
    let exponent = i64::from(digits.exponent);
    if float != 0.0 && (exponent < -4 || exponent >= limit) {
        return exponential(
            sink,
            &digits,
            Shape {
                precision: None,
                ..shape
            },
        );
    }
    let (whole, fraction) = digits
        .text
        .split_at_checked(usize::try_from(point).unwrap_or(0))
        .unwrap_or((&digits.text, ""));
    sink.push(if whole.is_empty() {
        b"0"
    } else {
        whole.as_bytes()
    })?;
    sink.repeat(b"0", usize::try_from(point - count).unwrap_or(0))?;
    if !fraction.is_empty() {
        sink.byte(b'.')?;
        sink.repeat(b"0", usize::try_from(-point).unwrap_or(0))?;
        sink.push(fraction.as_bytes())?;
    }
    Ok(())
}

/// The integer and the power of 2 whose product the float is.
fn parts(float: f64) -> (u64, i32) {
    let bits = float.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    match (bits >> 52) & 0x7ff {
        0 => (fraction, -1074),
        exponent => (fraction | 1 << 52, exponent as i32 - 1075),
    }
}

fn hexadecimal(sink: &mut Sink<'_>, float: f64, shape: Shape) -> Answer<()> {
    let (mut mantissa, exponent) = parts(float);
    let mut exponent = exponent + 52;
    if mantissa == 0 {
        exponent = 0;
    } else {
        let shift = mantissa.leading_zeros() - 11;
        mantissa <<= shift;
        exponent -= shift as i32;
    }
    // 13 digits behind the point; fewer are rounded to even.
    if let Some(dropped @ 1..) = shape
        .precision
        .map(|wanted| 13_usize.saturating_sub(wanted))
    {
        let unit = 1_u64 << (4 * dropped);
        let (kept, rest) = (mantissa / unit, mantissa % unit);
        let up = rest > unit / 2 || (rest == unit / 2 && kept % 2 == 1);
        mantissa = (kept + u64::from(up)) * unit;
        if mantissa >= 1 << 53 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let digits = format!("{:013x}", mantissa & ((1 << 52) - 1));
    let wanted = shape
        .precision
        .unwrap_or(digits.trim_end_matches('0').len());
    let start = sink.len();
    sink.put(format_args!("0x{}", mantissa >> 52))?;
    if wanted > 0 {
        sink.byte(b'.')?;
        sink.push(digits.get(..wanted.min(13)).unwrap_or_default().as_bytes())?;
        sink.repeat(b"0", wanted.saturating_sub(13))?;
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    sink.put(format_args!("p{sign}{:02}", exponent.abs()))?;
    if shape.verb == b'X' {
        sink.upper_since(start);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(float: f64, verb: u8, precision: Option<usize>, want: &str) {
        let mut bytes = Vec::new();
        let answer = write(&mut Sink::new(&mut bytes), float, Shape { verb, precision });
        assert_eq!(answer, Ok(()));
        assert_eq!(
            String::from_utf8_lossy(&bytes),
            want,
            "{float} {}",
            verb as char
        );
    }

    #[test]
    fn shortest() {
        for (float, want) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (100_000.0, "100000"),
            (1e6, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (0.1, "0.1"),
            (1500.0, "1500"),
            (1e100, "1e+100"),
            (f64::INFINITY, "+Inf"),
        ] {
            check(float, b'g', None, want);
        }
    }

    #[test]
    fn verbs() {
        check(1234.5678, b'g', Some(3), "1.23e+03");
        check(100.0, b'g', Some(3), "100");
        check(100.0, b'g', Some(5), "100");
        check(1234.5678, b'e', Some(2), "1.23e+03");
        check(1234.5678, b'f', Some(2), "1234.57");
        check(1e21, b'f', None, "1000000000000000000000");
        check(2.5, b'f', Some(0), "2");
        check(1.0, b'x', None, "0x1p+00");
        check(3.75, b'x', Some(1), "0x1.ep+01");
        check(1.0, b'b', None, "4503599627370496p-52");
        check(0.0, b'e', Some(1), "0.0e+00");
    }

    #[test]
    fn reads() {
        for (text, want) in [
            ("1.5", Some(1.5)),
            ("-1e3", Some(-1000.0)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("0x1p4", Some(16.0)),
            ("0x.8p0", Some(0.5)),
            ("inf", Some(f64::INFINITY)),
            ("1e999", None),
            ("1_0", None),
            ("", None),
            ("e5", None),
        ] {
            assert_eq!(parse(text.as_bytes()), want, "{text}");
        }
    }
}
