//! Why bytes are refused ([`FormatError`]) and why rows are ([`WriteError`]).
//!
//! A [`FormatError`] names the field, the [`Place`] and the [`Fault`], so that one line in a log is
//! enough to find the byte with `docs/format/segment.md` and a hex editor.

use std::fmt;

use narvi_model::Labels;

use crate::Codec;
use crate::limits::MAX_COLUMN_BYTES;
use crate::trailer::VERSION;

/// Bytes that are no segment of a version that this build reads, or that break the format's rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} at {place}: {fault}")]
pub struct FormatError {
    /// The field, as `docs/format` calls it.
    pub field: &'static str,
    /// Where it stands.
    pub place: Place,
    /// What is wrong with it.
    pub fault: Fault,
}

/// A byte of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// What `at` counts from.
    pub area: Area,
    /// Offset in bytes in the area after decompression.
    pub at: u64,
}

/// The parts of a segment that are decoded on their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    /// The file, or as much of its end as was given.
    Segment,
    /// The footer.
    Footer,
    /// The footer's table of texts.
    Symbols,
    /// The column that is stored at this offset of the segment.
    Column(u64),
    /// The filter that is stored at this offset of the segment.
    Filter(u64),
    /// The bytes of packed streams.
    Pack,
}

/// What can be wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The bytes end too early.
    #[error("cut short: needs {needed} bytes, {left} are left")]
    Truncated {
        /// Bytes that the field takes.
        needed: u64,
        /// Bytes that are there.
        left: u64,
    },
    /// Beyond a limit of [`crate::limits`], or beyond what the bytes around it can hold.
    #[error("{found} is more than {limit}")]
    TooLarge {
        /// The number.
        found: u64,
        /// What is possible at most.
        limit: u64,
    },
    /// Two places that must say the same do not.
    #[error("is {found}, should be {expected}")]
    Mismatch {
        /// What the bytes make.
        found: u64,
        /// What another field says.
        expected: u64,
    },
    /// The stored bytes are not those that were written.
    #[error("checksum {computed:08x}, was written as {stored:08x}: the bytes are damaged")]
    Checksum {
        /// CRC-32C of the bytes.
        computed: u32,
        /// CRC-32C when they were written.
        stored: u32,
    },
    /// The magic bytes at the end are others.
    #[error("does not end with the magic bytes of a segment")]
    NotASegment,
    /// A format that this build does not know.
    #[error("version {0}, this build reads {VERSION}; upgrade it")]
    Version(u32),
    /// A code that has no meaning in this version.
    #[error("{0} has no meaning in this version")]
    Unknown(u64),
    /// Text that is not UTF-8, or is cut within a character.
    #[error("not UTF-8")]
    NotUtf8,
    /// Items out of order or repeated.
    #[error("not in ascending order, or twice")]
    Order,
    /// A sum or a number that leaves its type.
    #[error("number out of range")]
    Overflow,
    /// The compressed bytes are not what their codec writes.
    #[error("{codec} cannot decompress it: {reason}")]
    Compression {
        /// How the column is compressed.
        codec: Codec,
        /// The library's words.
        reason: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {} of ", self.at)?;
        match self.area {
            Area::Segment => f.write_str("the segment"),
            Area::Footer => f.write_str("the footer"),
            Area::Symbols => f.write_str("the footer's symbols"),
            Area::Column(offset) => write!(f, "the column stored at {offset}"),
            Area::Filter(offset) => write!(f, "the filter stored at {offset}"),
            Area::Pack => f.write_str("the pack"),
        }
    }
}

/// Rows that cannot be written. The writer is of no use after an error: a part of the rows may
/// already be in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// A stream's rows must come in one call, or its chunks would not be in the order of time.
    #[error("stream {0} was pushed before; give all its rows at once")]
    StreamTwice(Labels),
    /// A segment has at least one row.
    #[error("a segment without rows; write none instead")]
    Empty,
    /// Rows whose columns do not fit each other.
    #[error("{column} of row {row} does not fit the other columns")]
    Shape {
        /// The column.
        column: &'static str,
        /// The first such row.
        row: usize,
    },
    /// Rows that should be sorted by time.
    #[error("row {row} is earlier than the row before it; sort rows before writing")]
    Unsorted {
        /// The row.
        row: usize,
    },
    /// Rows that should be free of duplicates.
    #[error("{0} rows repeat another row; drop duplicates before writing")]
    Duplicates(usize),
    /// Beyond what a reader accepts.
    #[error("{what} of size {size}, {limit} is the most that can be written")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size, in bytes unless `what` says otherwise.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// The compressor failed, for want of memory.
    #[error("compression failed: {0}")]
    Compression(String),
}

impl WriteError {
    /// A column's raw bytes are beyond [`MAX_COLUMN_BYTES`].
    pub(crate) fn column(what: &'static str, size: usize) -> Self {
        Self::TooLarge {
            what,
            size,
            limit: MAX_COLUMN_BYTES,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_field_place_and_fault() {
        let error = FormatError {
            field: "line length",
            place: Place {
                area: Area::Column(4711),
                at: 12,
            },
            fault: Fault::Mismatch {
                found: 3,
                expected: 5,
            },
        };
        let text = "line length at byte 12 of the column stored at 4711: is 3, should be 5";
        assert_eq!(error.to_string(), text);
    }
}
