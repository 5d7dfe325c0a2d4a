//! The past of tails: what was stored before, what comes in until the handover, nothing twice; over
//! an embedded DynamoDB, with its requests counted.
#![cfg(test)]

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use narvi_gateway::{Call, Config, connect_event, now};
use narvi_intake::Intake;
use narvi_live::{Post, PostError, Posted};
use narvi_model::{Entry, Labels, Line, TenantId, Timestamp};
use narvi_protocol::push::{PushRequest, PushStream};
use narvi_segment::WriterOptions;
use narvi_storage::{Catalog, DirectoryObjects, Requests};
use narvi_tail::{Handler, Historian, Later, LaterError, Past};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const SECOND: i64 = 1_000_000_000;

/// Hands on what it is given.
struct Given<T>(UnboundedSender<T>);

#[async_trait]
impl Later for Given<Past> {
    async fn start(&self, past: Past) -> Result<(), LaterError> {
        self.0
            .send(past)
            .map_err(|error| LaterError(error.to_string()))
    }
}

#[async_trait]
impl Post for Given<Bytes> {
    async fn post(&self, _: &str, frame: Bytes) -> Result<Posted, PostError> {
        self.0
            .send(frame)
            .map_err(|error| PostError(error.to_string()))?;
        Ok(Posted::Posted)
    }
}

struct Fixture {
    intake: Intake,
    historian: Arc<Historian>,
    handler: Handler,
    pasts: UnboundedReceiver<Past>,
    requests: Requests,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let requests = Requests::new();
        let catalog: Catalog = narvi_embedded::catalog(1, &requests).await;
        let folder = tempfile::tempdir().unwrap();
        let objects = Arc::new(DirectoryObjects::open(folder.path()).unwrap());
        let config = Arc::new(Config::from_yaml("").unwrap());
        let (given, pasts) = unbounded_channel();
        let later = Arc::new(Given(given));
        let options = WriterOptions::default();
        Self {
            intake: Intake::new(
                objects.clone(),
                catalog.clone(),
                config.limits.clone(),
                options,
            ),
            historian: Arc::new(Historian::new(objects, catalog.clone(), config.clone())),
            handler: Handler::new(catalog, config, later).in_one_process(),
            pasts,
            requests,
            _folder: folder,
        }
    }

    /// A push of lines that were written `age` ago, in nanoseconds, and arrived at `arrival`.
    async fn push(&self, lines: &[&str], age: i64, arrival: Timestamp) {
        let entry = |(n, line): (usize, &&str)| Entry {
            timestamp: now().minus(age).plus(n as i64),
            line: Line::from(*line),
            metadata: Labels::empty(),
        };
        let push = PushRequest {
            streams: vec![PushStream {
                labels: Labels::from_pairs([("app", "x")]),
                entries: lines.iter().enumerate().map(entry).collect(),
            }],
            ..PushRequest::default()
        };
        self.intake.push(&tenant(), push, arrival).await.unwrap();
    }

    /// A tail that is let in, and what it is sent.
    async fn tail(&mut self, target: &str) -> (Past, UnboundedReceiver<Bytes>) {
        let call = Call::new(Method::GET, target).header("x-scope-orgid", "a");
        let event = connect_event(call.at(now()), "c").unwrap();
        assert_eq!(self.handler.handle(event).await.status_code, 200);
        let past = self.pasts.recv().await.unwrap();
        let (given, frames) = unbounded_channel();
        let (historian, sent) = (Arc::clone(&self.historian), past.clone());
        tokio::spawn(async move { historian.send(&sent, &Given(given)).await });
        (past, frames)
    }
}

fn tenant() -> TenantId {
    TenantId::parse("a").unwrap()
}

/// The lines of the next frame.
async fn lines(frames: &mut UnboundedReceiver<Bytes>) -> Vec<String> {
    let frame: Value = serde_json::from_slice(&frames.recv().await.unwrap()).unwrap();
    let streams = frame["streams"].as_array().unwrap().iter();
    let line = |stream: &Value| stream["values"][0][1].as_str().unwrap().to_owned();
    streams.map(line).collect()
}

const TARGET: &str = "/loki/api/v1/tail?query=%7Bapp%3D%22x%22%7D%20!%3D%20%22no%22&limit=3";

#[tokio::test]
async fn the_newest_lines_come_first_and_those_of_the_handover_after_them() {
    let mut narvi = Fixture::new().await;
    let before = now().minus(60 * SECOND);
    narvi.push(&["two hours ago"], 7200 * SECOND, before).await;
    narvi
        .push(&["a", "b", "no", "c"], 90 * SECOND, before)
        .await;
    narvi.push(&["d"], 60 * SECOND, before).await;
    let requests = narvi.requests.total();
    let (past, mut frames) = narvi.tail(TARGET).await;
    assert_eq!(lines(&mut frames).await, ["b", "c", "d"]);
    // The list, the rows; streams and segments of the one or two days of an hour.
    let asked = narvi.requests.total() - requests;
    assert!(asked == 4 || asked == 6, "{asked}");
    let live = serde_json::to_value(&past).unwrap()["live"]
        .as_i64()
        .unwrap();
    let live = Timestamp::from_nanos(live);
    // Arrived before the tail and stored after it, arrived before the handover, and after it.
    narvi.push(&["e"], SECOND, before).await;
    narvi.push(&["f", "no"], 0, live.minus(1)).await;
    narvi.push(&["told by others"], 0, live).await;
    assert_eq!(lines(&mut frames).await, ["e", "f"]);
    assert!(frames.try_recv().is_err());
}

#[tokio::test]
async fn a_tail_without_a_past_gets_what_is_pushed_at_first() {
    let mut narvi = Fixture::new().await;
    let legacy = TARGET.replace("/loki/api/v1", "/api/prom");
    let (_, mut frames) = narvi.tail(&legacy).await;
    narvi.push(&["first"], 0, now()).await;
    let frame: Value = serde_json::from_slice(&frames.recv().await.unwrap()).unwrap();
    assert_eq!(
        frame["streams"][0]["entries"][0]["line"], "first",
        "{frame}"
    );
    assert_eq!(
        frame["streams"][0]["labels"],
        r#"{app="x", detected_level="unknown", service_name="x"}"#
    );
    assert_eq!(frame["dropped_entries"], Value::Null);
}
