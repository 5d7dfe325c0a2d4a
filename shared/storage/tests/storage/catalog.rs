//! The catalog against a DynamoDB that runs in this process.

use std::time::Duration;

use crate::support::{catalog, merged, partition, segment, segment_id, stream};
use bytes::Bytes;
use narvi_model::{Day, StreamId, TenantId, TimeRange, Timestamp};
use narvi_storage::{
    ErrorKind, Garbage, Place, Put, RuleGroupRow, SegmentRow, StorageError, StreamRow, left_behind,
};

const MINUTE: Duration = Duration::from_secs(60);

fn tenant(id: &str) -> TenantId {
    TenantId::parse(id).unwrap()
}

fn day() -> Day {
    Day::parse("2026-01-31").unwrap()
}

/// Seconds of the day, end excluded.
fn seconds(start: i64, end: i64) -> TimeRange {
    let at = |s| day().start().plus(Timestamp::from_seconds(s).nanos());
    TimeRange::new(at(start), at(end)).unwrap()
}

fn ids(rows: &[SegmentRow]) -> Vec<u8> {
    rows.iter()
        .map(|row| row.summary.id.as_bytes()[0])
        .collect()
}

/// A row as it comes back: of each stream id only the first half is kept.
fn as_read(mut row: SegmentRow) -> SegmentRow {
    for id in &mut row.summary.streams {
        let mut bytes = *id.as_bytes();
        bytes[8..].fill(0);
        *id = StreamId::from_bytes(bytes);
    }
    row
}

#[tokio::test]
async fn tables_can_be_made_twice() {
    let (catalog, _) = catalog(1).await;
    catalog.create_tables().await.unwrap();
}

#[tokio::test]
async fn a_push_costs_two_requests() {
    let (catalog, requests) = catalog(1).await;
    let p = partition("a/2026-01-31/0");
    let before = requests.total();
    let streams: Vec<StreamRow> = (0..12).map(|n| stream(&n.to_string())).collect();
    catalog.put_streams(&p, &streams).await.unwrap();
    assert_eq!(requests.count_of("dynamodb.BatchWriteItem"), 1);
    catalog.put_segment(&segment(&p, 1, 0, 9)).await.unwrap();
    assert_eq!(requests.count_of("dynamodb.PutItem"), 1);
    assert_eq!(requests.total(), before + 2);
    catalog.put_streams(&p, &[]).await.unwrap();
    assert_eq!(
        requests.total(),
        before + 2,
        "nothing to write is no request"
    );
}

#[tokio::test]
async fn streams_are_read_once_each_from_all_shards() {
    let (catalog, requests) = catalog(3).await;
    let streams: Vec<StreamRow> = (0..60).map(|n| stream(&n.to_string())).collect();
    catalog
        .put_streams(&partition("a/2026-01-31/0"), &streams[..40])
        .await
        .unwrap();
    // again, in another shard, and twice in one call
    catalog
        .put_streams(&partition("a/2026-01-31/2"), &streams[20..])
        .await
        .unwrap();
    catalog
        .put_streams(&partition("a/2026-01-31/2"), &[stream("1"), stream("1")])
        .await
        .unwrap();
    assert_eq!(requests.count_of("dynamodb.BatchWriteItem"), 5);

    let mut want = streams;
    want.sort_by_key(|row| row.id);
    assert_eq!(catalog.streams(&tenant("a"), day()).await.unwrap(), want);
    let other_day = Day::from_number(day().number() + 1);
    assert_eq!(catalog.streams(&tenant("a"), other_day).await.unwrap(), []);
    let found = catalog.partitions().await.unwrap();
    assert_eq!(
        found,
        [partition("a/2026-01-31/0"), partition("a/2026-01-31/2")]
    );
}

#[tokio::test]
async fn partitions_are_walked_by_day() {
    let (catalog, _) = catalog(1).await;
    let all = [
        "c/1969-12-31/0",
        "b/2026-01-30/0",
        "a/2026-01-31/0",
        "b/2026-01-31/0",
        "a/2026-02-01/0",
    ];
    for text in all.iter().rev() {
        catalog
            .put_streams(&partition(text), &[stream("x")])
            .await
            .unwrap();
    }
    assert_eq!(catalog.partitions().await.unwrap(), all.map(partition));
    assert_eq!(
        catalog.partitions_since(day()).await.unwrap(),
        all.map(partition)[2..]
    );
}

