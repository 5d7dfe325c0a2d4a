//! A live tail from its connection to its end: what is pushed is posted to API Gateway.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use narvi_tests::cloud::Cloud;
use narvi_tests::function::Function;
use narvi_tests::push::{Entry, Push};
use narvi_tests::server::{Reply, Server};
use narvi_tests::{events, now};
use serde_json::{Value, json};

use super::{SECOND, push};

/// The sample of that name, as if it had come a minute ago.
fn sample(name: &str) -> Value {
    let mut samples = events::samples().into_iter();
    let (_, mut event) = samples
        .find(|one| one.0 == name)
        .expect("there is a sample");
    let time = (now() - 60 * SECOND) / 1_000_000;
    event["requestContext"]["requestTimeEpoch"] = json!(time);
    event
}

/// Pushes an order that arrives so many seconds from now. Nine are after the handover of a tail
/// that begins now.
fn line(ingest: &mut Function, line: &str, seconds: i64) {
    let entry = Entry::new(now(), line);
    let body = Push::of(&[("app", "checkout")], vec![entry]).protobuf();
    push(ingest, &body, now() + seconds * SECOND);
}

/// Path, kind and event of what Lambda was asked to invoke.
type Invoked = Arc<Mutex<Vec<(String, Option<String>, Value)>>>;

/// Lambda's API, and what it is asked.
fn lambda() -> (Server, Invoked) {
    let invoked = Invoked::default();
    let takes = Arc::clone(&invoked);
    let lambda = Server::start(move |request| {
        let event: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let kind = request.header("x-amz-invocation-type").map(str::to_owned);
        let mut takes = takes.lock().unwrap();
        takes.push((request.path.clone(), kind, event));
        Reply::new(202, "")
    });
    (lambda, invoked)
}

/// Paths and frames.
type Posted = Arc<Mutex<Vec<(String, Value)>>>;

/// API Gateway's management of connections, which answers with a status, and the paths and frames
/// that are posted to it.
fn gateway(status: Arc<AtomicU16>) -> (Server, Posted) {
    let posted = Posted::default();
    let hears = Arc::clone(&posted);
    let gateway = Server::start(move |request| {
        let frame: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let mut hears = hears.lock().unwrap();
        hears.push((request.path.clone(), frame));
        Reply::new(status.load(Ordering::Relaxed), "{}")
    });
    (gateway, posted)
}

/// What the function has told itself: once for one connection.
fn self_invocation(invoked: &Invoked) -> Value {
    let all = std::mem::take(&mut *invoked.lock().unwrap());
    let [(path, kind, past)] = &all[..] else {
        panic!("one connection is one invocation: {all:?}")
    };
    assert_eq!(path, "/2015-03-31/functions/narvi-tail/invocations");
    assert_eq!(kind.as_deref(), Some("Event"));
    past.clone()
}

#[test]
fn what_is_pushed_is_posted_to_who_is_connected() {
    let cloud = Cloud::start();
    let status = Arc::new(AtomicU16::new(200));
    let (gateway, posted) = gateway(Arc::clone(&status));
    let heard = || std::mem::take(&mut *posted.lock().unwrap());
    let endpoint = format!("{}/live", gateway.url());
    let start = || Function::start_with("ingest", &cloud, &[("NARVI_TAIL_ENDPOINT", &endpoint)]);

    let (lambda, invoked) = lambda();
    let variables = [
        ("NARVI_TAIL_ENDPOINT", endpoint.as_str()),
        ("NARVI_LAMBDA_ENDPOINT", &lambda.url()),
    ];
    // Before anybody listens.
    line(&mut start(), "order before", 0);
    let mut tail = Function::start_with("tail", &cloud, &variables);
    let connected = events::answer(tail.send(&sample("tail-connect")));
    assert_eq!(connected.status, 200, "{}", connected.text);
    let mut broken = sample("tail-connect");
    broken["multiValueQueryStringParameters"]["query"] = json!(["{"]);
    assert_eq!(events::answer(tail.send(&broken)).status, 400);

    let past = self_invocation(&invoked);
    // In another container; it goes on for half a minute.
    let history = Function::start_with("tail", &cloud, &variables);
    history.give(&past);
    let first = loop {
        if let Some((_, frame)) = heard().pop() {
            break frame;
        }
        std::thread::yield_now();
    };
    assert_eq!(first["streams"][0]["values"][0][1], "order before");
    drop(history);

    let mut ingest = start();
    line(&mut ingest, "order told by nobody but the history", 0);
    line(&mut ingest, "order placed", 9);
    line(&mut ingest, "payment refused", 9);
    let heard_first = heard();
    let [(path, frame)] = &heard_first[..] else {
        panic!("{heard_first:?}; {}", ingest.log())
    };
    assert_eq!(path, "/live/@connections/XQxVadDPIAMCJ5A=");
    let streams = frame["streams"].as_array().unwrap();
    assert_eq!(streams.len(), 1, "{frame}");
    assert_eq!(streams[0]["values"][0][1], "order placed");

    // One that is gone is struck off by who notices.
    status.store(410, Ordering::Relaxed);
    line(&mut ingest, "order lost", 9);
    assert_eq!(heard().len(), 1);
    line(&mut ingest, "order found", 9);
    line(&mut start(), "order found again", 9);
    assert_eq!(heard(), []);

    // One that ends by itself is struck off by its function.
    status.store(200, Ordering::Relaxed);
    tail.send(&sample("tail-connect")).unwrap();
    line(&mut start(), "order one", 9);
    assert_eq!(heard().len(), 1);
    tail.send(&sample("tail-disconnect")).unwrap();
    line(&mut start(), "order two", 9);
    assert_eq!(heard(), []);

    // A function that is told of no API looks for nobody.
    tail.send(&sample("tail-connect")).unwrap();
    line(&mut Function::start("ingest", &cloud, ""), "order three", 9);
    assert_eq!(heard(), []);
}
