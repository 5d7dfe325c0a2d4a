//! [`LineBuffer`]: lines side by side, each followed by one newline, and the column of their
//! lengths.
//!
//! The newline is stored too: it compresses to almost nothing, and a search over the whole buffer
//! then cannot run from one line into the next unless a line itself holds a newline.

use crate::error::Fault;

/// The byte behind each line.
pub const SEPARATOR: u8 = b'\n';

/// Lines, each followed by [`SEPARATOR`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineBuffer {
    /// All lines with their separators.
    pub bytes: Vec<u8>,
    /// Offset of the separator behind each line.
    pub ends: Vec<u32>,
}

impl LineBuffer {
    /// Appends a line. Buffers end at 4 GiB; [`crate::limits::MAX_COLUMN_BYTES`] is far below.
    pub fn push(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.ends
            .push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
        self.bytes.push(SEPARATOR);
    }

    /// The line of `row` without its separator; nothing where there is no such row.
    #[must_use]
    pub fn line(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.end(row - 1) + 1 };
        self.bytes.get(start..self.end(row)).unwrap_or_default()
    }

    fn end(&self, row: usize) -> usize {
        self.ends.get(row).map_or(0, |end| *end as usize)
    }

    /// Number of lines.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all lines without separators.
    #[must_use]
    pub fn line_bytes(&self) -> usize {
        self.bytes.len().saturating_sub(self.ends.len())
    }

    /// Sets `ends` from the length of each line, and checks that a separator stands at each.
    ///
    /// # Errors
    /// [`Fault::Mismatch`] where lengths and bytes do not fit.
    pub fn set_lengths(&mut self, lengths: &[u32]) -> Result<(), Fault> {
        self.ends.clear();
        self.ends.reserve(lengths.len());
        let mut end = 0_usize;
        for &length in lengths {
            end = end.saturating_add(length as usize);
            let found = self.bytes.get(end).copied().map_or(u64::MAX, u64::from);
            if found != u64::from(SEPARATOR) {
                return Err(Fault::Mismatch {
                    found,
                    expected: SEPARATOR.into(),
                });
            }
            self.ends
                .push(u32::try_from(end).map_err(|_| Fault::Overflow)?);
            end += 1;
        }
        if end != self.bytes.len() {
            let (found, expected) = (self.bytes.len() as u64, end as u64);
            return Err(Fault::Mismatch { found, expected });
        }
        Ok(())
    }
}

/// Whether a line holds a newline: then there are more of them than lines.
pub(crate) fn has_newlines(bytes: &[u8], rows: usize) -> bool {
    memchr::memchr_iter(SEPARATOR, bytes).count() != rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_ends() {
        let mut lines = LineBuffer::default();
        assert_eq!(
            (lines.line(0), lines.line_bytes(), lines.is_empty()),
            (&b""[..], 0, true)
        );
        for line in ["a", "", "b\nc"] {
            lines.push(line.as_bytes());
        }
        assert_eq!(lines.bytes, b"a\n\nb\nc\n");
        assert_eq!(lines.ends, [1, 2, 6]);
        assert_eq!(
            [lines.line(0), lines.line(1), lines.line(2)],
            [&b"a"[..], b"", b"b\nc"]
        );
        assert_eq!(
            (lines.line(3), lines.len(), lines.line_bytes()),
            (&b""[..], 3, 4)
        );
        assert!(has_newlines(&lines.bytes, 3) && !has_newlines(b"a\n\n", 2));
    }

    #[test]
    fn lengths_must_fit() {
        let mut lines = LineBuffer {
            bytes: b"a\n\nb\nc\n".to_vec(),
            ends: Vec::new(),
        };
        assert_eq!(lines.set_lengths(&[1, 0, 3]), Ok(()));
        assert_eq!(lines.ends, [1, 2, 6]);
        for bad in [
            &[1, 0, 2][..],
            &[1, 0],
            &[1, 0, 3, 0],
            &[1, 0, 1],
            &[u32::MAX],
            &[],
        ] {
            assert!(lines.set_lengths(bad).is_err(), "{bad:?}");
        }
    }
}
