//! Numbers, durations (`5s`, `1h30m`, `1.5h`), sizes (`5KB`, `1.5MiB`) and ranges (`[5m]`).
//!
//! A number with letters behind it is a duration if it reads as one, else a size, else the number
//! alone: `1m` is a minute and `1M` a million bytes.

use narvi_model::duration;

use super::token::Token;
use super::{Read, Refusal};

/// A number, duration or size.
pub(super) fn number(rest: &str) -> Result<Read<'_>, Refusal> {
    let len = number_len(rest)?;
    let with_unit = |is_unit: fn(char) -> bool| {
        let tail = rest.get(len..).unwrap_or_default();
        let unit = tail.find(|c| !is_unit(c)).unwrap_or(tail.len());
        rest.get(..len + unit).filter(|_| unit > 0)
    };
    if let Some(text) = with_unit(is_duration_char)
        && let Ok(nanos) = duration::parse(text)
    {
        return Ok(Read {
            token: Token::Duration(nanos),
            len: text.len(),
            assembled: true,
        });
    }
    if let Some(text) = with_unit(is_size_char)
        && let Some(bytes) = size(text)
    {
        return Ok(Read {
            token: Token::Bytes(bytes),
            len: text.len(),
            assembled: true,
        });
    }
    let text = rest.get(..len).unwrap_or_default();
    Ok(Read {
        token: Token::Number(text),
        len,
        assembled: false,
    })
}

/// `-5s`, where the sign belongs to the literal; `None` if it is no duration.
pub(super) fn negative_duration(rest: &str) -> Option<Read<'_>> {
    let unsigned = rest.strip_prefix('-')?;
    let len = unsigned
        .find(|c| !is_duration_char(c))
        .unwrap_or(unsigned.len());
    let text = unsigned
        .get(..len)
        .filter(|text| text.ends_with(char::is_alphabetic))?;
    let nanos = duration::parse(text).ok()?;
    Some(Read {
        token: Token::Duration(-nanos),
        len: len + 1,
        assembled: true,
    })
}

/// `[5m]`: Prometheus' durations only.
pub(super) fn range(rest: &str) -> Result<Read<'_>, Refusal> {
    let refuse = |message: String| Refusal {
        message,
        assembled: true,
    };
    let inner = rest.get(1..).unwrap_or_default();
    let Some(end) = inner.find(']') else {
        return Err(refuse("missing closing ']' in duration".to_owned()));
    };
    let text = inner.get(..end).unwrap_or_default();
    let nanos = duration::parse_prometheus(text).map_err(|error| refuse(error.to_string()))?;
    Ok(Read {
        token: Token::Range(nanos),
        len: end + 2,
        assembled: true,
    })
}

/// The value of a number token.
///
/// # Errors
/// Go's text where its `ParseFloat` refuses what its scanner took: `0x10`, `0b1`, `1e400`.
pub(in crate::syntax) fn float(text: &str) -> Result<f64, String> {
    let refuse = |reason: &str| format!("strconv.ParseFloat: parsing {text:?}: {reason}");
    let value: f64 = text
        .replace('_', "")
        .parse()
        .map_err(|_| refuse("invalid syntax"))?;
    if value.is_infinite() {
        return Err(refuse("value out of range"));
    }
    Ok(value)
}

fn is_duration_char(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '.' | 'n' | 'u' | 'µ' | 'm' | 's' | 'h' | 'd' | 'w' | 'y')
}

fn is_size_char(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '.' | 'B' | 'i' | 'k' | 'K' | 'M' | 'G' | 'T' | 'P')
}

