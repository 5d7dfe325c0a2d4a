//! [`Plan`]: which rows of a partition are removed and which become one segment. Pure.
//!
//! | rows | become | when |
//! |---|---|---|
//! | pushes (level 0) | minutes (1) | they are 64, or have 4 MiB, or one is 5 minutes old |
//! | minutes (1) | hours (2) | they are 24, or have 64 MiB, or one is an hour old |
//! | all of a day | day (3) | the day has been over for an hour |
//! | late pushes and those of the day | the next level | a push is an hour old |
//!
//! Each merge goes to the level above its highest input, and a segment of half the target is not
//! merged again. Rows of a day that is over are merged only where all others have a quarter of what
//! the largest has, so a late push does not make the day be written anew, and each byte is written
//! a bounded number of times. Pushes that are too light for that go up among themselves.

mod cut;
#[cfg(test)]
mod simulation;

use std::collections::HashSet;

use narvi_model::{NANOS_PER_SECOND, Timestamp};
use narvi_segment::SegmentId;
use narvi_storage::{Partition, SegmentRow, split_left_behind};

use crate::limits::{
    HOURS_INPUTS, HOURS_SECONDS, OVER_SECONDS, READY_INPUTS, READY_SHARE, SETTLE_SECONDS,
};
use crate::sizes::Sizes;
use cut::{cut, weighty};

/// What there is to do in a partition.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Rows that others replace; removed before anything else.
    pub(crate) left: Vec<SegmentRow>,
    /// The rows of each merge, the last one first: merges are taken from the end. Pushes come first
    /// and their earliest lines, since today is what is asked for.
    pub(crate) merges: Vec<Vec<SegmentRow>>,
    /// Every segment whose row remains after `left` is removed.
    pub(crate) known: HashSet<SegmentId>,
}

