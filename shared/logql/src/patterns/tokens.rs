//! [`Tokens`]: a line as words and the texts between them.
//!
//! A word is what lies between separators. Words with a digit or an angle bracket are never taken
//! literally: the former differ from line to line, the latter could be read as captures.

use std::hash::{BuildHasher as _, Hasher as _};
use std::ops::Range;

use foldhash::fast::FixedState;

use crate::limits::{MAX_PATTERN_LINE, MAX_PATTERN_WORD, MAX_PATTERN_WORDS};

/// The words of one line; used again for the next.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    words: Vec<Word>,
    /// Bytes of the line, words and gaps.
    len: usize,
    /// Hash of the level and of all that is between words.
    pub(super) group: u64,
    /// Hash of the group and of all words that are taken literally.
    pub(super) shape: u64,
}

#[derive(Clone, Debug)]
struct Word {
    place: Range<usize>,
    is_literal: bool,
}

/// Bytes that no word holds.
const SEPARATOR: [bool; 256] = {
    let mut table = [false; 256];
    let all = b" \t\r\n=,;\"'()[]{}|";
    let mut n = 0;
    while n < all.len() {
        table[all[n] as usize] = true;
        n += 1;
    }
    table
};

/// Bytes of words that are not taken literally.
const DIFFERS: [bool; 256] = {
    let mut table = [false; 256];
    let all = b"0123456789<>";
    let mut n = 0;
    while n < all.len() {
        table[all[n] as usize] = true;
        n += 1;
    }
    table
};

impl Tokens {
    /// Takes a line apart; answers whether it has words, and no kilobytes between them.
    pub(super) fn split(&mut self, line: &str, level: &str) -> bool {
        let bytes = line.as_bytes();
        self.words.clear();
        self.len = bytes.len();
        let state = FixedState::with_seed(0);
        let (mut group, mut shape) = (state.build_hasher(), state.build_hasher());
        group.write(level.as_bytes());
        let mut at = 0;
        loop {
            let gap = gap(&bytes[at..]);
            group.write(&bytes[at..at + gap]);
            at += gap;
            if gap > MAX_PATTERN_LINE {
                return false;
            }
            if at == bytes.len() {
                break;
            }
            let word = self.word(bytes, at);
            at = word.place.end;
            match word.is_literal {
                true => shape.write(&bytes[word.place.clone()]),
                // No text has this byte.
                false => shape.write(&[0xff]),
            }
            self.words.push(word);
        }
        group.write_usize(self.words.len());
        self.group = group.finish();
        shape.write_u64(self.group);
        self.shape = shape.finish();
        !self.words.is_empty()
    }

    /// The word at a place. The last one that a line may have goes on to its end.
    fn word(&self, bytes: &[u8], start: usize) -> Word {
        let rest = &bytes[start..];
        let len = rest.iter().position(|byte| SEPARATOR[usize::from(*byte)]);
        let len = len.unwrap_or(rest.len());
        if self.words.len() + 1 == MAX_PATTERN_WORDS || start + len > MAX_PATTERN_LINE {
            return Word {
                place: start..bytes.len(),
                is_literal: false,
            };
        }
        let differs = rest[..len].iter().any(|byte| DIFFERS[usize::from(*byte)]);
        Word {
            place: start..start + len,
            is_literal: !differs && len <= MAX_PATTERN_WORD,
        }
    }

    /// The words of the line; `None` for those that are not taken literally.
    pub(super) fn words<'a>(&self, line: &'a str) -> impl Iterator<Item = Option<&'a str>> {
        let words = self.words.iter();
        words.map(move |word| line.get(word.place.clone()).filter(|_| word.is_literal))
    }

    /// What lies before, between and behind the words.
    pub(super) fn gaps<'a>(&self, line: &'a str) -> impl Iterator<Item = &'a str> {
        let starts = [0]
            .into_iter()
            .chain(self.words.iter().map(|word| word.place.end));
        let ends = self
            .words
            .iter()
            .map(|word| word.place.start)
            .chain([self.len]);
        starts
            .zip(ends)
            .map(move |(start, end)| line.get(start..end).unwrap_or_default())
    }
}

/// Bytes before the next word. A colon that no word comes before belongs to them: `"key":1`.
fn gap(bytes: &[u8]) -> usize {
    let is_gap = |byte: &u8| SEPARATOR[usize::from(*byte)] || *byte == b':';
    bytes
        .iter()
        .position(|byte| !is_gap(byte))
        .unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words in brackets, literal ones as they are.
    #[track_caller]
    fn check(line: &str, want: &str) {
        let mut tokens = Tokens::default();
        let has_words = tokens.split(line, "");
        let mut got = String::new();
        let words = tokens
            .words(line)
            .map(|word| format!("<{}>", word.unwrap_or("*")));
        for (gap, word) in tokens.gaps(line).zip(words.chain([String::new()])) {
            got.push_str(gap);
            got.push_str(&word);
        }
        assert_eq!(got, want);
        assert_eq!(has_words, want.contains('<'), "{line}");
    }

    #[test]
    fn lines_fall_apart() {
        check("a=b c1", "<a>=<b> <*>");
        check(r#"{"k":"v x","n":12}"#, r#"{"<k>":"<v> <x>","<n>":<*>}"#);
        check("10:20:30 error: é", "<*> <error:> <é>");
        check("", "");
        check(" , ", " , ");
        check("a <b> c", "<a> <*> <c>");
        check(&"x".repeat(MAX_PATTERN_WORD + 1), "<*>");
    }

    #[test]
    fn long_lines_end_in_a_word_that_differs() {
        let line = "a ".repeat(1000);
        let mut tokens = Tokens::default();
        assert!(tokens.split(&line, ""));
        assert_eq!(tokens.words(&line).count(), MAX_PATTERN_WORDS);
        assert_eq!(tokens.words(&line).last(), Some(None));
        assert_eq!(tokens.gaps(&line).last(), Some(""));
        let spaces = " ".repeat(MAX_PATTERN_LINE + 1) + "a";
        assert!(!tokens.split(&spaces, ""));
        let word = "x".repeat(MAX_PATTERN_LINE + 1) + " b";
        assert!(tokens.split(&word, ""));
        assert_eq!(tokens.words(&word).collect::<Vec<_>>(), [None]);
    }

    #[test]
    fn shapes_and_groups() {
        let of = |line: &str, level: &str| {
            let mut tokens = Tokens::default();
            tokens.split(line, level);
            (tokens.group, tokens.shape)
        };
        assert_eq!(of("a=1 b", ""), of("a=22 b", ""));
        assert_eq!(of("a b", "").0, of("c d", "").0);
        assert_ne!(of("a b", "").1, of("c d", "").1);
        assert_ne!(of("a b", "").0, of("a b", "info").0);
        assert_ne!(of("a b", "").0, of("a,b", "").0);
    }
}
