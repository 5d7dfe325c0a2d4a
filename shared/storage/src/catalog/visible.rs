//! Which rows a reader may use: [`visible`] drops what a merge has replaced, [`left_behind`] finds
//! what a merge that stopped half-way did not remove. Pure.

use std::collections::HashMap;

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
    let replaced = replaced(&rows);
    rows.retain(|row| {
        !is_hidden(row, &replaced) && range.touches(row.summary.first, row.summary.last)
    });
    rows
}

/// The rows that another of `rows` replaces: their removal was cut short, or a client has repeated
/// a push after its segment was merged. They must be removed before the merged segment itself is
/// merged on, because only its row knows of them.
#[must_use]
pub fn left_behind(rows: &[SegmentRow]) -> Vec<&SegmentRow> {
    let replaced = replaced(rows);
    rows.iter()
        .filter(|row| is_hidden(row, &replaced))
        .collect()
}

/// The rows that are [`left_behind`], and all others. An id may be in both: a merge may yield the
/// very bytes of one of its inputs.
#[must_use]
pub fn split_left_behind(rows: Vec<SegmentRow>) -> (Vec<SegmentRow>, Vec<SegmentRow>) {
    let replaced = replaced(&rows);
    rows.into_iter().partition(|row| is_hidden(row, &replaced))
}

/// The level of the highest row that replaces each id.
fn replaced(rows: &[SegmentRow]) -> HashMap<SegmentId, u8> {
    let mut levels = HashMap::new();
    for row in rows {
        for id in &row.replaces {
            let level = levels.entry(*id).or_insert(row.level);
            *level = row.level.max(*level);
        }
    }
    levels
}

/// Data moves only up: a merge may yield the very bytes of one of its inputs, and with them its id,
/// and must not hide itself.
fn is_hidden(row: &SegmentRow, replaced: &HashMap<SegmentId, u8>) -> bool {
    replaced
        .get(&row.summary.id)
        .is_some_and(|level| *level > row.level)
}

#[cfg(test)]
mod tests {
    use narvi_model::Timestamp;
    use narvi_segment::{FooterPlace, Summary};

    use super::*;
    use crate::Place;

    /// Id, times and replaced ids of a row; its level is above those.
    type Short<'a> = (u8, i64, i64, &'a [u8]);

    fn row(&(id, first, last, replaces): &Short<'_>) -> SegmentRow {
        let id_of = |n: u8| SegmentId::from_bytes([n; 16]);
        SegmentRow {
            partition: "a/1970-01-01/0".parse().unwrap(),
            level: replaces.iter().max().copied().unwrap_or(0),
            summary: Summary {
                id: id_of(id),
                size: 0,
                tail: 0,
                footer: FooterPlace { offset: 0, len: 0 },
                first: Timestamp::from_nanos(first),
                last: Timestamp::from_nanos(last),
                rows: 0,
                line_bytes: 0,
                streams: Vec::new(),
            },
            place: Place::Object(String::new()),
            replaces: replaces.iter().copied().map(id_of).collect(),
            created: Timestamp::from_nanos(0),
        }
    }

    /// Ids that are visible in 10..20, and those that are left behind.
    #[track_caller]
    fn check(rows: &[Short<'_>], seen: &[u8], left: &[u8]) {
        let rows: Vec<SegmentRow> = rows.iter().map(row).collect();
        let id = |row: &SegmentRow| row.summary.id.as_bytes()[0];
        let found: Vec<u8> = left_behind(&rows).into_iter().map(id).collect();
        assert_eq!(found, left);
        let (split, others) = split_left_behind(rows.clone());
        assert_eq!(split.iter().map(id).collect::<Vec<_>>(), left);
        assert_eq!(left_behind(&others), Vec::<&SegmentRow>::new());
        assert_eq!(split.len() + others.len(), rows.len());
        let range = TimeRange::new(Timestamp::from_nanos(10), Timestamp::from_nanos(20)).unwrap();
        let found: Vec<u8> = visible(rows, range).iter().map(id).collect();
        assert_eq!(found, seen);
    }

    #[test]
    fn replaced_rows_are_dropped() {
        check(&[], &[], &[]);
        check(&[(1, 10, 10, &[]), (2, 19, 19, &[])], &[1, 2], &[]);
        check(
            &[(1, 12, 13, &[]), (2, 14, 15, &[]), (3, 12, 15, &[1, 2])],
            &[3],
            &[1, 2],
        );
        check(&[(1, 12, 13, &[]), (3, 12, 15, &[1, 2])], &[3], &[1]);
        check(&[(3, 12, 15, &[1, 2])], &[3], &[]);
    }

    #[test]
    fn a_merge_with_the_bytes_of_an_input_hides_only_that() {
        check(&[(3, 12, 15, &[]), (3, 12, 15, &[1, 3])], &[3], &[3]);
    }

    #[test]
    fn replaced_rows_may_replace_others() {
        check(
            &[(1, 12, 13, &[]), (2, 12, 13, &[1]), (3, 12, 13, &[2])],
            &[3],
            &[1, 2],
        );
    }

    #[test]
    fn rows_of_other_times_are_dropped_after_that() {
        check(
            &[(1, 0, 9, &[]), (2, 20, 30, &[]), (3, 0, 30, &[])],
            &[3],
            &[],
        );
        // after a deletion the new segment ends before the asked time, and hides the old one there
        check(&[(1, 0, 15, &[]), (2, 0, 5, &[1])], &[], &[1]);
    }
}
