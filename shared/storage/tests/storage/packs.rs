//! Packs of streams: what readers meet at each moment, what it costs, what a killed run leaves.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use narvi_embedded::{Meter, Tables};
use narvi_model::{Labels, MatchOp, Matcher, StreamId, Timestamp};
use narvi_storage::{Catalog, ErrorKind, Lease, Requests, StorageError, StreamRow};
use serde_json::{Value, json};

use crate::support::{day, partition, stream, tenant};

const P: &str = "a/2026-01-31/0";

/// Tables, a writer over them, and what its requests are.
struct World {
    tables: Tables,
    requests: Requests,
    writer: Catalog,
}

impl World {
    async fn new() -> Self {
        let (tables, requests) = (Tables::default(), Requests::new());
        let writer = Meter::default().catalog(&tables, &requests);
        writer.create_tables().await.unwrap();
        Self {
            tables,
            requests,
            writer,
        }
    }

    /// A catalog that has read nothing yet, and its requests.
    fn reader(&self) -> (Catalog, Requests) {
        let requests = Requests::new();
        (Meter::default().catalog(&self.tables, &requests), requests)
    }

    /// Everybody's streams by now, as one who has read nothing yet sees them.
    async fn streams(&self) -> Vec<StreamRow> {
        let (reader, _) = self.reader();
        reader.streams(&tenant("a"), day()).await.unwrap()
    }

    async fn put(&self, streams: &[StreamRow]) {
        let partition = partition(P);
        self.writer.put_streams(&partition, streams).await.unwrap();
    }

    async fn lease(&self, owner: &str, at: i64) -> Lease {
        let now = day().end().plus(Timestamp::from_seconds(at).nanos());
        let minute = Duration::from_secs(60);
        let lease = self.writer.acquire("segments", owner, now, minute).await;
        lease.unwrap().unwrap()
    }

    async fn pack(&self, lease: &Lease) -> usize {
        let packed = self.writer.pack_streams(lease, &partition(P), 2).await;
        packed.unwrap()
    }

    /// Sort keys of the partition: loose rows, the head, bodies.
    fn keys(&self) -> (usize, usize, Vec<String>) {
        let (mut loose, mut heads, mut bodies) = (0, 0, Vec::new());
        let body = json!({"TableName": "test-streams", "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": P}}});
        let (status, answer) = self.tables.answer("Query", body.to_string().as_bytes());
        assert_eq!(status, 200);
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        for item in answer["Items"].as_array().unwrap() {
            match item["sk"]["S"].as_str().unwrap() {
                "pack" => heads += 1,
                key if key.starts_with("pack/") => bodies.push(key.to_owned()),
                _ => loose += 1,
            }
        }
        (loose, heads, bodies)
    }

    fn put_item(&self, sort_key: &str, mut item: Value) {
        item["pk"] = json!({"S": P});
        item["sk"] = json!({"S": sort_key});
        let body = json!({"TableName": "test-streams", "Item": item});
        let (status, _) = self.tables.answer("PutItem", body.to_string().as_bytes());
        assert_eq!(status, 200);
    }
}

fn streams(numbers: std::ops::Range<usize>) -> Vec<StreamRow> {
    let mut rows: Vec<_> = numbers.map(|n| stream(&n.to_string())).collect();
    rows.sort_by_key(|row| row.id);
    rows
}

fn ids(rows: &[StreamRow]) -> Vec<StreamId> {
    rows.iter().map(|row| row.id).collect()
}

