//! The sweep: orphans are found and go, and nothing else does, whatever happens meanwhile.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use narvi_embedded::{Meddle, Watched};
use narvi_model::{NANOS_PER_DAY, NANOS_PER_SECOND, Timestamp};
use narvi_retention::{Handler, Report};
use narvi_storage::{Garbage, ObjectInfo, ObjectName, SegmentRow};

use crate::support::{Kept, Line, Storage, advance, key_of};
use crate::{LINE, NOW, Run, config, later};

/// Objects are as old as their keys say, since tests have a clock of their own.
struct Dated;

#[async_trait]
impl Meddle for Dated {
    fn listed(&self, object: ObjectInfo) -> ObjectInfo {
        let name = ObjectName::parse(&object.key);
        let modified = name.map_or(Timestamp::MIN, |name| name.begun_before);
        ObjectInfo { modified, ..object }
    }
}

fn handler(storage: &Storage, owner: &str) -> Handler {
    let objects = Arc::new(Watched::new(storage.objects.clone(), Dated));
    Handler::new(objects, storage.catalog.clone(), config("")).with_owner(owner)
}

async fn run(storage: &Storage, now: Timestamp) -> Report {
    handler(storage, "a").run(now).await.unwrap()
}

const DAY: &str = "t/2024-01-30/0";

/// When what [`NOW`] has written is a day old, by the five minutes of its key too.
fn aged() -> Timestamp {
    later(86_400 + 300)
}