#[tokio::test]
async fn a_segment_is_stored_once_and_reads_back() {
    let (catalog, _) = catalog(1).await;
    let p = partition("a/2026-01-31/0");
    let mut row = segment(&p, 1, 10, 20);
    assert_eq!(catalog.put_segment(&row).await.unwrap(), Put::Stored);
    let mut again = row.clone();
    again.created = again.created.plus(1);
    assert_eq!(catalog.put_segment(&again).await.unwrap(), Put::Existed);

    let found = catalog
        .segments(&tenant("a"), day(), seconds(0, 86_400))
        .await
        .unwrap();
    assert!(found[0].may_hold(&row.summary.streams[0]));
    assert!(!found[0].may_hold(&StreamId::from_bytes([2; 16])));
    assert_eq!(found, [as_read(row.clone())], "the first one stays");

    row.summary.id = segment_id(2);
    row.place = Place::Inline(Bytes::from(vec![7; 8192]));
    catalog.put_segment(&row).await.unwrap();
    let found = catalog.partition_segments(&p).await.unwrap();
    assert_eq!(found[1], as_read(row));
}

#[tokio::test]
async fn segments_are_chosen_by_time() {
    let (catalog, _) = catalog(1).await;
    let p = partition("a/2026-01-31/0");
    for (n, first, last) in [(1, 0, 10), (2, 10, 20), (3, 5, 30), (4, 25, 30)] {
        catalog
            .put_segment(&segment(&p, n, first, last))
            .await
            .unwrap();
    }
    for (start, end, want) in [
        (0, 86_400, vec![1, 3, 2, 4]),
        (10, 11, vec![1, 3, 2]),
        (11, 25, vec![3, 2]),
        (31, 40, vec![]),
        (30, 31, vec![3, 4]),
    ] {
        let found = catalog
            .segments(&tenant("a"), day(), seconds(start, end))
            .await
            .unwrap();
        assert_eq!(ids(&found), want, "{start}..{end}");
    }
}

#[tokio::test]
async fn many_pages_are_read_in_ascending_order() {
    let (catalog, requests) = catalog(1).await;
    let p = partition("a/2026-01-31/0");
    for n in 0..40 {
        let mut row = segment(&p, n, i64::from(40 - n), 100);
        row.place = Place::Inline(Bytes::from(vec![n; 100 << 10]));
        catalog.put_segment(&row).await.unwrap();
    }
    let found = catalog
        .segments(&tenant("a"), day(), seconds(0, 200))
        .await
        .unwrap();
    assert_eq!(ids(&found), (0..40).rev().collect::<Vec<u8>>());
    assert!(
        requests.count_of("dynamodb.Query") >= 4,
        "4 MB are four pages"
    );
    // a page may be empty after the filter and still not be the last one
    let found = catalog
        .segments(&tenant("a"), day(), seconds(0, 2))
        .await
        .unwrap();
    assert_eq!(ids(&found), [39]);
}

#[tokio::test]
async fn shards_are_read_together_in_order() {
    let (catalog, _) = catalog(4).await;
    let mut shards = Vec::new();
    for n in 0..24 {
        let mut row = segment(&partition("a/2026-01-31/0"), n, i64::from(n), 100);
        row.summary.id = narvi_segment::SegmentId::from_bytes([n; 16]);
        row.partition.shard = catalog.shard_of(&row.summary.id);
        shards.push(row.partition.shard);
        catalog.put_segment(&row).await.unwrap();
    }
    shards.sort_unstable();
    shards.dedup();
    assert_eq!(shards, [0, 1, 2, 3]);
    let found = catalog
        .segments(&tenant("a"), day(), seconds(0, 200))
        .await
        .unwrap();
    assert_eq!(ids(&found), (0..24).collect::<Vec<u8>>());
}