#[tokio::test]
async fn packed_streams_are_read_as_ever() {
    let world = World::new().await;
    world.put(&streams(0..60)).await;
    let (reader, requests) = world.reader();
    let read = async || reader.streams(&tenant("a"), day()).await.unwrap();
    assert_eq!(read().await, streams(0..60));
    assert_eq!(requests.total(), 1);

    let lease = world.lease("x", 0).await;
    assert_eq!(world.pack(&lease).await, 60);
    let (loose, heads, bodies) = world.keys();
    assert_eq!((loose, heads, bodies.len()), (0, 1, 1));
    // The head, the body, and then the head alone.
    for want in [3, 4] {
        assert_eq!(read().await, streams(0..60));
        assert_eq!(requests.total(), want);
    }

    // Who has packed nothing of it pushes on, one stream again.
    world.put(&streams(59..62)).await;
    assert_eq!(read().await, streams(0..62));
    assert_eq!(requests.total(), 5);
    // Too few for another pack.
    let before = world.requests.total();
    let packed = world.writer.pack_streams(&lease, &partition(P), 9).await;
    assert_eq!((packed.unwrap(), world.requests.total()), (0, before + 1));
    assert_eq!(world.pack(&world.lease("y", 61).await).await, 3);
    let (loose, heads, newer) = world.keys();
    assert_eq!((loose, heads, newer.len()), (0, 1, 1));
    assert_ne!(newer, bodies);
    for want in [7, 8] {
        assert_eq!(read().await, streams(0..62));
        assert_eq!(requests.total(), want);
    }
}

#[tokio::test]
async fn matchers_choose_loose_and_packed_streams() {
    let world = World::new().await;
    world.put(&streams(0..20)).await;
    world.pack(&world.lease("x", 0).await).await;
    world.put(&streams(20..30)).await;
    let matcher = |value| Matcher::new("app", MatchOp::Regex, value).unwrap();
    let (twos, eights) = ([matcher("2|2."), matcher(".*2")], [matcher(".?8")]);
    let (reader, _) = world.reader();
    let (who, groups): (_, [&[Matcher]; 2]) = (tenant("a"), [&twos, &eights]);
    let found = reader.streams_meeting(&who, day(), &groups);
    let mut found: Vec<Labels> = found
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.labels)
        .collect();
    found.sort();
    let want = ["18", "2", "22", "28", "8"].map(|app| Labels::from_pairs([("app", app)]));
    assert_eq!(found, want);
}

#[tokio::test]
async fn few_new_streams_do_not_make_a_pack_anew() {
    let world = World::new().await;
    world.put(&streams(0..160)).await;
    let lease = world.lease("x", 0).await;
    world.pack(&lease).await;
    world.put(&streams(160..169)).await;
    assert_eq!(world.pack(&lease).await, 0);
    world.put(&streams(169..170)).await;
    assert_eq!(world.pack(&lease).await, 10);
    assert_eq!(world.streams().await, streams(0..170));
}

#[tokio::test]
async fn what_cannot_be_packed_stays_loose() {
    let world = World::new().await;
    let large = stream(&"x".repeat(70 << 10));
    let mut other = stream("other");
    other.id = StreamId::from_bytes([7; 16]);
    let mut all = streams(0..9);
    all.extend([large, other]);
    all.sort_by_key(|row| row.id);
    world.put(&all).await;
    assert_eq!(world.pack(&world.lease("x", 0).await).await, 9);
    assert_eq!(world.keys().0, 2);
    assert_eq!(world.streams().await, all);
}

#[tokio::test]
async fn a_stale_holder_cannot_pack() {
    let world = World::new().await;
    world.put(&streams(0..9)).await;
    let (p, first) = (partition(P), world.lease("x", 0).await);
    let second = world.lease("y", 61).await;
    let packed = world.writer.pack_streams(&first, &p, 2).await;
    assert!(matches!(packed, Err(StorageError::LostLease { .. })));
    let (loose, heads, strays) = world.keys();
    assert_eq!((loose, heads, strays.len()), (9, 0, 1));
    // Its body is nobody's, and goes with the next pack.
    assert_eq!(world.pack(&second).await, 9);
    let (loose, heads, bodies) = world.keys();
    assert_eq!((loose, heads, bodies.len()), (0, 1, 1));
    assert_ne!(bodies, strays);
    let forgotten = world.writer.forget_streams(&first, &p, ids(&streams(0..1)));
    assert!(matches!(
        forgotten.await,
        Err(StorageError::LostLease { .. })
    ));
    assert_eq!(world.streams().await, streams(0..9));
}

