//! Strings: `"…"` with Go's escapes, `` `…` `` as it stands, `'…'` which LogQL does not have.

use std::iter::Peekable;
use std::str::CharIndices;

use super::token::Token;
use super::{Read, Refusal};

/// A string in double quotes.
pub(super) fn quoted(rest: &str) -> Result<Read<'_>, Refusal> {
    let (bytes, len) = unescape(rest, '"')?;
    // Escapes may spell bytes that are no UTF-8; lines and labels never are, so nothing is lost
    // for matching.
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    Ok(Read {
        token: Token::Text(text),
        len,
        assembled: false,
    })
}

/// A string in backticks; carriage returns are dropped, as Go does.
pub(super) fn raw(rest: &str) -> Result<Read<'_>, Refusal> {
    let inner = rest.get(1..).unwrap_or_default();
    let end = inner.find('`').ok_or_else(unterminated)?;
    let text = inner.get(..end).unwrap_or_default().replace('\r', "");
    Ok(Read {
        token: Token::Text(text),
        len: end + 2,
        assembled: false,
    })
}

/// Go's character: no part of LogQL, but what is wrong with it is said in Go's words.
pub(super) fn character(rest: &str) -> Result<Read<'_>, Refusal> {
    let (bytes, len) = unescape(rest, '\'')?;
    if String::from_utf8_lossy(&bytes).chars().count() != 1 {
        return Err(Refusal::new("invalid char literal"));
    }
    Ok(Read {
        token: Token::Unknown,
        len,
        assembled: false,
    })
}

fn unterminated() -> Refusal {
    Refusal::new("literal not terminated")
}

/// The bytes between the quote at the start of `rest` and the next one, and the length of all.
fn unescape(rest: &str, quote: char) -> Result<(Vec<u8>, usize), Refusal> {
    let mut bytes = Vec::new();
    let mut chars = rest.char_indices().peekable();
    chars.next();
    // The scanner reads on behind a bad escape: an open end is what it complains of last, but
    // only the first complaint counts.
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Ok((bytes, at + 1)),
            '\n' => break,
            '\0' => return Err(Refusal::new("invalid character NUL")),
            '\\' => escape(&mut chars, quote, &mut bytes)?,
            c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Err(unterminated())
}

/// What follows a backslash.
fn escape(
    chars: &mut Peekable<CharIndices<'_>>,
    quote: char,
    out: &mut Vec<u8>,
) -> Result<(), Refusal> {
    let bad = || Refusal::new("invalid char escape");
    let (_, c) = chars.next().ok_or_else(bad)?;
    let byte = match c {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' => b'\\',
        c if c == quote => c as u8,
        'x' => u8::try_from(digits(chars, 16, 2).ok_or_else(bad)?).map_err(|_| bad())?,
        'u' | 'U' => {
            let len = if c == 'u' { 4 } else { 8 };
            let code = digits(chars, 16, len).ok_or_else(bad)?;
            // Surrogates and beyond: refused by the second reader of Loki, hence other words.
            let c = char::from_u32(code).ok_or_else(|| Refusal::new("invalid syntax"))?;
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            return Ok(());
        }
        '0'..='7' => {
            let rest = digits(chars, 8, 2).ok_or_else(bad)?;
            let code = (c as u32 - '0' as u32) * 64 + rest;
            u8::try_from(code).map_err(|_| Refusal::new("invalid syntax"))?
        }
        _ => return Err(bad()),
    };
    out.push(byte);
    Ok(())
}

/// Exactly `len` digits.
fn digits(chars: &mut Peekable<CharIndices<'_>>, radix: u32, len: usize) -> Option<u32> {
    let mut code: u32 = 0;
    for _ in 0..len {
        let digit = chars
            .next_if(|(_, c)| c.is_digit(radix))?
            .1
            .to_digit(radix)?;
        code = code.checked_mul(radix)?.checked_add(digit)?;
    }
    Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, want: Result<&str, &str>) {
        let read = match source.chars().next() {
            Some('"') => quoted(source),
            Some('`') => raw(source),
            _ => character(source),
        };
        let got = read
            .map(|read| (read.token, read.len))
            .map_err(|refusal| refusal.message);
        let want = want.map(|text| (Token::Text(text.to_owned()), source.len()));
        assert_eq!(got, want.map_err(str::to_owned), "{source}");
    }

    #[test]
    fn strings() {
        check(
            r#""a\a\b\f\n\r\t\v\\\"""#,
            Ok("a\u{7}\u{8}\u{c}\n\r\t\u{b}\\\""),
        );
        check(
            r#""\101\x41\u00e9\U0001F389é""#,
            Ok("AAéé".replace("éé", "é🎉é").as_str()),
        );
        check(r#""\xc3\xa9""#, Ok("é"));
        check("`raw \\d \"\r\n`", Ok("raw \\d \"\n"));
        check(r#""\d""#, Err("invalid char escape"));
        check(r#""\'""#, Err("invalid char escape"));
        check(r#""\8""#, Err("invalid char escape"));
        check(r#""\12""#, Err("invalid char escape"));
        check(r#""\777""#, Err("invalid syntax"));
        check(r#""\ud800""#, Err("invalid syntax"));
        check("\"a\nb\"", Err("literal not terminated"));
        check("\"a", Err("literal not terminated"));
        check("`a", Err("literal not terminated"));
        check("'ab'", Err("invalid char literal"));
        check("'a", Err("literal not terminated"));
    }
}
