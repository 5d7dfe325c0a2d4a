//! What the tests share: a handler on an embedded DynamoDB and a directory, with its requests
//! counted, and segments that are stored as a push stores them.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lambda_events::encodings::Body;
use http::Method;
use narvi_gateway::{Call, Config};
use narvi_model::{Day, Entry, Labels, Line, Metadata, TenantId, Timestamp};
use narvi_query::Handler;
use narvi_segment::{Codec, Writer, WriterOptions};
use narvi_storage::{
    Catalog, CountingObjects, DirectoryObjects, Objects, Partition, Place, Requests, SegmentRow,
    StreamRow,
};

/// 2026-01-15T12:00:00Z, when every test request arrives.
pub(crate) const NOW: i64 = 1_768_478_400;

/// Whether a segment rides in its row.
#[derive(Clone, Copy)]
pub(crate) enum Stored {
    InRow,
    AsObject,
    /// An object as the compactor writes it, in small chunks.
    Merged,
}

/// A handler and what it reads.
pub(crate) struct Fixture {
    handler: Handler,
    pub(crate) catalog: Catalog,
    pub(crate) objects: Arc<dyn Objects>,
    requests: Requests,
    tenant: TenantId,
    arrivals: i64,
    read: Arc<dyn Objects>,
    config: Arc<Config>,
    _folder: tempfile::TempDir,
}

impl Fixture {
    pub(crate) async fn new(yaml: &str) -> Self {
        Self::over(yaml, |objects, _| objects).await
    }

    /// A handler that reads by way of another store, made of objects and catalog.
    pub(crate) async fn over(
        yaml: &str,
        wrap: impl FnOnce(Arc<dyn Objects>, &Catalog) -> Arc<dyn Objects>,
    ) -> Self {
        let requests = Requests::new();
        let catalog = narvi_embedded::catalog(1, &requests).await;
        let folder = tempfile::tempdir().unwrap();
        let directory = Arc::new(DirectoryObjects::open(folder.path()).unwrap());
        let objects: Arc<dyn Objects> = Arc::new(CountingObjects::new(directory, requests.clone()));
        let config = Arc::new(Config::from_yaml(yaml).unwrap());
        let read = wrap(Arc::clone(&objects), &catalog);
        let handler = Handler::new(Arc::clone(&read), catalog.clone(), Arc::clone(&config));
        let tenant = TenantId::parse("t").unwrap();
        Self {
            handler,
            catalog,
            objects,
            requests,
            tenant,
            arrivals: 0,
            read,
            config,
            _folder: folder,
        }
    }

    /// Goes on with a handler that has cached nothing.
    pub(crate) fn forget(&mut self) {
        let (read, config) = (Arc::clone(&self.read), Arc::clone(&self.config));
        self.handler = Handler::new(read, self.catalog.clone(), config);
    }

    /// Stores lines of one stream, given as seconds from [`NOW`] and text.
    pub(crate) async fn store(
        &mut self,
        how: Stored,
        app: &str,
        lines: &[(i64, &str)],
    ) -> SegmentRow {
        let labels = Labels::from_pairs([("app", app)]);
        let entries: Vec<Entry> = lines.iter().map(|(at, text)| entry(*at, text)).collect();
        let mut writer = Writer::new(match how {
            Stored::InRow | Stored::AsObject => WriterOptions::default(),
            Stored::Merged => WriterOptions {
                codec: Codec::Zstd,
                max_chunk_bytes: 8 << 10,
                filters: true,
                ..WriterOptions::default()
            },
        });
        writer.push_entries(&labels, &entries).unwrap();
        let encoded = writer.finish(&self.tenant).unwrap();
        self.arrivals += 1;
        let created = Timestamp::from_seconds(NOW + self.arrivals);
        let day = Day::of(entries[0].timestamp);
        let partition = Partition {
            tenant: self.tenant.clone(),
            day,
            shard: 0,
        };
        let stream = StreamRow::new(labels.stream_id(), labels);
        self.catalog
            .put_streams(&partition, &[stream])
            .await
            .unwrap();
        let place = match how {
            Stored::InRow => Place::Inline(encoded.bytes),
            Stored::AsObject | Stored::Merged => {
                let id = &encoded.summary.id;
                let key = SegmentRow::object_key(&partition, 0, id, created);
                self.objects.put(&key, encoded.bytes).await.unwrap();
                Place::Object(key)
            }
        };
        let (summary, replaces) = (encoded.summary, Vec::new());
        let row = SegmentRow {
            partition,
            level: 0,
            summary,
            place,
            replaces,
            created,
        };
        self.catalog.put_segment(&row).await.unwrap();
        row
    }

    /// Status and body of a GET.
    pub(crate) async fn get(&self, path: &str, params: &[(&str, &str)]) -> (i64, String) {
        let pairs = params
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)));
        let target = format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"));
        self.call(Call::new(Method::GET, &target).header("x-scope-orgid", "t"))
            .await
    }

    pub(crate) async fn call(&self, call: Call) -> (i64, String) {
        let event = call.at(Timestamp::from_seconds(NOW)).into_event();
        let answer = self.handler.handle(event).await;
        let body = match answer.body {
            Some(Body::Text(text)) => text,
            Some(Body::Binary(bytes)) => String::from_utf8(bytes).unwrap(),
            _ => String::new(),
        };
        (answer.status_code, body)
    }

    /// The `data` of a successful answer.
    pub(crate) async fn data(&self, path: &str, params: &[(&str, &str)]) -> serde_json::Value {
        let (status, body) = self.get(path, params).await;
        assert_eq!(status, 200, "{body}");
        let mut answer: serde_json::Value = serde_json::from_str(&body).unwrap();
        answer["data"].take()
    }

    /// Requests since the last call.
    pub(crate) fn since(&self, before: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
        let mut after = self.requests.snapshot();
        for (name, count) in before {
            *after.get_mut(name).unwrap() -= count;
        }
        after.retain(|_, count| *count > 0);
        after
    }

    pub(crate) fn counted(&self) -> BTreeMap<String, u64> {
        self.requests.snapshot()
    }
}

fn entry(at: i64, text: &str) -> Entry {
    Entry {
        timestamp: Timestamp::from_seconds(NOW + at),
        line: Line::from(text),
        metadata: Metadata::empty(),
    }
}

/// Percent-encodes everything that is not plain.
fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    text.bytes()
        .map(|b| {
            if plain(b) {
                char::from(b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect()
}
