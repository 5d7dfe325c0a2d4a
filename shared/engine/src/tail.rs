//! [`Tail`]: the end of a segment, with its footer decoded; kept between queries, since it never
//! changes.
//!
//! Lengths and timestamps lie before the footer, so for most segments one request brings all that
//! a count needs (`docs/format/segment.md`).

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use narvi_segment::{Column, Footer, SegmentId, Summary};
use narvi_storage::{Objects, Place, SegmentRow};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::error::EngineError;
use crate::limits::{SMALL_OBJECT_BYTES, WHOLE_OBJECT_BYTES, WHOLE_TAIL_BYTES};

/// The bytes of a segment from some offset to its end.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) footer: Arc<Footer>,
    from: u64,
    bytes: Bytes,
}

impl Tail {
    /// The stored bytes of a column, where it lies in the tail.
    pub(crate) fn column(&self, column: &Column) -> Option<Bytes> {
        self.bytes(column.range())
    }

    /// Bytes of the segment, where they lie in the tail.
    pub(crate) fn bytes(&self, range: Range<u64>) -> Option<Bytes> {
        let start = usize::try_from(range.start.checked_sub(self.from)?).ok()?;
        let end = usize::try_from(range.end.checked_sub(self.from)?).ok()?;
        (start <= end && end <= self.bytes.len()).then(|| self.bytes.slice(start..end))
    }

    /// What is kept of a whole segment, in memory of its own.
    fn end(&self, summary: &Summary) -> Self {
        let start = usize::try_from(summary.tail - self.from.min(summary.tail));
        let end = start.ok().and_then(|start| self.bytes.get(start..));
        Self {
            footer: Arc::clone(&self.footer),
            from: summary.tail,
            bytes: end.map(Bytes::copy_from_slice).unwrap_or_default(),
        }
    }
}

/// Tails by segment, bounded in bytes.
#[derive(Debug)]
pub(crate) struct TailCache(Cache<SegmentId, Arc<Tail>, TailWeight>);

#[derive(Clone, Debug)]
struct TailWeight;

/// Memory of a decoded footer beside its bytes, for each stream and each chunk.
const STREAM_WEIGHT: usize = 256;
const CHUNK_WEIGHT: usize = size_of::<narvi_segment::ChunkMeta>();

impl Weighter<SegmentId, Arc<Tail>> for TailWeight {
    fn weight(&self, _: &SegmentId, tail: &Arc<Tail>) -> u64 {
        let streams = tail.footer.streams.len() * STREAM_WEIGHT;
        let chunks = tail.footer.chunks.len() * CHUNK_WEIGHT;
        (tail.bytes.len() + streams + chunks) as u64
    }
}

/// How much of a segment is fetched that is not cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Portion {
    /// What footer and counts need.
    Tail,
    /// All of it, for who reads its lines next.
    Whole,
}

/// A tail and what it cost to have it.
pub(crate) struct Fetched {
    pub(crate) tail: Arc<Tail>,
    /// Bytes that were fetched for it now.
    pub(crate) bytes: u64,
}

impl TailCache {
    pub(crate) fn new(bytes: u64) -> Self {
        // The number of tails is only a hint for the first allocation.
        Self(Cache::with_weighter(4096, bytes, TailWeight))
    }

    /// Whether a small segment is to be fetched: one of which the lines come along at little cost.
    pub(crate) fn lacks_small(&self, row: &SegmentRow) -> bool {
        let is_small = row.summary.size <= SMALL_OBJECT_BYTES;
        let is_object = matches!(row.place, Place::Object(_));
        is_small && is_object && self.0.peek(&row.summary.id).is_none()
    }

    /// The tail of a segment, fetched where it is not cached. What was fetched whole beyond
    /// [`WHOLE_OBJECT_BYTES`] is the caller's alone; kept is its tail.
    pub(crate) async fn get(
        &self,
        objects: &dyn Objects,
        row: &SegmentRow,
        portion: Portion,
    ) -> Result<Fetched, EngineError> {
        let id = row.summary.id;
        if let Some(tail) = self.0.get(&id) {
            return Ok(Fetched { tail, bytes: 0 });
        }
        let summary = &row.summary;
        let (from, bytes) = match &row.place {
            Place::Inline(bytes) => (0, bytes.clone()),
            Place::Object(key) => {
                let from = if portion == Portion::Whole || summary.size <= WHOLE_OBJECT_BYTES {
                    0
                } else if summary.size.saturating_sub(summary.tail) <= WHOLE_TAIL_BYTES {
                    summary.tail
                } else {
                    summary.footer.offset
                };
                (from, objects.get_range(key, from..summary.size).await?)
            }
        };
        let fetched = bytes.len() as u64;
        let tail = Arc::new(decode(row, from, bytes)?);
        let kept = match portion {
            Portion::Whole if summary.size > WHOLE_OBJECT_BYTES => Arc::new(tail.end(summary)),
            _ => Arc::clone(&tail),
        };
        self.0.insert(id, kept);
        Ok(Fetched {
            tail,
            bytes: fetched,
        })
    }
}

fn decode(row: &SegmentRow, from: u64, bytes: Bytes) -> Result<Tail, EngineError> {
    let id = &row.summary.id;
    let corrupt = |e: narvi_segment::FormatError| EngineError::corrupt(id, &e);
    let place = Footer::place(&bytes, row.summary.size).map_err(corrupt)?;
    let start = place
        .offset
        .checked_sub(from)
        .and_then(|start| usize::try_from(start).ok());
    let footer = start.and_then(|start| bytes.get(start..start.checked_add(place.len as usize)?));
    let footer = footer.ok_or_else(|| EngineError::Corrupt {
        segment: id.to_string(),
        reason: format!(
            "its trailer places the footer at {}, its catalog row at {}",
            place.offset, row.summary.footer.offset
        ),
    })?;
    Ok(Tail {
        footer: Arc::new(Footer::decode(footer).map_err(corrupt)?),
        from,
        bytes,
    })
}
