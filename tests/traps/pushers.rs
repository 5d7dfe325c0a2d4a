//! Traps of what collectors push: each sends a line as it does, which is there afterwards.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use narvi_embedded::gzip;
use narvi_tests::push::{Entry, Push};
use serde_json::json;

use super::*;

const PUSH: &str = "/loki/api/v1/push";
const JSON: (&str, &str) = ("Content-Type", "application/json");
const PROTOBUF: (&str, &str) = ("Content-Type", "application/x-protobuf");

/// Who sends what where: the name is the value of the label `app`.
struct Sent {
    app: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
}

fn sent(
    app: &'static str,
    path: &'static str,
    headers: &[(&'static str, &'static str)],
    body: impl Into<Vec<u8>>,
) -> Sent {
    Sent {
        app,
        path,
        headers: headers.to_vec(),
        body: body.into(),
    }
}

/// A push of JSON in which labels and what follows the line are as they are.
fn json_push(labels: &str, after: &str) -> Vec<u8> {
    let time = now();
    format!(r#"{{"streams":[{{"stream":{{{labels}}},"values":[["{time}","a line"{after}]]}}]}}"#)
        .into_bytes()
}

fn protobuf(app: &str) -> Vec<u8> {
    let line = vec![Entry::new(now(), "a line")];
    Push::of(&[("app", app)], line).protobuf().bytes
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(bytes).unwrap();
    zlib.finish().unwrap()
}

/// A frame of zstd with one block, stored as it is (RFC 8878); up to 255 bytes.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    let size = u8::try_from(bytes.len()).unwrap();
    let block = (u32::from(size) << 3 | 1).to_le_bytes();
    let head = [0x28, 0xb5, 0x2f, 0xfd, 0x20, size];
    [&head[..], &block[..3], bytes].concat()
}

