//! [`Sizes`]: how large segments become. One number, so that a test plays a year with small ones.

use narvi_storage::SegmentRow;

use crate::limits::{OPEN_CHUNK, OPEN_FOOTER, ROW_BYTES, TARGET_BYTES, TOP_LEVEL};

/// How large segments become, and with that how much memory a merge takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Stored bytes at which a merge takes no further input. It has at most half as much again.
    pub target: u64,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            target: TARGET_BYTES,
        }
    }
}

impl Sizes {
    /// Whether a segment may be merged: one of half the target or more is written no more.
    pub(crate) fn is_small(&self, row: &SegmentRow) -> bool {
        row.summary.size < self.target / 2 && row.level < TOP_LEVEL
    }
}

/// About the bytes that a merge decodes of a segment at one time: a chunk and the footer.
pub(crate) fn open_bytes(row: &SegmentRow) -> u64 {
    let summary = &row.summary;
    let decoded = summary
        .line_bytes
        .saturating_add(summary.rows.saturating_mul(ROW_BYTES));
    decoded.min(OPEN_CHUNK) + OPEN_FOOTER * u64::from(summary.footer.len)
}

/// About the memory of a merge: what is fetched, what is decoded of it, and the result.
pub(crate) fn memory(rows: &[SegmentRow]) -> u64 {
    let stored = rows.iter().map(|row| row.summary.size).sum::<u64>();
    let open = rows.iter().map(open_bytes).sum::<u64>();
    stored.saturating_mul(2).saturating_add(open)
}
