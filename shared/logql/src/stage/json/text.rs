//! What the strings of a line say: escapes undone, and what is no UTF-8 made a space.
//!
//! [`Strings`] makes labels of them, without a copy wherever a string says what it is.
//! [`unescape`] fails where Loki's parser does.

use super::scan::Text;
use crate::stage::row::{Extract, NameId};

/// Buffers that are used again for each string.
#[derive(Debug, Default)]
pub(in crate::stage) struct Buffers {
    unescaped: Vec<u8>,
    clean: Vec<u8>,
}

/// The strings of a line.
#[derive(Clone, Copy)]
pub(in crate::stage) struct Strings<'a> {
    line: &'a [u8],
    /// Whether the line is known to be ASCII, so that its parts need no look.
    is_ascii: bool,
}

impl<'a> Strings<'a> {
    pub(in crate::stage) fn new(line: &'a [u8]) -> Self {
        Self {
            line,
            is_ascii: line.is_ascii(),
        }
    }

    /// Makes a label of a string; an empty one where an escape is none.
    pub(in crate::stage) fn put(
        self,
        out: &mut Extract<'_>,
        name: NameId,
        text: &Text,
        buffers: &mut Buffers,
    ) {
        let raw = &self.line[text.part.clone()];
        if !text.escaped && (self.is_ascii || is_clean(raw)) {
            out.put_part(name, text.part.clone());
            return;
        }
        let Buffers { unescaped, clean } = buffers;
        unescaped.clear();
        if !text.escaped {
            unescaped.extend_from_slice(raw);
        } else if unescape(raw, unescaped).is_none() {
            unescaped.clear();
        }
        if is_clean(unescaped) {
            out.put_text(name, unescaped);
            return;
        }
        clean.clear();
        with_spaces(unescaped, clean);
        out.put_text(name, clean);
    }

    /// What a key says, which is in `unescaped` where it is not in the line; `None` where an
    /// escape is none.
    pub(in crate::stage) fn key<'k>(
        self,
        key: &Text,
        unescaped: &'k mut Vec<u8>,
    ) -> Option<&'k [u8]>
    where
        'a: 'k,
    {
        let raw = &self.line[key.part.clone()];
        if !key.escaped {
            return Some(raw);
        }
        unescaped.clear();
        unescape(raw, unescaped)?;
        Some(unescaped)
    }
}

/// Appends what `raw` says; `None` where an escape is none, half of `raw` may then be appended.
pub(in crate::stage) fn unescape(raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        let (escape, tail) = rest[at + 1..].split_first()?;
        rest = tail;
        out.push(match escape {
            b'"' | b'\\' | b'/' => *escape,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (rune, tail) = rune(rest)?;
                let mut buffer = [0; 4];
                out.extend_from_slice(rune.encode_utf8(&mut buffer).as_bytes());
                rest = tail;
                continue;
            }
            _ => return None,
        });
    }
    out.extend_from_slice(rest);
    Some(())
}

/// The rune behind `\u`, which may be two surrogates, and what follows.
fn rune(text: &[u8]) -> Option<(char, &[u8])> {
    let (first, tail) = hex(text)?;
    if let Some(rune) = char::from_u32(first) {
        return Some((rune, tail));
    }
    let (second, tail) = hex(tail.strip_prefix(b"\\u")?)?;
    let low = second.checked_sub(0xDC00)?;
    let rune = 0x1_0000 + ((first - 0xD800) << 10) + low;
    let rune = char::from_u32(rune).unwrap_or(char::REPLACEMENT_CHARACTER);
    Some((rune, tail))
}

fn hex(text: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, tail) = text.split_first_chunk::<4>()?;
    let mut value = 0;
    for digit in digits {
        value = value * 16 + char::from(*digit).to_digit(16)?;
    }
    Some((value, tail))
}

/// Whether a value shows as it is.
fn is_clean(value: &[u8]) -> bool {
    let is_good = |text: &str| !text.contains(char::REPLACEMENT_CHARACTER);
    value.is_ascii() || std::str::from_utf8(value).is_ok_and(is_good)
}

/// Appends a value with a space for each byte that is no UTF-8 and each U+FFFD.
fn with_spaces(value: &[u8], out: &mut Vec<u8>) {
    for chunk in value.utf8_chunks() {
        for (place, text) in chunk.valid().split(char::REPLACEMENT_CHARACTER).enumerate() {
            if place > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(text.as_bytes());
        }
        out.extend(chunk.invalid().iter().map(|_| b' '));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone() {
        for (raw, want) in [
            ("plain", Some("plain")),
            (r#"\"\\\/\b\f\n\r\t"#, Some("\"\\/\u{8}\u{c}\n\r\t")),
            (r"a\u00e9b\u65E5", Some("aéb日")),
            (r"\ud83d\ude00!", Some("😀!")),
            (r"\ud800\ue000", Some("\u{10400}")),
            (r"\udc00\udc00", Some("\u{fffd}")),
            (r"\ud83d", None),
            (r"\ud83d\n", None),
            (r"\ud83d\u0041", None),
            (r"\u12", None),
            (r"\u12g4", None),
            (r"\x", None),
            (r"\", None),
        ] {
            let mut out = Vec::new();
            let got = unescape(raw.as_bytes(), &mut out);
            let got = got.map(|()| String::from_utf8(out).unwrap());
            assert_eq!(got.as_deref(), want, "{raw}");
        }
    }

    #[test]
    fn what_is_no_text_becomes_spaces() {
        for (value, want) in [
            (b"plain".as_slice(), "plain"),
            ("日 é".as_bytes(), "日 é"),
            (b"a\xffb", "a b"),
            (b"a\xe6\x97b", "a  b"),
            ("a\u{fffd}b\u{fffd}".as_bytes(), "a b "),
        ] {
            let mut out = Vec::new();
            with_spaces(value, &mut out);
            assert_eq!(std::str::from_utf8(&out), Ok(want));
            assert_eq!(is_clean(value), value == want.as_bytes());
        }
    }
}
