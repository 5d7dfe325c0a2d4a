//! Plain text: one `memmem` pass over the buffer of all lines.

use std::ops::Range;

use memchr::memmem::Finder;

use crate::batch::LineColumn;
use crate::required::Required;

/// A text to be found anywhere in a line.
#[derive(Debug)]
pub(super) struct TextSearch {
    finder: Finder<'static>,
    /// A text with a newline could be found across two lines of the buffer.
    has_newline: bool,
}

impl TextSearch {
    pub(super) fn new(text: &str) -> Self {
        let finder = Finder::new(text.as_bytes()).into_owned();
        Self {
            finder,
            has_newline: text.contains('\n'),
        }
    }

    /// Whether every line holds it.
    pub(super) fn finds_all(&self) -> bool {
        self.finder.needle().is_empty()
    }

    /// What a line that is found holds.
    pub(super) fn required(&self) -> Required {
        Required::text(self.finder.needle())
    }

    pub(super) fn is_match(&self, line: &[u8]) -> bool {
        self.finder.find(line).is_some()
    }

    /// The first row of `rows` that holds it.
    pub(super) fn next(&self, lines: &LineColumn, mut rows: Range<u32>) -> Option<u32> {
        if rows.is_empty() {
            return None;
        }
        if self.has_newline {
            return rows.find(|&row| self.is_match(lines.line(row)));
        }
        let start = lines.start(rows.start);
        let end = lines.end(rows.end - 1);
        let at = self.finder.find(&lines.bytes[start..end])?;
        Some(lines.row_at(start + at, rows.start))
    }
}