#[tokio::test]
async fn tenants_whose_names_begin_alike_do_not_meet() {
    let (catalog, _) = catalog(1).await;
    let names = ["a", "a-b", "a.b", "a!", "ab", "A"];
    for (n, name) in (0..).zip(names) {
        let p = partition(&format!("{name}/2026-01-31/0"));
        catalog.put_streams(&p, &[stream(name)]).await.unwrap();
        catalog.put_segment(&segment(&p, n, 0, 9)).await.unwrap();
        catalog
            .put_rule_group(&tenant(name), "ns", name, "yaml")
            .await
            .unwrap();
    }
    for (n, name) in (0..).zip(names) {
        let who = tenant(name);
        let found = catalog
            .segments(&who, day(), seconds(0, 100))
            .await
            .unwrap();
        assert_eq!(ids(&found), [n], "{name}");
        assert_eq!(catalog.streams(&who, day()).await.unwrap(), [stream(name)]);
        assert_eq!(catalog.rule_groups(&who).await.unwrap()[0].group, name);
        assert_eq!(catalog.rule_groups(&who).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_merge_hides_what_it_replaces() {
    let (catalog, requests) = catalog(1).await;
    let p = partition("a/2026-01-31/0");
    let (a, b, other) = (
        segment(&p, 1, 0, 10),
        segment(&p, 2, 5, 50),
        segment(&p, 3, 7, 9),
    );
    for row in [&a, &b, &other] {
        catalog.put_segment(row).await.unwrap();
    }
    let now = day().end();
    let lease = catalog
        .acquire("compact", "x", now, MINUTE)
        .await
        .unwrap()
        .unwrap();
    // shorter than what it replaces, as after a deletion
    let mut row = merged(9, 1, &[&a, &b]);
    row.summary.last = a.summary.last;
    assert_eq!(
        catalog.commit_merge(&lease, &row).await.unwrap(),
        Put::Stored
    );
    assert_eq!(requests.count_of("dynamodb.TransactWriteItems"), 1);

    let all = seconds(0, 100);
    let who = tenant("a");
    assert_eq!(
        ids(&catalog.segments(&who, day(), all).await.unwrap()),
        [3, 9]
    );
    assert!(
        catalog
            .segments(&who, day(), seconds(40, 60))
            .await
            .unwrap()
            .is_empty()
    );
    let rows = catalog.partition_segments(&p).await.unwrap();
    assert_eq!(ids(&rows), [1, 2, 3, 9]);
    assert_eq!(
        left_behind(&rows),
        [&as_read(a.clone()), &as_read(b.clone())]
    );

    // the same merge again, by a run that did not know
    assert_eq!(
        catalog.commit_merge(&lease, &row).await.unwrap(),
        Put::Existed
    );
    catalog
        .remove_segments(&[a.clone(), b.clone()], now)
        .await
        .unwrap();
    assert_eq!(ids(&catalog.partition_segments(&p).await.unwrap()), [3, 9]);
    // a client repeats a push that is merged already
    assert_eq!(catalog.put_segment(&a).await.unwrap(), Put::Stored);
    assert_eq!(
        ids(&catalog.segments(&who, day(), all).await.unwrap()),
        [3, 9]
    );
}

#[tokio::test]
async fn a_stale_holder_cannot_commit() {
    let (catalog, _) = catalog(1).await;
    let p = partition("a/2026-01-31/0");
    let a = segment(&p, 1, 0, 10);
    catalog.put_segment(&a).await.unwrap();
    let start = day().end();
    let late = start.plus(Timestamp::from_seconds(61).nanos());

    let first = catalog
        .acquire("c", "x", start, MINUTE)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        catalog.acquire("c", "y", start, MINUTE).await.unwrap(),
        None,
        "it is taken"
    );
    let second = catalog
        .acquire("c", "y", late, MINUTE)
        .await
        .unwrap()
        .unwrap();
    assert!(second.token > first.token);

    let error = catalog
        .commit_merge(&first, &merged(9, 1, &[&a]))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, StorageError::LostLease { name, token }
        if name == "c" && *token == first.token),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(ids(&catalog.partition_segments(&p).await.unwrap()), [1]);
    assert!(catalog.renew(&first, late, MINUTE).await.is_err());
    assert!(catalog.release(&first).await.is_err());
    catalog
        .commit_merge(&second, &merged(9, 1, &[&a]))
        .await
        .unwrap();
}

#[tokio::test]
async fn leases_are_renewed_released_and_taken_again() {
    let (catalog, _) = catalog(1).await;
    let start = day().end();
    let after = |s| start.plus(Timestamp::from_seconds(s).nanos());
    let first = catalog
        .acquire("c", "x", start, MINUTE)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(first.expires, after(60));

    let renewed = catalog.renew(&first, after(50), MINUTE).await.unwrap();
    assert_eq!((renewed.token, renewed.expires), (first.token, after(110)));
    assert_eq!(
        catalog.acquire("c", "y", after(100), MINUTE).await.unwrap(),
        None
    );
    // an end that has passed is no loss while nobody else came
    let renewed = catalog.renew(&renewed, after(300), MINUTE).await.unwrap();

    // the same owner again, because the answer to its first request was lost
    let again = catalog
        .acquire("c", "x", after(301), MINUTE)
        .await
        .unwrap()
        .unwrap();
    assert!(again.token > renewed.token);
    assert!(
        catalog.release(&renewed).await.is_err(),
        "the older token is fenced off"
    );

    catalog.release(&again).await.unwrap();
    let next = catalog
        .acquire("c", "y", after(302), MINUTE)
        .await
        .unwrap()
        .unwrap();
    assert!(next.token > again.token, "tokens grow over a release");
    let elsewhere = catalog.acquire("d", "x", start, MINUTE).await.unwrap();
    assert!(elsewhere.is_some(), "another name is another lease");
}

#[tokio::test]
async fn two_runs_race_for_a_lease() {
    let (catalog, _) = catalog(1).await;
    let names: Vec<String> = (0..8).map(|n| n.to_string()).collect();
    let tries = names
        .iter()
        .map(|owner| catalog.acquire("c", owner, day().end(), MINUTE));
    let won = futures::future::try_join_all(tries).await.unwrap();
    assert_eq!(won.iter().flatten().count(), 1);
}

#[tokio::test]
async fn removed_objects_become_garbage() {
    let (catalog, _) = catalog(1).await;
    let p = partition("a/2026-01-31/0");
    let mut rows: Vec<SegmentRow> = (0..60).map(|n| segment(&p, n, 0, 9)).collect();
    rows[0].place = Place::Inline(Bytes::from_static(b"inline"));
    for row in &rows {
        catalog.put_segment(row).await.unwrap();
    }
    let due = day().end();
    catalog.remove_segments(&rows, due).await.unwrap();
    assert_eq!(catalog.partition_segments(&p).await.unwrap(), []);
    // a repeat after a run that stopped half-way
    catalog.remove_segments(&rows, due).await.unwrap();

    assert_eq!(catalog.garbage(due).await.unwrap(), [], "not due yet");
    let found = catalog.garbage(due.plus(1)).await.unwrap();
    assert_eq!(found.len(), 59, "what was inline has no object");
    assert!(found.contains(&Garbage {
        due,
        key: "segments/a/7".to_owned()
    }));
    catalog.forget_garbage(&found).await.unwrap();
    catalog.forget_garbage(&found).await.unwrap();
    assert_eq!(catalog.garbage(due.plus(1)).await.unwrap(), []);
}

#[tokio::test]
async fn a_partition_is_forgotten_when_it_is_empty() {
    let (catalog, _) = catalog(1).await;
    let (p, other) = (partition("a/2026-01-31/0"), partition("a/2026-02-01/0"));
    let streams: Vec<StreamRow> = (0..60).map(|n| stream(&n.to_string())).collect();
    catalog.put_streams(&p, &streams).await.unwrap();
    catalog.put_streams(&other, &streams[..1]).await.unwrap();
    let row = segment(&p, 1, 0, 9);
    catalog.put_segment(&row).await.unwrap();

    let error = catalog.forget_partition(&p).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    catalog.remove_segments(&[row], day().end()).await.unwrap();
    catalog.forget_partition(&p).await.unwrap();
    catalog.forget_partition(&p).await.unwrap();
    assert_eq!(catalog.streams(&tenant("a"), day()).await.unwrap(), []);
    assert_eq!(catalog.partitions().await.unwrap(), [other]);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_before_it_is_sent() {
    let (catalog, requests) = catalog(1).await;
    let p = partition("a/2026-01-31/0");
    let lease = catalog
        .acquire("c", "x", day().end(), MINUTE)
        .await
        .unwrap()
        .unwrap();
    let before = requests.total();

    let mut row = segment(&p, 1, 0, 9);
    row.place = Place::Inline(Bytes::from(vec![0; 200 << 10]));
    let error = catalog.put_segment(&row).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooMuch);
    assert!(
        error
            .to_string()
            .ends_with("at most 131072 can be stored; store them as an object")
    );

    let mut row = merged(9, 1, &[&segment(&p, 1, 0, 9)]);
    row.replaces = vec![segment_id(1); 8193];
    let error = catalog.commit_merge(&lease, &row).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooMuch);
    assert!(
        error.to_string().contains("8193 but at most 8192"),
        "{error}"
    );

    let push = segment(&p, 1, 0, 9);
    let error = catalog.commit_merge(&lease, &push).await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Invalid,
        "a merge is above what it replaces"
    );
    let level = SegmentRow { level: 100, ..push };
    assert_eq!(
        catalog.put_segment(&level).await.unwrap_err().kind(),
        ErrorKind::Invalid
    );
    assert_eq!(requests.total(), before);
}