impl Plan {
    /// From all rows of a partition.
    pub(crate) fn new(rows: Vec<SegmentRow>, now: Timestamp, sizes: Sizes) -> Self {
        let (left, rows) = split_left_behind(rows);
        let known = rows.iter().map(|row| row.summary.id).collect();
        let small: Vec<_> = rows.into_iter().filter(|row| sizes.is_small(row)).collect();
        let mut merges = match small.first() {
            Some(row) if is_over(&row.partition, now) => of_past_day(small, now, sizes),
            _ => of_open_day(small, now, sizes),
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

/// Whether the day of a partition has been over for so long that little more will come.
pub(crate) fn is_over(partition: &Partition, now: Timestamp) -> bool {
    now.since(partition.day.end()) >= OVER_SECONDS * NANOS_PER_SECOND
}

fn of_open_day(rows: Vec<SegmentRow>, now: Timestamp, sizes: Sizes) -> Vec<Vec<SegmentRow>> {
    let pushes = Wait {
        inputs: READY_INPUTS,
        bytes: sizes.target / READY_SHARE,
        seconds: SETTLE_SECONDS,
    };
    let minutes = Wait {
        inputs: HOURS_INPUTS,
        bytes: sizes.target,
        seconds: HOURS_SECONDS,
    };
    let mut merges = Vec::new();
    let (lowest, rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.level == 0);
    let middle = rows.into_iter().filter(|row| row.level == 1).collect();
    for (rows, wait) in [(lowest, pushes), (middle, minutes)] {
        if wait.is_over(&rows, now) {
            merges.extend(cut(rows, sizes).into_iter().filter(|rows| rows.len() >= 2));
        }
    }
    merges
}

fn of_past_day(rows: Vec<SegmentRow>, now: Timestamp, sizes: Sizes) -> Vec<Vec<SegmentRow>> {
    let (pushes, mut rest): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.level == 0);
    // What a merge has made lately may get company; it has the time of its latest push.
    rest.retain(|row| is_old(row, now, OVER_SECONDS));
    let wait = Wait {
        inputs: READY_INPUTS,
        bytes: sizes.target / READY_SHARE,
        seconds: OVER_SECONDS,
    };
    let has_waited = pushes.iter().any(|row| is_old(row, now, OVER_SECONDS));
    let mut light = Vec::new();
    let mut merges = Vec::new();
    if has_waited {
        rest.extend(pushes);
    } else if wait.is_over(&pushes, now) {
        light = pushes;
    }
    let (heavy, others) = weighty(rest);
    light.extend(others.into_iter().filter(|row| row.level == 0));
    for group in cut(heavy, sizes) {
        let (group, others) = weighty(group);
        merges.extend((group.len() >= 2).then_some(group));
        light.extend(others.into_iter().filter(|row| row.level == 0));
    }
    // A push of a past day goes up even if it is alone: in its row, each query of the day reads it.
    let light = cut(light, sizes);
    light.into_iter().chain(merges).collect()
}

/// How long rows of one level wait for others: until one of these is reached.
struct Wait {
    inputs: usize,
    bytes: u64,
    seconds: i64,
}

impl Wait {
    fn is_over(&self, rows: &[SegmentRow], now: Timestamp) -> bool {
        rows.len() >= self.inputs
            || rows.iter().map(|row| row.summary.size).sum::<u64>() >= self.bytes
            || rows.iter().any(|row| is_old(row, now, self.seconds))
    }
}

fn is_old(row: &SegmentRow, now: Timestamp, seconds: i64) -> bool {
    now.since(row.created) >= seconds * NANOS_PER_SECOND
}

#[cfg(test)]
mod tests {
    use narvi_segment::{FooterPlace, Summary};
    use narvi_storage::Place;

    use super::*;

    /// Id, level, seconds since arrival, KiB, replaced ids.
    type Short<'a> = (u8, u8, i64, u64, &'a [u8]);

    /// Noon of the first day.
    const NOON: Timestamp = Timestamp::from_seconds(43_200);

    /// An hour after its end.
    const CLOSED: Timestamp = Timestamp::from_seconds(90_000);

    fn id(n: u8) -> SegmentId {
        SegmentId::from_bytes([n; 16])
    }

    fn row(&(n, level, age, kib, replaces): &Short<'_>, now: Timestamp) -> SegmentRow {
        SegmentRow {
            partition: "a/1970-01-01/0".parse().unwrap(),
            level,
            summary: Summary {
                id: id(n),
                size: kib << 10,
                tail: 0,
                footer: FooterPlace { offset: 0, len: 0 },
                first: Timestamp::from_seconds(n.into()),
                last: Timestamp::from_seconds(n.into()),
                rows: 1,
                line_bytes: kib << 10,
                streams: Vec::new(),
            },
            place: Place::Object(String::new()),
            replaces: replaces.iter().copied().map(id).collect(),
            created: now.minus(age * NANOS_PER_SECOND),
        }
    }

    #[track_caller]
    fn check(now: Timestamp, rows: &[Short<'_>], left: &[u8], merges: &[&[u8]]) {
        let rows = rows.iter().map(|short| row(short, now)).collect();
        let plan = Plan::new(rows, now, Sizes::default());
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

    /// Rows of a level, KiB and age, with ids from a first one on.
    fn many(first: u8, count: u8, level: u8, kib: u64) -> Vec<Short<'static>> {
        let row = |n| (first + n, level, 0, kib, [].as_slice());
        (0..count).map(row).collect()
    }

    #[test]
    fn pushes_wait_for_others() {
        check(NOON, &[], &[], &[]);
        check(NOON, &[(1, 0, 299, 1, &[]), (2, 0, 0, 1, &[])], &[], &[]);
        check(
            NOON,
            &[(1, 0, 300, 1, &[]), (2, 0, 0, 1, &[])],
            &[],
            &[&[1, 2]],
        );
        check(
            NOON,
            &[(1, 0, 0, 2048, &[]), (2, 0, 0, 2048, &[])],
            &[],
            &[&[1, 2]],
        );
        let all: Vec<u8> = (0..64).collect();
        check(NOON, &many(0, 64, 0, 1), &[], &[&all]);
        check(NOON, &many(0, 63, 0, 1), &[], &[]);
        check(NOON, &[(1, 0, 9_000, 1, &[])], &[], &[]);
    }

    #[test]
    fn minutes_become_hours() {
        check(NOON, &[(1, 1, 3_599, 1, &[]), (2, 1, 0, 1, &[])], &[], &[]);
        check(
            NOON,
            &[(1, 1, 3_600, 1, &[]), (2, 1, 0, 1, &[])],
            &[],
            &[&[1, 2]],
        );
        let all: Vec<u8> = (0..24).collect();
        check(NOON, &many(0, 24, 1, 1), &[], &[&all]);
        check(NOON, &many(0, 23, 1, 1), &[], &[]);
        check(NOON, &many(0, 3, 1, 22 << 10), &[], &[&[0, 1, 2]]);
        // pushes go first; hours stay until the day is over
        let mut rows = many(0, 24, 1, 1);
        rows.extend(many(100, 64, 0, 1));
        rows.extend(many(200, 40, 2, 1));
        let pushes: Vec<u8> = (100..164).collect();
        check(NOON, &rows, &[], &[&pushes, &all]);
    }

    #[test]
    fn a_day_is_merged_when_it_is_over() {
        let rows: &[Short<'_>] = &[
            (1, 0, 3_600, 1, &[]),
            (2, 1, 3_600, 20, &[]),
            (3, 2, 4_000, 1_000, &[]),
            (4, 2, 9_000, 1_200, &[]),
        ];
        check(CLOSED, rows, &[], &[&[1, 2, 3, 4]]);
        let before = CLOSED.minus(1);
        check(before, &rows[1..], &[], &[]);
        // A full segment is written no more, nor is one that could go no higher.
        let full: &[Short<'_>] = &[
            (1, 1, 9_000, 32 << 10, &[]),
            (2, 1, 9_000, 33 << 10, &[]),
            (3, 99, 9_000, 1, &[]),
            (4, 99, 9_000, 1, &[]),
        ];
        check(CLOSED, full, &[], &[]);
    }

    #[test]
    fn a_late_push_waits_and_goes_up_by_itself() {
        let day: Short<'_> = (9, 3, 90_000, 1_000, &[]);
        let late = |age, kib| -> Short<'static> { (1, 0, age, kib, &[]) };
        check(CLOSED, &[day, late(3_599, 300)], &[], &[]);
        check(CLOSED, &[late(3_600, 250), day], &[], &[&[1, 9]]);
        check(CLOSED, &[late(3_600, 249), day], &[], &[&[1]]);
        // What one push has waited for takes all pushes along, but not what is young of a merge.
        let rows = [late(3_600, 1), (2, 0, 5, 1, &[]), (3, 1, 5, 1, &[]), day];
        check(CLOSED, &rows, &[], &[&[1, 2]]);
        // Many do not wait.
        let all: Vec<u8> = (0..64).collect();
        check(CLOSED, &many(0, 64, 0, 1), &[], &[&all]);
    }

    #[test]
    fn merges_are_bounded() {
        let rows: Vec<Short<'_>> = (0..7).map(|n| (n, 0, 0, 20 << 10, [].as_slice())).collect();
        check(NOON, &rows, &[], &[&[0, 1, 2, 3], &[4, 5, 6]]);
        let rows = many(0, 100, 0, 700);
        let (first, second): (Vec<u8>, Vec<u8>) = (0..100).partition(|n| *n < 94);
        check(NOON, &rows, &[], &[&first, &second]);
        // By what is decoded at one time.
        let rows: Vec<Short<'_>> = (0..70).map(|n| (n, 0, 0, 900, [].as_slice())).collect();
        let mut rows: Vec<_> = rows.iter().map(|short| row(short, NOON)).collect();
        rows.iter_mut()
            .for_each(|row| row.summary.line_bytes = 8 << 20);
        let plan = Plan::new(rows, NOON, Sizes::default());
        let counts: Vec<_> = plan.merges.iter().rev().map(Vec::len).collect();
        assert_eq!(counts, [64, 6]);
    }

    #[test]
    fn what_is_left_behind_is_not_merged() {
        let rows = [
            (1, 0, 900, 1, [].as_slice()),
            (2, 0, 900, 1, &[]),
            (9, 1, 0, 1, &[1]),
        ];
        check(NOON, &rows, &[1], &[]);
        // A merge may have the bytes, and with them the id, of one of its inputs.
        let rows = [
            (1, 1, 900, 1, [].as_slice()),
            (2, 0, 900, 1, &[]),
            (1, 2, 0, 1, &[1, 2]),
        ];
        check(NOON, &rows, &[1, 2], &[]);
    }
}
