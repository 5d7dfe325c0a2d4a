//! [`Plan`]: which rows of a partition are removed and which become one segment. Pure.
//!
//! Level 0 goes to level 1; a plan for higher levels takes its rows of one level in the same way.
//! Rows wait until there is enough of them or the oldest has waited long enough. A row that is
//! alone stays as it is, in the catalog too: an object for up to 8 KiB of inline bytes costs a PUT
//! ($5.00 a million), and reading them with the row costs less than a GET.

use std::collections::HashSet;

use narvi_model::{NANOS_PER_SECOND, Timestamp};
use narvi_segment::SegmentId;
use narvi_storage::{SegmentRow, left_behind};

use crate::limits::{
    MERGE_INPUTS, MERGE_WEIGHT, READY_INPUTS, READY_WEIGHT, ROW_WEIGHT, SETTLE_SECONDS,
};

/// What there is to do in a partition.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Rows that others replace; removed before anything else.
    pub(crate) left: Vec<SegmentRow>,
    /// The rows of each merge, the latest lines first: merges are taken from the end.
    pub(crate) merges: Vec<Vec<SegmentRow>>,
    /// Every segment whose row remains after `left` is removed.
    pub(crate) known: HashSet<SegmentId>,
}

impl Plan {
    /// From all rows of a partition.
    pub(crate) fn new(rows: Vec<SegmentRow>, now: Timestamp) -> Self {
        let ids = left_behind(&rows).into_iter().map(|row| row.summary.id);
        let left: HashSet<SegmentId> = ids.collect();
        let (left, rows): (Vec<_>, Vec<_>) = rows
            .into_iter()
            .partition(|row| left.contains(&row.summary.id));
        let known = rows.iter().map(|row| row.summary.id).collect();
        let pushes: Vec<_> = rows.into_iter().filter(|row| row.level == 0).collect();
        let mut merges = if is_ready(&pushes, now) {
            groups(pushes)
        } else {
            Vec::new()
        };
        merges.reverse();
        Self {
            left,
            merges,
            known,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.left.is_empty() && self.merges.is_empty()
    }
}

/// Whether rows of one level are enough, or have waited enough.
fn is_ready(rows: &[SegmentRow], now: Timestamp) -> bool {
    let Some(oldest) = rows.iter().map(|row| row.created).min() else {
        return false;
    };
    rows.len() >= READY_INPUTS
        || rows.iter().map(weight).sum::<u64>() >= READY_WEIGHT
        || now.since(oldest) >= SETTLE_SECONDS * NANOS_PER_SECOND
}

/// Cuts rows, which are in the order of time, into merges of bounded weight.
fn groups(rows: Vec<SegmentRow>) -> Vec<Vec<SegmentRow>> {
    let mut groups = Vec::new();
    let mut group: Vec<SegmentRow> = Vec::new();
    let mut total = 0;
    for row in rows {
        let weight = weight(&row);
        if group.len() >= MERGE_INPUTS || total + weight > MERGE_WEIGHT {
            groups.push(std::mem::take(&mut group));
            total = 0;
        }
        total += weight;
        group.push(row);
    }
    groups.push(group);
    groups.retain(|group| group.len() >= 2);
    groups
}

/// About the memory that a segment needs while it is merged.
fn weight(row: &SegmentRow) -> u64 {
    let summary = &row.summary;
    let rows = summary.rows.saturating_mul(ROW_WEIGHT);
    summary
        .line_bytes
        .saturating_add(summary.size)
        .saturating_add(rows)
}

#[cfg(test)]
mod tests {
    use narvi_segment::{FooterPlace, Summary};
    use narvi_storage::Place;

    use super::*;

    /// Id, level, seconds since arrival, MiB of lines, replaced ids.
    type Short<'a> = (u8, u8, i64, u64, &'a [u8]);

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn id(n: u8) -> SegmentId {
        SegmentId::from_bytes([n; 16])
    }

    fn row(&(n, level, age, mib, replaces): &Short<'_>) -> SegmentRow {
        SegmentRow {
            partition: "a/1970-01-01/0".parse().unwrap(),
            level,
            summary: Summary {
                id: id(n),
                size: 0,
                tail: 0,
                footer: FooterPlace { offset: 0, len: 0 },
                first: NOW,
                last: NOW,
                rows: 1,
                line_bytes: mib << 20,
                streams: Vec::new(),
            },
            place: Place::Object(String::new()),
            replaces: replaces.iter().copied().map(id).collect(),
            created: NOW.minus(age * NANOS_PER_SECOND),
        }
    }

    #[track_caller]
    fn check(rows: &[Short<'_>], left: &[u8], merges: &[&[u8]]) {
        let plan = Plan::new(rows.iter().map(row).collect(), NOW);
        let ids = |rows: &[SegmentRow]| -> Vec<u8> {
            rows.iter()
                .map(|row| row.summary.id.as_bytes()[0])
                .collect()
        };
        assert_eq!(ids(&plan.left), left);
        let found: Vec<_> = plan.merges.iter().rev().map(|group| ids(group)).collect();
        assert_eq!(found, merges);
        assert_eq!(plan.is_empty(), left.is_empty() && merges.is_empty());
    }

    #[test]
    fn rows_wait_for_others() {
        check(&[], &[], &[]);
        check(&[(1, 0, 299, 1, &[]), (2, 0, 0, 1, &[])], &[], &[]);
        check(&[(1, 0, 300, 1, &[]), (2, 0, 0, 1, &[])], &[], &[&[1, 2]]);
        check(&[(1, 0, 0, 8, &[]), (2, 0, 0, 8, &[])], &[], &[&[1, 2]]);
        let many: Vec<Short<'_>> = (0..64).map(|n| (n, 0, 0, 0, [].as_slice())).collect();
        let all: Vec<u8> = (0..64).collect();
        check(&many, &[], &[&all]);
        check(&many[1..], &[], &[]);
    }

    #[test]
    fn what_is_alone_or_merged_stays() {
        check(&[(1, 0, 90_000, 1, &[])], &[], &[]);
        check(
            &[
                (1, 0, 900, 1, &[]),
                (2, 1, 900, 1, &[]),
                (3, 1, 900, 1, &[]),
            ],
            &[],
            &[],
        );
    }

    #[test]
    fn merges_are_bounded() {
        let rows = [(1, 30), (2, 30), (3, 30), (4, 30), (5, 70), (6, 30)];
        let rows: Vec<Short<'_>> = rows
            .iter()
            .map(|&(n, mib)| (n, 0, 0, mib, [].as_slice()))
            .collect();
        check(&rows, &[], &[&[1, 2], &[3, 4]]);
    }

    #[test]
    fn what_is_left_behind_is_not_merged() {
        let rows = [
            (1, 0, 900, 1, [].as_slice()),
            (2, 0, 900, 1, &[]),
            (9, 1, 0, 1, &[1]),
        ];
        check(&rows, &[1], &[]);
    }
}
