//! `fromJson`, and `default`, which judges what it gives.
//!
//! JSON as Go's `encoding/json` reads it: of two equal keys the last one counts, what is no text
//! becomes one, a text that is not wholly JSON is nothing. Values lie in the arena.

use super::Parameter::{Any, Text};
use super::{Function, fixed, open, take, texts};
use crate::limits::MAX_TEMPLATE_DEPTH;
use crate::template::error::Answer;
use crate::template::float;
use crate::template::host::Host;
use crate::template::value::Value;

pub(super) const FUNCTIONS: [Function; 2] = [
    fixed("fromJson", &[Text], |host, given| {
        let [text] = texts(given)?;
        host.step(text.len() / 16)?;
        let mut reader = Reader {
            host,
            rest: text,
            depth: 0,
        };
        let value = reader.document()?;
        Ok(value.unwrap_or(Value::Nothing))
    }),
    open("default", &[Any], Any, |host, given| {
        let [otherwise] = take(given)?;
        let value = given.get(1).copied().unwrap_or(Value::Nothing);
        let is_kept = matches!(value.plain(), Value::Time(_)) || host.is_true(value);
        Ok(if is_kept { value } else { otherwise })
    }),
];

struct Reader<'r, 'a> {
    host: &'r mut Host<'a>,
    rest: &'a [u8],
    depth: usize,
}

/// A value; `None` where there is no JSON.
type Read<T> = Answer<Option<T>>;

impl<'a> Reader<'_, 'a> {
    fn document(&mut self) -> Read<Value<'a>> {
        let value = self.value()?;
        self.space();
        Ok(value.filter(|_| self.rest.is_empty()))
    }

    fn space(&mut self) {
        let len = self
            .rest
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'));
        self.rest = self.rest.get(len.count()..).unwrap_or_default();
    }

    /// Passes a byte if it comes next.
    fn skip(&mut self, byte: u8) -> bool {
        match self.rest.strip_prefix(&[byte]) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self) -> Read<Value<'a>> {
        self.space();
        for (word, value) in [
            (&b"null"[..], Value::Nothing),
            (b"true", Value::Bool(true)),
            (b"false", Value::Bool(false)),
        ] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Ok(Some(value));
            }
        }
        match self.rest.first() {
            Some(b'"') => Ok(self.text()?.map(Value::Text)),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::list),
            Some(_) => Ok(self.number()),
            None => Ok(None),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Read<Value<'a>>) -> Read<Value<'a>> {
        if self.depth == MAX_TEMPLATE_DEPTH {
            return Ok(None);
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Read<Value<'a>> {
        let mut entries: Vec<(&'a [u8], Value<'a>)> = Vec::new();
        self.skip(b'{');
        self.space();
        if !self.skip(b'}') {
            loop {
                self.space();
                let Some(key) = self.text()? else {
                    return Ok(None);
                };
                self.space();
                if !self.skip(b':') {
                    return Ok(None);
                }
                let Some(value) = self.value()? else {
                    return Ok(None);
                };
                self.host.claim(std::mem::size_of::<(&[u8], Value<'a>)>())?;
                entries.push((key, value));
                self.space();
                if self.skip(b'}') {
                    break;
                }
                if !self.skip(b',') {
                    return Ok(None);
                }
            }
        }
        // Stable, and read from the end: the last of equal keys is kept.
        entries.reverse();
        entries.sort_by_key(|(key, _)| *key);
        entries.dedup_by_key(|(key, _)| *key);
        Ok(Some(Value::Map(self.host.arena.alloc_slice_copy(&entries))))
    }

    fn list(&mut self) -> Read<Value<'a>> {
        let mut items = Vec::new();
        self.skip(b'[');
        self.space();
        if !self.skip(b']') {
            loop {
                let Some(item) = self.value()? else {
                    return Ok(None);
                };
                self.host.claim(std::mem::size_of::<Value<'a>>())?;
                items.push(item);
                self.space();
                if self.skip(b']') {
                    break;
                }
                if !self.skip(b',') {
                    return Ok(None);
                }
            }
        }
        Ok(Some(Value::List(self.host.arena.alloc_slice_copy(&items))))
    }

    fn number(&mut self) -> Option<Value<'a>> {
        let is_part = |b: &u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E');
        let len = self.rest.iter().take_while(|byte| is_part(byte)).count();
        let (number, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        if !is_number(number) {
            return None;
        }
        // What is too large for a float is nothing, but no error.
        Some(float::parse(number).map_or(Value::Nothing, Value::Float))
    }

    fn text(&mut self) -> Read<&'a [u8]> {
        let Some(body) = self.rest.strip_prefix(b"\"") else {
            return Ok(None);
        };
        let Some(len) = closing_quote(body) else {
            return Ok(None);
        };
        let (inner, tail) = body.split_at_checked(len).unwrap_or((body, b""));
        self.rest = tail.get(1..).unwrap_or_default();
        if inner.iter().any(|byte| *byte < b' ') {
            return Ok(None);
        }
        if !inner.contains(&b'\\') && std::str::from_utf8(inner).is_ok() {
            return Ok(Some(inner));
        }
        let Some(text) = unescape(&String::from_utf8_lossy(inner)) else {
            return Ok(None);
        };
        Ok(Some(self.host.keep(&text)?.text()))
    }
}

fn closing_quote(body: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', body.get(at..)?)?;
        if body.get(at) == Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

/// JSON's grammar of numbers, which is narrower than that of floats.
fn is_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let body = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(body);
    if whole == 0 || (whole > 1 && body.starts_with(b"0")) {
        return false;
    }
    let mut rest = body.get(whole..).unwrap_or_default();
    if let Some(fraction) = rest.strip_prefix(b".") {
        let len = digits(fraction);
        if len == 0 {
            return false;
        }
        rest = fraction.get(len..).unwrap_or_default();
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = match exponent {
            [b'+' | b'-', digits @ ..] => digits,
            digits => digits,
        };
        return !exponent.is_empty() && digits(exponent) == exponent.len();
    }
    rest.is_empty()
}

fn unescape(inner: &str) -> Option<String> {
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        out.push_str(rest.get(..at)?);
        let mut chars = rest.get(at + 1..)?.chars();
        let escaped = chars.next()?;
        rest = chars.as_str();
        out.push(match escaped {
            '"' | '\\' | '/' => escaped,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let (c, tail) = code_unit(rest)?;
                rest = tail;
                c
            }
            _ => return None,
        });
    }
    out.push_str(rest);
    Some(out)
}

/// Four digits, and four more if they are half of a pair; half alone is no character.
fn code_unit(rest: &str) -> Option<(char, &str)> {
    let unit = |text: &str| {
        let digits = text
            .get(..4)
            .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        u32::from_str_radix(digits, 16).ok()
    };
    let first = unit(rest)?;
    let tail = rest.get(4..)?;
    if (0xd800..0xdc00).contains(&first)
        && let Some(behind) = tail.strip_prefix("\\u")
        && let Some(second) = unit(behind).filter(|second| (0xdc00..0xe000).contains(second))
    {
        let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return Some((char::from_u32(code)?, behind.get(4..)?));
    }
    Some((
        char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER),
        tail,
    ))
}
