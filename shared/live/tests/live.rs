//! Tails that are told, slow, broken and gone, over an embedded DynamoDB.
#![cfg(test)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use narvi_live::{Live, Post, PostError, Posted, limits};
use narvi_model::{Entry, Labels, Line, NANOS_PER_SECOND, TenantId, Timestamp};
use narvi_protocol::push::PushStream;
use narvi_storage::{Catalog, Requests, TailRow};
use serde_json::{Value, json};

const NOW: Timestamp = Timestamp::from_seconds(1_768_471_200);

/// What becomes of messages to a connection.
#[derive(Clone, Copy)]
enum Fate {
    Gone,
    Fails,
    Hangs,
}

/// Remembers what it was given.
#[derive(Default)]
struct Mailbox {
    fates: Mutex<BTreeMap<String, Fate>>,
    tried: AtomicU32,
    sent: Mutex<Vec<(String, Value)>>,
}

#[async_trait]
impl Post for Mailbox {
    async fn post(&self, connection: &str, frame: Bytes) -> Result<Posted, PostError> {
        self.tried.fetch_add(1, Ordering::Relaxed);
        let fate = self.fates.lock().unwrap().get(connection).copied();
        match fate {
            Some(Fate::Gone) => return Ok(Posted::Gone),
            Some(Fate::Fails) => return Err(PostError("broken".to_owned())),
            Some(Fate::Hangs) => std::future::pending().await,
            None => {}
        }
        assert!(frame.len() <= limits::FRAME_BYTES);
        let frame = serde_json::from_slice(&frame).unwrap();
        self.sent
            .lock()
            .unwrap()
            .push((connection.to_owned(), frame));
        Ok(Posted::Posted)
    }
}

struct Fixture {
    live: Live,
    catalog: Catalog,
    requests: Requests,
    mailbox: Arc<Mailbox>,
}

impl Fixture {
    async fn new() -> Self {
        let requests = Requests::new();
        let catalog = narvi_embedded::catalog(1, &requests).await;
        let mailbox = Arc::new(Mailbox::default());
        Self {
            live: Live::new(catalog.clone(), mailbox.clone()),
            catalog,
            requests,
            mailbox,
        }
    }

    /// A tail that began `age` seconds ago.
    async fn tail(&self, tenant: &str, connection: &str, query: &str, age: i64) {
        let row = TailRow {
            connection: connection.to_owned(),
            query: query.to_owned(),
            flags: String::new(),
            is_legacy: false,
            opened: NOW.minus(age * NANOS_PER_SECOND),
            live: NOW.minus(age * NANOS_PER_SECOND),
            expires: NOW.plus((7200 - age) * NANOS_PER_SECOND),
        };
        self.catalog.put_tail(&id(tenant), &row).await.unwrap();
    }

    /// A push that arrives so many seconds after [`NOW`].
    async fn push(&self, tenant: &str, line: &str, seconds: i64) {
        let now = NOW.plus(seconds * NANOS_PER_SECOND);
        let entry = Entry {
            timestamp: now,
            line: Line::from(line),
            metadata: Labels::empty(),
        };
        let stream = PushStream {
            labels: Labels::from_pairs([("app", "x")]),
            entries: vec![entry],
        };
        let news = self.live.news(&id(tenant), &[stream], now).await;
        self.live.send(news).await;
    }

    fn fate(&self, connection: &str, fate: Option<Fate>) {
        let mut fates = self.mailbox.fates.lock().unwrap();
        match fate {
            Some(fate) => drop(fates.insert(connection.to_owned(), fate)),
            None => drop(fates.remove(connection)),
        }
    }

    /// What was sent since the last call, as `connection: lines`; then what was dropped.
    fn sent(&self) -> Vec<String> {
        let sent = std::mem::take(&mut *self.mailbox.sent.lock().unwrap());
        let mut shown: Vec<String> = sent
            .iter()
            .map(|(connection, frame)| {
                let streams = frame["streams"].as_array().unwrap();
                let lines: Vec<&str> = streams
                    .iter()
                    .map(|stream| stream["values"][0][1].as_str().unwrap())
                    .collect();
                let dropped = frame["dropped_entries"].as_array().map_or(0, Vec::len);
                format!("{connection}: {} -{dropped}", lines.join(" "))
            })
            .collect();
        shown.sort();
        shown
    }
}

fn id(tenant: &str) -> TenantId {
    TenantId::parse(tenant).unwrap()
}

