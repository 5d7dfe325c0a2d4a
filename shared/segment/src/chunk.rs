//! [`ChunkMeta`]: one run of a stream's rows, and the way from stored bytes to each of its columns.
//!
//! Callers bring exactly the stored bytes of a column ([`Column::range`]); nothing is fetched here.

use narvi_model::Timestamp;

use crate::bitpack::read_u32s;
use crate::column::{Column, Scratch};
use crate::error::{Fault, FormatError};
use crate::limits::MAX_COLUMN_BYTES;
use crate::metadata::{self, MetadataColumns};
use crate::rows::Rows;
use crate::timestamps;

/// What the footer says of a chunk: enough for counts and sums of chunks that lie within a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkMeta {
    /// Place of the stream in [`crate::Footer::streams`].
    pub stream: u32,
    /// Time of the first row.
    pub first: Timestamp,
    /// Time of the last row.
    pub last: Timestamp,
    /// Number of rows, at least 1.
    pub rows: u32,
    /// Bytes of all lines without separators.
    pub line_bytes: u64,
    /// Whether a line holds a newline. Without, every newline of the buffer ends a line.
    pub has_newlines: bool,
    /// Times.
    pub timestamps: Column,
    /// Length of each line.
    pub lengths: Column,
    /// Lines with separators.
    pub lines: Column,
    /// Structured metadata, where a row has any.
    pub metadata: Option<Column>,
}

impl ChunkMeta {
    /// Times in nanoseconds, ascending, into `out`, which it replaces.
    ///
    /// # Errors
    /// Damaged bytes, or times that do not lead from `first` to `last` in `rows` rows.
    pub fn decode_timestamps(
        &self,
        stored: &[u8],
        scratch: &mut Scratch,
        out: &mut Vec<i64>,
    ) -> Result<(), FormatError> {
        let mut cursor = self.timestamps.open("timestamps", stored, scratch)?;
        let ends = (self.first.nanos(), self.last.nanos());
        timestamps::read(&mut cursor, self.rows as usize, ends, out)?;
        cursor.finish("timestamps")
    }

    /// Bytes of each line into `out`, which it replaces.
    ///
    /// # Errors
    /// Damaged bytes, or lengths that do not add up to `line_bytes` in `rows` rows.
    pub fn decode_lengths(
        &self,
        stored: &[u8],
        scratch: &mut Scratch,
        out: &mut Vec<u32>,
    ) -> Result<(), FormatError> {
        let mut cursor = self.lengths.open("line lengths", stored, scratch)?;
        let limit = MAX_COLUMN_BYTES as u32;
        let found = read_u32s(&mut cursor, "line length", limit, self.rows as usize, out)?;
        if found != self.line_bytes {
            let fault = Fault::Mismatch {
                found,
                expected: self.line_bytes,
            };
            return Err(cursor.fail("sum of line lengths", fault));
        }
        cursor.finish("line lengths")
    }

    /// Lines, each followed by a newline, into `out`, which it replaces.
    ///
    /// # Errors
    /// Damaged bytes.
    pub fn decode_lines(&self, stored: &[u8], out: &mut Vec<u8>) -> Result<(), FormatError> {
        let (found, expected) = (u64::from(self.lines.raw_len), self.lines_len());
        if found != expected {
            return Err(self
                .lines
                .fail("lines", Fault::Mismatch { found, expected }));
        }
        self.lines.read("lines", stored, out)
    }

    /// Structured metadata; empty where the chunk has none.
    ///
    /// # Errors
    /// Damaged bytes, or references to values that are not there.
    pub fn decode_metadata(
        &self,
        stored: &[u8],
        scratch: &mut Scratch,
    ) -> Result<MetadataColumns, FormatError> {
        let Some(column) = &self.metadata else {
            return Ok(MetadataColumns::default());
        };
        let mut cursor = column.open("metadata", stored, scratch)?;
        let columns = metadata::read(&mut cursor, self.rows as usize)?;
        cursor.finish("metadata")?;
        Ok(columns)
    }

    /// All columns of the chunk, out of a whole segment in memory.
    ///
    /// # Errors
    /// Damaged bytes, or columns that do not fit each other.
    pub fn decode_rows(&self, segment: &[u8], scratch: &mut Scratch) -> Result<Rows, FormatError> {
        let mut rows = Rows::default();
        let times = self.timestamps.of(segment)?;
        self.decode_timestamps(times, scratch, &mut rows.timestamps)?;
        let mut lengths = Vec::new();
        self.decode_lengths(self.lengths.of(segment)?, scratch, &mut lengths)?;
        self.decode_lines(self.lines.of(segment)?, &mut rows.lines.bytes)?;
        let fits = rows.lines.set_lengths(&lengths);
        fits.map_err(|fault| self.lines.fail("line separator", fault))?;
        if let Some(metadata) = &self.metadata {
            rows.metadata = self.decode_metadata(metadata.of(segment)?, scratch)?;
        }
        Ok(rows)
    }

    /// Bytes of the lines with their separators.
    pub(crate) fn lines_len(&self) -> u64 {
        self.line_bytes.saturating_add(self.rows.into())
    }
}
