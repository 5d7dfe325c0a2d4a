//! Stream and segment rows against a DynamoDB that runs in this process.

use bytes::Bytes;
use narvi_model::{Day, StreamId};
use narvi_storage::{Place, Put, StreamRow};

use crate::support::{
    as_read, catalog, day, ids, partition, seconds, segment, segment_id, stream, tenant,
};

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
    // Of so many, merges begin with the first, and know all that may replace one of them.
    let row = |n, level, first| {
        let mut row = segment(&p, n, first, 100);
        (row.level, row.replaces) = (level, vec![segment_id(39)]);
        row
    };
    let merged = [row(50, 1, 0), row(51, 12, 5)];
    for row in &merged {
        catalog.put_segment(row).await.unwrap();
    }
    let (found, is_whole) = catalog.mergeable_segments(&p, 2).await.unwrap();
    assert!(
        !is_whole && (10..30).contains(&found.len()),
        "{}",
        found.len()
    );
    let pushes = found.len() - 2;
    assert_eq!(ids(&found[..3]), [39, 38, 37]);
    assert_eq!(ids(&found[pushes..]), [50, 51]);
    let before = requests.count_of("dynamodb.Query");
    let (found, is_whole) = catalog.mergeable_segments(&p, 1000).await.unwrap();
    assert_eq!((found.len(), is_whole), (42, true));
    let pages = requests.count_of("dynamodb.Query") - before;
    // Where pages end among merged rows all pushes are there.
    let most = usize::try_from(pages).unwrap();
    for row in (60..90).map(|n| row(n, 20, 9)) {
        let mut row = row;
        row.place = Place::Inline(Bytes::from(vec![9; 100 << 10]));
        catalog.put_segment(&row).await.unwrap();
    }
    let (found, is_whole) = catalog.mergeable_segments(&p, most).await.unwrap();
    assert_eq!((found.len(), is_whole), (72, true));
    catalog
        .remove_segments(&found[40..], day().end())
        .await
        .unwrap();
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