/// A writer that died before its row: the row that it would have written.
async fn orphan(storage: &Storage, tenant: &str, text: &str, now: Timestamp) -> SegmentRow {
    // As a push to a day of which nobody knows, with all but the row.
    let lines: &[Line<'_>] = &[("orphan", 1, text, "")];
    let row = storage
        .push(&format!("{tenant}/2024-01-30/0"), now, Kept::Object, lines)
        .await;
    storage
        .reader
        .remove_segments(std::slice::from_ref(&row), now)
        .await
        .unwrap();
    let listed = storage.reader.garbage(None, Timestamp::MAX).await.unwrap();
    let own = listed
        .into_iter()
        .filter(|garbage| garbage.key == key_of(&row));
    let own: Vec<Garbage> = own.collect();
    storage.reader.forget_garbage(&own).await.unwrap();
    row
}

#[tokio::test]
async fn orphans_are_found_when_they_are_a_day_old_and_deleted_after_the_grace() {
    let storage = Storage::new().await;
    let live = storage.push(DAY, NOW, Kept::Object, LINE).await;
    let lost = [
        orphan(&storage, "t", "x", NOW).await,
        orphan(&storage, "u", "x", NOW).await,
    ];
    let foreign = ["segments/readme", "other/t/2024-01-30/0"];
    for key in foreign {
        storage
            .directory
            .put(key, Bytes::from_static(b"x"))
            .await
            .unwrap();
    }
    let before = aged().minus(1);
    let report = run(&storage, before).await;
    assert_eq!((report.listed, report.orphans), (4, 0));
    // The next walk begins a day later.
    assert_eq!(run(&storage, aged()).await, Report::default());
    let found = before.plus(NANOS_PER_DAY);
    let report = run(&storage, found).await;
    assert_eq!((report.listed, report.orphans, report.deleted), (4, 2, 0));
    assert_eq!(storage.keys("t").await.len(), 2);
    let due = found.plus(7200 * NANOS_PER_SECOND + 1);
    let report = run(&storage, due).await;
    assert_eq!((report.deleted, report.kept), (2, 0));
    assert_eq!(storage.keys("t").await, [key_of(&live)]);
    assert_eq!(storage.keys("u").await, [""; 0]);
    for key in foreign {
        assert_eq!(storage.directory.get_range(key, 0..1).await.unwrap(), "x");
    }
    drop(lost);
}

#[tokio::test]
async fn what_has_a_row_or_is_garbage_already_is_no_orphan() {
    let storage = Storage::new().await;
    let old = storage.push(DAY, NOW, Kept::Object, LINE).await;
    // A killed compactor has left a row that another one hides.
    let mut new = storage
        .push(DAY, NOW, Kept::Object, &[("a", 1, "x", "")])
        .await;
    storage
        .reader
        .remove_segments(std::slice::from_ref(&new), later(90 * 86_400))
        .await
        .unwrap();
    (new.level, new.replaces) = (1, vec![old.summary.id]);
    storage.reader.put_segment(&new).await.unwrap();
    // Another object is garbage, long before it is due.
    let gone = storage
        .push(DAY, NOW, Kept::Object, &[("a", 2, "x", "")])
        .await;
    storage
        .reader
        .remove_segments(&[gone], later(90 * 86_400))
        .await
        .unwrap();
    let report = run(&storage, aged()).await;
    assert_eq!((report.listed, report.orphans), (3, 0));
    assert_eq!(storage.garbage().await.len(), 2);
}

#[tokio::test]
async fn a_walk_costs_a_request_for_a_thousand_objects() {
    let storage = Storage::new().await;
    for day in 10..30 {
        storage
            .push(&format!("t/2024-01-{day}/0"), NOW, Kept::Object, LINE)
            .await;
    }
    let count = |name: &str| storage.requests.count_of(name);
    run(&storage, aged()).await;
    // The first walk judges everything: two lists of one page, and the rows of each day.
    assert_eq!(count("s3.ListObjectsV2"), 2);
    assert_eq!(count("dynamodb.Query"), 2 + 20);
    assert_eq!(count("dynamodb.BatchWriteItem"), 1);
    // Within the day a run asks how far the walk is, and nothing else.
    run(&storage, aged().plus(3600 * NANOS_PER_SECOND)).await;
    assert_eq!(
        (count("s3.ListObjectsV2"), count("dynamodb.Query")),
        (2, 24)
    );
    // Walks after the first ask only for days with objects that have come of age since.
    let next = aged().plus(NANOS_PER_DAY);
    storage
        .push("t/2024-01-20/0", next, Kept::Object, &[("a", 1, "new", "")])
        .await;
    run(&storage, next).await;
    run(&storage, next.plus(NANOS_PER_DAY)).await;
    let before = count("dynamodb.Query");
    run(&storage, next.plus(2 * NANOS_PER_DAY)).await;
    assert_eq!(count("dynamodb.Query") - before, 3);
    // Once a month they judge everything again.
    let before = count("dynamodb.Query");
    run(&storage, next.plus(31 * NANOS_PER_DAY)).await;
    assert_eq!(count("dynamodb.Query") - before, 2 + 20);
}

#[tokio::test]
async fn without_a_catalog_nothing_is_an_orphan() {
    let storage = Storage::new().await;
    let row = storage.push(DAY, NOW, Kept::Object, LINE).await;
    storage
        .directory
        .put("segments/x", Bytes::new())
        .await
        .unwrap();
    storage.reader.remove_segments(&[row], NOW).await.unwrap();
    let garbage = storage.reader.garbage(None, Timestamp::MAX).await.unwrap();
    storage.reader.forget_garbage(&garbage).await.unwrap();
    storage
        .reader
        .forget_partition(&DAY.parse().unwrap())
        .await
        .unwrap();
    let report = run(&storage, aged()).await;
    assert_eq!((report.orphans, report.put_off), (0, 1));
    // With a catalog the same walk goes on.
    storage
        .push("u/2024-01-31/0", aged(), Kept::Inline, LINE)
        .await;
    let report = run(&storage, aged().plus(1)).await;
    assert_eq!((report.orphans, report.put_off), (1, 0));
}

/// Whatever happens between two requests of a walk, no line that was answered for is lost.
#[tokio::test]
async fn a_push_in_the_middle_of_a_walk_is_safe() {
    for count in 1.. {
        let storage = Storage::new().await;
        storage.push(DAY, NOW, Kept::Object, LINE).await;
        // A process that slept for a day, between its object and its row.
        let asleep = orphan(&storage, "t", "asleep", NOW).await;
        let lost = orphan(&storage, "t", "lost", NOW).await;
        let walker = handler(&storage, "a");
        let mut walk: Run<'_> = Box::pin(walker.run(aged()));
        let ended = advance(&mut walk, &storage.requests, count).await.is_some();
        storage.reader.put_segment(&asleep).await.unwrap();
        let new: &[Line<'_>] = &[("new", 1, "x", "")];
        storage.push(DAY, aged(), Kept::Object, new).await;
        if !ended {
            walk.await.unwrap();
        }
        // All that may follow: the collector, and walks of the next days.
        for hours in [3, 25, 28, 49, 52] {
            run(&storage, aged().plus(hours * 3600 * NANOS_PER_SECOND)).await;
        }
        let keys = storage.keys("t").await;
        assert_eq!(keys.len(), 3, "after {count} requests");
        assert!(keys.contains(&key_of(&asleep)), "after {count} requests");
        assert!(!keys.contains(&key_of(&lost)), "after {count} requests");
        assert_eq!(storage.lines(DAY).await.len(), 3);
        if ended {
            break;
        }
    }
}

#[tokio::test]
async fn a_walk_may_be_killed_at_each_request() {
    for count in 1.. {
        let storage = Storage::new().await;
        let live = storage.push(DAY, NOW, Kept::Object, LINE).await;
        orphan(&storage, "t", "x", NOW).await;
        orphan(&storage, "u", "y", NOW).await;
        let walker = handler(&storage, "a");
        let mut walk: Run<'_> = Box::pin(walker.run(aged()));
        let ended = advance(&mut walk, &storage.requests, count).await.is_some();
        drop(walk);
        run(&storage, aged().plus(60 * NANOS_PER_SECOND)).await;
        run(&storage, aged().plus(8000 * NANOS_PER_SECOND)).await;
        assert_eq!(
            storage.keys("t").await,
            [key_of(&live)],
            "after {count} requests"
        );
        assert_eq!(storage.keys("u").await, [""; 0], "after {count} requests");
        if ended {
            break;
        }
    }
}
