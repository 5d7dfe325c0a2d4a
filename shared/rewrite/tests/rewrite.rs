//! Rewrites against an embedded DynamoDB and a directory: what is left, what it costs, and a run
//! that is killed at each request.
#![cfg(test)]

#[path = "../../../functions/compact/tests/support/mod.rs"]
mod support;

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use narvi_model::{Labels, NANOS_PER_SECOND, Timestamp};
use narvi_rewrite::{Rewriter, Rewritten};
use narvi_segment::{Keep, Rows, Share};
use narvi_storage::{Lease, Partition, Place, SegmentRow, StorageError};

use support::{Kept, Line, Storage, advance, key_of};

/// 2024-01-12T12:05:00Z.
const NOW: Timestamp = Timestamp::from_seconds(1_705_061_100);

const DAY: &str = "t/2024-01-10/0";

/// Without all lines of an app, and without those of others that hold a text.
struct Without {
    app: &'static str,
    text: &'static str,
}

impl Keep for Without {
    fn share(&self, labels: &Labels, _: Timestamp, _: Timestamp) -> Share {
        match (labels.get("app") == Some(self.app), self.text) {
            (true, _) => Share::Nothing,
            (false, "") => Share::All,
            (false, _) => Share::Part,
        }
    }

    fn rows(&self, _: &Labels, rows: &Rows, kept: &mut [bool]) {
        for (row, kept) in kept.iter_mut().enumerate() {
            let line = String::from_utf8(rows.lines.line(row).to_vec()).unwrap();
            *kept = !line.contains(self.text);
        }
    }
}

fn keep(app: &'static str, text: &'static str) -> Arc<dyn Keep> {
    Arc::new(Without { app, text })
}

fn later(seconds: i64) -> Timestamp {
    NOW.plus(seconds * NANOS_PER_SECOND)
}

async fn lease(storage: &Storage, now: Timestamp) -> Lease {
    let name = Lease::name_of(&DAY.parse().unwrap());
    let ttl = Duration::from_secs(600);
    let lease = storage.reader.acquire(&name, "test", now, ttl).await;
    lease.unwrap().unwrap()
}

/// A run that may be held at each request of it.
type Run = Pin<Box<dyn Future<Output = Result<Rewritten, StorageError>> + Send>>;

async fn begin(storage: &Storage, keep: Arc<dyn Keep>, now: Timestamp) -> Run {
    let partition: Partition = DAY.parse().unwrap();
    let (objects, catalog) = (storage.objects.clone(), storage.catalog.clone());
    let (lease, rows) = (lease(storage, now).await, storage.rows(DAY).await);
    let streams = storage
        .reader
        .streams(&partition.tenant, partition.day)
        .await
        .unwrap();
    Box::pin(async move {
        let rewriter = Rewriter {
            objects: &*objects,
            catalog: &catalog,
            lease: &lease,
            now,
            due: now.plus(3600 * NANOS_PER_SECOND),
            in_place: false,
        };
        rewriter.run(rows, &streams, &keep, &|| true).await
    })
}

async fn run(storage: &Storage, keep: Arc<dyn Keep>) -> Rewritten {
    begin(storage, keep, NOW).await.await.unwrap()
}

