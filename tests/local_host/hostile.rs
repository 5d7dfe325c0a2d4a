//! Bodies that are no push, or break a limit: each gets a 4xx that says why, nothing of it is
//! stored, and the process neither ends nor grows.

use narvi_tests::host::Narvi;
use narvi_tests::lines::{CONFIG, entries};
use narvi_tests::now;
use narvi_tests::push::{Body, Entry, Push};
use serde_json::json;

/// The smallest Lambda that ingest is meant for.
const MEMORY: u64 = 512 << 20;

/// A stream that ought to stay empty.
fn hostile(line: impl Into<Vec<u8>>) -> Push {
    Push::of(&[("app", "hostile")], vec![Entry::new(now(), line)])
}

fn truncated() -> Body {
    let whole = hostile("x".repeat(1000)).protobuf().bytes;
    Body::raw_protobuf(whole[..whole.len() / 2].to_vec())
}

/// Six bytes that promise 100 MB.
fn bomb() -> Body {
    Body::raw_protobuf(vec![0x80, 0xc2, 0xd7, 0x2f, 0x00, b'x'])
}

/// A valid snappy body that grows as much as the format allows: 64 bytes for each 3.
fn growing() -> Body {
    let zeros = vec![0_u8; 100 << 20];
    let packed = snap::raw::Encoder::new().compress_vec(&zeros).unwrap();
    Body::raw_protobuf(packed)
}

fn labels(count: usize) -> Body {
    let names: Vec<String> = (0..count).map(|n| format!("label_{n}")).collect();
    let labels: Vec<(&str, &str)> = names
        .iter()
        .map(|name| (name.as_str(), "hostile"))
        .collect();
    Push::of(&labels, vec![Entry::new(now(), "x")]).protobuf()
}

/// Nine megabytes of lines, each of which is fine.
fn burst() -> Push {
    let line = |n: i64| Entry::new(now() + n, format!("{n} {}", "y".repeat(9_000)));
    Push::of(&[("app", "hostile")], (0..1_000).map(line).collect())
}

/// A name, the body, and of its answer the status and a part of the text.
type Case = (&'static str, Body, u16, &'static str);

fn cases() -> Vec<Case> {
    vec![
        (
            "truncated snappy",
            truncated(),
            400,
            "snappy: corrupt input",
        ),
        ("snappy bomb", bomb(), 413, "too large"),
        ("growing snappy", growing(), 413, "too large"),
        (
            "invalid UTF-8",
            hostile(*b"\xc3\x28").protobuf(),
            400,
            "UTF-8",
        ),
        (
            "10,000 labels",
            labels(10_000),
            400,
            "has 10000 label names; limit 15",
        ),
        (
            "a line of 300 KB",
            hostile("z".repeat(300_000)).protobuf(),
            400,
            "max entry size",
        ),
        (
            "9 MB in protobuf",
            burst().protobuf(),
            429,
            "ingestion rate limit exceeded",
        ),
        (
            "9 MB in JSON",
            burst().json(),
            429,
            "ingestion rate limit exceeded",
        ),
        (
            "9 MB in gzip",
            burst().gzip_json(),
            429,
            "ingestion rate limit exceeded",
        ),
        (
            "garbage",
            Body::raw_protobuf(vec![0xff; 4096]),
            400,
            "snappy",
        ),
        ("nothing", Body::raw_protobuf(Vec::new()), 400, ""),
    ]
}

#[test]
fn bad_input_is_refused_without_a_trace() {
    let data = tempfile::tempdir().unwrap();
    let mut narvi = Narvi::start_with(&data.path().join("data"), CONFIG);
    for (name, body, status, text) in cases() {
        let answer = narvi.client().ask(&body.ask());
        let shown: String = answer.text().chars().take(300).collect();
        assert_eq!(answer.status, status, "{name}: {shown}");
        assert!(answer.text().contains(text), "{name}: {shown}");
        assert!(
            answer.body.len() < 100_000,
            "{name}: an answer of {}",
            answer.body.len()
        );
        assert!(narvi.is_alive(), "{name}: {}", narvi.log());
    }
    assert_eq!(entries(narvi.client(), "{app=~\".+\"}"), []);
    assert_eq!(entries(narvi.client(), "{label_0=~\".+\"}"), []);
    let names = narvi.client().get("/loki/api/v1/labels", &[]).json();
    assert!(
        names
            .get("data")
            .is_none_or(|data| data.is_null() || *data == json!([])),
        "{names}"
    );
    narvi.push("", &hostile("a good line").protobuf());
    assert_eq!(entries(narvi.client(), "{app=\"hostile\"}").len(), 1);
    if let Some(peak) = narvi.peak_memory() {
        eprintln!("peak memory: {} MiB", peak >> 20);
        assert!(peak < MEMORY, "{} MiB", peak >> 20);
    }
}
