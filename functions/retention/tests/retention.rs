//! Retention against an embedded DynamoDB and a directory: what goes, what stays, and when.
#![cfg(test)]

mod orphans;
mod streams;
#[path = "../../compact/tests/support/mod.rs"]
mod support;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use narvi_embedded::{Meddle, Watched};
use narvi_gateway::Config;
use narvi_model::{NANOS_PER_SECOND, Timestamp};
use narvi_retention::{Handler, Report, RetentionError, limits};
use narvi_storage::{Garbage, Lease, StorageError};

use support::{Kept, Line, Storage, advance, key_of};

/// 2024-01-31T12:00:00Z.
const NOW: Timestamp = Timestamp::from_seconds(1_706_702_400);

/// Ten days; old lines are accepted for a week.
const TEN_DAYS: &str = "compactor: {retention_enabled: true}
limits_config: {retention_period: 10d}
overrides: {keeps: {retention_period: 0s}, short: {retention_period: 2d}}
";

const LINE: &[Line<'_>] = &[("a", 43_199, "x", "")];

/// A run may go on on any thread, as local mode needs it.
type Run<'a> = Pin<Box<dyn Future<Output = Result<Report, RetentionError>> + Send + 'a>>;

fn later(seconds: i64) -> Timestamp {
    NOW.plus(seconds * NANOS_PER_SECOND)
}

/// Of a run that only looks at so many objects.
fn swept(listed: u64) -> Report {
    Report {
        listed,
        ..Report::default()
    }
}

/// A configuration.
fn config(yaml: &str) -> Arc<Config> {
    Arc::new(Config::from_yaml(yaml).unwrap())
}

fn handler(storage: &Storage, yaml: &str) -> Handler {
    Handler::new(
        storage.objects.clone(),
        storage.catalog.clone(),
        config(yaml),
    )
}

#[tokio::test]
async fn what_is_older_than_its_tenants_period_goes() {
    let storage = Storage::new().await;
    let young: &[Line<'_>] = &[("a", 1, "x", ""), ("a", 43_200, "y", "")];
    let days = [
        ("t/2024-01-21/0", LINE, 0),
        ("t/2024-01-21/1", young, 1),
        ("t/2024-01-22/0", LINE, 1),
        ("t/2023-05-05/0", LINE, 0),
        ("keeps/2023-05-05/0", LINE, 1),
        ("short/2024-01-29/0", LINE, 0),
        ("short/2024-01-30/0", LINE, 1),
    ];
    for (partition, lines, _) in days {
        storage.push(partition, NOW, Kept::Object, lines).await;
    }
    let report = handler(&storage, TEN_DAYS).run(NOW).await.unwrap();
    assert_eq!((report.expired, report.failed, report.deleted), (3, 0, 0));
    for (partition, _, left) in days {
        assert_eq!(storage.rows(partition).await.len(), left, "{partition}");
    }
    assert_eq!(storage.garbage().await.len(), 3);
    // only the day that takes no more pushes is forgotten
    assert_eq!(report.forgotten, 1);
    let partitions = storage.reader.partitions().await.unwrap();
    let partitions: Vec<_> = partitions.iter().map(ToString::to_string).collect();
    assert!(!partitions.contains(&"t/2023-05-05/0".to_owned()));
    assert!(partitions.contains(&"short/2024-01-29/0".to_owned()));
    let tenant = &"t/2023-05-05/0"
        .parse::<narvi_storage::Partition>()
        .unwrap();
    assert_eq!(
        storage
            .reader
            .streams(&tenant.tenant, tenant.day)
            .await
            .unwrap(),
        []
    );
    // the emptied day is forgotten when it is closed
    let report = handler(&storage, TEN_DAYS)
        .run(later(8 * 86_400))
        .await
        .unwrap();
    assert!(report.forgotten >= 2, "{report:?}");
}

#[tokio::test]
async fn nothing_expires_unless_it_is_enabled() {
    let storage = Storage::new().await;
    storage
        .push("t/2023-05-05/0", NOW, Kept::Object, LINE)
        .await;
    let off = "limits_config: {retention_period: 10d}";
    let report = handler(&storage, off).run(NOW).await.unwrap();
    assert_eq!(report, swept(1));
    assert_eq!(storage.rows("t/2023-05-05/0").await.len(), 1);
}

#[tokio::test]
async fn garbage_goes_after_its_grace_with_retention_off() {
    let storage = Storage::new().await;
    let row = storage
        .push("t/2024-01-30/0", NOW, Kept::Object, LINE)
        .await;
    let live: &[Line<'_>] = &[("a", 5, "live", "")];
    let live = storage
        .push("t/2024-01-30/0", NOW, Kept::Object, live)
        .await;
    let due = later(1800);
    storage
        .reader
        .remove_segments(std::slice::from_ref(&row), due)
        .await
        .unwrap();
    // a mistake: an object with a row is on the list
    let key = key_of(&live);
    let wrong = narvi_storage::Garbage {
        due,
        key: key.clone(),
    };
    storage.reader.put_garbage([wrong]).await.unwrap();

    let handler = handler(&storage, "");
    assert_eq!(handler.run(due).await.unwrap(), swept(2));
    assert_eq!(
        (storage.keys("t").await.len(), storage.garbage().await.len()),
        (2, 2)
    );
    let report = handler.run(due.plus(1)).await.unwrap();
    assert_eq!((report.deleted, report.kept, report.failed), (1, 1, 0));
    assert_eq!(storage.keys("t").await, [key]);
    assert!(storage.garbage().await.is_empty());
    assert_eq!(storage.requests.count_of("s3.DeleteObjects"), 1);
    assert_eq!(storage.lines("t/2024-01-30/0").await, ["a 5 live"]);
}

#[tokio::test]
async fn rows_that_others_hide_go_first() {
    let storage = Storage::new().await;
    let partition = "t/2024-01-21/0";
    // a compactor has rewritten a segment without its last line and was killed before the removal
    let long: &[Line<'_>] = &[("a", 1, "x", ""), ("a", 50_000, "deleted", "")];
    let hidden = storage.push(partition, NOW, Kept::Object, long).await;
    let mut short = storage
        .push("t/2024-01-20/0", NOW, Kept::Object, &long[..1])
        .await;
    short.partition = hidden.partition.clone();
    (short.summary.first, short.summary.last) = (hidden.summary.first, hidden.summary.first);
    short.level = 1;
    short.replaces = vec![hidden.summary.id];
    storage.reader.put_segment(&short).await.unwrap();
    let handler = handler(&storage, TEN_DAYS);
    let mut run: Run<'_> = Box::pin(handler.run(NOW));
    for count in 1.. {
        let ended = advance(&mut run, &storage.requests, count).await;
        let lines = storage.lines(partition).await;
        assert!(
            lines.iter().all(|line| !line.contains("deleted")),
            "{count}: {lines:?}"
        );
        if let Some(report) = ended {
            assert_eq!(report.unwrap().failed, 0);
            break;
        }
    }
    assert!(storage.rows(partition).await.is_empty());
}

#[tokio::test]
async fn a_run_may_be_killed_at_each_request() {
    for count in 1.. {
        let storage = Storage::new().await;
        let partition = "t/2023-05-05/0";
        storage.push(partition, NOW, Kept::Object, LINE).await;
        let first = handler(&storage, TEN_DAYS).with_owner("a");
        let mut run: Run<'_> = Box::pin(first.run(NOW));
        let ended = advance(&mut run, &storage.requests, count).await.is_some();
        drop(run);
        let second = handler(&storage, TEN_DAYS).with_owner("b");
        let report = second.run(later(601)).await.unwrap();
        assert_eq!(
            (report.failed, report.busy),
            (0, 0),
            "killed after {count} requests"
        );
        assert!(
            storage.reader.partitions().await.unwrap().is_empty(),
            "{count}"
        );
        second.run(later(86_400)).await.unwrap();
        assert!(
            storage.keys("t").await.is_empty(),
            "killed after {count} requests"
        );
        if ended {
            break;
        }
    }
}

/// Nothing of one tenant can be deleted.
struct Locked;

#[async_trait]
impl Meddle for Locked {
    async fn before_delete(&self, keys: &[String]) -> Result<(), StorageError> {
        match keys.iter().any(|key| key.starts_with("segments/locked/")) {
            true => Err(StorageError::Unavailable {
                what: "s3.DeleteObjects".to_owned(),
                source: "AccessDenied".into(),
            }),
            false => Ok(()),
        }
    }
}

#[tokio::test]
async fn what_cannot_be_deleted_keeps_nothing_behind_it() {
    let storage = Storage::new().await;
    // More than a page of it, and the oldest there is.
    let garbage = (0..=limits::GARBAGE_PAGE).map(|n| Garbage {
        due: NOW.minus(NANOS_PER_SECOND),
        key: format!("segments/locked/2024-01-30/0/{n}"),
    });
    storage.reader.put_garbage(garbage).await.unwrap();
    let row = storage
        .push("t/2024-01-30/0", NOW, Kept::Object, LINE)
        .await;
    storage.reader.remove_segments(&[row], NOW).await.unwrap();
    let objects = Arc::new(Watched::new(storage.objects.clone(), Locked));
    let handler = Handler::new(objects, storage.catalog.clone(), config(""));
    let report = handler.run(later(1)).await.unwrap();
    assert_eq!((report.deleted, report.failed), (1, 2));
    assert_eq!(storage.keys("t").await, [""; 0]);
}

#[tokio::test]
async fn a_partition_that_a_compactor_has_is_left_alone() {
    let storage = Storage::new().await;
    let partition = "t/2023-05-05/0";
    storage.push(partition, NOW, Kept::Object, LINE).await;
    let name = Lease::name_of(&partition.parse().unwrap());
    let minute = Duration::from_secs(60);
    let lease = storage
        .reader
        .acquire(&name, "compactor", NOW, minute)
        .await
        .unwrap()
        .unwrap();
    let handler = handler(&storage, TEN_DAYS);
    let report = handler.run(NOW).await.unwrap();
    assert_eq!((report.busy, report.expired, report.forgotten), (1, 0, 0));
    storage.reader.release(&lease).await.unwrap();
    let report = handler.run(NOW).await.unwrap();
    assert_eq!((report.busy, report.expired, report.forgotten), (0, 1, 1));
}

#[tokio::test]
async fn without_time_nothing_is_begun() {
    let storage = Storage::new().await;
    storage
        .push("t/2023-05-05/0", NOW, Kept::Inline, LINE)
        .await;
    let handler = handler(&storage, TEN_DAYS).with_budget(Duration::ZERO);
    let report = handler.run(NOW).await.unwrap();
    assert_eq!((report.expired, report.put_off), (0, 1));
}
