//! [`WriterOptions`]: how a segment is written. Knows no bytes.

use crate::Codec;

/// How to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriterOptions {
    /// For every column that it makes smaller.
    pub codec: Codec,
    /// Rows of a chunk, at least 1 and at most [`crate::limits::MAX_CHUNK_ROWS`].
    pub max_chunk_rows: usize,
    /// Line bytes of a chunk, at most [`crate::limits::MAX_CHUNK_BYTES`]; a longer line has a chunk
    /// of its own.
    pub max_chunk_bytes: usize,
    /// Whether filters for needles are written. Making them takes time for every byte, so only what
    /// is kept for long has them (`docs/decisions/0017-needle-filters.md`).
    pub filters: bool,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            codec: Codec::Lz4,
            max_chunk_rows: 65_536,
            max_chunk_bytes: 1 << 20,
            filters: false,
        }
    }
}

impl WriterOptions {
    /// Whether a chunk of so many bytes of lines in so many rows is full, or nearly: merges take
    /// such a chunk over as it is.
    pub(crate) fn fills(&self, line_bytes: u64, rows: usize) -> bool {
        line_bytes >= self.max_chunk_bytes as u64 / 2 || rows >= self.max_chunk_rows / 2
    }
}
