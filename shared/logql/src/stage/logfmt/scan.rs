//! [`Pairs`]: the keys and values of a logfmt line, in order, and where the line is malformed.
//!
//! Blanks are all bytes up to the space. A malformed pair is an item of its own, and the walk goes
//! on behind the next blank, so whoever wants to stop at the first mistake can (spec `logql.md`
//! §7). What escapes mean is not known here.

use std::ops::Range;

use memchr::memchr2;

use crate::stage::sound::is_sound;

/// Walks a line.
#[derive(Debug)]
pub(super) struct Pairs<'a> {
    line: &'a [u8],
    at: usize,
}

/// A key and its value, as places in the line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) key: Range<usize>,
    pub(super) value: Value,
}

/// Where a value lies; without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// It is what stands there.
    Plain(Range<usize>),
    /// It holds escapes.
    Escaped(Range<usize>),
}

impl Value {
    pub(super) const fn is_empty(&self) -> bool {
        match self {
            Self::Plain(place) => place.start == place.end,
            Self::Escaped(_) => false,
        }
    }
}

/// Why a line is no logfmt, in Loki's words.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("logfmt syntax error at pos {} : {mistake}", offset + 1)]
pub(super) struct Malformed {
    /// Bytes before the place.
    offset: usize,
    mistake: Mistake,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Mistake {
    #[error("unexpected '='")]
    Equals,
    #[error("unexpected '\"'")]
    Quote,
    #[error("invalid key")]
    Key,
    #[error("unterminated quoted value")]
    OpenQuote,
    #[error("invalid quoted value")]
    Escape,
}

impl<'a> Pairs<'a> {
    pub(super) const fn new(line: &'a [u8]) -> Self {
        Self { line, at: 0 }
    }

    /// That the value read last, a quoted one, holds an escape that is none.
    pub(super) const fn bad_escape(&self) -> Malformed {
        Malformed {
            offset: self.at,
            mistake: Mistake::Escape,
        }
    }

    /// The byte at a place; a blank behind the end.
    fn byte(&self, at: usize) -> u8 {
        self.line.get(at).copied().unwrap_or_default()
    }

    fn pair(&mut self, start: usize) -> Result<Pair, Malformed> {
        let end = find(self.line, start, token_ends);
        let key = start..end;
        match self.byte(end) {
            b'"' => return Err(self.skip(end, Mistake::Quote)),
            b'=' if key.is_empty() => return Err(self.skip(end, Mistake::Equals)),
            _ if !is_sound(&self.line[key.clone()]) => return Err(self.skip(end, Mistake::Key)),
            b'=' => {}
            _ => {
                self.at = end;
                let value = Value::Plain(end..end);
                return Ok(Pair { key, value });
            }
        }
        let value = match self.byte(end + 1) {
            b'"' => self.quoted(end + 2)?,
            _ => self.plain(end + 1)?,
        };
        Ok(Pair { key, value })
    }

    fn plain(&mut self, start: usize) -> Result<Value, Malformed> {
        let end = find(self.line, start, token_ends);
        match self.byte(end) {
            b'=' => Err(self.skip(end, Mistake::Equals)),
            b'"' => Err(self.skip(end, Mistake::Quote)),
            _ => {
                self.at = end;
                Ok(Value::Plain(start..end))
            }
        }
    }

    fn quoted(&mut self, start: usize) -> Result<Value, Malformed> {
        let mut end = start;
        loop {
            let rest = self.line.get(end..).unwrap_or_default();
            let Some(len) = memchr2(b'"', b'\\', rest) else {
                return Err(self.skip(self.line.len(), Mistake::OpenQuote));
            };
            if rest[len] == b'"' {
                let escaped = end > start;
                end += len;
                self.at = end + 1;
                return Ok(match escaped {
                    true => Value::Escaped(start..end),
                    false => Value::Plain(start..end),
                });
            }
            // The backslash takes whatever stands behind it.
            end += len + 2;
        }
    }

    /// Goes on behind the next blank.
    fn skip(&mut self, offset: usize, mistake: Mistake) -> Malformed {
        self.at = find(self.line, offset, blanks);
        Malformed { offset, mistake }
    }
}

impl Iterator for Pairs<'_> {
    type Item = Result<Pair, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let blank = self.line[self.at..]
            .iter()
            .take_while(|byte| **byte <= b' ');
        let start = self.at + blank.count();
        if start == self.line.len() {
            return None;
        }
        Some(self.pair(start))
    }
}

/// One in each byte of a word.
const ONES: u64 = u64::MAX / 0xFF;