#[tokio::test]
async fn packs_of_the_same_streams_have_different_names() {
    let world = World::new().await;
    let p = partition(P);
    world.put(&streams(0..9)).await;
    let lease = world.lease("x", 0).await;
    world.pack(&lease).await;
    let first = world.keys().2;
    // There and back again: whoever is about to delete the first must not hit the third.
    world.put(&streams(9..19)).await;
    world.pack(&lease).await;
    let gone = ids(&streams(9..19));
    world.writer.forget_streams(&lease, &p, gone).await.unwrap();
    let third = world.keys().2;
    assert_eq!(world.streams().await, streams(0..9));
    assert_ne!(first, third);
}

#[tokio::test]
async fn streams_are_forgotten_loose_or_packed() {
    let world = World::new().await;
    let (p, lease) = (partition(P), world.lease("x", 0).await);
    world.put(&streams(0..20)).await;
    world.pack(&lease).await;
    world.put(&streams(18..30)).await;
    let forget = async |rows: &[StreamRow]| {
        let forgotten = world.writer.forget_streams(&lease, &p, ids(rows));
        forgotten.await.unwrap();
    };
    forget(&streams(15..25)).await;
    let mut left = [streams(0..15), streams(25..30)].concat();
    left.sort_by_key(|row| row.id);
    assert_eq!(world.streams().await, left);
    forget(&streams(0..30)).await;
    assert_eq!(world.streams().await, []);
    assert_eq!(world.keys(), (0, 1, Vec::new()));
    // One that comes again is there again.
    world.put(&streams(1..3)).await;
    assert_eq!(world.pack(&lease).await, 2);
    assert_eq!(world.streams().await, streams(1..3));

    world.put(&streams(5..6)).await;
    world.writer.forget_partition(&p).await.unwrap();
    assert_eq!(world.keys(), (0, 0, Vec::new()));
    assert_eq!(world.writer.partitions().await.unwrap(), []);
}

#[tokio::test]
async fn notes_of_emptied_streams_last_until_a_row_is_written() {
    let world = World::new().await;
    let p = partition(P);
    let emptied = async || {
        let rows = world.streams().await;
        assert_eq!(ids(&rows), ids(&streams(0..9)));
        let emptied = rows.into_iter().filter(|row| row.is_emptied);
        let mut apps: Vec<_> = emptied
            .map(|row| row.labels.get("app").unwrap().to_owned())
            .collect();
        apps.sort();
        apps.concat()
    };
    let lease = world.lease("x", 0).await;
    let mark = async |numbers| {
        let marked = ids(&streams(numbers));
        let done = world.writer.mark_emptied(&lease, &p, marked);
        done.await.unwrap();
    };
    world.put(&streams(0..9)).await;
    mark(0..3).await;
    assert_eq!(emptied().await, "012");
    world.put(&streams(2..3)).await;
    assert_eq!(emptied().await, "01");
    world.pack(&lease).await;
    assert_eq!(emptied().await, "01");
    // Loose and packed; both must say so.
    world.put(&streams(5..6)).await;
    mark(5..7).await;
    assert_eq!(emptied().await, "0156");
    world.put(&streams(0..1)).await;
    world.put(&streams(5..6)).await;
    assert_eq!(emptied().await, "16");
    world.pack(&lease).await;
    assert_eq!((emptied().await.as_str(), world.keys().0), ("16", 0));
    // Again, and of streams that are not there: nothing to write.
    let before = world.requests.total();
    mark(1..2).await;
    mark(20..22).await;
    assert_eq!(world.requests.total(), before + 4);
    assert_eq!(emptied().await, "16");
}

