//! Days of pushes with the clock as an argument: what becomes of them level by level, of late ones,
//! of a backlog, of runs that are killed, and of several workers.

use std::collections::BTreeMap;

use futures::future::join_all;
use narvi_compact::{Handler, Sizes};
use narvi_model::{NANOS_PER_SECOND, Timestamp};
use narvi_storage::{Place, left_behind};

use crate::config;
use crate::support::{Kept, Storage, advance, key_of};
use crate::{Run, TODAY};

/// 2024-01-10T00:00:00Z.
const MIDNIGHT: i64 = 1_704_844_800;
const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

fn at(second: i64) -> Timestamp {
    Timestamp::from_nanos((MIDNIGHT + second) * NANOS_PER_SECOND)
}

/// A worker that makes segments of a few KiB.
fn worker(storage: &Storage, owner: &str) -> Handler {
    let (objects, catalog) = (storage.objects.clone(), storage.catalog.clone());
    Handler::new(objects, catalog, config(""))
        .with_owner(owner)
        .with_sizes(Sizes { target: 16 << 10 })
}

/// Text that no codec makes much smaller.
fn noise(seed: i64, bytes: usize) -> String {
    let mut state = seed.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + (state % 90) as u8)
    });
    next.take(bytes).collect()
}

/// Pushes and what a reader must see of them.
struct Ledger {
    storage: Storage,
    lines: Vec<String>,
}

impl Ledger {
    async fn new() -> Self {
        Self {
            storage: Storage::new().await,
            lines: Vec::new(),
        }
    }

    /// A push of one line of the day's `second` that arrives at `arrival`.
    async fn push(&mut self, second: i64, arrival: i64, bytes: usize) {
        let app = ["api", "web", "db"][(second / MINUTE % 3) as usize];
        let text = noise(second + arrival, bytes);
        let kept = if bytes < 300 {
            Kept::Inline
        } else {
            Kept::Object
        };
        let line = (app, second, text.as_str(), "");
        self.storage.push(TODAY, at(arrival), kept, &[line]).await;
        self.lines.push(format!("{app} {second} {text}"));
    }

    async fn check(&self, when: &str) {
        let mut found = self.storage.lines(TODAY).await;
        found.sort();
        let mut want = self.lines.clone();
        want.sort();
        assert_eq!(found.len(), want.len(), "{when}");
        assert!(found == want, "{when}");
    }

    /// Levels and how many segments have each.
    async fn levels(&self) -> BTreeMap<u8, usize> {
        let mut levels = BTreeMap::new();
        for row in self.storage.rows(TODAY).await {
            *levels.entry(row.level).or_default() += 1;
        }
        levels
    }

    async fn run(&self, second: i64) -> u64 {
        let report = worker(&self.storage, "a").run(at(second)).await.unwrap();
        assert_eq!((report.status(), report.lost, report.busy), (200, 0, 0));
        report.merges
    }
}

#[tokio::test]
async fn yesterday_is_a_handful_of_segments() {
    let mut ledger = Ledger::new().await;
    // The day: a push every three minutes, and the compactor as often.
    for second in (0..DAY).step_by(3 * MINUTE as usize) {
        ledger.push(second, second, 40).await;
        ledger.run(second + MINUTE).await;
        if second % (6 * HOUR) == 0 {
            ledger.check(&format!("at {second}")).await;
        }
    }
    let levels = ledger.levels().await;
    assert!(!levels.contains_key(&3), "{levels:?}");
    assert!(levels[&2] >= 20, "an hour each: {levels:?}");
    assert!(levels.values().sum::<usize>() < 70, "{levels:?}");
    // Nothing more until the day has been over for an hour; then one merge is enough.
    ledger.run(DAY + 59 * MINUTE).await;
    assert!(!ledger.levels().await.contains_key(&3));
    assert!(ledger.run(DAY + HOUR).await > 0);
    ledger.check("over").await;
    let levels = ledger.levels().await;
    assert!(levels.keys().all(|level| *level >= 2), "{levels:?}");
    assert!(levels.values().sum::<usize>() <= 4, "{levels:?}");
    assert!(left_behind(&ledger.storage.rows(TODAY).await).is_empty());
    assert_eq!(ledger.run(DAY + 3 * HOUR).await, 0, "it stays as it is");
}

#[tokio::test]
async fn late_lines_do_not_rewrite_the_day() {
    let mut ledger = Ledger::new().await;
    for second in (0..DAY).step_by(HOUR as usize) {
        ledger.push(second, second, 200).await;
    }
    ledger.run(DAY + 2 * HOUR).await;
    assert_eq!(ledger.levels().await, [(1, 1)].into());
    let day = ledger.storage.rows(TODAY).await.remove(0);

    // A late push waits an hour for others, then goes up by itself: out of its row, not to the day.
    ledger.push(7, DAY + 3 * HOUR, 2).await;
    assert_eq!(ledger.run(DAY + 4 * HOUR - 1).await, 0);
    assert_eq!(ledger.run(DAY + 4 * HOUR).await, 1);
    ledger.check("one late push").await;
    let rows = ledger.storage.rows(TODAY).await;
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().any(|row| row.summary.id == day.summary.id));
    assert!(rows.iter().all(|row| matches!(row.place, Place::Object(_))));
    assert_eq!(ledger.run(DAY + 9 * HOUR).await, 0);

    // When the late ones have a quarter of the day they become one with it.
    for n in 0..8 {
        ledger.push(n, DAY + 10 * HOUR, 400).await;
    }
    ledger.run(DAY + 11 * HOUR).await;
    ledger.check("many late pushes").await;
    let rows = ledger.storage.rows(TODAY).await;
    assert!(rows.iter().all(|row| row.summary.id != day.summary.id));
    assert!(rows.len() <= 2 && rows.iter().any(|row| row.level == 2));
}

