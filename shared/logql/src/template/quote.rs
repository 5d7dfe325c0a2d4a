//! Go's `strconv.Quote` and `Unquote`: [`quote`] for bytes, [`quoted`] for text, [`unquote`].

use std::sync::LazyLock;

use regex::Regex;

use super::error::Answer;
use super::sink::Sink;

/// What Go's `unicode.IsPrint` lets through, the space aside.
static PRINTABLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[\p{L}\p{M}\p{N}\p{P}\p{S}]$").ok());

/// Which characters are escaped though they could be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beyond {
    /// None.
    Printed,
    /// Those that are not ASCII.
    AsciiEscaped,
}

/// Whether Go prints it as it is.
pub(super) fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return c == ' ' || c.is_ascii_graphic();
    }
    let mut buffer = [0; 4];
    let text = c.encode_utf8(&mut buffer);
    PRINTABLE.as_ref().is_some_and(|class| class.is_match(text))
}

/// Writes `text` between `mark`s.
pub(super) fn quote(sink: &mut Sink<'_>, text: &[u8], mark: char, beyond: Beyond) -> Answer<()> {
    sink.char(mark)?;
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            one(sink, c, mark, beyond)?;
        }
        for byte in chunk.invalid() {
            sink.put(format_args!("\\x{byte:02x}"))?;
        }
    }
    sink.char(mark)
}

fn one(sink: &mut Sink<'_>, c: char, mark: char, beyond: Beyond) -> Answer<()> {
    match c {
        c if c == mark || c == '\\' => {
            sink.byte(b'\\')?;
            sink.char(c)
        }
        '\u{7}' => sink.push(b"\\a"),
        '\u{8}' => sink.push(b"\\b"),
        '\u{c}' => sink.push(b"\\f"),
        '\n' => sink.push(b"\\n"),
        '\r' => sink.push(b"\\r"),
        '\t' => sink.push(b"\\t"),
        '\u{b}' => sink.push(b"\\v"),
        c if c.is_ascii_control() => sink.put(format_args!("\\x{:02x}", u32::from(c))),
        c if (c.is_ascii() || beyond == Beyond::Printed) && is_printable(c) => sink.char(c),
        c if u32::from(c) < 0x1_0000 => sink.put(format_args!("\\u{:04x}", u32::from(c))),
        c => sink.put(format_args!("\\U{:08x}", u32::from(c))),
    }
}

/// `text` in double quotes; cut where it would become too long.
pub(super) fn quoted(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len() + 2);
    // Only a text of a megabyte is too long, and then its start says enough.
    let _ = quote(
        &mut Sink::new(&mut bytes),
        text.as_bytes(),
        '"',
        Beyond::Printed,
    );
    String::from_utf8(bytes).unwrap_or_default()
}

/// What a literal in `"` or `` ` `` spells.
pub(super) fn unquote(literal: &str) -> Option<Vec<u8>> {
    let mark = literal.chars().next()?;
    let body = literal.get(1..literal.len().checked_sub(1)?)?;
    if mark == '`' {
        return Some(body.bytes().filter(|byte| *byte != b'\r').collect());
    }
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body;
    while !rest.is_empty() {
        let (spelled, tail) = unquote_char(rest, mark)?;
        match spelled {
            Spelled::Char(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Spelled::Byte(byte) => out.push(byte),
        }
        rest = tail;
    }
    Some(out)
}

/// One character of a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelled {
    Char(char),
    /// By `\x` or octal digits.
    Byte(u8),
}

impl Spelled {
    /// Its number.
    pub(super) fn code(self) -> u32 {
        match self {
            Self::Char(c) => u32::from(c),
            Self::Byte(byte) => u32::from(byte),
        }
    }
}

/// The first character of `text`, in which `mark` must be escaped, and what follows.
pub(super) fn unquote_char(text: &str, mark: char) -> Option<(Spelled, &str)> {
    let mut chars = text.chars();
    let c = chars.next()?;
    if c != '\\' {
        let allowed = c != mark && c != '\n';
        return allowed.then_some((Spelled::Char(c), chars.as_str()));
    }
    let spelled = match chars.next()? {
        'a' => Spelled::Char('\u{7}'),
        'b' => Spelled::Char('\u{8}'),
        'f' => Spelled::Char('\u{c}'),
        'n' => Spelled::Char('\n'),
        'r' => Spelled::Char('\r'),
        't' => Spelled::Char('\t'),
        'v' => Spelled::Char('\u{b}'),
        '\\' => Spelled::Char('\\'),
        c @ ('\'' | '"') if c == mark => Spelled::Char(c),
        'x' => {
            let (code, tail) = digits(chars.as_str(), 16, 2)?;
            return Some((Spelled::Byte(u8::try_from(code).ok()?), tail));
        }
        c @ ('u' | 'U') => {
            let (code, tail) = digits(chars.as_str(), 16, if c == 'u' { 4 } else { 8 })?;
            return Some((Spelled::Char(char::from_u32(code)?), tail));
        }
        '0'..='7' => {
            let (code, tail) = digits(text.get(1..)?, 8, 3)?;
            return Some((Spelled::Byte(u8::try_from(code).ok()?), tail));
        }
        _ => return None,
    };
    Some((spelled, chars.as_str()))
}

fn digits(text: &str, radix: u32, len: usize) -> Option<(u32, &str)> {
    let (digits, tail) = text.split_at_checked(len)?;
    let known = digits.chars().all(|c| c.is_digit(radix));
    Some((
        u32::from_str_radix(known.then_some(digits)?, radix).ok()?,
        tail,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes() {
        for (text, want) in [
            ("a\"b", r#""a\"b""#),
            ("é\u{200b}\n", r#""é\u200b\n""#),
            ("\u{1}\u{7f}", r#""\x01\x7f""#),
        ] {
            assert_eq!(quoted(text), want);
        }
    }

    #[test]
    fn unquotes() {
        for (literal, want) in [
            (r#""a\n\x41\101\u00e9""#, Some("a\nAAé")),
            ("`a\\n`", Some("a\\n")),
            (r#""\'""#, None),
            (r#""\ud800""#, None),
            (r#""\8""#, None),
        ] {
            assert_eq!(
                unquote(literal).as_deref(),
                want.map(str::as_bytes),
                "{literal}"
            );
        }
    }
}