#[tokio::test]
async fn those_who_ask_are_told() {
    let narvi = Fixture::new().await;
    narvi.tail("a", "all", "{app=\"x\"}", 60).await;
    narvi.tail("a", "some", "{app=\"x\"} |= \"two\"", 60).await;
    narvi.tail("a", "others", "{app=\"y\"}", 60).await;
    narvi.tail("a", "over", "{app=\"x\"}", 7200).await;
    narvi.tail("b", "b", "{app=\"x\"}", 60).await;
    let before = narvi.requests.total();
    narvi.push("a", "one", 0).await;
    assert_eq!(narvi.sent(), ["all: one -0"]);
    narvi.push("a", "two", 1).await;
    assert_eq!(narvi.sent(), ["all: two -0", "some: two -0"]);
    assert_eq!(narvi.requests.total() - before, 1, "the list is remembered");
    narvi.push("b", "three", 1).await;
    assert_eq!(narvi.sent(), ["b: three -0"]);
    narvi.push("nobody", "four", 1).await;
    assert_eq!(narvi.sent(), [""; 0]);
}

#[tokio::test]
async fn the_list_is_remembered_for_seconds() {
    let narvi = Fixture::new().await;
    narvi.push("a", "one", 0).await;
    narvi.tail("a", "new", "{app=\"x\"}", 0).await;
    let before = narvi.requests.total();
    narvi.push("a", "two", 4).await;
    assert_eq!(narvi.sent(), [""; 0], "not known yet");
    assert_eq!(narvi.requests.total(), before);
    narvi.push("a", "three", 5).await;
    assert_eq!(narvi.sent(), ["new: three -0"]);
    narvi.tail("a", "newer", "{app=\"x\"}", 0).await;
    narvi.live.forget();
    narvi.push("a", "four", 6).await;
    assert_eq!(narvi.sent(), ["new: four -0", "newer: four -0"]);
}

#[tokio::test]
async fn who_is_gone_is_forgotten() {
    let narvi = Fixture::new().await;
    narvi.tail("a", "gone", "{app=\"x\"}", 60).await;
    narvi.tail("a", "begins", "{app=\"x\"}", 1).await;
    for connection in ["gone", "begins"] {
        narvi.fate(connection, Some(Fate::Gone));
    }
    narvi.push("a", "one", 0).await;
    let left = narvi.catalog.tails(&id("a"), NOW).await.unwrap();
    let left: Vec<&str> = left.iter().map(|row| row.connection.as_str()).collect();
    assert_eq!(left, ["begins"]);
    for connection in ["gone", "begins"] {
        narvi.fate(connection, None);
    }
    narvi.push("a", "two", 1).await;
    assert_eq!(narvi.sent(), ["begins: two -1"]);
}

#[tokio::test]
async fn who_cannot_be_reached_holds_nobody_up() {
    let narvi = Fixture::new().await;
    for connection in ["fails", "hangs", "works"] {
        narvi.tail("a", connection, "{app=\"x\"}", 60).await;
    }
    narvi.fate("fails", Some(Fate::Fails));
    narvi.fate("hangs", Some(Fate::Hangs));
    // One of them takes for ever, and this comes back.
    narvi.push("a", "one", 0).await;
    let tried = || narvi.mailbox.tried.load(Ordering::Relaxed);
    assert_eq!(tried(), 3);
    narvi.fate("fails", None);
    narvi.push("a", "two", 4).await;
    assert_eq!(
        tried(),
        4,
        "left alone for a while, whatever has become of it"
    );
    assert_eq!(narvi.sent(), ["works: one -0", "works: two -0"]);
    narvi.fate("hangs", None);
    narvi.push("a", "three", 5).await;
    let want = ["fails: three -2", "hangs: three -2", "works: three -0"];
    assert_eq!(narvi.sent(), want);
    narvi.push("a", "four", 6).await;
    assert_eq!(
        narvi.sent(),
        ["fails: four -0", "hangs: four -0", "works: four -0"]
    );
}

#[tokio::test]
async fn what_is_too_long_is_told_of_as_dropped() {
    let narvi = Fixture::new().await;
    narvi.tail("a", "c", "{app=\"x\"}", 60).await;
    narvi.push("a", &"x".repeat(limits::FRAME_BYTES), 0).await;
    let sent = narvi.mailbox.sent.lock().unwrap();
    let want = json!({
        "streams": [],
        "dropped_entries": [{
            "timestamp": NOW.nanos().to_string(),
            "labels": {"app": "x"},
        }],
    });
    assert_eq!(*sent, [("c".to_owned(), want)]);
}
