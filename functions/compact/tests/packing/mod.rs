//! Rows of streams after merges: when they are packed, at which cost, and what a killed run leaves.

use narvi_compact::{Handler, Packing};
use narvi_model::Timestamp;
use narvi_storage::Partition;

use crate::support::{Kept, Line, Storage, advance};
use crate::{NOW, Run, TODAY, ago, handler};

const YESTERDAY: &str = "t/2024-01-09/0";

/// A day that is over in two pushes, with so many streams.
async fn push_yesterday(storage: &Storage, streams: usize) {
    let apps: Vec<String> = (0..streams).map(|n| format!("app-{n}")).collect();
    for part in apps.chunks(streams.div_ceil(2)) {
        let lines: Vec<Line<'_>> = part.iter().map(|app| (app.as_str(), 1, "x", "")).collect();
        storage
            .push(YESTERDAY, ago(40_000), Kept::Object, &lines)
            .await;
    }
}

async fn streams(storage: &Storage) -> usize {
    let Partition { tenant, day, .. } = YESTERDAY.parse().unwrap();
    storage.reader.streams(&tenant, day).await.unwrap().len()
}

/// Streams packed by a run over a day of so many, and its requests beyond those of a run that looks
/// at them and finds too few.
async fn run(count: usize) -> (u64, Vec<(String, u64)>) {
    let storage = Storage::new().await;
    push_yesterday(&storage, count).await;
    let report = handler(&storage, "a").run(NOW).await.unwrap();
    assert_eq!((report.merges, report.failed), (1, 0));
    let after = storage.requests.snapshot();
    let without = Storage::new().await;
    push_yesterday(&without, count).await;
    let never = Packing {
        hour: usize::MAX,
        day: usize::MAX,
        ..Packing::default()
    };
    let run = handler(&without, "a").with_packing(never);
    run.run(NOW).await.unwrap();
    let more = after.into_iter().map(|(name, count)| {
        let before = without.requests.count_of(&name);
        (name, count - before)
    });
    assert_eq!(streams(&storage).await, count);
    (
        report.packed,
        more.filter(|(_, count)| *count > 0).collect(),
    )
}

#[tokio::test]
async fn many_streams_of_a_day_are_packed() {
    assert_eq!(run(31).await, (0, Vec::new()));
    // The bodies that are there; body, three batches of rows; the commit.
    let want = [
        ("dynamodb.BatchWriteItem", 4),
        ("dynamodb.Query", 1),
        ("dynamodb.TransactWriteItems", 1),
    ];
    let want = want.map(|(name, count)| (name.to_owned(), count));
    assert_eq!(run(70).await, (70, want.to_vec()));
}

#[tokio::test]
async fn open_days_are_packed_when_hours_are_merged() {
    let storage = Storage::new().await;
    let pack = |least| {
        let packing = Packing {
            hour: least,
            day: 1,
            ..Packing::default()
        };
        handler(&storage, "a").with_packing(packing)
    };
    let run = async |handler: Handler, now: Timestamp| handler.run(now).await.unwrap();
    for minute in 0..3 {
        let lines: [Line<'_>; 2] = [("api", minute, "x", ""), ("web", minute, "y", "")];
        for text in 0..2 {
            let age = 5_000 - minute * 600 - text;
            let lines = lines.map(|(app, second, text, id)| (app, second + age, text, id));
            storage.push(TODAY, ago(age), Kept::Inline, &lines).await;
        }
        let report = run(pack(2), ago(4_600 - minute * 600)).await;
        assert_eq!((report.merges, report.packed), (1, 0), "minutes");
    }
    let report = run(pack(2), NOW).await;
    assert_eq!((report.merges, report.packed), (1, 2), "an hour");
}

#[tokio::test]
async fn a_run_that_packs_may_be_killed_at_each_request() {
    let mut count = 8;
    loop {
        let storage = Storage::new().await;
        push_yesterday(&storage, 70).await;
        let first = handler(&storage, "a");
        let mut run: Run<'_> = Box::pin(first.run(NOW));
        let ended = advance(&mut run, &storage.requests, count).await.is_some();
        drop(run);
        assert_eq!(streams(&storage).await, 70, "killed after {count} requests");
        // A late push is merged some time, and then its day is packed at last.
        storage
            .push(
                YESTERDAY,
                ago(39_000),
                Kept::Inline,
                &[("late", 1, "x", "")],
            )
            .await;
        let second = handler(&storage, "b").with_packing(Packing {
            hour: 1,
            day: 1,
            ..Packing::default()
        });
        let later = NOW.plus(Timestamp::from_seconds(301).nanos());
        let report = second.run(later).await.unwrap();
        assert_eq!((report.failed, report.busy), (0, 0));
        assert_eq!(streams(&storage).await, 71, "killed after {count} requests");
        if ended {
            return;
        }
        count += 1;
    }
}
