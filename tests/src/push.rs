//! [`Push`]: streams to push, and the [`Body`] that each wire format makes of them.
//!
//! Written by hand from the formats' definitions and not with the code under test.

use narvi_embedded::gzip;
use serde_json::{Value, json};

use crate::client::Ask;

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";

/// Streams with their entries.
#[derive(Clone, Debug, Default)]
pub struct Push {
    streams: Vec<(Pairs, Vec<Entry>)>,
}

/// Names and values.
type Pairs = Vec<(String, String)>;

/// One entry.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Nanoseconds since the epoch.
    pub time: i64,
    /// The line; bytes, so that a test can write what is no text.
    pub line: Vec<u8>,
    /// Structured metadata.
    pub metadata: Pairs,
}

/// A body with its headers.
#[derive(Clone, Debug)]
pub struct Body {
    /// The bytes as sent.
    pub bytes: Vec<u8>,
    headers: Vec<(&'static str, &'static str)>,
}

impl Entry {
    /// Without metadata.
    #[must_use]
    pub fn new(time: i64, line: impl Into<Vec<u8>>) -> Self {
        Self {
            time,
            line: line.into(),
            metadata: Vec::new(),
        }
    }

    /// With one pair of metadata more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.metadata.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Push {
    /// One stream.
    #[must_use]
    pub fn of(labels: &[(&str, &str)], entries: Vec<Entry>) -> Self {
        Self::default().and(labels, entries)
    }

    /// With one stream more.
    #[must_use]
    pub fn and(mut self, labels: &[(&str, &str)], entries: Vec<Entry>) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.streams
            .push((labels.iter().map(owned).collect(), entries));
        self
    }

    /// Loki's JSON.
    #[must_use]
    pub fn json(&self) -> Body {
        Body {
            bytes: self.json_text().into_bytes(),
            headers: vec![("Content-Type", JSON)],
        }
    }

    /// Loki's JSON in gzip.
    #[must_use]
    pub fn gzip_json(&self) -> Body {
        Body {
            bytes: gzip(self.json_text().as_bytes()),
            headers: vec![("Content-Type", JSON), ("Content-Encoding", "gzip")],
        }
    }

    /// Protobuf in snappy, as collectors send it.
    #[must_use]
    pub fn protobuf(&self) -> Body {
        let mut message = Vec::new();
        for (labels, entries) in &self.streams {
            let mut stream = Vec::new();
            field(&mut stream, 1, selector(labels).as_bytes());
            for entry in entries {
                field(&mut stream, 2, &entry_message(entry));
            }
            field(&mut message, 1, &stream);
        }
        let packed = snap::raw::Encoder::new().compress_vec(&message);
        Body::raw_protobuf(packed.expect("snappy takes up to 4 GiB"))
    }

    fn json_text(&self) -> String {
        let entry = |entry: &Entry| {
            let line = String::from_utf8_lossy(&entry.line);
            let mut values = vec![json!(entry.time.to_string()), json!(line)];
            if !entry.metadata.is_empty() {
                values.push(object(&entry.metadata));
            }
            Value::Array(values)
        };
        let stream = |(labels, entries): &(Pairs, Vec<Entry>)| {
            let values: Vec<Value> = entries.iter().map(entry).collect();
            json!({"stream": object(labels), "values": values})
        };
        let streams: Vec<Value> = self.streams.iter().map(stream).collect();
        json!({"streams": streams}).to_string()
    }
}

impl Body {
    /// Bytes that claim to be a push in protobuf and snappy.
    #[must_use]
    pub fn raw_protobuf(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            headers: vec![("Content-Type", PROTOBUF)],
        }
    }

    /// The request that pushes it.
    #[must_use]
    pub fn ask(&self) -> Ask<'_> {
        Ask {
            method: "POST",
            path: "/loki/api/v1/push",
            headers: &self.headers,
            body: Some(&self.bytes),
            ..Ask::default()
        }
    }

    /// Names and values of its headers.
    #[must_use]
    pub fn headers(&self) -> &[(&'static str, &'static str)] {
        &self.headers
    }
}

fn object(pairs: &Pairs) -> Value {
    let pairs = pairs.iter();
    Value::Object(
        pairs
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect(),
    )
}

/// `{a="b", c="d"}`.
fn selector(labels: &Pairs) -> String {
    let labels: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={}", json!(value)))
        .collect();
    format!("{{{}}}", labels.join(", "))
}

fn entry_message(entry: &Entry) -> Vec<u8> {
    let mut time = Vec::new();
    for (number, part) in [
        (1, entry.time / 1_000_000_000),
        (2, entry.time % 1_000_000_000),
    ] {
        time.push(number << 3);
        varint(&mut time, part.unsigned_abs());
    }
    let mut message = Vec::new();
    field(&mut message, 1, &time);
    field(&mut message, 2, &entry.line);
    for (name, value) in &entry.metadata {
        let mut pair = Vec::new();
        field(&mut pair, 1, name.as_bytes());
        field(&mut pair, 2, value.as_bytes());
        field(&mut message, 3, &pair);
    }
    message
}

/// A field that is delimited by its length.
fn field(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
