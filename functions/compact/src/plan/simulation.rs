//! Days of pushes, played with the plan alone: how often a byte is written, how many segments are
//! left of a day.

use narvi_model::Timestamp;
use narvi_segment::{FooterPlace, SegmentId, Summary};
use narvi_storage::{Partition, Place, SegmentRow};
use proptest::prelude::*;

use super::Plan;
use crate::sizes::Sizes;

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// How pushes of one day arrive.
#[derive(Clone, Debug)]
struct Pattern {
    /// Seconds between two pushes on the day itself.
    every: i64,
    /// Bytes of a push, from and to.
    bytes: (u64, u64),
    /// Minutes between two late pushes in the week after it; none where 0.
    late_every: i64,
    /// Bytes of a late push.
    late_bytes: u64,
    /// Seconds of pause after each hour with pushes.
    pause: i64,
}

/// One partition and what was written to it.
struct Store {
    partition: Partition,
    rows: Vec<SegmentRow>,
    sizes: Sizes,
    ids: u64,
    pushed: u64,
    written: u64,
    merges: u64,
}

impl Store {
    fn new(sizes: Sizes) -> Self {
        Self {
            partition: "a/1970-01-01/0".parse().unwrap(),
            rows: Vec::new(),
            sizes,
            ids: 0,
            pushed: 0,
            written: 0,
            merges: 0,
        }
    }

    fn row(&mut self, level: u8, size: u64, created: i64, first: i64) -> SegmentRow {
        self.ids += 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.ids.to_be_bytes());
        let first = Timestamp::from_seconds(first.min(DAY - 1));
        SegmentRow {
            partition: self.partition.clone(),
            level,
            summary: Summary {
                id: SegmentId::from_bytes(id),
                size,
                tail: 0,
                footer: FooterPlace { offset: 0, len: 99 },
                first,
                last: first,
                rows: size.div_ceil(20),
                line_bytes: 6 * size,
                streams: Vec::new(),
            },
            place: Place::Object(String::new()),
            replaces: Vec::new(),
            created: Timestamp::from_seconds(created),
        }
    }

    fn push(&mut self, now: i64, size: u64) {
        let row = self.row(0, size, now, now);
        self.pushed += size;
        self.rows.push(row);
    }

    /// A run of the compactor. The rows of a merge add up: nothing gets smaller.
    fn compact(&mut self, now: i64) {
        let plan = Plan::new(self.rows.clone(), Timestamp::from_seconds(now), self.sizes);
        for rows in plan.merges {
            let sum = |of: fn(&SegmentRow) -> u64| rows.iter().map(of).sum::<u64>();
            let size = sum(|row| row.summary.size);
            assert!(size < self.sizes.target * 3 / 2, "{size}");
            let level = rows.iter().map(|row| row.level).max().unwrap() + 1;
            assert!(level < 60, "level {level}");
            let created = rows.iter().map(|row| row.created.seconds()).max().unwrap();
            let first = rows.iter().map(|row| row.summary.first.seconds()).min();
            let merged = self.row(level, size, created, first.unwrap());
            let gone = |row: &SegmentRow| rows.iter().any(|r| r.summary.id == row.summary.id);
            self.rows.retain(|row| !gone(row));
            self.rows.push(merged);
            self.written += size;
            self.merges += 1;
        }
    }

    fn small(&self) -> usize {
        self.rows
            .iter()
            .filter(|row| self.sizes.is_small(row))
            .count()
    }

    fn full(&self) -> usize {
        self.rows.len() - self.small()
    }
}

/// Plays the day and a week after it.
fn play(pattern: &Pattern, sizes: Sizes) -> Store {
    let mut store = Store::new(sizes);
    let (mut next, mut count) = (0, 0_u64);
    for now in (MINUTE..DAY + 2 * HOUR).step_by(MINUTE as usize) {
        while next < now && next < DAY {
            let (low, high) = pattern.bytes;
            store.push(next, low + count.wrapping_mul(7_919) % (high - low + 1));
            count += 1;
            next += pattern.every;
            if next % HOUR < pattern.every {
                next += pattern.pause;
            }
        }
        store.compact(now);
    }
    let mut late = DAY + 2 * HOUR;
    for now in (DAY + 2 * HOUR..9 * DAY).step_by(15 * MINUTE as usize) {
        while pattern.late_every > 0 && late < now && late < 8 * DAY {
            store.push(late, pattern.late_bytes);
            late += pattern.late_every * MINUTE;
        }
        store.compact(now);
    }
    store
}

/// What every pattern must come to.
fn check(pattern: &Pattern, sizes: Sizes) {
    let store = play(pattern, sizes);
    let total: u64 = store.rows.iter().map(|row| row.summary.size).sum();
    assert_eq!(total, store.pushed, "no byte is lost");
    let amplification = store.written as f64 / store.pushed.max(1) as f64;
    assert!(amplification <= 7.0, "{amplification} {pattern:?}");
    assert!(store.rows.iter().all(|row| row.level > 0), "{pattern:?}");
    // Each is more than four times all that are smaller, from hundreds of bytes to 32 MiB.
    assert!(store.small() <= 9, "{} {pattern:?}", store.small());
    assert!(
        store.full() as u64 <= total / (sizes.target / 2),
        "{pattern:?}"
    );
}

#[test]
fn a_steady_day_becomes_few_segments() {
    for (every, bytes, want) in [
        (1, 2_000, 3),
        (5, 20_000, 6),
        (60, 200_000, 6),
        (1, 20_000, 40),
    ] {
        let pattern = Pattern {
            every,
            bytes: (bytes, bytes),
            late_every: 0,
            late_bytes: 0,
            pause: 0,
        };
        let store = play(&pattern, Sizes::default());
        let amplification = store.written as f64 / store.pushed as f64;
        let found = (store.rows.len(), store.merges);
        eprintln!("{every} s, {bytes} bytes: {amplification:.2}, {found:?}");
        assert!(amplification <= 3.01, "{pattern:?}: {amplification}");
        assert!(store.rows.len() <= want, "{pattern:?}: {found:?}");
        check(&pattern, Sizes::default());
    }
}

fn any_pattern() -> impl Strategy<Value = Pattern> {
    let late_every = prop_oneof![Just(0), 1_i64..10, 10_i64..2_000];
    (
        20_i64..2_000,
        (200_u64..200_000, 0_u64..100_000),
        late_every,
        200_u64..300_000,
        prop_oneof![Just(0), 0..4 * HOUR],
    )
        .prop_map(
            |(every, (low, more), late_every, late_bytes, pause)| Pattern {
                every,
                bytes: (low, low + more),
                late_every,
                late_bytes,
                pause,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 24, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_arrives_is_written_a_bounded_number_of_times(pattern in any_pattern()) {
        check(&pattern, Sizes { target: 4 << 20 });
    }
}
