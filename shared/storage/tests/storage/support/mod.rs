//! What the tests of this crate share: an embedded DynamoDB on a thread of its own, and rows.

pub(crate) mod stub;

use std::net::SocketAddr;

use bytes::Bytes;
use narvi_model::{Day, Labels, StreamId, TenantId, TimeRange, Timestamp};
use narvi_segment::{FooterPlace, SegmentId, Summary};
use narvi_storage::{
    AccessKeys, Catalog, Connection, Partition, Place, Requests, SegmentRow, Settings, StreamRow,
};

/// A DynamoDB in memory, which goes when the process goes.
///
/// It answers under one lock on the thread that serves it, so it has a runtime of its own; on the
/// test's runtime it would hold up the client that waits for it.
pub(crate) fn start_dynamodb() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let tables = dynoxide::Database::memory().unwrap();
            dynoxide::server::serve_on(listener, tables).await;
        });
    });
    address
}

/// Settings that name one endpoint for both services.
pub(crate) fn settings(endpoint: &str, shards: u16) -> Settings {
    Settings {
        region: "eu-central-1".to_owned(),
        s3_endpoint: Some(endpoint.to_owned()),
        dynamodb_endpoint: Some(endpoint.to_owned()),
        bucket: "narvi".to_owned(),
        table_prefix: "test".to_owned(),
        shards,
        access_keys: AccessKeys::for_local_services(),
    }
}

/// An empty catalog with its tables, and the counters of its requests.
pub(crate) async fn catalog(shards: u16) -> (Catalog, Requests) {
    let endpoint = format!("http://{}", start_dynamodb());
    let requests = Requests::new();
    let connection = Connection::new(settings(&endpoint, shards), requests.clone()).unwrap();
    let catalog = connection.catalog();
    catalog.create_tables().await.unwrap();
    (catalog, requests)
}

/// `tenant/day/shard`.
pub(crate) fn partition(text: &str) -> Partition {
    text.parse().unwrap()
}

/// A stream of one label.
pub(crate) fn stream(app: &str) -> StreamRow {
    let labels = Labels::from_pairs([("app", app)]);
    StreamRow {
        id: labels.stream_id(),
        labels,
    }
}

/// An id that is all `n`.
pub(crate) fn segment_id(n: u8) -> SegmentId {
    SegmentId::from_bytes([n; 16])
}

/// A row of a push in `partition`, with id `n`, over `first..=last` in seconds of the day.
pub(crate) fn segment(partition: &Partition, n: u8, first: i64, last: i64) -> SegmentRow {
    let at = |seconds| {
        partition
            .day
            .start()
            .plus(Timestamp::from_seconds(seconds).nanos())
    };
    SegmentRow {
        partition: partition.clone(),
        level: 0,
        summary: Summary {
            id: segment_id(n),
            size: 1000,
            tail: 600,
            footer: FooterPlace {
                offset: 800,
                len: 184,
            },
            first: at(first),
            last: at(last),
            rows: 10,
            line_bytes: 500,
            streams: vec![StreamId::from_bytes([n; 16])],
        },
        place: Place::Object(format!("segments/{}/{n}", partition.tenant)),
        replaces: Vec::new(),
        created: at(last),
    }
}

/// A row that a merge of `replaced` makes, with its bytes in the row.
pub(crate) fn merged(n: u8, level: u8, replaced: &[&SegmentRow]) -> SegmentRow {
    let mut row = replaced[0].clone();
    row.level = level;
    row.summary.id = segment_id(n);
    for other in replaced {
        row.summary.first = row.summary.first.min(other.summary.first);
        row.summary.last = row.summary.last.max(other.summary.last);
        row.replaces.push(other.summary.id);
    }
    row.place = Place::Inline(Bytes::from_static(b"merged"));
    row
}

pub(crate) fn tenant(id: &str) -> TenantId {
    TenantId::parse(id).unwrap()
}

pub(crate) fn day() -> Day {
    Day::parse("2026-01-31").unwrap()
}

/// Seconds of the day, end excluded.
pub(crate) fn seconds(start: i64, end: i64) -> TimeRange {
    let at = |s| day().start().plus(Timestamp::from_seconds(s).nanos());
    TimeRange::new(at(start), at(end)).unwrap()
}

pub(crate) fn ids(rows: &[SegmentRow]) -> Vec<u8> {
    rows.iter()
        .map(|row| row.summary.id.as_bytes()[0])
        .collect()
}

/// A row as it comes back: of each stream id only the first half is kept.
pub(crate) fn as_read(mut row: SegmentRow) -> SegmentRow {
    for id in &mut row.summary.streams {
        let mut bytes = *id.as_bytes();
        bytes[8..].fill(0);
        *id = StreamId::from_bytes(bytes);
    }
    row
}