fn otlp() -> String {
    let time = now();
    let service = r#"{"key":"service.name","value":{"stringValue":"otlp"}}"#;
    let number = r#"{"key":"n","value":{"intValue":5}}"#;
    let record = format!(
        r#"{{"timeUnixNano":"{time}","body":{{"stringValue":"a line"}},"attributes":[{number}]}}"#
    );
    let scopes = format!(r#"[{{"logRecords":[{record}]}}]"#);
    let resource = format!(r#"{{"attributes":[{service}]}}"#);
    format!(r#"{{"resourceLogs":[{{"resource":{resource},"scopeLogs":{scopes}}}]}}"#)
}

fn python() -> String {
    let time = Timestamp::from_nanos(now()).rfc3339_seconds();
    let entry = format!(r#"{{"ts":"{time}","line":"a line"}}"#);
    format!(r#"{{"streams":[{{"labels":"{{app=\"python\"}}","entries":[{entry}]}}]}}"#)
}

fn everybody() -> Vec<Sent> {
    let label = |app: &str| format!("\"app\":\"{app}\"");
    let snappy = ("Content-Encoding", "snappy");
    let basic = ("Authorization", "Basic YTpi");
    let bearer = ("Authorization", "Bearer x");
    let fluent = json_push(&label("fluent-bit"), r#",{"trace_id":"t"}"#);
    let vector = |app: &str| json_push(&label(app), ",{}");
    let values = r#""app":"values","n":1,"b":true,"z":null"#;
    vec![
        sent("alloy", PUSH, &[PROTOBUF, snappy], protobuf("alloy")),
        sent("promtail", PUSH, &[PROTOBUF], protobuf("promtail")),
        sent(
            "anything",
            PUSH,
            &[("Content-Type", "text/x")],
            protobuf("anything"),
        ),
        sent(
            "fluent-bit",
            PUSH,
            &[JSON, ("Content-Encoding", "gzip"), basic],
            gzip(&fluent),
        ),
        sent(
            "vector-zlib",
            PUSH,
            &[JSON, ("Content-Encoding", "deflate"), bearer],
            zlib(&vector("vector-zlib")),
        ),
        sent(
            "vector-zstd",
            PUSH,
            &[JSON, ("Content-Encoding", "zstd")],
            zstd(&vector("vector-zstd")),
        ),
        sent(
            "otlp",
            "/otlp/v1/logs",
            &[JSON, ("Content-Encoding", "gzip")],
            gzip(otlp().as_bytes()),
        ),
        sent(
            "lambda",
            PUSH,
            &[JSON],
            json_push(r#""app":"lambda","__aws_log_type":"s3""#, ""),
        ),
        sent("pino", PUSH, &[JSON], json_push(&label("pino"), "")),
        sent("python", "/api/prom/push", &[JSON], python()),
        sent("values", PUSH, &[JSON], json_push(values, "")),
    ]
}

#[test]
fn every_collector_gets_its_204_and_its_line() {
    let shop = shop();
    let client = shop.narvi.client();
    for sent in everybody() {
        let ask = Ask {
            method: "POST",
            path: sent.path,
            headers: &sent.headers,
            body: Some(&sent.body),
            ..Ask::default()
        };
        // Who is not answered sends again, and it is one line all the same.
        for _ in 0..2 {
            spring(client, &refused(sent.app, ask.clone(), 204, Is("")));
        }
        let query = format!(
            r#"sum(count_over_time({{service_name="{}"}}[1h]))"#,
            sent.app
        );
        let one = At("/data/result/0/value/1", json!("1"));
        spring(
            client,
            &trap(sent.app, get(QUERY, &[("query", &query)]), &[], one),
        );
    }
    let values = json!({"app": "values", "b": "true", "n": "1", "z": "null",
        "service_name": "values", "detected_level": "unknown"});
    let whole = get(RANGE, &[("query", r#"{app="values"}"#)]);
    let values = At("/data/result/0/stream", values);
    spring(client, &trap("JSON: values of labels", whole, &[], values));
    let aws = get(RANGE, &[("query", r#"{__aws_log_type="s3"}"#)]);
    let line = At("/data/result/0/values/0/1", json!("a line"));
    spring(client, &trap("lambda-promtail: labels", aws, &[], line));
}

#[test]
fn mistakes_are_final_and_firehose_reads_json() {
    let shop = shop();
    let client = shop.narvi.client();
    let labels = br#"{app="a"b"}"#;
    let stream = [&[0x0a, labels.len() as u8], &labels[..]].concat();
    let message = [&[0x0a, stream.len() as u8], &stream[..]].concat();
    let message = snap::raw::Encoder::new().compress_vec(&message).unwrap();
    let number = json_push(r#""app":"x""#, r#",{"n":1}"#);
    let old = format!(
        r#"{{"streams":[{{"stream":{{"app":"x"}},"values":[["{}","x"]]}}]}}"#,
        SECOND
    );
    let post = |path, headers, body| Ask {
        method: "POST",
        path,
        headers,
        body: Some(body),
        ..Ask::default()
    };
    let delivery = format!(
        r#"{{"requestId":"r-1","timestamp":{},"records":[{{"data":"YQ=="}}]}}"#,
        now() / 1_000_000
    );
    let firehose = post("/awsfirehose/api/v1/push", &[JSON], delivery.as_bytes());
    let broken = post("/awsfirehose/api/v1/push", &[JSON], b"{");
    let otlp = post("/otlp/v1/logs", &[JSON], b"{");
    for row in [
        refused(
            "winston-loki: labels that are not escaped",
            post(PUSH, &[PROTOBUF], &message),
            400,
            Has("couldn't parse labels"),
        ),
        refused(
            "all: metadata is text",
            post(PUSH, &[JSON], &number),
            400,
            Has("n"),
        ),
        refused(
            "all: too old is final",
            post(PUSH, &[JSON], old.as_bytes()),
            400,
            Has("has timestamp too old"),
        ),
        refused("OTLP: never 500", otlp, 400, Has("")),
        refused(
            "Firehose: 200 and JSON",
            firehose,
            200,
            At("/requestId", json!("r-1")),
        ),
        refused(
            "Firehose: JSON for mistakes",
            broken,
            400,
            Has("\"errorMessage\":\"the body is not what Firehose sends"),
        ),
    ] {
        spring(client, &row);
    }
}
