//! [`weighty`]: which rows are worth to be merged; [`cut`]: into how many segments. Pure.

use narvi_storage::SegmentRow;

use crate::limits::{LATE_SHARE, MERGE_INPUTS, OPEN_BYTES};
use crate::sizes::{Sizes, open_bytes};

/// Splits rows into those that are merged and the others: as many of the smaller ones as there can
/// be so that all others together have 1/[`LATE_SHARE`] of what the largest has. None or two at
/// least. Of the others, each is more than [`LATE_SHARE`] times all that are smaller, so they are
/// few.
pub(super) fn weighty(mut rows: Vec<SegmentRow>) -> (Vec<SegmentRow>, Vec<SegmentRow>) {
    rows.sort_by_key(|row| (row.summary.size, row.summary.id));
    let (mut count, mut smaller) = (0, 0_u64);
    for (place, row) in rows.iter().enumerate() {
        if place > 0 && row.summary.size <= smaller.saturating_mul(LATE_SHARE) {
            count = place + 1;
        }
        smaller = smaller.saturating_add(row.summary.size);
    }
    let others = rows.split_off(count);
    (rows, others)
}

/// Cuts small rows into merges of bounded size, in the order of time.
pub(super) fn cut(mut rows: Vec<SegmentRow>, sizes: Sizes) -> Vec<Vec<SegmentRow>> {
    rows.sort_by_key(|row| (row.summary.first, row.level, row.summary.id));
    let mut groups = Vec::new();
    let mut group: Vec<SegmentRow> = Vec::new();
    let (mut stored, mut opened) = (0, 0);
    for row in rows {
        let open = open_bytes(&row);
        let is_full = stored >= sizes.target || group.len() >= MERGE_INPUTS;
        if !group.is_empty() && (is_full || opened + open > OPEN_BYTES) {
            groups.push(std::mem::take(&mut group));
            (stored, opened) = (0, 0);
        }
        stored += row.summary.size;
        opened += open;
        group.push(row);
    }
    if !group.is_empty() {
        groups.push(group);
    }
    groups
}
