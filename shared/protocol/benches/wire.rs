//! How fast pushes are decoded and answers are written: 1 MiB of lines of about 200 bytes.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use narvi_model::answer::{LogEntry, LogStream, QueryResult, QueryStats};
use narvi_model::{Labels, Timestamp};
use narvi_protocol::answer::{EncodeOptions, encode_query};
use narvi_protocol::push::{DecodeLimits, JsonFlavour, decode};

const LINES: usize = 5243;
const STREAMS: usize = 12;
const START: i64 = 1_700_000_000_000_000_000;

fn line(n: usize) -> String {
    format!(
        "level=info ts=2024-01-02T03:04:05.{n:06}Z caller=metrics.go:159 component=frontend \
         org_id=fake traceID={:016x} latency=fast query=\"{{app=\\\"x\\\"}}\" duration={n}ms \
         status=200 bytes=12.3kB",
        n * 0x9e37_79b9
    )
}

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut len = bytes.len();
    while len >= 0x80 {
        out.push(len as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
    out.extend_from_slice(bytes);
    out
}

fn number(number: u8, mut value: u64) -> Vec<u8> {
    let mut out = vec![number << 3];
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

fn protobuf() -> Vec<u8> {
    let mut body = Vec::new();
    for stream in 0..STREAMS {
        let labels = format!("{{app=\"api-{stream}\", env=\"prod\", namespace=\"shop\"}}");
        let mut message = field(1, labels.as_bytes());
        for n in 0..LINES / STREAMS {
            let time = [number(1, 1_700_000_000), number(2, n as u64)].concat();
            let entry = [field(1, &time), field(2, line(n).as_bytes())].concat();
            message.extend(field(2, &entry));
        }
        body.extend(field(1, &message));
    }
    body
}

fn json() -> Vec<u8> {
    let stream = |stream: usize| {
        let values: Vec<_> = (0..LINES / STREAMS)
            .map(|n| (format!("{}", START + n as i64), line(n)))
            .collect();
        serde_json::json!({"stream": {"app": format!("api-{stream}"), "env": "prod"},
            "values": values})
    };
    let streams: Vec<_> = (0..STREAMS).map(stream).collect();
    serde_json::json!({ "streams": streams })
        .to_string()
        .into_bytes()
}

fn pushes(c: &mut Criterion) {
    let protobuf = protobuf();
    let mut group = c.benchmark_group("push");
    group.throughput(Throughput::Bytes(protobuf.len() as u64));
    let snappy = snap::raw::Encoder::new()
        .compress_vec(&protobuf)
        .unwrap_or_default();
    let (snappy, json) = (Bytes::from(snappy), Bytes::from(json()));
    for (name, kind, body) in [
        ("protobuf in snappy", "application/x-protobuf", snappy),
        ("json", "application/json", json),
    ] {
        let limits = DecodeLimits::default();
        group.bench_function(name, |b| {
            b.iter(|| {
                decode(
                    Some(kind),
                    None,
                    JsonFlavour::V1,
                    black_box(body.clone()),
                    &limits,
                )
            });
        });
    }
    group.finish();
}

fn answers(c: &mut Criterion) {
    let entry = |n: usize| LogEntry {
        timestamp: Timestamp::from_nanos(START + n as i64),
        line: line(n).into(),
        metadata: Labels::from_pairs([("trace_id", "abc")]),
        parsed: Labels::empty(),
    };
    let labels = Labels::from_pairs([("app", "api"), ("env", "prod")]);
    let result = QueryResult::Streams(vec![LogStream {
        labels,
        entries: (0..LINES).map(entry).collect(),
    }]);
    let mut group = c.benchmark_group("answer");
    group.throughput(Throughput::Bytes(1 << 20));
    for (name, flags) in [("categorised", Some("categorize-labels")), ("plain", None)] {
        let options = EncodeOptions::from_flags(flags);
        group.bench_function(name, |b| {
            b.iter(|| encode_query(black_box(&result), &QueryStats::default(), &options));
        });
    }
    group.finish();
}

criterion_group!(benches, pushes, answers);
criterion_main!(benches);
