//! What the tests of this crate share: rows, and a catalog with its requests counted.

pub(crate) mod stub;

use bytes::Bytes;
use narvi_model::{Day, Labels, StreamId, TenantId, TimeRange, Timestamp};
use narvi_segment::{FooterPlace, SegmentId, Summary};
use narvi_storage::{Catalog, Partition, Place, Requests, SegmentRow, StreamRow};

/// An empty catalog with its tables, and the counters of its requests.
pub(crate) async fn catalog(shards: u16) -> (Catalog, Requests) {
    let requests = Requests::new();
    let catalog = narvi_embedded::catalog(shards, &requests).await;
    (catalog, requests)
}

/// `tenant/day/shard`.
pub(crate) fn partition(text: &str) -> Partition {
    text.parse().unwrap()
}

/// A stream of one label.
pub(crate) fn stream(app: &str) -> StreamRow {
    let labels = Labels::from_pairs([("app", app)]);
    StreamRow::new(labels.stream_id(), labels)
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
        row.created = row.created.max(other.created);
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
