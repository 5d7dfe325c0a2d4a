//! What the tests share: a handler on an embedded DynamoDB and a directory, with its requests
//! counted; and bodies of pushes.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use aws_lambda_events::encodings::Body;
use http::Method;
use narvi_embedded::{Failing, Watched};
use narvi_gateway::{Call, Config};
use narvi_ingest::Handler;
use narvi_model::{Day, TenantId, TimeRange, Timestamp};
use narvi_segment::{Footer, Scratch};
use narvi_storage::{
    Catalog, CountingObjects, DirectoryObjects, Objects as _, Place, Requests, SegmentRow,
};
use prost::Message as _;

/// 2024-01-10T12:00:00Z, when every test request arrives.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_704_888_000);

pub(crate) const PROTOBUF: &str = "application/x-protobuf";
pub(crate) const JSON: &str = "application/json";

/// A handler and what it writes to.
pub(crate) struct Fixture {
    pub(crate) handler: Handler,
    pub(crate) catalog: Catalog,
    pub(crate) objects: Arc<Watched<Failing>>,
    pub(crate) requests: Requests,
    _folder: tempfile::TempDir,
}

/// A status and a body.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: i64,
    pub(crate) text: String,
    pub(crate) retry_after: Option<String>,
}

impl Fixture {
    pub(crate) async fn new(yaml: &str) -> Self {
        let requests = Requests::new();
        let catalog = narvi_embedded::catalog(1, &requests).await;
        let folder = tempfile::tempdir().unwrap();
        let directory = DirectoryObjects::open(folder.path()).unwrap();
        let counting = CountingObjects::new(Arc::new(directory), requests.clone());
        let objects = Arc::new(Watched::new(Arc::new(counting), Failing::default()));
        let config = Arc::new(Config::from_yaml(yaml).unwrap());
        let handler = Handler::new(objects.clone(), catalog.clone(), config);
        Self {
            handler,
            catalog,
            objects,
            requests,
            _folder: folder,
        }
    }

    pub(crate) async fn call(&self, call: Call) -> Answer {
        let answer = self.handler.handle(call.at(NOW).into_event()).await;
        let retry_after = answer.headers.get("retry-after");
        Answer {
            status: answer.status_code,
            retry_after: retry_after.map(|value| value.to_str().unwrap().to_owned()),
            text: body_of(&answer),
        }
    }

    pub(crate) async fn push(&self, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
        self.call(push(content_type, body)).await
    }

    /// Requests of one push that is stored whole.
    pub(crate) async fn count(&self, body: &[u8]) -> BTreeMap<String, u64> {
        let before = self.requests.snapshot();
        assert_eq!(self.push(PROTOBUF, body).await, stored());
        self.since(before)
    }

    /// Requests that were made after `before` was counted.
    pub(crate) fn since(&self, before: BTreeMap<String, u64>) -> BTreeMap<String, u64> {
        let mut after = self.requests.snapshot();
        for (name, count) in before {
            *after.get_mut(&name).unwrap() -= count;
        }
        after.retain(|_, count| *count > 0);
        after
    }

    /// Every segment row of a day.
    pub(crate) async fn segments(&self, tenant: &str, day: &str) -> Vec<SegmentRow> {
        let tenant = TenantId::parse(tenant).unwrap();
        let range = TimeRange::new(Timestamp::MIN, Timestamp::MAX).unwrap();
        self.catalog
            .segments(&tenant, Day::parse(day).unwrap(), range)
            .await
            .unwrap()
    }

    /// Every stored line of a day as `labels time line`, sorted; checks that stream rows are there.
    pub(crate) async fn lines(&self, tenant: &str, day: &str) -> Vec<String> {
        let id = TenantId::parse(tenant).unwrap();
        let known = self
            .catalog
            .streams(&id, Day::parse(day).unwrap())
            .await
            .unwrap();
        let mut lines = Vec::new();
        for row in self.segments(tenant, day).await {
            let bytes = match row.place {
                Place::Inline(bytes) => bytes,
                Place::Object(key) => self
                    .objects
                    .get_range(&key, 0..row.summary.size)
                    .await
                    .unwrap(),
            };
            let footer = Footer::of_segment(&bytes).unwrap();
            assert!(
                footer
                    .streams
                    .iter()
                    .all(|s| known.iter().any(|k| k.labels == s.labels))
            );
            lines.extend(decoded(&footer, &bytes));
        }
        lines.sort();
        lines
    }
}

