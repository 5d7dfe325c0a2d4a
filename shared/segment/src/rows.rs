//! [`Rows`]: decoded rows of one stream, by columns. What leaves a chunk and what compaction
//! writes.

use std::cmp::Ordering;

use narvi_model::{Entry, Line, Timestamp};

use crate::error::WriteError;
use crate::lines::{LineBuffer, SEPARATOR};
use crate::metadata::MetadataColumns;

/// Rows of one stream. Columns are of one length, except metadata that no row has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Nanoseconds since the epoch.
    pub timestamps: Vec<i64>,
    /// The lines.
    pub lines: LineBuffer,
    /// Structured metadata.
    pub metadata: MetadataColumns,
}

impl Rows {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.timestamps.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.timestamps.is_empty()
    }

    /// A row by itself; `None` where there is no such row or its line is not UTF-8.
    #[must_use]
    pub fn entry(&self, row: usize) -> Option<Entry> {
        let timestamp = Timestamp::from_nanos(*self.timestamps.get(row)?);
        let line = str::from_utf8(self.lines.line(row)).ok().map(Line::from)?;
        Some(Entry {
            timestamp,
            line,
            metadata: self.metadata.row(row),
        })
    }

    /// Drops the rows for which `kept` is false; columns must fit each other.
    pub(crate) fn retain(&mut self, kept: &[bool]) {
        retain(&mut self.timestamps, kept);
        let LineBuffer { bytes, ends } = &mut self.lines;
        let (mut from, mut to) = (0, 0);
        for (end, kept) in ends.iter_mut().zip(kept) {
            let line = from..*end as usize + 1;
            from = line.end;
            if *kept {
                let len = line.len();
                bytes.copy_within(line, to);
                to += len;
                *end = to as u32 - 1;
            }
        }
        bytes.truncate(to);
        retain(ends, kept);
        for column in &mut self.metadata.columns {
            retain(&mut column.refs, kept);
        }
    }

    /// Orders rows by what they hold besides time: equal rows are duplicates.
    pub(crate) fn compare(&self, row: usize, other: &Self, other_row: usize) -> Ordering {
        let lines = self.lines.line(row).cmp(other.lines.line(other_row));
        lines.then_with(|| {
            self.metadata
                .pairs(row)
                .cmp(other.metadata.pairs(other_row))
        })
    }

    /// Refuses columns that do not fit each other and times out of order.
    pub(crate) fn check(&self) -> Result<(), WriteError> {
        self.check_shape()?;
        match self
            .timestamps
            .windows(2)
            .position(|pair| pair[0] > pair[1])
        {
            Some(row) => Err(WriteError::Unsorted { row: row + 1 }),
            None => Ok(()),
        }
    }

    /// Refuses columns that do not fit each other.
    pub(crate) fn check_shape(&self) -> Result<(), WriteError> {
        let rows = self.len();
        if self.lines.len() != rows {
            let row = rows.min(self.lines.len());
            return Err(WriteError::Shape {
                column: "line",
                row,
            });
        }
        for column in &self.metadata.columns {
            if column.refs.len() != rows {
                let row = rows.min(column.refs.len());
                return Err(WriteError::Shape {
                    column: "metadata",
                    row,
                });
            }
            let values = column.values.len();
            let bad = column
                .refs
                .iter()
                .position(|reference| *reference as usize > values);
            if let Some(row) = bad {
                return Err(WriteError::Shape {
                    column: "metadata",
                    row,
                });
            }
        }
        self.check_separators()
    }

    fn check_separators(&self) -> Result<(), WriteError> {
        let mut start = 0;
        for (row, &end) in self.lines.ends.iter().enumerate() {
            let end = end as usize;
            if end < start || self.lines.bytes.get(end) != Some(&SEPARATOR) {
                return Err(WriteError::Shape {
                    column: "line",
                    row,
                });
            }
            start = end + 1;
        }
        if start != self.lines.bytes.len() {
            return Err(WriteError::Shape {
                column: "line",
                row: self.len(),
            });
        }
        Ok(())
    }
}

fn retain<T>(values: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    values.retain(|_| kept.next().is_none_or(|kept| *kept));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dictionary, MetadataColumn};

    fn rows() -> Rows {
        let mut rows = Rows {
            timestamps: vec![1, 2],
            ..Rows::default()
        };
        rows.lines.push(b"a");
        rows.lines.push(b"b");
        let mut values = Dictionary::default();
        values.push("x");
        rows.metadata.columns.push(MetadataColumn {
            name: "m".into(),
            values,
            refs: vec![0, 1],
        });
        rows
    }

    #[test]
    fn rows_that_do_not_fit_are_named() {
        let shape = |column, row| Err(WriteError::Shape { column, row });
        let check = |change: fn(&mut Rows), want: Result<(), WriteError>| {
            let mut rows = rows();
            change(&mut rows);
            assert_eq!(rows.check(), want);
        };
        check(|_| (), Ok(()));
        check(
            |rows| rows.timestamps[0] = 3,
            Err(WriteError::Unsorted { row: 1 }),
        );
        check(|rows| rows.timestamps.push(3), shape("line", 2));
        check(|rows| rows.lines.bytes[3] = b'x', shape("line", 1));
        check(|rows| rows.lines.bytes.push(b'\n'), shape("line", 2));
        check(|rows| rows.lines.ends[1] = 0, shape("line", 1));
        check(
            |rows| rows.metadata.columns[0].refs[1] = 2,
            shape("metadata", 1),
        );
        check(
            |rows| rows.metadata.columns[0].refs.truncate(1),
            shape("metadata", 1),
        );
    }

    #[test]
    fn rows_that_go() {
        for (kept, want) in [
            ([true, true], "a\nb\n"),
            ([false, true], "b\n"),
            ([true, false], "a\n"),
            ([false, false], ""),
        ] {
            let mut rows = rows();
            rows.retain(&kept);
            assert_eq!(rows.check(), Ok(()));
            assert_eq!(rows.lines.bytes, want.as_bytes());
            let value = rows.metadata.columns[0].value(rows.len().wrapping_sub(1));
            assert_eq!(value, Some("x").filter(|_| kept[1]));
        }
    }

    #[test]
    fn a_row_by_itself() {
        let entry = rows().entry(1).unwrap();
        assert_eq!(
            (entry.timestamp.nanos(), entry.line.as_bytes()),
            (2, &b"b"[..])
        );
        assert_eq!(entry.metadata.to_string(), r#"{m="x"}"#);
        assert_eq!(rows().entry(2), None);
    }
}
