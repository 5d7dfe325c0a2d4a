//! JSON as bytes: where strings, tokens and blocks of a line end, without building anything.
//!
//! [`token`] tells what a value is and where; [`first_key`], [`key`], [`colon`] and [`behind`] step
//! through the members of an object; [`block_end`] skips. Tolerant where Loki's parser is: numbers
//! are whatever starts like one, and nothing is checked that need not be read. What values are for
//! is not known here.

use std::ops::Range;

use memchr::{memchr2, memchr3};

/// What is wrong with a line; the texts are Loki's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::stage) enum Fault {
    /// No object, or one that does not end.
    Object,
    /// An array that does not end, or an object that ends behind a value.
    Array,
    /// A string that does not end.
    Text,
    /// No key, no colon or no value where one must be.
    Malformed,
    /// A value that is nothing known.
    UnknownType,
    /// An escape in a key that is none.
    Escape,
}

impl Fault {
    /// The value of `__error_details__`.
    pub(in crate::stage) const fn details(self) -> &'static str {
        match self {
            Self::Object => "Value looks like object, but can't find closing '}' symbol",
            Self::Array => "Value is array, but can't find closing ']' symbol",
            Self::Text => "Value is string, but can't find closing '\"' symbol",
            Self::Malformed => "Malformed JSON error",
            Self::UnknownType => "Unknown value type",
            Self::Escape => "Encountered an invalid escape sequence in a string",
        }
    }
}

/// A string of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::stage) struct Text {
    /// What is between the quotes.
    pub(in crate::stage) part: Range<usize>,
    /// Whether there are escapes in it.
    pub(in crate::stage) escaped: bool,
}

/// A value of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::stage) enum Token {
    /// A string.
    Text(Text),
    /// A number or a boolean.
    Plain(Range<usize>),
    /// `null`, and where it ends.
    Null(usize),
    /// An object that begins here.
    Object(usize),
    /// An array that begins here.
    Array(usize),
}

impl Token {
    /// Where the value ends.
    pub(in crate::stage) fn end(&self, line: &[u8]) -> Result<usize, Fault> {
        match self {
            Self::Text(text) => Ok(text.part.end + 1),
            Self::Plain(part) => Ok(part.end),
            Self::Null(end) => Ok(*end),
            Self::Object(start) => block_end(line, *start, Block::OBJECT).ok_or(Fault::Object),
            Self::Array(start) => block_end(line, *start, Block::ARRAY).ok_or(Fault::Array),
        }
    }
}

/// Where the first key or the closing brace of the object is that a line must be.
pub(in crate::stage) fn first_key(line: &[u8]) -> Result<usize, Fault> {
    let start = next(line, 0).filter(|&at| line[at] == b'{');
    let start = start.ok_or(Fault::Object)?;
    next(line, start + 1).ok_or(Fault::Malformed)
}

/// The key whose opening quote is at `quote`.
pub(in crate::stage) fn key(line: &[u8], quote: usize) -> Result<Text, Fault> {
    text(line, quote).ok_or(Fault::Malformed)
}

/// Behind the colon that must follow a key.
pub(in crate::stage) fn colon(line: &[u8], key: &Text) -> Result<usize, Fault> {
    let colon = next(line, key.part.end + 1).filter(|&at| line[at] == b':');
    Ok(colon.ok_or(Fault::Malformed)? + 1)
}

/// Where the next key or the closing brace is behind a value that ends at `end`.
pub(in crate::stage) fn behind(line: &[u8], end: usize) -> Result<usize, Fault> {
    let at = next(line, end).ok_or(Fault::Array)?;
    match line[at] {
        b'}' => Ok(at),
        b',' => next(line, at + 1).ok_or(Fault::Array),
        _ => Err(Fault::Object),
    }
}

/// The value that begins at or behind `from`.
pub(in crate::stage) fn token(line: &[u8], from: usize) -> Result<Token, Fault> {
    let start = next(line, from).ok_or(Fault::Malformed)?;
    match line[start] {
        b'"' => text(line, start).map(Token::Text).ok_or(Fault::Text),
        b'{' => Ok(Token::Object(start)),
        b'[' => Ok(Token::Array(start)),
        first => {
            let end = plain_end(line, start);
            match (first, &line[start..end]) {
                (b'0'..=b'9' | b'-', _) | (_, b"true" | b"false") => Ok(Token::Plain(start..end)),
                (_, b"null") => Ok(Token::Null(end)),
                _ => Err(Fault::UnknownType),
            }
        }
    }
}

/// The first byte at or behind `from` that is no space.
pub(in crate::stage) fn next(line: &[u8], from: usize) -> Option<usize> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let skipped = line.get(from..)?.iter().position(|byte| !is_space(byte))?;
    Some(from + skipped)
}

fn plain_end(line: &[u8], from: usize) -> usize {
    let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
    let len = line[from..].iter().position(is_end);
    len.map_or(line.len(), |len| from + len)
}

/// The string whose opening quote is at `quote`.
pub(in crate::stage) fn text(line: &[u8], quote: usize) -> Option<Text> {
    let start = quote + 1;
    let (end, escaped) = text_end(line, start)?;
    let part = start..end;
    Some(Text { part, escaped })
}