/// The first byte from `from` on that `marks` marks, or the end of the line. Keys and values are
/// short, so eight bytes at a time beat wider searches, which need longer to start.
fn find(line: &[u8], from: usize, marks: impl Fn(u64) -> u64) -> usize {
    let mut at = from;
    let (words, tail) = line.get(from..).unwrap_or_default().as_chunks::<8>();
    for word in words {
        let marked = marks(u64::from_le_bytes(*word));
        if marked != 0 {
            return at + (marked.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let mut word = [0; 8];
    word[..tail.len()].copy_from_slice(tail);
    // The zeros behind the tail are blanks.
    let marked = marks(u64::from_le_bytes(word)).trailing_zeros() / 8;
    at + (marked as usize).min(tail.len())
}

/// Marks the high bit of blanks. Bytes behind the first marked one may be marked wrongly.
const fn blanks(word: u64) -> u64 {
    word.wrapping_sub(ONES * (b' ' as u64 + 1)) & !word & (ONES * 0x80)
}

/// Marks what ends a key or a value without quotes, as [`blanks`] does.
const fn token_ends(word: u64) -> u64 {
    blanks(word) | equal(word, b'=') | equal(word, b'"')
}

const fn equal(word: u64, byte: u8) -> u64 {
    let other = word ^ (ONES * byte as u64);
    other.wrapping_sub(ONES) & !other & (ONES * 0x80)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs as `key=value`, escaped values in `<>`, mistakes as their texts.
    fn walk(line: &[u8]) -> Vec<String> {
        let text = |place: &Range<usize>| String::from_utf8_lossy(&line[place.clone()]);
        let show = |pair: Pair| match &pair.value {
            Value::Plain(place) => format!("{}={}", text(&pair.key), text(place)),
            Value::Escaped(place) => format!("{}=<{}>", text(&pair.key), text(place)),
        };
        let pairs = Pairs::new(line);
        pairs
            .map(|pair| pair.map_or_else(|malformed| malformed.to_string(), show))
            .collect()
    }

    #[track_caller]
    fn check(line: &[u8], want: &[&str]) {
        let want: Vec<String> = want
            .iter()
            .map(|text| match text.strip_prefix("pos ") {
                Some(rest) => format!("logfmt syntax error at pos {rest}"),
                None => (*text).to_owned(),
            })
            .collect();
        assert_eq!(walk(line), want, "{}", String::from_utf8_lossy(line));
    }

    #[test]
    fn pairs() {
        check(b"", &[]);
        check(b" \t\n ", &[]);
        check(b"a=1 b=22\tc=3 ", &["a=1", "b=22", "c=3"]);
        check(b"a= b c= ", &["a=", "b=", "c="]);
        check(b"a=", &["a="]);
        check(br#"a="x y" b="" c="z""#, &["a=x y", "b=", "c=z"]);
        check(br#"a="x"b="y"c=z"#, &["a=x", "b=y", "c=z"]);
        check(
            br#"a="x \" y" b="\\" c=1"#,
            &[r#"a=<x \" y>"#, r"b=<\\>", "c=1"],
        );
        check(
            b"key.with-signs=/a?b&c long_key_of_many=v",
            &["key.with-signs=/a?b&c", "long_key_of_many=v"],
        );
        check(
            "gr\u{fc}n=\u{e9} b=\u{fffd}".as_bytes(),
            &["gr\u{fc}n=\u{e9}", "b=\u{fffd}"],
        );
    }

    #[test]
    fn mistakes_are_passed_over() {
        check(b"=x a=1", &["pos 1 : unexpected '='", "a=1"]);
        check(b"a=1 b=x=y c=2", &["a=1", "pos 8 : unexpected '='", "c=2"]);
        check(b"a==b c", &["pos 3 : unexpected '='", "c="]);
        check(br#"a"b=1 c=2"#, &[r#"pos 2 : unexpected '"'"#, "c=2"]);
        check(
            br#""a b" c=2"#,
            &[
                r#"pos 1 : unexpected '"'"#,
                r#"pos 5 : unexpected '"'"#,
                "c=2",
            ],
        );
        check(br#"a=x"y" c=2"#, &[r#"pos 4 : unexpected '"'"#, "c=2"]);
        check(b"\xff=1 b=2", &["pos 2 : invalid key", "b=2"]);
        check("a\u{fffd} b=2".as_bytes(), &["pos 5 : invalid key", "b=2"]);
    }

    #[test]
    fn an_open_quote_ends_the_line() {
        check(
            br#"a=1 b="x c=2"#,
            &["a=1", "pos 13 : unterminated quoted value"],
        );
        check(br#"b="x\""#, &["pos 7 : unterminated quoted value"]);
        check(br#"b=""#, &["pos 4 : unterminated quoted value"]);
        check(br#"b="\"#, &["pos 5 : unterminated quoted value"]);
    }

    #[test]
    fn ends_are_found_anywhere() {
        for len in 0..20 {
            for at in 0..len {
                for from in 0..=at {
                    for byte in 0..=u8::MAX {
                        let mut line = vec![b'x'; len];
                        line[at] = byte;
                        let is_end = byte <= b' ' || byte == b'=' || byte == b'"';
                        let want = if is_end { at } else { len };
                        assert_eq!(find(&line, from, token_ends), want, "{byte} at {at}");
                    }
                }
            }
        }
        assert_eq!(
            find(b"!!\x80\xff! =", 0, blanks),
            5,
            "no carry reaches the first one"
        );
    }
}
