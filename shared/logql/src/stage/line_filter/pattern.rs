//! `|> "a <_> b"`: texts in order with something between them.
//!
//! Only the nameless capture `<_>` is allowed. The first text is not bound to the start of the
//! line, the last one is bound to its end (spec `logql.md` §6).

use std::ops::Range;

use memchr::memmem::Finder;

use crate::batch::LineColumn;
use crate::required::Required;
use crate::syntax::captures::{Piece, consecutive, pieces};

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
        let pieces = pieces(pattern);
        let mut parts = Vec::with_capacity(pieces.len());
        for piece in &pieces {
            parts.push(match *piece {
                Piece::Text(text) => Part::Text(Box::new(Finder::new(text).into_owned())),
                Piece::Capture("_") => Part::Capture,
                Piece::Capture(name) => {
                    return Err(format!("named captures are not allowed: found '<{name}>'"));
                }
            });
        }
        if consecutive(&pieces).is_some() {
            return Err(format!(
                "found consecutive capture '<_><_>': invalid expression: {pattern:?}"
            ));
        }
        let texts = parts.iter().filter_map(|part| match part {
            Part::Text(finder) => Some(&**finder),
            Part::Capture => None,
        });
        let longest = texts.max_by_key(|finder| finder.needle().len()).cloned();
        let longest = longest.filter(|finder| !finder.needle().contains(&b'\n'));
        Ok(Self { parts, longest })
    }

    /// What a line that meets it holds.
    pub(super) fn required(&self) -> Required {
        Required::all(self.parts.iter().map(|part| match part {
            Part::Text(text) => Required::text(text.needle()),
            Part::Capture => Required::Anything,
        }))
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