const PUSHES: [&[Line<'_>]; 4] = [
    &[
        ("a", 1, "one", ""),
        ("b", 1, "one", "x"),
        ("b", 5, "two", ""),
    ],
    &[("b", 2, "two", ""), ("c", 2, "one", "")],
    &[("a", 7, "seven", "")],
    &[("c", 9, "two", ""), ("c", 9, "one", "")],
];

/// Pushes, of which the second is in its row.
async fn pushes(storage: &Storage) -> Vec<SegmentRow> {
    let mut rows = Vec::new();
    for (n, lines) in (0..).zip(PUSHES) {
        let kept = if n == 1 { Kept::Inline } else { Kept::Object };
        rows.push(storage.push(DAY, later(n - 90_000), kept, lines).await);
    }
    rows
}

async fn sorted_lines(storage: &Storage) -> Vec<String> {
    let mut lines = storage.lines(DAY).await;
    lines.sort();
    lines
}

const WITHOUT_A: [&str; 6] = [
    "b 1 one x",
    "b 2 two",
    "b 5 two",
    "c 2 one",
    "c 9 one",
    "c 9 two",
];

#[tokio::test]
async fn only_what_may_hold_something_that_goes_is_read() {
    let storage = Storage::new().await;
    let rows = pushes(&storage).await;
    let done = run(&storage, keep("a", "")).await;
    assert_eq!((done.removed, done.rewritten, done.lines), (1, 1, 2));
    assert_eq!((done.put_off, done.left_behind), (0, 0));
    assert_eq!(sorted_lines(&storage).await, WITHOUT_A);
    // of the four only the first was read
    assert_eq!(storage.requests.count_of("s3.GetObject"), 1);
    assert_eq!(storage.requests.count_of("s3.PutObject"), 1);
    assert_eq!(storage.requests.count_of("dynamodb.TransactWriteItems"), 1);
    let left = storage.rows(DAY).await;
    let left = left.iter().find(|row| row.level == 1).unwrap();
    assert_eq!(left.replaces, [rows[0].summary.id]);
    assert_eq!(left.created, rows[0].created, "its place among the others");
    assert_eq!(left.summary.streams.len(), 1);
    let mut garbage = storage.garbage().await;
    garbage.sort();
    let mut want = [key_of(&rows[0]), key_of(&rows[2])];
    want.sort();
    assert_eq!(garbage, want);
    // Again there is nothing to do, and no request.
    let before = storage.requests.total();
    assert_eq!(run(&storage, keep("a", "")).await, Rewritten::default());
    assert_eq!(storage.requests.total(), before);
}

#[tokio::test]
async fn lines_go_of_every_segment_that_has_them() {
    let storage = Storage::new().await;
    pushes(&storage).await;
    let again: &[Line<'_>] = &[("b", 5, "two", ""), ("b", 6, "six", "")];
    storage.push(DAY, NOW, Kept::Inline, again).await;
    let done = run(&storage, keep("", "two")).await;
    assert_eq!((done.removed, done.rewritten, done.lines), (0, 4, 4));
    let want = [
        "a 1 one",
        "a 7 seven",
        "b 1 one x",
        "b 6 six",
        "c 2 one",
        "c 9 one",
    ];
    assert_eq!(sorted_lines(&storage).await, want);
    // What a row holds itself is rewritten into an object.
    let rows = storage.rows(DAY).await;
    assert!(rows.iter().all(|row| matches!(row.place, Place::Object(_))));
    // Only decoding tells that nothing goes; nothing is written for that.
    let puts = storage.requests.count_of("s3.PutObject");
    assert_eq!(run(&storage, keep("", "two")).await, Rewritten::default());
    assert_eq!(storage.requests.count_of("s3.PutObject"), puts);
    // Nothing is left of anything.
    let done = run(&storage, keep("", "e")).await;
    assert_eq!((done.removed, storage.rows(DAY).await.len()), (4, 1));
    assert_eq!(sorted_lines(&storage).await, ["b 6 six"]);
}

#[tokio::test]
async fn a_run_may_be_killed_at_each_request() {
    for count in 1.. {
        let storage = Storage::new().await;
        pushes(&storage).await;
        let mut first = begin(&storage, keep("a", "one"), NOW).await;
        let ended = advance(&mut first, &storage.requests, count)
            .await
            .is_some();
        drop(first);
        // What has gone does not come back, and what stays is there once.
        let seen = sorted_lines(&storage).await;
        let stays = ["b 2 two", "b 5 two", "c 9 two"];
        for line in stays {
            let found = seen.iter().filter(|seen| *seen == line).count();
            assert_eq!(found, 1, "{line} after {count} requests");
        }
        let second = begin(&storage, keep("a", "one"), later(900)).await;
        second.await.unwrap();
        assert_eq!(
            sorted_lines(&storage).await,
            stays,
            "after {count} requests"
        );
        let rows = storage.rows(DAY).await;
        assert_eq!(rows.len(), 3, "after {count} requests");
        // All but one object is of a row, or garbage: that of a commit that was never sent.
        let garbage: HashSet<String> = storage.garbage().await.into_iter().collect();
        let known = garbage.len() + rows.len();
        let keys = storage.keys("t").await.len();
        assert!(
            (known..=known + 1).contains(&keys),
            "after {count} requests"
        );
        if ended {
            assert_eq!(keys, known);
            break;
        }
    }
}

#[tokio::test]
async fn what_was_left_behind_does_not_come_back() {
    let storage = Storage::new().await;
    let old = storage.push(DAY, NOW, Kept::Object, PUSHES[0]).await;
    let mut new = storage
        .push("t/2024-01-11/0", NOW, Kept::Object, &PUSHES[0][..1])
        .await;
    // a run was killed before it had removed the row that it had replaced
    new.partition = old.partition.clone();
    new.level = 1;
    new.replaces = vec![old.summary.id];
    storage.reader.put_segment(&new).await.unwrap();
    let done = run(&storage, keep("a", "")).await;
    assert_eq!((done.left_behind, done.removed), (1, 1));
    assert_eq!(storage.rows(DAY).await, []);
}

#[tokio::test]
async fn content_that_another_segment_has_is_not_there_twice() {
    let storage = Storage::new().await;
    let all: &[Line<'_>] = &[("a", 1, "x", ""), ("b", 1, "x", "")];
    for lines in [all, &[("b", 1, "x", ""), ("c", 1, "x", "")], &all[1..]] {
        storage.push(DAY, NOW, Kept::Object, lines).await;
    }
    // The first two become the same.
    run(&storage, keep("a", "")).await;
    let done = run(&storage, keep("c", "")).await;
    assert_eq!(done.rewritten, 1);
    let ids = storage
        .rows(DAY)
        .await
        .into_iter()
        .map(|row| row.summary.id);
    let ids: HashSet<_> = ids.collect();
    let seen = sorted_lines(&storage).await;
    assert_eq!(seen.len(), ids.len(), "no row has the content of another");
    assert!(seen.iter().all(|line| line == "b 1 x"));
}

#[tokio::test]
async fn what_cannot_be_rewritten_stays_and_is_named() {
    let storage = Storage::new().await;
    let rows = pushes(&storage).await;
    let key = key_of(&rows[0]);
    storage
        .directory
        .put(&key, bytes::Bytes::from(vec![0; 999]))
        .await
        .unwrap();
    let mut top = storage
        .push("t/2024-01-11/0", NOW, Kept::Object, PUSHES[0])
        .await;
    top.partition = rows[0].partition.clone();
    top.level = 99;
    top.created = later(-1);
    storage.reader.put_segment(&top).await.unwrap();
    let done = run(&storage, keep("b", "")).await;
    assert_eq!(done.stuck.len(), 2, "{:?}", done.stuck);
    assert!(done.stuck.iter().any(|text| text.contains("highest level")));
    assert_eq!(done.rewritten, 1);
    assert_eq!(storage.rows(DAY).await.len(), 5);
    // what goes whole goes from there too
    let done = run(&storage, keep("", "o")).await;
    assert!(done.removed >= 1);
}

#[tokio::test]
async fn a_lost_lease_commits_nothing() {
    let storage = Storage::new().await;
    pushes(&storage).await;
    let before = storage.rows(DAY).await;
    let late = begin(&storage, keep("", "two"), NOW).await;
    let name = Lease::name_of(&DAY.parse().unwrap());
    let other = storage
        .reader
        .acquire(&name, "other", later(601), Duration::from_secs(60));
    assert!(other.await.unwrap().is_some());
    assert!(matches!(late.await, Err(StorageError::LostLease { .. })));
    assert_eq!(storage.rows(DAY).await, before);
}
