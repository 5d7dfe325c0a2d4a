//! Which rows a reader may use: [`visible`] drops what a merge has replaced, [`left_behind`] finds
//! what a merge that stopped half-way did not remove. Pure.

use std::collections::HashSet;

use narvi_model::TimeRange;
use narvi_segment::SegmentId;

use super::SegmentRow;

/// The rows that answer a query over `range`: none that another of `rows` replaces, and only those
/// that touch the range, in the given order.
///
/// Rows that replace others must all be among `rows`, even those that do not touch the range: after
/// a deletion a rewritten segment may be shorter than the one that it replaces.
#[must_use]
pub fn visible(mut rows: Vec<SegmentRow>, range: TimeRange) -> Vec<SegmentRow> {
    let replaced = replaced_ids(&rows);
    rows.retain(|row| {
        !replaced.contains(&row.summary.id) && range.touches(row.summary.first, row.summary.last)
    });
    rows
}

/// The rows that another of `rows` replaces: their removal was cut short, or a client has repeated
/// a push after its segment was merged. They must be removed before the merged segment itself is
/// merged on, because only its row knows of them.
#[must_use]
pub fn left_behind(rows: &[SegmentRow]) -> Vec<&SegmentRow> {
    let replaced = replaced_ids(rows);
    rows.iter()
        .filter(|row| replaced.contains(&row.summary.id))
        .collect()
}

fn replaced_ids(rows: &[SegmentRow]) -> HashSet<SegmentId> {
    rows.iter()
        .flat_map(|row| row.replaces.iter().copied())
        .collect()
}
