//! [`Labels`]: a sorted set of names and values, the identity of a stream or of a result series.
//!
//! The canonical text is Loki's: `{a="1", b="2"}`, values quoted as Go does ([`write_quoted`]).

use std::fmt::{self, Write as _};
use std::sync::Arc;

use crate::StreamId;

/// One name and its value.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct Label {
    /// The name.
    pub name: Box<str>,
    /// The value; empty only in results, never in a stored stream.
    pub value: Box<str>,
}

/// Labels sorted by name, each name once. Cloning is cheap: the set is shared.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Labels(Arc<[Label]>);

impl Labels {
    /// The set without labels, `{}`.
    #[must_use]
    pub fn empty() -> Self {
        Self(Arc::from([]))
    }

    /// Sorts the pairs; where a name repeats, the last one wins. Keeps empty values.
    pub fn from_pairs<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<Box<str>>,
        V: Into<Box<str>>,
    {
        let mut all: Vec<Label> = pairs
            .into_iter()
            .map(|(name, value)| Label {
                name: name.into(),
                value: value.into(),
            })
            .collect();
        // Stable, so that of equal names the last sent stays last; `dedup_by` keeps the first of
        // a run, hence the swap.
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all.dedup_by(|later, kept| {
            let same = later.name == kept.name;
            if same {
                std::mem::swap(&mut later.value, &mut kept.value);
            }
            same
        });
        Self(all.into())
    }

    /// As [`Labels::from_pairs`], but drops empty values: an absent and an empty label are one.
    pub fn of_stream<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<Box<str>>,
        V: Into<Box<str>>,
    {
        let all = Self::from_pairs(pairs);
        if all.0.iter().all(|label| !label.value.is_empty()) {
            return all;
        }
        Self(
            all.0
                .iter()
                .filter(|label| !label.value.is_empty())
                .cloned()
                .collect(),
        )
    }

    /// The value of `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self
            .0
            .binary_search_by(|label| (*label.name).cmp(name))
            .ok()?;
        self.0.get(at).map(|label| &*label.value)
    }

    /// Every label, in the order of names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        self.0.iter().map(|label| (&*label.name, &*label.value))
    }

    /// Number of labels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no label.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The labels for which `keep` says true.
    #[must_use]
    pub fn filter(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        Self(
            self.0
                .iter()
                .filter(|label| keep(&label.name))
                .cloned()
                .collect(),
        )
    }

    /// With one label added or replaced.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        Self::from_pairs(self.iter().chain([(name, value)]))
    }

    /// Loki's stable hash: xxHash64 over `name 0xFF value 0xFF`. Orders entries of equal time.
    #[must_use]
    pub fn stable_hash(&self) -> u64 {
        let mut hasher = xxhash_rust::xxh64::Xxh64::new(0);
        for (name, value) in self.iter() {
            hasher.update(name.as_bytes());
            hasher.update(&[0xFF]);
            hasher.update(value.as_bytes());
            hasher.update(&[0xFF]);
        }
        hasher.digest()
    }

    /// The key of the stream that has these labels.
    #[must_use]
    pub fn stream_id(&self) -> StreamId {
        StreamId::of(self.iter())
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('{')?;
        for (n, (name, value)) in self.iter().enumerate() {
            if n > 0 {
                f.write_str(", ")?;
            }
            if is_bare(name) {
                f.write_str(name)?;
            } else {
                write_quoted(f, name)?;
            }
            f.write_char('=')?;
            write_quoted(f, value)?;
        }
        f.write_char('}')
    }
}

/// Whether a name is written without quotes: `[a-zA-Z_][a-zA-Z0-9_]*`, as Prometheus decides it.
fn is_bare(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Writes `text` in double quotes as Go's `strconv.Quote` does: control and unprintable characters
/// escaped, printable Unicode as it is.
///
/// # Errors
/// Only what the writer itself answers.
pub fn write_quoted(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    out.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => out.write_str("\\\"")?,
            '\\' => out.write_str("\\\\")?,
            '\u{7}' => out.write_str("\\a")?,
            '\u{8}' => out.write_str("\\b")?,
            '\u{c}' => out.write_str("\\f")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            '\u{b}' => out.write_str("\\v")?,
            c if (c as u32) < 0x20 || c == '\u{7f}' => write!(out, "\\x{:02x}", c as u32)?,
            c if is_printable(c) => out.write_char(c)?,
            c if (c as u32) < 0x10000 => write!(out, "\\u{:04x}", c as u32)?,
            c => write!(out, "\\U{:08x}", c as u32)?,
        }
    }
    out.write_char('"')
}

/// Nearly Go's `unicode.IsPrint`: no control, format, separator or private-use character.
fn is_printable(c: char) -> bool {
    c == ' '
        || !(c.is_control()
            || c.is_whitespace()
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}' | '\u{feff}')
            || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{f0000}'..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pairs: &[(&str, &str)], canonical: &str) {
        assert_eq!(
            Labels::of_stream(pairs.iter().copied()).to_string(),
            canonical
        );
    }

    #[test]
    fn canonical_text() {
        check(&[], "{}");
        check(&[("b", "2"), ("a", "1")], r#"{a="1", b="2"}"#);
        check(&[("a", "1"), ("a", "2")], r#"{a="2"}"#);
        check(&[("a", "1"), ("a", "2"), ("a", "3")], r#"{a="3"}"#);
        check(&[("a", ""), ("b", "x")], r#"{b="x"}"#);
        check(
            &[("a.b", "1"), ("0a", "2"), ("é", "3")],
            r#"{"0a"="2", "a.b"="1", "é"="3"}"#,
        );
        check(
            &[("p", "C:\\d\"\n\t\u{1}é🎉\u{200b}")],
            r#"{p="C:\\d\"\n\t\x01é🎉\u200b"}"#,
        );
    }

    #[test]
    fn lookup_and_ids() {
        let labels = Labels::from_pairs([("env", "prod"), ("app", "x")]);
        assert_eq!(labels.get("app"), Some("x"));
        assert_eq!(labels.get("nope"), None);
        assert_ne!(
            labels.stream_id(),
            Labels::from_pairs([("app", "xenvprod")]).stream_id()
        );
        assert_eq!(
            labels.with("app", "y").to_string(),
            r#"{app="y", env="prod"}"#
        );
        // xxHash64 of "app\xffx\xffenv\xffprod\xff", from the reference implementation
        assert_eq!(
            labels.stable_hash(),
            xxhash_rust::xxh64::xxh64(b"app\xffx\xffenv\xffprod\xff", 0)
        );
    }
}
