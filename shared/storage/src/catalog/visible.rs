//! Which rows a reader may use: [`visible`] drops what a merge has replaced, [`left_behind`] finds
//! what a merge that stopped half-way did not remove. Pure.

use narvi_model::{TimeRange, Timestamp};
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

/// The rows that another of `rows` replaces: their removal was cut short. They must be removed
/// before the merged segment itself is merged on, because only its row knows of them.
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

/// What the rows replace: each id with the level and the arrival of the row that names it, by id.
fn replaced(rows: &[SegmentRow]) -> Vec<(SegmentId, u8, Timestamp)> {
    let named = rows.iter().flat_map(|row| {
        let by = |id: &SegmentId| (*id, row.level, row.created);
        row.replaces.iter().map(by)
    });
    let mut replaced: Vec<_> = named.collect();
    replaced.sort_unstable();
    replaced
}

/// Data moves only up: a merge may yield the very bytes of one of its inputs, and with them its id,
/// and must not hide itself. Nor does it hide what arrived after all that it was made of: who sends
/// a push again when some of its lines were deleted and the request is over, sends new lines.
fn is_hidden(row: &SegmentRow, replaced: &[(SegmentId, u8, Timestamp)]) -> bool {
    let id = row.summary.id;
    let start = replaced.partition_point(|(other, ..)| *other < id);
    let own = replaced[start..]
        .iter()
        .take_while(|(other, ..)| *other == id);
    own.into_iter()
        .any(|(_, level, latest)| *level > row.level && row.created <= *latest)
}

#[cfg(test)]
mod tests {
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
    fn what_came_again_after_that_is_not_hidden() {
        let at = |created, short: &Short<'_>| SegmentRow {
            created: Timestamp::from_nanos(created),
            ..row(short)
        };
        for (again, seen) in [(4, 1), (5, 1), (6, 2)] {
            let rows = vec![at(again, &(1, 12, 13, &[])), at(5, &(2, 12, 13, &[1]))];
            assert_eq!(left_behind(&rows).len(), 2 - seen);
            let range = TimeRange::new(Timestamp::MIN, Timestamp::MAX).unwrap();
            assert_eq!(visible(rows, range).len(), seen, "{again}");
        }
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