/// The closing quote of a string that begins at `from`, and whether there are escapes before it.
fn text_end(line: &[u8], from: usize) -> Option<(usize, bool)> {
    const NEEDLES: [u64; 2] = [splat(b'"'), splat(b'\\')];
    let mut at = from;
    let mut escaped = false;
    loop {
        let rest = line.get(at..)?;
        at += match near(rest, NEEDLES) {
            Near::At(offset) => offset,
            Near::Behind(offset) => offset + memchr2(b'"', b'\\', &rest[offset..])?,
        };
        if line[at] == b'"' {
            return Some((at, escaped));
        }
        escaped = true;
        at += 2;
    }
}

/// The brackets of a block.
#[derive(Clone, Copy, Debug)]
pub(in crate::stage) struct Block {
    open: u8,
    close: u8,
}

impl Block {
    pub(in crate::stage) const OBJECT: Self = Self {
        open: b'{',
        close: b'}',
    };
    pub(in crate::stage) const ARRAY: Self = Self {
        open: b'[',
        close: b']',
    };
}

/// Behind the block whose bracket is at `start`; only brackets of its own kind count.
pub(in crate::stage) fn block_end(line: &[u8], start: usize, block: Block) -> Option<usize> {
    let Block { open, close } = block;
    let needles = [splat(b'"'), splat(open), splat(close)];
    let mut depth = 0_usize;
    let mut at = start;
    loop {
        let rest = line.get(at..)?;
        at += match near(rest, needles) {
            Near::At(offset) => offset,
            Near::Behind(offset) => offset + memchr3(b'"', open, close, &rest[offset..])?,
        };
        match line[at] {
            b'"' => (at, _) = text_end(line, at + 1)?,
            byte if byte == open => depth += 1,
            _ if depth <= 1 => return Some(at + 1),
            _ => depth -= 1,
        }
        at += 1;
    }
}

/// How many words are searched before a search with more of a start.
const NEAR_WORDS: usize = 3;

/// What a search of the first words found.
enum Near {
    /// The first needle.
    At(usize),
    /// None before this offset.
    Behind(usize),
}

/// Searches the first words for bytes: keys and values are short, so that most searches end here.
#[inline]
fn near<const N: usize>(bytes: &[u8], needles: [u64; N]) -> Near {
    let mut rest = bytes;
    for _ in 0..NEAR_WORDS {
        let Some((word, tail)) = rest.split_first_chunk() else {
            break;
        };
        let word = u64::from_le_bytes(*word);
        let hits = needles
            .iter()
            .fold(0, |hits, needle| hits | zero_bytes(word ^ needle));
        if hits != 0 {
            return Near::At(bytes.len() - rest.len() + hits.trailing_zeros() as usize / 8);
        }
        rest = tail;
    }
    Near::Behind(bytes.len() - rest.len())
}

const ONES: u64 = u64::from_le_bytes([1; 8]);

const fn splat(byte: u8) -> u64 {
    ONES * byte as u64
}

/// The highest bit of each byte that is zero; those behind the first may be wrong.
const fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & (ONES << 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_end_at_their_quote() {
        for (line, want) in [
            (r#"""#, Some((0, false))),
            (r#"ab" "#, Some((2, false))),
            (r#"a\\" "#, Some((3, true))),
            (r#"a\"b" "#, Some((4, true))),
            (r#"a\"#, None),
            ("", None),
            ("no quote in a long line of more than three words", None),
        ] {
            assert_eq!(text_end(line.as_bytes(), 0), want, "{line}");
        }
        for len in 0..100 {
            let line = format!("{}\"", "é".repeat(len));
            assert_eq!(text_end(line.as_bytes(), 0), Some((2 * len, false)));
            let line = format!("{}\\\"\"", "x".repeat(len));
            assert_eq!(text_end(line.as_bytes(), 0), Some((len + 2, true)));
        }
    }

    #[test]
    fn blocks_end_at_their_bracket() {
        for (line, block, want) in [
            ("{}", Block::OBJECT, Some(2)),
            (r#"{"a":"}"} "#, Block::OBJECT, Some(9)),
            (r#"{"a":{"b":[}]}"#, Block::OBJECT, Some(14)),
            (r#"{"a":{"b":1}"#, Block::OBJECT, None),
            (r#"{"a":"}}}}"#, Block::OBJECT, None),
            ("[1,[2],{]", Block::ARRAY, Some(9)),
            ("[1,[2]", Block::ARRAY, None),
        ] {
            assert_eq!(block_end(line.as_bytes(), 0, block), want, "{line}");
        }
    }

    #[test]
    fn tokens() {
        let part = |kind: fn(Range<usize>) -> Token, range| Ok(kind(range));
        for (line, want) in [
            (" 1.50,", part(Token::Plain, 1..5)),
            ("-", part(Token::Plain, 0..1)),
            ("1x:2}", part(Token::Plain, 0..4)),
            ("true]", part(Token::Plain, 0..4)),
            ("null", Ok(Token::Null(4))),
            ("{", Ok(Token::Object(0))),
            ("[", Ok(Token::Array(0))),
            ("tru,", Err(Fault::UnknownType)),
            ("nul", Err(Fault::UnknownType)),
            ("}", Err(Fault::UnknownType)),
            ("\"x", Err(Fault::Text)),
            (" ", Err(Fault::Malformed)),
        ] {
            assert_eq!(token(line.as_bytes(), 0), want, "{line}");
        }
    }
}
