//! The way to Alertmanager over real HTTP, and from stored lines to it.

#![allow(
    clippy::unwrap_used,
    reason = "the steps of a test may end it, also those outside of `#[test]`"
)]

#[cfg(test)]
mod support;

use std::sync::Arc;

use narvi_gateway::Config;
use narvi_model::{Day, Entry, Labels, TenantId};
use narvi_rules::{Alertmanager, Handler, NotifyError, Post, Target};
use narvi_segment::{Writer, WriterOptions};
use narvi_storage::{Catalog, DirectoryObjects, Partition, Place, SegmentRow, StreamRow};
use serde_json::Value;
use support::at;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn tenant() -> TenantId {
    TenantId::parse("team-a").unwrap()
}

/// Serves one request with this status; answers its head in lower case and its body.
async fn serve_one(listener: TcpListener, status: u16) -> (String, String) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let request = read_request(&mut stream).await;
    let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 2\r\n\r\n{{}}");
    stream.write_all(answer.as_bytes()).await.unwrap();
    request
}

async fn read_request(stream: &mut TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the request is cut");
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8(bytes.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let head = head.to_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        if body.len() >= length {
            return (head, body.to_owned());
        }
    }
}

/// Sends an empty list.
async fn post(url: &str) -> Result<(), NotifyError> {
    let target = Target::all(url).unwrap().remove(0);
    let alertmanager = Alertmanager::new();
    alertmanager.post(&target, &tenant(), "[]".into()).await
}

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

#[tokio::test]
async fn posts_json_with_tenant_and_password() {
    let (listener, address) = listen().await;
    let server = tokio::spawn(serve_one(listener, 200));
    let url = format!("http://user:pass@{address}/base");
    assert_eq!(post(&url).await, Ok(()));
    let (head, body) = server.await.unwrap();
    assert_eq!(body, "[]");
    for line in [
        "post /base/api/v2/alerts http/1.1",
        "content-type: application/json",
        "x-scope-orgid: team-a",
        "authorization: basic dxnlcjpwyxnz",
        &format!("host: {address}"),
    ] {
        assert!(
            head.lines().any(|found| found == line),
            "{head} lacks {line}"
        );
    }
}

#[tokio::test]
async fn what_is_not_taken_is_an_error() {
    for status in [400, 401, 503] {
        let (listener, address) = listen().await;
        let server = tokio::spawn(serve_one(listener, status));
        let sent = post(&format!("http://{address}")).await;
        assert_eq!(sent, Err(NotifyError::Status(status)));
        server.await.unwrap();
    }
    let (listener, address) = listen().await;
    drop(listener);
    let sent = post(&format!("http://{address}")).await;
    let error = sent.unwrap_err();
    let text = error.to_string().to_lowercase();
    assert!(matches!(error, NotifyError::Connection(_)), "{text}");
    assert!(text.contains("refused"), "{text}");
}

/// Stores lines of one stream, five a minute before minute 0.
async fn store_lines(catalog: &Catalog) {
    let labels = Labels::from_pairs([("app", "shop")]);
    let entry = |second: i64| Entry {
        timestamp: at(0).minus(second * 10_000_000_000),
        line: "payment refused".into(),
        metadata: Labels::empty(),
    };
    let entries: Vec<Entry> = (1..=5).map(entry).collect();
    let mut writer = Writer::new(WriterOptions::default());
    writer.push_entries(&labels, &entries).unwrap();
    let encoded = writer.finish(&tenant()).unwrap();
    let partition = Partition {
        tenant: tenant(),
        day: Day::of(at(-1)),
        shard: 0,
    };
    let id = labels.stream_id();
    let streams = [StreamRow::new(id, labels)];
    catalog.put_streams(&partition, &streams).await.unwrap();
    let row = SegmentRow {
        partition,
        level: 0,
        summary: encoded.summary,
        place: Place::Inline(encoded.bytes),
        replaces: Vec::new(),
        created: at(0),
    };
    catalog.put_segment(&row).await.unwrap();
}

#[tokio::test]
async fn from_lines_to_alertmanager() {
    let catalog = support::catalog().await;
    store_lines(&catalog).await;
    let group = "
name: g
rules:
  - alert: Refused
    expr: sum by (app) (count_over_time({app=\"shop\"} |= \"refused\" [5m])) > 3
    labels: {severity: page}
    annotations: {summary: '{{ $labels.app }} refused {{ $value }}'}
  - alert: Lines
    expr: '{app=\"shop\"}'
";
    let tenant = tenant();
    let put = catalog.put_rule_group(&tenant, "ns", "g", group);
    put.await.unwrap();
    let (listener, address) = listen().await;
    let server = tokio::spawn(serve_one(listener, 200));
    let config =
        format!("ruler: {{alertmanager_url: 'http://{address}', external_url: 'http://g'}}");
    let config = Arc::new(Config::from_yaml(&config).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let objects = Arc::new(DirectoryObjects::open(folder.path()).unwrap());
    let handler = Handler::new(objects, catalog.clone(), config).unwrap();
    let report = handler.run(at(0)).await.unwrap();
    assert_eq!((report.sent, report.failed_rules), (1, 1));
    let (_, body) = server.await.unwrap();
    let alerts: Value = serde_json::from_str(&body).unwrap();
    let labels = serde_json::json!({"alertname": "Refused", "app": "shop", "severity": "page"});
    assert_eq!(alerts[0]["labels"], labels);
    assert_eq!(alerts[0]["annotations"]["summary"], "shop refused 5");
    assert_eq!(alerts[0]["startsAt"], "2026-01-15T10:00:00.000Z");
    assert_eq!(alerts[0]["endsAt"], "2026-01-15T10:04:00.000Z");
    let link = alerts[0]["generatorURL"].as_str().unwrap();
    assert!(link.starts_with("http://g/explore?left=%7B"), "{link}");
    let state = catalog.alert_state(&tenant, "ns", "g").await.unwrap();
    let state: Value = serde_json::from_str(&state.unwrap()).unwrap();
    let error = &state["rules"][1]["last_error"];
    assert_eq!(error, "rule result is not a vector or scalar");
}
