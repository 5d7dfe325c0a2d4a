//! Loads every sample event of `events/`, so that each stays an event that API Gateway, EventBridge
//! or CloudWatch Logs could send. What a function answers to it is tested in the function's own
//! crate.
#![cfg(test)]

use std::path::PathBuf;

use aws_lambda_events::apigw::{
    ApiGatewayCustomAuthorizerRequestTypeRequest, ApiGatewayV2CustomAuthorizerV2Request,
    ApiGatewayV2httpRequest, ApiGatewayWebsocketProxyRequest,
};
use aws_lambda_events::eventbridge::EventBridgeEvent;
use narvi_gateway::{Request, SocketEvent, capture, scheduled_at};
use narvi_model::{TenantId, Timestamp};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events")
}

fn load<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn request(name: &str) -> Request {
    let request = Request::from_event(&load::<ApiGatewayV2httpRequest>(name)).unwrap();
    assert_eq!(request.received, Timestamp::from_seconds(1_768_471_201));
    assert_eq!(request.header("X-Scope-OrgID"), Some("demo"));
    request
}

#[test]
fn push() {
    let push = request("ingest-push.json");
    assert_eq!(
        (push.method.as_str(), push.path.as_str()),
        ("POST", "/loki/api/v1/push")
    );
    assert_eq!(push.header("content-encoding"), Some("snappy"));
    let lines: &[u8] = b"payment refused";
    assert!(push.body.windows(lines.len()).any(|window| window == lines));
    assert!(push.params().is_empty());
}

#[test]
fn other_pushes() {
    let otlp = request("ingest-otlp.json");
    assert_eq!(otlp.path, "/otlp/v1/logs");
    assert_eq!(otlp.body[..2], [0x1f, 0x8b], "gzip");
    let legacy = request("ingest-legacy.json");
    assert_eq!(legacy.path, "/api/prom/push");
    assert!(legacy.body.starts_with(b"{\"streams\""));
}

#[test]
fn deliveries_of_firehose() {
    let event = load::<ApiGatewayV2httpRequest>("ingest-firehose.json");
    let delivery = Request::from_event(&event).unwrap();
    assert_eq!(delivery.path, "/awsfirehose/api/v1/push");
    assert_eq!(delivery.header("X-Scope-OrgID"), None);
    let granted = delivery.granted.as_ref().map(TenantId::as_str);
    assert_eq!(granted, Some("demo"));
    assert!(delivery.body.starts_with(b"{\"requestId\""));
    for name in ["ingest-push.json", "query-range.json"] {
        assert_eq!(request(name).granted, None, "{name}");
    }
}

#[test]
fn query() {
    let query = request("query-range.json");
    assert_eq!(query.path, "/loki/api/v1/query_range");
    let params = query.params();
    assert_eq!(params.get("query"), Some("{app=\"checkout\"} |= `order`"));
    assert_eq!(params.get("step"), Some("2000ms"));
}

#[test]
fn delete() {
    let delete = request("retention-delete.json");
    assert_eq!(
        (delete.method.as_str(), delete.path.as_str()),
        ("POST", "/loki/api/v1/delete")
    );
    assert_eq!(
        delete.query.get("query"),
        Some("{app=\"checkout\"} |= `card`")
    );
    assert_eq!(delete.query.get("start"), Some("1768381201"));
    assert!(delete.body.is_empty());
}

#[test]
fn labels() {
    let labels = request("query-labels.json");
    let name = capture("/loki/api/v1/label/{name}/values", &labels.path);
    assert_eq!(name.as_deref(), Some(&["app"][..]));
}

#[test]
fn schedules() {
    for name in [
        "compact-schedule.json",
        "retention-schedule.json",
        "rules-schedule.json",
    ] {
        let event: EventBridgeEvent = load(name);
        assert_eq!(
            scheduled_at(&event),
            Timestamp::from_seconds(1_768_471_200),
            "{name}"
        );
    }
    let mut event: EventBridgeEvent = load("compact-schedule.json");
    event.time = None;
    assert!(scheduled_at(&event) > Timestamp::from_seconds(1_768_471_200));
}

#[test]
fn connections() {
    let read = |name| SocketEvent::read(&load::<ApiGatewayWebsocketProxyRequest>(name));
    let Some(SocketEvent::Connect {
        connection: begun,
        request,
    }) = read("tail-connect.json")
    else {
        panic!("no connection")
    };
    assert_eq!(request.received, Timestamp::from_seconds(1_768_471_201));
    assert_eq!(request.header("x-scope-orgid"), Some("demo"));
    let query = request.params().get("query").map(str::to_owned);
    assert_eq!(query.as_deref(), Some("{app=\"checkout\"} |= \"order\""));
    let Some(SocketEvent::Disconnect { connection }) = read("tail-disconnect.json") else {
        panic!("no end")
    };
    assert_eq!(connection, begun);
}

#[test]
fn every_file_is_an_event() {
    for file in std::fs::read_dir(folder()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        if name.ends_with("-schedule.json") {
            assert_eq!(
                load::<EventBridgeEvent>(&name).source,
                "aws.events",
                "{name}"
            );
        } else if name == "authorizer-tail.json" {
            let event = load::<ApiGatewayCustomAuthorizerRequestTypeRequest>(&name);
            assert!(event.method_arn.is_some(), "{name}");
            assert!(event.headers.contains_key("authorization"), "{name}");
        } else if name.starts_with("authorizer-") {
            let event = load::<ApiGatewayV2CustomAuthorizerV2Request>(&name);
            assert_eq!(event.version.as_deref(), Some("2.0"), "{name}");
            let secret = ["authorization", "x-amz-firehose-access-key"];
            let has = |header: &&str| event.headers.contains_key(*header);
            assert!(secret.iter().any(has), "{name}");
        } else if name.starts_with("forward-") {
            let event = load::<serde_json::Value>(&name);
            let source = &event["Records"][0]["eventSource"];
            let is_known = event["awslogs"]["data"].is_string() || source.is_string();
            assert!(is_known, "{name}");
        } else if name.starts_with("tail-") {
            let event = load::<ApiGatewayWebsocketProxyRequest>(&name);
            assert!(SocketEvent::read(&event).is_some(), "{name}");
        } else {
            let event = load::<ApiGatewayV2httpRequest>(&name);
            assert!(Request::from_event(&event).is_ok(), "{name}");
        }
    }
}
