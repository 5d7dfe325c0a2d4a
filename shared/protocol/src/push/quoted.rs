//! Quoted text of the label syntax: where it ends ([`scan`]) and what it says ([`unquote`]).
//!
//! Rules are those of Go's `strconv.Unquote` and Prometheus' lexer: `"…"` and `'…'` with escapes,
//! `` `…` `` without.

/// Length of the quoted text that `rest` begins with, its quotes included.
///
/// # Errors
/// Prometheus' text for what is wrong.
pub(super) fn scan(rest: &str) -> Result<usize, &'static str> {
    let mut chars = rest.char_indices();
    let quote = chars.next().map_or('"', |(_, quote)| quote);
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Ok(at + c.len_utf8()),
            '\\' if quote != '`' => {
                chars.next().ok_or("escape sequence not terminated")?;
            }
            '\n' if quote != '`' => return Err("unterminated quoted string"),
            _ => {}
        }
    }
    Err(if quote == '`' {
        "unterminated raw string"
    } else {
        "unterminated quoted string"
    })
}

/// The text between the quotes of what [`scan`] found, with escapes undone.
///
/// # Errors
/// Where an escape is unknown or its bytes are not UTF-8.
pub(super) fn unquote(quoted: &str) -> Result<String, &'static str> {
    let quote = quoted.as_bytes().first().copied().unwrap_or_default();
    let inner = quoted
        .get(1..quoted.len().saturating_sub(1))
        .unwrap_or_default();
    if quote == b'`' || !inner.contains('\\') {
        return Ok(inner.to_owned());
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let used = unescape(&rest[at + 1..], quote, &mut out)?;
        rest = &rest[at + 1 + used..];
    }
    out.extend_from_slice(rest.as_bytes());
    String::from_utf8(out).map_err(|_| "escaped bytes are not UTF-8")
}

/// Undoes one escape, `rest` beginning after its backslash; answers how many bytes it takes.
fn unescape(rest: &str, quote: u8, out: &mut Vec<u8>) -> Result<usize, &'static str> {
    let kind = rest.bytes().next().unwrap_or_default();
    let simple = match kind {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'\\' => b'\\',
        _ if kind == quote => quote,
        b'x' => return number(rest, 1..3, 16, out),
        b'u' => return number(rest, 1..5, 16, out),
        b'U' => return number(rest, 1..9, 16, out),
        b'0'..=b'7' => return number(rest, 0..3, 8, out),
        _ => return Err("unknown escape sequence"),
    };
    out.push(simple);
    Ok(1)
}

fn number(
    rest: &str,
    digits: std::ops::Range<usize>,
    radix: u32,
    out: &mut Vec<u8>,
) -> Result<usize, &'static str> {
    const BROKEN: &str = "invalid number in escape sequence";
    let text = rest.get(digits.clone()).ok_or(BROKEN)?;
    if !text.bytes().all(|c| char::from(c).is_digit(radix)) {
        return Err(BROKEN);
    }
    let value = u32::from_str_radix(text, radix).map_err(|_| BROKEN)?;
    // `\x` and octal say a byte, `\u` and `\U` a character.
    if digits.len() <= 3 {
        out.push(u8::try_from(value).map_err(|_| BROKEN)?);
    } else {
        let c = char::from_u32(value).ok_or("escape sequence is no Unicode character")?;
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Ok(digits.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Result<&str, &str>) {
        let got = scan(text).and_then(|len| unquote(&text[..len]));
        assert_eq!(got.as_deref().map_err(|e| *e), want, "{text}");
    }

    #[test]
    fn follows_go() {
        check(r#""plain" rest"#, Ok("plain"));
        check(r"'it\'s' rest", Ok("it's"));
        check(r"`raw \n` rest", Ok(r"raw \n"));
        check(
            r#""\a\b\f\n\r\t\v\\\"""#,
            Ok("\u{7}\u{8}\u{c}\n\r\t\u{b}\\\""),
        );
        check(r#""\x41\101\u00e9\U0001f389""#, Ok("AAé🎉"));
        check(r#""\xc3\xa9""#, Ok("é"));
        check(r#""\xff""#, Err("escaped bytes are not UTF-8"));
        check(r#""\'""#, Err("unknown escape sequence"));
        check(r#""\u12""#, Err("invalid number in escape sequence"));
        check(
            r#""\ud800""#,
            Err("escape sequence is no Unicode character"),
        );
        check(r#""\400""#, Err("invalid number in escape sequence"));
        check(r#""\é""#, Err("unknown escape sequence"));
        check(r#""open"#, Err("unterminated quoted string"));
        check("\"two\nlines\"", Err("unterminated quoted string"));
        check("`open", Err("unterminated raw string"));
        check(r#""\"#, Err("escape sequence not terminated"));
    }
}