#[tokio::test]
async fn the_largest_row_that_is_let_through_fits() {
    let (catalog, _) = catalog(1).await;
    let p = partition(&format!("{}/2026-01-31/0", "t".repeat(150)));
    let lease = catalog
        .acquire("c", "x", day().end(), MINUTE)
        .await
        .unwrap()
        .unwrap();
    let mut row = merged(9, 99, &[&segment(&p, 1, 0, 9)]);
    row.replaces = vec![segment_id(1); 8192];
    row.summary.streams = vec![StreamId::from_bytes([1; 16]); 8192];
    row.place = Place::Inline(Bytes::from(vec![1; 128 << 10]));
    catalog.commit_merge(&lease, &row).await.unwrap();
    let found = catalog.partition_segments(&p).await.unwrap();
    assert_eq!(found, [as_read(row.clone())]);

    // one more stream than is listed: the row may hold any
    row.level = 98;
    row.summary.streams.push(StreamId::from_bytes([2; 16]));
    catalog.commit_merge(&lease, &row).await.unwrap();
    let found = catalog.partition_segments(&p).await.unwrap();
    assert!(found[0].may_hold(&StreamId::from_bytes([77; 16])));
    assert!(!found[1].may_hold(&StreamId::from_bytes([77; 16])));
}

#[tokio::test]
async fn rule_groups_and_alert_states() {
    let (catalog, _) = catalog(1).await;
    let who = tenant("a");
    let groups = [("ns", "b"), ("ns/x", "g"), ("ns", "x/g"), ("", "")];
    for (namespace, group) in groups {
        catalog
            .put_rule_group(&who, namespace, group, "old")
            .await
            .unwrap();
        catalog
            .put_rule_group(&who, namespace, group, &format!("{namespace}|{group}"))
            .await
            .unwrap();
    }
    let mut want: Vec<RuleGroupRow> = groups
        .iter()
        .map(|&(namespace, group)| RuleGroupRow {
            namespace: namespace.to_owned(),
            group: group.to_owned(),
            yaml: format!("{namespace}|{group}"),
        })
        .collect();
    want.sort_by(|a, b| (&a.namespace, &a.group).cmp(&(&b.namespace, &b.group)));
    assert_eq!(catalog.rule_groups(&who).await.unwrap(), want);
    assert_eq!(catalog.rule_tenants().await.unwrap(), [who.clone()]);

    assert_eq!(catalog.alert_state(&who, "ns", "b").await.unwrap(), None);
    catalog
        .put_alert_state(&who, "ns", "b", "{}")
        .await
        .unwrap();
    catalog
        .put_alert_state(&who, "ns", "b", "[1]")
        .await
        .unwrap();
    assert_eq!(
        catalog
            .alert_state(&who, "ns", "b")
            .await
            .unwrap()
            .as_deref(),
        Some("[1]")
    );
    assert_eq!(
        catalog.alert_state(&tenant("b"), "ns", "b").await.unwrap(),
        None
    );

    catalog.delete_rule_group(&who, "ns", "b").await.unwrap();
    catalog.delete_rule_group(&who, "ns", "b").await.unwrap();
    assert_eq!(catalog.alert_state(&who, "ns", "b").await.unwrap(), None);
    assert_eq!(catalog.rule_groups(&who).await.unwrap().len(), 3);

    let long = "n".repeat(1100);
    let error = catalog
        .put_rule_group(&who, &long, "g", "")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooMuch);
}
