//! `|> "a <_> b"`: texts in order with something between them.
//!
//! Only the nameless capture `<_>` is allowed. The first text is not bound to the start of the
//! line, the last one is bound to its end (spec `logql.md` §6).

use std::ops::Range;

use memchr::memmem::Finder;

use crate::batch::LineColumn;

/// A pattern to be met by a line.
#[derive(Debug)]
pub(super) struct PatternSearch {
    parts: Vec<Part>,
    /// The longest text, which is searched first over many lines.
    longest: Option<Finder<'static>>,
}

#[derive(Debug)]
enum Part {
    Text(Box<Finder<'static>>),
    Capture,
}

impl PatternSearch {
    pub(super) fn compile(pattern: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = pattern;
        while !rest.is_empty() {
            let (text, capture, tail) = split_capture(rest);
            if !text.is_empty() {
                parts.push(Part::Text(Box::new(Finder::new(text).into_owned())));
            }
            match capture {
                Some("_") if matches!(parts.last(), Some(Part::Capture)) => {
                    return Err(format!(
                        "found consecutive capture '<_><_>': invalid expression: {pattern:?}"
                    ));
                }
                Some("_") => parts.push(Part::Capture),
                Some(name) => {
                    return Err(format!("named captures are not allowed: found '<{name}>'"));
                }
                None => {}
            }
            rest = tail;
        }
        let texts = parts.iter().filter_map(|part| match part {
            Part::Text(finder) => Some(&**finder),
            Part::Capture => None,
        });
        let longest = texts.max_by_key(|finder| finder.needle().len()).cloned();
        let longest = longest.filter(|finder| !finder.needle().contains(&b'\n'));
        Ok(Self { parts, longest })
    }

    pub(super) fn is_match(&self, line: &[u8]) -> bool {
        if self.parts.is_empty() || line.is_empty() {
            return self.parts.is_empty() && line.is_empty();
        }
        let mut at = 0;
        for (n, part) in self.parts.iter().enumerate() {
            let Part::Text(text) = part else { continue };
            match text.find(&line[at..]) {
                // The capture before it must have taken something.
                Some(0) if n > 0 => return false,
                Some(skipped) => at += skipped + text.needle().len(),
                None => return false,
            }
        }
        let ends_open = matches!(self.parts.last(), Some(Part::Capture));
        (at < line.len()) == ends_open
    }

    /// The first row of `rows` that meets it.
    pub(super) fn next(&self, lines: &LineColumn, mut rows: Range<u32>) -> Option<u32> {
        let Some(longest) = &self.longest else {
            return rows.find(|&row| self.is_match(lines.line(row)));
        };
        while !rows.is_empty() {
            let start = lines.start(rows.start);
            let at = longest.find(&lines.bytes[start..lines.end(rows.end - 1)])?;
            let row = lines.row_at(start + at, rows.start);
            if self.is_match(lines.line(row)) {
                return Some(row);
            }
            rows.start = row + 1;
        }
        None
    }
}

/// The text before the first `<name>`, the name, and what follows.
fn split_capture(pattern: &str) -> (&str, Option<&str>, &str) {
    let mut from = 0;
    while let Some(open) = pattern[from..].find('<').map(|at| from + at) {
        let inside = &pattern[open + 1..];
        let len = inside.find(|c: char| c != '_' && !c.is_ascii_alphanumeric());
        let len = len.unwrap_or(inside.len());
        let is_name = len > 0 && !inside.as_bytes()[0].is_ascii_digit();
        if is_name && inside[len..].starts_with('>') {
            return (&pattern[..open], Some(&inside[..len]), &inside[len + 1..]);
        }
        from = open + 1;
    }
    (pattern, None, "")
}