/// Lets work go on until so many requests are sent; its answer if it ends before.
async fn advance<T>(
    work: &mut Pin<Box<dyn Future<Output = T> + '_>>,
    requests: &Requests,
    count: u64,
) -> Option<T> {
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending if requests.total() >= count => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

#[tokio::test]
async fn a_run_may_be_killed_at_each_request() {
    let p = partition(P);
    for count in 1.. {
        let world = World::new().await;
        world.put(&streams(0..40)).await;
        world.pack(&world.lease("w", 0).await).await;
        world.put(&streams(30..70)).await;
        let lease = world.lease("x", 61).await;
        let requests = world.requests.total() + count;
        let mut run: Pin<Box<dyn Future<Output = _>>> =
            Box::pin(world.writer.pack_streams(&lease, &p, 2));
        let ended = advance(&mut run, &world.requests, requests).await.is_some();
        drop(run);
        assert_eq!(world.streams().await, streams(0..70), "after {count}");
        // Rows that a run has left behind, which the pack has.
        let lease = world.lease("y", 122).await;
        let _ = world.pack(&lease).await;
        assert_eq!(world.streams().await, streams(0..70), "after {count}");
        world.put(&streams(70..90)).await;
        assert!(world.pack(&lease).await >= 20);
        let (loose, heads, bodies) = world.keys();
        assert_eq!((loose, heads, bodies.len()), (0, 1, 1), "after {count}");
        assert_eq!(world.streams().await, streams(0..90), "after {count}");
        if ended {
            break;
        }
    }
}

#[tokio::test]
async fn a_reader_may_be_overtaken_at_each_request() {
    for count in 1.. {
        let world = World::new().await;
        world.put(&streams(0..40)).await;
        world.pack(&world.lease("w", 0).await).await;
        world.put(&streams(30..70)).await;
        let (reader, requests) = world.reader();
        let who = tenant("a");
        let mut read: Pin<Box<dyn Future<Output = _>>> = Box::pin(reader.streams(&who, day()));
        let answer = advance(&mut read, &requests, count).await;
        world.pack(&world.lease("x", 61).await).await;
        world.put(&streams(60..90)).await;
        let ended = answer.is_some();
        let found = match answer {
            Some(answer) => answer,
            None => read.await,
        };
        let found = found.unwrap();
        let has = |row: &StreamRow| found.contains(row);
        assert!(streams(0..70).iter().all(has), "after {count} requests");
        assert!(requests.total() <= 4);
        if ended {
            break;
        }
    }
}

/// A head, a body under its name, and what a reader says of them.
async fn check_broken(head: Value, body: Option<Value>, kind: ErrorKind, want: &[&str]) {
    let world = World::new().await;
    world.put(&streams(0..3)).await;
    world.put_item("pack", head);
    if let Some(body) = body {
        world.put_item("pack/n/000", body);
    }
    let (reader, _) = world.reader();
    let error = reader.streams(&tenant("a"), day()).await.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    for want in want {
        assert!(error.to_string().contains(want), "{error}");
    }
    // Nobody packs over what cannot be read.
    let lease = world.lease("x", 0).await;
    let packed = world.writer.pack_streams(&lease, &partition(P), 2).await;
    assert_eq!(packed.unwrap_err().kind(), kind);
    assert_eq!(world.keys().0, 3);
}

#[tokio::test]
async fn a_broken_pack_says_where() {
    let corrupt = ErrorKind::Corrupt;
    let head =
        |parts: &str| json!({"name": {"S": "n"}, "parts": {"N": parts}, "streams": {"N": "9"}});
    let body = |base64: &str| Some(json!({"body": {"B": base64}}));
    let item = "attribute `body` of `a/2026-01-31/0` `pack/n/000` in table `test-streams`";
    let broken = [item, "checksum"];
    check_broken(head("1"), body("AQIDBAUGBwg="), corrupt, &broken).await;
    let short = [item, "cut short"];
    check_broken(head("1"), body("AQ=="), corrupt, &short).await;
    check_broken(head("1"), Some(json!({})), corrupt, &[item, "is missing"]).await;
    let lacks = ["pack `n` of `a/2026-01-31/0`", "does not have its 2 parts"];
    check_broken(head("2"), body("AQ=="), corrupt, &lacks).await;
    check_broken(head("1"), None, corrupt, &["does not have its 1 parts"]).await;
    let parts = ["attribute `parts` of `a/2026-01-31/0` `pack`"];
    check_broken(head("1000"), None, corrupt, &parts).await;
    check_broken(json!({"parts": {"N": "0"}}), None, corrupt, &["`name`"]).await;
}