/// A day with rows of three levels, one of them late, before its last merge.
async fn unfinished() -> Ledger {
    let mut ledger = Ledger::new().await;
    for (arrival, run) in [(1, 2), (2, 3)] {
        for n in 0..2 {
            let second = arrival * HOUR + n;
            ledger.push(second, second, 200 + 150 * n as usize).await;
        }
        ledger.run(run * HOUR).await;
    }
    ledger.run(4 * HOUR).await;
    for n in 0..2 {
        ledger.push(5 * HOUR + n, 5 * HOUR, 300).await;
    }
    ledger.run(5 * HOUR + 10 * MINUTE).await;
    ledger.push(6 * HOUR, DAY, 300).await;
    assert_eq!(ledger.levels().await, [(0, 1), (1, 1), (2, 1)].into());
    ledger
}

#[tokio::test]
async fn the_merge_of_a_day_may_be_killed_at_each_request() {
    for count in 1.. {
        let ledger = unfinished().await;
        let before = ledger.storage.requests.total();
        let first = worker(&ledger.storage, "b");
        let mut run: Run<'_> = Box::pin(first.run(at(DAY + 2 * HOUR)));
        let requests = &ledger.storage.requests;
        let ended = advance(&mut run, requests, before + count).await.is_some();
        drop(run);
        let when = format!("killed after {count} requests");
        ledger.check(&when).await;
        let second = worker(&ledger.storage, "c");
        let report = second.run(at(DAY + 3 * HOUR)).await.unwrap();
        assert_eq!((report.status(), report.busy, report.lost), (200, 0, 0));
        ledger.check(&when).await;
        let rows = ledger.storage.rows(TODAY).await;
        assert!(left_behind(&rows).is_empty(), "{when}");
        assert_eq!(ledger.levels().await, [(3, 1)].into(), "{when}");
        let garbage = ledger.storage.garbage().await;
        assert!(!garbage.contains(&key_of(&rows[0])), "{when}");
        if ended {
            assert!(count > 8, "{when}: there are more requests than that");
            break;
        }
    }
}

/// What lies in a row goes to an object when its day is over, also where the bytes stay the same,
/// which takes a push with a filter.
#[tokio::test]
async fn a_lone_push_of_a_past_day_leaves_its_row() {
    let mut ledger = Ledger::new().await;
    ledger.storage.writer.filters = true;
    ledger.push(5, 5, 1).await;
    assert_eq!(ledger.run(12 * HOUR).await, 0);
    let before = ledger.storage.rows(TODAY).await.remove(0);
    assert_eq!(ledger.run(DAY + HOUR).await, 1);
    ledger.check("gone up").await;
    let after = ledger.storage.rows(TODAY).await.remove(0);
    assert_eq!(after.summary.id, before.summary.id);
    assert!((after.level, &after.place) == (1, &Place::Object(key_of(&after))));
    assert_eq!(ledger.run(DAY + 2 * HOUR).await, 0);
}

#[tokio::test]
async fn a_backlog_is_fetched_side_by_side_and_merged_in_few() {
    let mut ledger = Ledger::new().await;
    for n in 0..1_100 {
        ledger.push(n, n, if n % 10 == 0 { 400 } else { 10 }).await;
    }
    let before = ledger.storage.requests.snapshot();
    let (objects, catalog) = (
        ledger.storage.objects.clone(),
        ledger.storage.catalog.clone(),
    );
    let handler = Handler::new(objects, catalog, config(""));
    let report = handler.run(at(2 * HOUR)).await.unwrap();
    assert_eq!((report.merges, report.inputs), (2, 1_100));
    assert_eq!(
        (report.due, report.oldest_push_seconds),
        ([1_100, 0, 0], 7_200)
    );
    ledger.check("merged").await;
    let after = ledger.storage.requests.snapshot();
    let count = |name: &str| after[name] - before.get(name).copied().unwrap_or(0);
    assert_eq!(count("s3.GetObject"), 110, "the others are in their rows");
    assert_eq!(count("s3.PutObject"), 2);
    assert_eq!(count("dynamodb.TransactWriteItems"), 2);
    // 25 rows a request: garbage of 110 objects, 1,100 rows.
    let batches = count("dynamodb.BatchWriteItem");
    assert!((49..=54).contains(&batches), "{batches}");
}

#[tokio::test]
async fn workers_share_the_partitions() {
    let storage = Storage::new().await;
    let partitions: Vec<_> = (0..9).map(|n| format!("t{n}/2024-01-10/0")).collect();
    for partition in &partitions {
        for second in 0..3 {
            let line = ("api", second, "text", "");
            let kept = Kept::Object;
            storage.push(partition, at(second), kept, &[line]).await;
        }
    }
    let workers = ["a", "b", "c"].map(|owner| worker(&storage, owner));
    let runs = workers.iter().map(|worker| worker.run(at(HOUR)));
    let mut merges = 0;
    for report in join_all(runs).await {
        let report = report.unwrap();
        assert_eq!((report.failed, report.lost), (0, 0));
        merges += report.merges;
    }
    assert_eq!(merges, 9, "each once");
    for partition in &partitions {
        let want = ["api 0 text", "api 1 text", "api 2 text"];
        assert_eq!(storage.lines(partition).await, want);
        assert_eq!(storage.rows(partition).await.len(), 1);
    }
}