fn decoded(footer: &Footer, bytes: &[u8]) -> Vec<String> {
    let mut out = Vec::new();
    let mut scratch = Scratch::default();
    for chunk in &footer.chunks {
        let stored = |column: &narvi_segment::Column| {
            let start = usize::try_from(column.offset).unwrap();
            &bytes[start..start + column.len as usize]
        };
        let (mut times, mut lines) = (Vec::new(), Vec::new());
        chunk
            .decode_timestamps(stored(&chunk.timestamps), &mut scratch, &mut times)
            .unwrap();
        chunk
            .decode_lines(stored(&chunk.lines), &mut lines)
            .unwrap();
        let labels = &footer.streams[chunk.stream as usize].labels;
        let text = String::from_utf8(lines).unwrap();
        let pairs = times.iter().zip(text.lines());
        out.extend(pairs.map(|(nanos, line)| {
            let seconds = Timestamp::from_nanos(*nanos).since(NOW) / narvi_model::NANOS_PER_SECOND;
            format!("{labels} {seconds} {line}")
        }));
    }
    out
}

pub(crate) fn push(content_type: &str, body: impl Into<Vec<u8>>) -> Call {
    Call::new(Method::POST, "/loki/api/v1/push")
        .header("content-type", content_type)
        .header("x-scope-orgid", "t")
        .body(body)
}

pub(crate) fn stored() -> Answer {
    Answer {
        status: 204,
        text: String::new(),
        retry_after: None,
    }
}

fn body_of(answer: &ApiGatewayV2httpResponse) -> String {
    match &answer.body {
        Some(Body::Text(text)) => text.clone(),
        // A `google.rpc.Status` is text but for its first bytes.
        Some(Body::Binary(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct WirePush {
    #[prost(message, repeated, tag = "1")]
    streams: Vec<WireStream>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct WireStream {
    #[prost(string, tag = "1")]
    labels: String,
    #[prost(message, repeated, tag = "2")]
    entries: Vec<WireEntry>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct WireEntry {
    #[prost(message, optional, tag = "1")]
    timestamp: Option<WireTime>,
    #[prost(bytes = "vec", tag = "2")]
    line: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct WireTime {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// Labels, and lines with their seconds from [`NOW`].
type TestStream<'a> = (&'a str, &'a [(i64, &'a [u8])]);

/// A push in protobuf and snappy.
pub(crate) fn protobuf(streams: &[TestStream<'_>]) -> Vec<u8> {
    let entry = |(seconds, line): &(i64, &[u8])| WireEntry {
        timestamp: Some(WireTime {
            seconds: NOW.seconds() + seconds,
            nanos: 0,
        }),
        line: line.to_vec(),
    };
    let stream = |(labels, entries): &TestStream<'_>| WireStream {
        labels: (*labels).to_owned(),
        entries: entries.iter().map(entry).collect(),
    };
    let push = WirePush {
        streams: streams.iter().map(stream).collect(),
    };
    snap::raw::Encoder::new()
        .compress_vec(&push.encode_to_vec())
        .unwrap()
}

/// A push of `streams` streams with about `bytes` bytes of lines that do not compress away.
pub(crate) fn bulk(streams: usize, bytes: usize) -> Vec<u8> {
    let mut random = 1_u64;
    let mut line = move || {
        let mut line = String::new();
        while line.len() < 200 {
            // xorshift64: cheap text that snappy cannot shrink much
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            line.push_str(&format!("{random:016x}"));
        }
        line.into_bytes()
    };
    let per_stream = bytes / streams / 208;
    let all: Vec<Vec<Vec<u8>>> = (0..streams)
        .map(|_| (0..per_stream.max(1)).map(|_| line()).collect())
        .collect();
    let labels: Vec<_> = (0..streams)
        .map(|n| format!("{{app=\"api-{n}\"}}"))
        .collect();
    let entries: Vec<Vec<(i64, &[u8])>> = all
        .iter()
        .map(|lines| lines.iter().map(|line| (-1, line.as_slice())).collect())
        .collect();
    let pairs: Vec<_> = labels
        .iter()
        .zip(&entries)
        .map(|(l, e)| (l.as_str(), e.as_slice()))
        .collect();
    protobuf(&pairs)
}
