//! What the tests of compaction and of retention share: a catalog on an embedded DynamoDB, objects
//! in a directory, pushes into them, a reader, and a run that can be held at each request.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use narvi_model::{Entry, Labels, TenantId, TimeRange, Timestamp};
use narvi_segment::{Footer, Scratch, Writer, WriterOptions};
use narvi_storage::{
    Catalog, Connection, CountingObjects, DirectoryObjects, Objects, Partition, Place, Requests,
    SegmentRow, StreamRow,
};

/// A line: app, second, text, trace id (none where empty).
pub(crate) type Line<'a> = (&'a str, i64, &'a str, &'a str);

/// Where a push is kept.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kept {
    Inline,
    Object,
}

/// What a run writes to.
pub(crate) struct Storage {
    /// For the run under test; its requests are counted.
    pub(crate) catalog: Catalog,
    /// For the run under test; counted with those of the catalog.
    pub(crate) objects: Arc<dyn Objects>,
    pub(crate) requests: Requests,
    /// For the test itself.
    pub(crate) reader: Catalog,
    pub(crate) directory: Arc<dyn Objects>,
    /// How pushes are written.
    pub(crate) writer: WriterOptions,
    _folder: tempfile::TempDir,
}

impl Storage {
    pub(crate) async fn new() -> Self {
        let endpoint = narvi_embedded::dynamodb();
        let connect = |requests| {
            Connection::new(narvi_embedded::settings(&endpoint, 1), requests)
                .unwrap()
                .catalog()
        };
        let requests = Requests::new();
        let (catalog, reader) = (connect(requests.clone()), connect(Requests::new()));
        reader.create_tables().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let directory: Arc<dyn Objects> = Arc::new(DirectoryObjects::open(folder.path()).unwrap());
        let objects = Arc::new(CountingObjects::new(directory.clone(), requests.clone()));
        Self {
            catalog,
            objects,
            requests,
            reader,
            directory,
            writer: WriterOptions::default(),
            _folder: folder,
        }
    }

    /// Stores a push as ingest does, `created` at a time.
    pub(crate) async fn push(
        &self,
        partition: &str,
        created: Timestamp,
        kept: Kept,
        lines: &[Line<'_>],
    ) -> SegmentRow {
        let partition: Partition = partition.parse().unwrap();
        let mut streams: BTreeMap<Labels, Vec<Entry>> = BTreeMap::new();
        for (app, second, text, trace) in lines {
            let trace = Some(("trace_id", *trace)).filter(|_| !trace.is_empty());
            let metadata = Labels::from_pairs(trace);
            let timestamp = partition
                .day
                .start()
                .plus(Timestamp::from_seconds(*second).nanos());
            let entry = Entry {
                timestamp,
                line: (*text).into(),
                metadata,
            };
            streams
                .entry(Labels::from_pairs([("app", *app)]))
                .or_default()
                .push(entry);
        }
        let mut writer = Writer::new(self.writer);
        for (labels, entries) in &streams {
            writer.push_entries(labels, entries).unwrap();
        }
        let encoded = writer.finish(&partition.tenant).unwrap();
        let key = SegmentRow::object_key(&partition, 0, &encoded.summary.id, created);
        let place = match kept {
            Kept::Inline => Place::Inline(encoded.bytes),
            Kept::Object => {
                self.directory.put(&key, encoded.bytes).await.unwrap();
                Place::Object(key)
            }
        };
        let rows = streams
            .into_keys()
            .map(|labels| StreamRow::new(labels.stream_id(), labels));
        let rows: Vec<_> = rows.collect();
        self.reader.put_streams(&partition, &rows).await.unwrap();
        let row = SegmentRow {
            partition,
            level: 0,
            summary: encoded.summary,
            place,
            replaces: Vec::new(),
            created,
        };
        self.reader.put_segment(&row).await.unwrap();
        row
    }

    /// Every row of a partition.
    pub(crate) async fn rows(&self, partition: &str) -> Vec<SegmentRow> {
        self.reader
            .partition_segments(&partition.parse().unwrap())
            .await
            .unwrap()
    }

    /// Every line that a query of the partition's day sees, as `app second text trace`: segments
    /// in the order of the catalog, streams in that of the segment.
    pub(crate) async fn lines(&self, partition: &str) -> Vec<String> {
        let Partition { tenant, day, .. } = partition.parse().unwrap();
        let always = TimeRange::new(Timestamp::MIN, Timestamp::MAX).unwrap();
        let mut lines = Vec::new();
        for row in self.reader.segments(&tenant, day, always).await.unwrap() {
            let bytes = match row.place {
                Place::Inline(bytes) => bytes,
                Place::Object(key) => self
                    .directory
                    .get_range(&key, 0..row.summary.size)
                    .await
                    .unwrap(),
            };
            let footer = Footer::of_segment(&bytes).unwrap();
            for chunk in &footer.chunks {
                let labels = &footer.streams[chunk.stream as usize].labels;
                let rows = chunk.decode_rows(&bytes, &mut Scratch::default()).unwrap();
                for entry in (0..rows.len()).map(|row| rows.entry(row).unwrap()) {
                    let second = entry.timestamp.since(day.start()) / 1_000_000_000;
                    let text = String::from_utf8(entry.line.as_bytes().to_vec()).unwrap();
                    let trace = entry.metadata.get("trace_id").unwrap_or_default();
                    let app = labels.get("app").unwrap();
                    lines.push(
                        format!("{app} {second} {text} {trace}")
                            .trim_end()
                            .to_owned(),
                    );
                }
            }
        }
        lines
    }

    /// Keys of all objects of a tenant.
    pub(crate) async fn keys(&self, tenant: &str) -> Vec<String> {
        let prefix = format!("segments/{}/", TenantId::parse(tenant).unwrap());
        let found = self.directory.list(&prefix, None).await.unwrap();
        found.into_iter().map(|object| object.key).collect()
    }

    /// Keys of all garbage.
    pub(crate) async fn garbage(&self) -> Vec<String> {
        let found = self.reader.garbage(None, Timestamp::MAX).await.unwrap();
        found.into_iter().map(|garbage| garbage.key).collect()
    }
}

/// The key of a row's object.
pub(crate) fn key_of(row: &SegmentRow) -> String {
    match &row.place {
        Place::Object(key) => key.clone(),
        Place::Inline(_) => panic!("{} is in its row", row.summary.id),
    }
}

/// Lets a run go on until it has sent so many requests; its answer if it ends before.
pub(crate) async fn advance<T>(
    run: &mut Pin<Box<dyn Future<Output = T> + Send + '_>>,
    requests: &Requests,
    count: u64,
) -> Option<T> {
    poll_fn(|context| match run.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending if requests.total() >= count => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}