/// Bytes of `5KB` (thousands) or `5KiB` (of 1024); units ignore case.
pub(in crate::syntax) fn size(text: &str) -> Option<u64> {
    let digits = text
        .find(|c: char| c != '.' && !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.to_ascii_lowercase();
    let unit = unit.strip_suffix('b').unwrap_or(&unit);
    let (letter, base) = unit
        .strip_suffix('i')
        .map_or((unit, 1000_f64), |rest| (rest, 1024_f64));
    let power = match (letter, base as u32) {
        ("", 1000) => 0,
        ("k", _) => 1,
        ("m", _) => 2,
        ("g", _) => 3,
        ("t", _) => 4,
        ("p", _) => 5,
        _ => return None,
    };
    let bytes = number.parse::<f64>().ok()? * base.powi(power);
    // 2^64 as a float; a larger value would be cut.
    (bytes < 18_446_744_073_709_551_616.0).then_some(bytes as u64)
}

/// The length of the number at the start of `rest`, by the rules of Go's scanner.
fn number_len(rest: &str) -> Result<usize, Refusal> {
    let mut lower = rest.chars().map(|c| c.to_ascii_lowercase());
    let prefixed = match (lower.next(), lower.next()) {
        (Some('0'), Some('x')) => Some((16, "hexadecimal literal")),
        (Some('0'), Some('o')) => Some((8, "octal literal")),
        (Some('0'), Some('b')) => Some((2, "binary literal")),
        _ => None,
    };
    if let Some((radix, name)) = prefixed {
        let digits = digits_len(rest.get(2..).unwrap_or_default(), radix);
        return match digits {
            0 => Err(Refusal::new(format!("{name} has no digits"))),
            digits => Ok(2 + digits),
        };
    }
    decimal_len(rest)
}

fn digits_len(text: &str, radix: u32) -> usize {
    text.find(|c: char| c != '_' && !c.is_digit(radix))
        .unwrap_or(text.len())
}

fn decimal_len(rest: &str) -> Result<usize, Refusal> {
    let tail = |len: usize| rest.get(len..).unwrap_or_default();
    let whole = digits_len(rest, 10);
    let mut len = whole;
    let mut is_float = false;
    if tail(len).starts_with('.') {
        is_float = true;
        len += 1 + digits_len(tail(len + 1), 10);
    }
    if tail(len).starts_with(['e', 'E']) {
        is_float = true;
        len += 1 + usize::from(tail(len + 1).starts_with(['+', '-']));
        let digits = digits_len(tail(len), 10);
        if digits == 0 {
            return Err(Refusal::new("exponent has no digits"));
        }
        len += digits;
    }
    let text = rest.get(..len).unwrap_or_default();
    let misplaced = text.split('_').any(|part| {
        !part.starts_with(|c: char| c.is_ascii_digit())
            || !part.ends_with(|c: char| c.is_ascii_digit())
    });
    if text.contains('_') && misplaced {
        return Err(Refusal::new("'_' must separate successive digits"));
    }
    if !is_float
        && text.starts_with('0')
        && let Some(digit) = text.chars().find(|c| matches!(c, '8' | '9'))
    {
        return Err(Refusal::new(format!(
            "invalid digit {digit:?} in octal literal"
        )));
    }
    Ok(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, want: Result<(Token<'_>, usize), &str>) {
        let read = match source.as_bytes().first() {
            Some(b'[') => range(source),
            Some(b'-') => negative_duration(source).ok_or_else(|| Refusal::new("none")),
            _ => number(source),
        };
        let got = read
            .map(|read| (read.token, read.len))
            .map_err(|refusal| refusal.message);
        assert_eq!(got, want.map_err(str::to_owned), "{source}");
    }

    #[test]
    fn plain() {
        for text in [
            "5", ".5", "5.", "1.5", "1e3", "1E+3", "1_000", "0x1F", "010", "0", "0.08",
        ] {
            check(text, Ok((Token::Number(text), text.len())));
        }
        check("5ddd", Ok((Token::Number("5"), 1)));
        check("30m1h", Ok((Token::Duration(5_400_000_000_000), 5)));
        check("1kb", Ok((Token::Bytes(1000), 2)));
        check("0B", Err("binary literal has no digits"));
        check("08", Err("invalid digit '8' in octal literal"));
        check("1e", Err("exponent has no digits"));
        check("1__0", Err("'_' must separate successive digits"));
        assert_eq!(float("1_000"), Ok(1000.0));
        assert_eq!(
            float("0x10"),
            Err("strconv.ParseFloat: parsing \"0x10\": invalid syntax".to_owned())
        );
        assert_eq!(
            float("1e400"),
            Err("strconv.ParseFloat: parsing \"1e400\": value out of range".to_owned())
        );
    }

    #[test]
    fn durations() {
        check("5s ", Ok((Token::Duration(5_000_000_000), 2)));
        check("1h30m", Ok((Token::Duration(5_400_000_000_000), 5)));
        check("1.5h", Ok((Token::Duration(5_400_000_000_000), 4)));
        check("100µs", Ok((Token::Duration(100_000), 6)));
        check("1d", Ok((Token::Duration(86_400_000_000_000), 2)));
        check("-5s", Ok((Token::Duration(-5_000_000_000), 3)));
        check("-5", Err("none"));
        check("-x", Err("none"));
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("5B", 5),
            ("1k", 1000),
            ("1KB", 1000),
            ("1KiB", 1024),
            ("1.5MB", 1_500_000),
            ("2Mi", 2 << 20),
            ("1GB", 1_000_000_000),
            ("1TiB", 1 << 40),
            ("1PB", 1_000_000_000_000_000),
        ] {
            check(text, Ok((Token::Bytes(bytes), text.len())));
        }
        check(
            "99999999999999PB",
            Ok((Token::Number("99999999999999"), 14)),
        );
        check("5i", Ok((Token::Number("5"), 1)));
    }

    #[test]
    fn ranges() {
        check("[5m]", Ok((Token::Range(300_000_000_000), 4)));
        check("[0]", Ok((Token::Range(0), 3)));
        check("[5m", Err("missing closing ']' in duration"));
        check("[]", Err("empty duration string"));
        check("[1.5m]", Err("unknown unit \".\" in duration \"1.5m\""));
    }
}
