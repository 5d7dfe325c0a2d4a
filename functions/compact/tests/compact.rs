//! Merges against an embedded DynamoDB and a directory: what is there after a run, at each request
//! of it, after it was killed at each request, and when two run at once.
#![cfg(test)]

mod levels;
mod packing;
mod support;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use narvi_compact::{CompactError, Handler, Report, limits};
use narvi_gateway::Config;
use narvi_model::{NANOS_PER_DAY, NANOS_PER_SECOND, Timestamp};
use narvi_segment::{Codec, Footer};
use narvi_storage::left_behind;

use support::{Kept, Line, Storage, advance, key_of};

/// 2024-01-10T12:05:00Z: neither a full hour nor midnight.
const NOW: Timestamp = Timestamp::from_seconds(1_704_888_300);

const TODAY: &str = "t/2024-01-10/0";

/// When a lease that was taken at [`NOW`] has ended.
const LEASE_SECONDS: i64 = 301;

/// A run may go on on any thread, as local mode needs it.
type Run<'a> = Pin<Box<dyn Future<Output = Result<Report, CompactError>> + Send + 'a>>;

fn ago(seconds: i64) -> Timestamp {
    NOW.minus(seconds * NANOS_PER_SECOND)
}

fn later(seconds: i64) -> Timestamp {
    NOW.plus(seconds * NANOS_PER_SECOND)
}

/// A configuration.
fn config(yaml: &str) -> Arc<Config> {
    Arc::new(Config::from_yaml(yaml).unwrap())
}

fn handler(storage: &Storage, owner: &str) -> Handler {
    let config = config("");
    Handler::new(storage.objects.clone(), storage.catalog.clone(), config).with_owner(owner)
}

