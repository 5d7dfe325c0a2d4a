//! Connections that are let in and refused, over an embedded DynamoDB.
#![cfg(test)]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use aws_lambda_events::encodings::Body;
use http::Method;
use narvi_gateway::{Call, Config, connect_event, disconnect_event};
use narvi_model::{TenantId, Timestamp};
use narvi_storage::{Catalog, Requests};
use narvi_tail::{Handler, Later, LaterError, Past};

const NOW: Timestamp = Timestamp::from_seconds(1_768_471_200);

/// Remembers what it was given; fails where it is told to.
#[derive(Default)]
struct Pasts {
    started: Mutex<Vec<Past>>,
    fails: Mutex<bool>,
}

#[async_trait]
impl Later for Pasts {
    async fn start(&self, past: Past) -> Result<(), LaterError> {
        if *self.fails.lock().unwrap() {
            return Err(LaterError("no".to_owned()));
        }
        self.started.lock().unwrap().push(past);
        Ok(())
    }
}

struct Fixture {
    handler: Handler,
    pasts: Arc<Pasts>,
    catalog: Catalog,
    requests: Requests,
}

impl Fixture {
    async fn new(yaml: &str) -> Self {
        let requests = Requests::new();
        let catalog = narvi_embedded::catalog(1, &requests).await;
        let config = Arc::new(Config::from_yaml(yaml).unwrap());
        let pasts = Arc::new(Pasts::default());
        let handler = Handler::new(catalog.clone(), config, pasts.clone());
        Self {
            handler,
            pasts,
            catalog,
            requests,
        }
    }

    async fn connect(&self, connection: &str, tenant: &str, params: &str) -> (i64, String) {
        let call = Call::new(Method::GET, &format!("/t?{params}")).at(NOW);
        let call = match tenant {
            "" => call,
            _ => call.header("x-scope-orgid", tenant),
        };
        let event = connect_event(call, connection).unwrap();
        let answer = self.handler.handle(event).await;
        let text = match answer.body {
            Some(Body::Text(text)) => text,
            _ => String::new(),
        };
        (answer.status_code, text)
    }

    async fn open(&self, tenant: &str) -> Vec<String> {
        let tenant = TenantId::parse(tenant).unwrap();
        let rows = self.catalog.tails(&tenant, NOW).await.unwrap();
        rows.into_iter().map(|row| row.connection).collect()
    }
}

#[tokio::test]
async fn connections_come_and_go() {
    let narvi = Fixture::new("").await;
    let before = narvi.requests.total();
    let params = "query=%7Bapp%3D%22x%22%7D+%7C%3D+%22y%22&delay_for=5&limit=7";
    assert_eq!(narvi.connect("c1", "a", params).await.0, 200);
    assert_eq!(
        narvi.requests.total() - before,
        2,
        "the list, then the rows"
    );
    let tenant = TenantId::parse("a").unwrap();
    let row = narvi.catalog.tails(&tenant, NOW).await.unwrap().remove(0);
    assert_eq!(row.query, "{app=\"x\"} |= \"y\"");
    assert_eq!(row.expires, NOW.plus(7_200_000_000_000));
    assert!(row.live.since(NOW) >= 7_000_000_000);
    let past = narvi.pasts.started.lock().unwrap().pop().unwrap();
    let past = serde_json::to_value(past).unwrap();
    assert_eq!(
        (&past["connection"], &past["limit"]),
        (&"c1".into(), &7.into())
    );
    assert_eq!(past["start"], NOW.minus(3_600_000_000_000).nanos());
    assert_eq!(narvi.connect("c2", "b", params).await.0, 200);

    let before = narvi.requests.total();
    let answer = narvi.handler.handle(disconnect_event("c1")).await;
    assert_eq!(answer.status_code, 200);
    assert_eq!(
        narvi.requests.total() - before,
        2,
        "whose it is, then the rows"
    );
    assert_eq!(narvi.open("a").await, [""; 0]);
    assert_eq!(narvi.open("b").await, ["c2"]);
    // An end that is told twice, and one of a connection that was never let in.
    for connection in ["c1", "nobody"] {
        let answer = narvi.handler.handle(disconnect_event(connection)).await;
        assert_eq!(answer.status_code, 200);
    }
    let mut message = disconnect_event("c2");
    message.request_context.event_type = Some("MESSAGE".to_owned());
    assert_eq!(narvi.handler.handle(message).await.status_code, 200);
    assert_eq!(narvi.open("b").await, ["c2"]);
}

#[tokio::test]
async fn a_tail_whose_past_nobody_sends_is_not_let_in() {
    let narvi = Fixture::new("").await;
    *narvi.pasts.fails.lock().unwrap() = true;
    let answer = narvi.connect("c1", "a", "query=%7Bapp%3D%22x%22%7D").await;
    assert_eq!(answer.0, 503, "{}", answer.1);
    assert_eq!(narvi.open("a").await, [""; 0]);
}

#[tokio::test]
async fn what_is_no_tail_is_refused() {
    let narvi = Fixture::new("limits_config: {required_labels: [env]}").await;
    let query = "query=%7Benv%3D%22x%22%7D";
    for (tenant, params, status, text) in [
        (
            "a",
            query.to_owned() + "&delay_for=6",
            400,
            "delay_for can't be greater than 5",
        ),
        (
            "a",
            query.to_owned() + "&limit=x",
            400,
            "strconv.Atoi: parsing \"x\": invalid syntax",
        ),
        (
            "a",
            query.to_owned() + "&limit=5001",
            400,
            "max entries limit per query exceeded",
        ),
        (
            "a",
            query.to_owned() + "&start=1000000000",
            400,
            "the query time range exceeds",
        ),
        ("a", String::new(), 400, "parse error"),
        ("a", "query=%7B".to_owned(), 400, "parse error"),
        (
            "a",
            "query=rate(%7Benv%3D%22x%22%7D%5B1m%5D)".to_owned(),
            400,
            "parse error : only log",
        ),
        (
            "a",
            "query=%7Bapp%3D%22x%22%7D".to_owned(),
            400,
            "stream selector is missing required",
        ),
        ("", query.to_owned(), 401, "no org id\n"),
        ("a|b", query.to_owned(), 400, "multiple org IDs present"),
        ("a/b", query.to_owned(), 400, "tenant ID 'a/b' contains"),
    ] {
        let answer = narvi.connect("c", tenant, &params).await;
        assert_eq!(answer.0, status, "{params}: {}", answer.1);
        assert!(answer.1.starts_with(text), "{params}: {}", answer.1);
    }
    assert_eq!(narvi.open("a").await, [""; 0]);
}

#[tokio::test]
async fn one_too_many_is_refused() {
    let narvi = Fixture::new(
        "limits_config: {max_concurrent_tail_requests: 2}\n\
                              overrides: {b: {max_concurrent_tail_requests: 0}}",
    )
    .await;
    let query = "query=%7Benv%3D%22x%22%7D";
    for connection in ["c1", "c2"] {
        assert_eq!(narvi.connect(connection, "a", query).await.0, 200);
    }
    let text = "max concurrent tail requests limit exceeded, count > limit (3 > 2)";
    assert_eq!(
        narvi.connect("c3", "a", query).await,
        (429, text.to_owned())
    );
    for connection in ["c4", "c5", "c6"] {
        assert_eq!(narvi.connect(connection, "b", query).await.0, 200);
    }
    narvi.handler.handle(disconnect_event("c1")).await;
    assert_eq!(narvi.connect("c3", "a", query).await.0, 200);
}