/// Three pushes, none with a line of another: two objects and one in its row.
async fn three_pushes(storage: &Storage) {
    let pushes: [(Kept, &[Line<'_>]); 3] = [
        (
            Kept::Object,
            &[
                ("api", 1, "one", ""),
                ("api", 5, "five", "x"),
                ("web", 3, "three", ""),
            ],
        ),
        (Kept::Inline, &[("api", 2, "two", "y")]),
        (
            Kept::Object,
            &[("api", 5, "again five", ""), ("db", 4, "four", "")],
        ),
    ];
    for ((kept, lines), age) in pushes.into_iter().zip([900, 600, 60]) {
        storage.push(TODAY, ago(age), kept, lines).await;
    }
}

const MERGED: [&str; 6] = [
    "api 1 one",
    "api 2 two y",
    "api 5 five x",
    "api 5 again five",
    "db 4 four",
    "web 3 three",
];

/// What every reader must see at every time.
async fn check_lines(storage: &Storage, when: &str) {
    let mut lines = storage.lines(TODAY).await;
    lines.sort();
    let mut want = MERGED;
    want.sort_unstable();
    assert_eq!(lines, want, "{when}");
}

/// What a run, or several, must leave behind.
async fn check_merged(storage: &Storage, when: &str) {
    assert_eq!(storage.lines(TODAY).await, MERGED, "{when}");
    let rows = storage.rows(TODAY).await;
    assert_eq!(
        rows.iter().map(|row| row.level).collect::<Vec<_>>(),
        [1],
        "{when}"
    );
    assert!(left_behind(&rows).is_empty(), "{when}");
    assert_eq!(rows[0].replaces.len(), 3, "{when}");
    let key = key_of(&rows[0]);
    let garbage = storage.garbage().await;
    assert!(
        garbage.len() >= 2 && !garbage.contains(&key),
        "{when}: {garbage:?}"
    );
}

#[tokio::test]
async fn a_backlog_is_merged_in_portions() {
    let storage = Storage::new().await;
    // Of random letters, so that some of them fill a page of 1 MB in their rows.
    let text = |n: u64| -> String {
        let mut state = n + 1;
        let mut letter = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            char::from(33 + (state >> 57) as u8 % 90)
        };
        (0..100_000).map(|_| letter()).collect()
    };
    let texts: Vec<String> = (0..30).map(text).collect();
    let mut rows = Vec::new();
    for (n, text) in (0..).zip(&texts) {
        let lines: &[Line<'_>] = &[("api", n, text, "")];
        rows.push(storage.push(TODAY, ago(600), Kept::Inline, lines).await);
    }
    // What a killed run has left: its row is far behind what it hides.
    let mut merged = rows[3].clone();
    (merged.level, merged.replaces) = (1, vec![rows[3].summary.id]);
    storage.reader.put_segment(&merged).await.unwrap();
    let mut want = storage.lines(TODAY).await;
    want.sort();
    let handler = handler(&storage, "a").with_push_pages(1);
    let report = handler.run(NOW).await.unwrap();
    assert_eq!((report.left_behind, report.duplicates), (1, 0));
    assert!(report.merges > 2, "{report:?}");
    let rows = storage.rows(TODAY).await;
    assert!(rows.iter().all(|row| row.level == 1), "{}", rows.len());
    let mut found = storage.lines(TODAY).await;
    found.sort();
    assert!(found == want && found.len() == 30);
}

#[tokio::test]
async fn pushes_become_one_segment() {
    let storage = Storage::new().await;
    three_pushes(&storage).await;
    check_lines(&storage, "before").await;
    let report = handler(&storage, "a").run(NOW).await.unwrap();
    assert_eq!(
        (report.merges, report.inputs, report.rows, report.duplicates),
        (1, 3, 6, 0)
    );
    assert_eq!(
        (report.partitions, report.failed, report.status()),
        (1, 0, 200)
    );
    check_merged(&storage, "after").await;
    let counted: BTreeMap<_, _> = storage.requests.snapshot();
    let counted: Vec<_> = counted
        .iter()
        .map(|(name, count)| (name.as_str(), *count))
        .collect();
    assert_eq!(
        counted,
        [
            ("dynamodb.BatchWriteItem", 2),
            // partitions, a look, and again under the lease
            ("dynamodb.Query", 3),
            ("dynamodb.TransactWriteItems", 1),
            // the lease is taken and given back
            ("dynamodb.UpdateItem", 2),
            ("s3.GetObject", 2),
            ("s3.PutObject", 1),
        ]
    );
    // objects of inputs stay until their grace is over
    let due = later(2 * 3600);
    assert_eq!(storage.keys("t").await.len(), 3);
    assert_eq!(storage.reader.garbage(None, due).await.unwrap(), []);
    assert_eq!(
        storage
            .reader
            .garbage(None, due.plus(1))
            .await
            .unwrap()
            .len(),
        2
    );
    // nothing is left to do
    let report = handler(&storage, "a").run(later(3600)).await.unwrap();
    assert_eq!((report.merges, report.left_behind), (0, 0));
}

#[tokio::test]
async fn duplicates_go_and_arrival_orders_equal_times() {
    let storage = Storage::new().await;
    let later_push: &[Line<'_>] = &[("api", 1, "same", ""), ("api", 1, "late", "")];
    storage
        .push(TODAY, ago(400), Kept::Inline, later_push)
        .await;
    let earlier: &[Line<'_>] = &[
        ("api", 1, "early", ""),
        ("api", 1, "same", ""),
        ("api", 1, "same", "x"),
    ];
    storage.push(TODAY, ago(500), Kept::Inline, earlier).await;
    let report = handler(&storage, "a").run(NOW).await.unwrap();
    assert_eq!((report.rows, report.duplicates), (4, 1));
    let want = ["api 1 early", "api 1 same", "api 1 same x", "api 1 late"];
    assert_eq!(storage.lines(TODAY).await, want);
    assert_eq!(storage.rows(TODAY).await[0].created, ago(400));
}

#[tokio::test]
async fn columns_are_compressed_as_configured() {
    let text = "the same words again and again and again and again and again";
    for (yaml, codec) in [
        ("", Codec::Zstd),
        ("compactor: {chunk_encoding: none}", Codec::None),
    ] {
        let storage = Storage::new().await;
        storage
            .push(TODAY, ago(400), Kept::Object, &[("a", 1, text, "")])
            .await;
        storage
            .push(TODAY, ago(400), Kept::Object, &[("a", 2, text, "")])
            .await;
        let config = config(yaml);
        let handler = Handler::new(storage.objects.clone(), storage.catalog.clone(), config);
        handler.run(NOW).await.unwrap();
        let row = storage.rows(TODAY).await.remove(0);
        let key = key_of(&row);
        let bytes = storage
            .directory
            .get_range(&key, 0..row.summary.size)
            .await
            .unwrap();
        assert_eq!(
            Footer::of_segment(&bytes).unwrap().chunks[0].lines.codec,
            codec
        );
    }
}

#[tokio::test]
async fn readers_see_every_line_once_at_each_request() {
    let storage = Storage::new().await;
    three_pushes(&storage).await;
    let handler = handler(&storage, "a");
    let mut run: Run<'_> = Box::pin(handler.run(NOW));
    for count in 1.. {
        let ended = advance(&mut run, &storage.requests, count).await;
        check_lines(&storage, &format!("after {count} requests")).await;
        if let Some(report) = ended {
            assert_eq!(report.unwrap().merges, 1);
            break;
        }
    }
    check_merged(&storage, "at the end").await;
}

#[tokio::test]
async fn a_run_may_be_killed_at_each_request() {
    for count in 1.. {
        let storage = Storage::new().await;
        three_pushes(&storage).await;
        let first = handler(&storage, "a");
        let mut run: Run<'_> = Box::pin(first.run(NOW));
        let ended = advance(&mut run, &storage.requests, count).await.is_some();
        drop(run);
        let when = format!("killed after {count} requests");
        check_lines(&storage, &when).await;
        let report = handler(&storage, "b")
            .run(later(LEASE_SECONDS))
            .await
            .unwrap();
        assert_eq!(
            (report.failed, report.busy, report.lost),
            (0, 0, 0),
            "{when}"
        );
        check_merged(&storage, &when).await;
        if ended {
            assert!(count > 8, "{when}: there are more requests than that");
            break;
        }
    }
}

#[tokio::test]
async fn of_two_compactors_one_commits() {
    let storage = Storage::new().await;
    three_pushes(&storage).await;
    let (first, second) = (handler(&storage, "a"), handler(&storage, "b"));
    let mut run: Run<'_> = Box::pin(first.run(NOW));
    for count in 1.. {
        assert!(advance(&mut run, &storage.requests, count).await.is_none());
        if storage.requests.count_of("s3.PutObject") > 0 {
            break;
        }
    }
    let report = second.run(later(60)).await.unwrap();
    assert_eq!((report.busy, report.merges), (1, 0), "the lease is held");
    let report = second.run(later(LEASE_SECONDS)).await.unwrap();
    assert_eq!((report.busy, report.merges), (0, 1), "the lease has ended");
    let report = run.await.unwrap();
    assert_eq!((report.merges, report.lost, report.failed), (0, 1, 0));
    check_merged(&storage, "after both").await;
}

#[tokio::test]
async fn what_cannot_be_read_is_left_alone() {
    let storage = Storage::new().await;
    three_pushes(&storage).await;
    let damaged = storage
        .push(TODAY, ago(500), Kept::Object, &[("api", 9, "nine", "")])
        .await;
    let gone = storage
        .push(TODAY, ago(500), Kept::Object, &[("api", 8, "eight", "")])
        .await;
    let yesterday = "t/2024-01-09/0";
    for (second, text) in [(1, "one"), (2, "two")] {
        storage
            .push(
                yesterday,
                ago(5_000),
                Kept::Object,
                &[("api", second, text, "")],
            )
            .await;
    }
    let size = usize::try_from(damaged.summary.size).unwrap();
    storage
        .directory
        .put(&key_of(&damaged), Bytes::from(vec![7; size]))
        .await
        .unwrap();
    storage.directory.delete(&[key_of(&gone)]).await.unwrap();

    let report = handler(&storage, "a").run(NOW).await.unwrap();
    let mut corrupt = report.corrupt.clone();
    corrupt.sort();
    let mut want = [&damaged, &gone].map(|row| format!("{TODAY} {}", row.summary.id));
    want.sort();
    assert_eq!(corrupt, want);
    assert_eq!((report.merges, report.failed, report.status()), (2, 0, 500));
    assert_eq!(storage.lines(yesterday).await, ["api 1 one", "api 2 two"]);
    let rows = storage.rows(TODAY).await;
    assert_eq!(
        rows.iter().map(|row| row.level).collect::<Vec<_>>(),
        [0, 0, 1]
    );
    assert_eq!(rows[2].replaces.len(), 3);
    assert!(!rows[2].replaces.contains(&damaged.summary.id));
}

/// A merged segment that equals an input must not name it, or it would hide itself.
#[tokio::test]
async fn a_merge_that_adds_nothing_to_an_input() {
    let mut storage = Storage::new().await;
    // The result is the first push, byte for byte.
    storage.writer.filters = true;
    let all: &[Line<'_>] = &[("a", 1, "x", ""), ("a", 2, "y", "")];
    storage.push(TODAY, ago(500), Kept::Inline, all).await;
    let first = storage.rows(TODAY).await[0].summary.id;
    storage.push(TODAY, ago(400), Kept::Object, &all[1..]).await;
    let config = config("compactor: {chunk_encoding: snappy}");
    let handler = Handler::new(storage.objects.clone(), storage.catalog.clone(), config);
    let report = handler.run(NOW).await.unwrap();
    assert_eq!((report.merges, report.duplicates, report.failed), (1, 1, 0));
    assert_eq!(storage.lines(TODAY).await, ["a 1 x", "a 2 y"]);
    let rows = storage.rows(TODAY).await;
    let ids: Vec<_> = rows.iter().map(|row| row.summary.id).collect();
    assert_eq!(ids, [first]);
}

#[tokio::test]
async fn a_push_that_is_repeated_after_its_merge_is_merged_once_more() {
    let storage = Storage::new().await;
    three_pushes(&storage).await;
    handler(&storage, "a").run(NOW).await.unwrap();
    storage
        .push(TODAY, later(5), Kept::Inline, &[("api", 2, "two", "y")])
        .await;
    // Its lines may be new ones, where some were deleted in between; readers drop what repeats.
    let rows = storage.rows(TODAY).await;
    assert!(rows.len() == 2 && left_behind(&rows).is_empty());
    for hour in 1..=49 {
        let handler = handler(&storage, "a");
        let report = handler.run(later(hour * 3600)).await.unwrap();
        assert_eq!(report.failed, 0);
    }
    assert_eq!(storage.lines(TODAY).await, MERGED);
    let rows = storage.rows(TODAY).await;
    assert!(rows.len() == 1 && left_behind(&rows).is_empty());
}

#[tokio::test]
async fn young_and_lone_pushes_wait() {
    let storage = Storage::new().await;
    storage
        .push(TODAY, ago(30), Kept::Inline, &[("a", 1, "x", "")])
        .await;
    storage
        .push(TODAY, ago(20), Kept::Inline, &[("a", 2, "y", "")])
        .await;
    storage
        .push(
            "u/2024-01-10/0",
            ago(9000),
            Kept::Inline,
            &[("a", 2, "y", "")],
        )
        .await;
    let report = handler(&storage, "a").run(NOW).await.unwrap();
    assert_eq!((report.partitions, report.merges), (2, 0));
    let report = handler(&storage, "a")
        .run(later(limits::SETTLE_SECONDS))
        .await
        .unwrap();
    assert_eq!((report.partitions, report.merges), (2, 1));
}

#[tokio::test]
async fn old_days_are_looked_at_less_often() {
    let storage = Storage::new().await;
    for day in ["2023-01-01", "2024-01-04", "2024-01-09"] {
        storage
            .push(
                &format!("t/{day}/0"),
                NOW,
                Kept::Inline,
                &[("a", 1, "x", "")],
            )
            .await;
    }
    let handler = handler(&storage, "a");
    let midnight = Timestamp::from_seconds(1_704_931_200);
    for (now, want) in [
        (NOW, 1),
        (later(55 * 60), 2),
        (midnight, 3),
        (midnight.plus(1), 3),
        (midnight.plus(60 * NANOS_PER_SECOND), 0),
        // The run of a full hour has not come, nor that of midnight.
        (midnight.plus(3661 * NANOS_PER_SECOND), 2),
        (midnight.plus(3721 * NANOS_PER_SECOND), 0),
        (midnight.plus(NANOS_PER_DAY + 61 * NANOS_PER_SECOND), 3),
    ] {
        let report = handler.run(now).await.unwrap();
        assert_eq!(report.partitions, want, "{}", now.rfc3339_seconds());
    }
    // A machine that is on by day only.
    let handler = self::handler(&storage, "a").looking_back();
    for want in [3, 1] {
        let report = handler.run(NOW).await.unwrap();
        assert_eq!(report.partitions, want);
    }
}

#[tokio::test]
async fn without_time_nothing_is_begun() {
    let storage = Storage::new().await;
    three_pushes(&storage).await;
    let handler = handler(&storage, "a").with_budget(Duration::ZERO);
    let report = handler.run(NOW).await.unwrap();
    assert_eq!(
        (report.partitions, report.merges, report.put_off),
        (0, 0, 1)
    );
    assert_eq!(storage.rows(TODAY).await.len(), 3);
}
