//! Filters of segments: which chunks need not be read, since they cannot hold what a query looks
//! for.
//!
//! [`FilterCache`] brings the filters of a segment, which never change; [`Known`] is what they and
//! the labels of a stream say about one chunk. Filters lie before the footer, so most often they
//! came with it; those of larger segments take one request.

use std::sync::Arc;

use narvi_logql::required::Evidence;
use narvi_model::Labels;
use narvi_segment::{Filter, SegmentId};
use narvi_storage::{Objects, Place, SegmentRow};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::error::EngineError;
use crate::limits::{FILTER_BYTES, FILTER_SHARE};
use crate::tail::Tail;

/// The filters of a segment.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    /// In the order of the first chunk that each speaks for.
    filters: Vec<Filter>,
}

impl Filters {
    fn new(mut filters: Vec<Filter>) -> Self {
        filters.sort_by_key(Filter::first_chunk);
        Self { filters }
    }

    /// The filter that speaks for a chunk.
    fn of(&self, chunk: usize) -> Option<&Filter> {
        let behind = self
            .filters
            .partition_point(|filter| filter.first_chunk() <= chunk);
        let filter = self.filters.get(behind.checked_sub(1)?)?;
        Some(filter).filter(|filter| filter.knows(chunk))
    }
}

/// Filters by segment, bounded in bytes.
#[derive(Debug)]
pub(crate) struct FilterCache(Cache<SegmentId, Arc<Filters>, FilterWeight>);

#[derive(Clone, Debug)]
struct FilterWeight;

impl Weighter<SegmentId, Arc<Filters>> for FilterWeight {
    fn weight(&self, _: &SegmentId, filters: &Arc<Filters>) -> u64 {
        let weights = filters.filters.iter().map(Filter::weight);
        (weights.sum::<usize>() + size_of::<Filters>()) as u64
    }
}

impl FilterCache {
    pub(crate) fn new(bytes: u64) -> Self {
        // The number of segments is only a hint for the first allocation.
        Self(Cache::with_weighter(4096, bytes, FilterWeight))
    }

    /// The filters of a segment, and the bytes that were fetched for them now. None where there are
    /// none, or where reading them would cost more than they can save.
    pub(crate) async fn get(
        &self,
        objects: &dyn Objects,
        row: &SegmentRow,
        tail: &Tail,
    ) -> Result<(Arc<Filters>, u64), EngineError> {
        let places = &tail.footer.filters;
        let (Some(first), Some(last)) = (places.first(), places.last()) else {
            return Ok((Arc::default(), 0));
        };
        let id = &row.summary.id;
        if let Some(filters) = self.0.get(id) {
            return Ok((filters, 0));
        }
        let range = first.offset..last.range().end;
        let size = range.end.saturating_sub(range.start);
        let (bytes, fetched) = match (tail.bytes(range.clone()), &row.place) {
            (Some(bytes), _) => (bytes, 0),
            (None, Place::Object(key))
                if size <= FILTER_BYTES.min(row.summary.line_bytes / FILTER_SHARE) =>
            {
                (objects.get_range(key, range).await?, size)
            }
            (None, _) => return Ok((Arc::default(), 0)),
        };
        let mut filters = Vec::with_capacity(places.len());
        for place in places {
            let start = usize::try_from(place.offset - first.offset).unwrap_or(usize::MAX);
            let end = start.saturating_add(place.len as usize);
            let stored = bytes.get(start..end).unwrap_or_default();
            let filter = Filter::decode(place, stored);
            filters.extend(filter.map_err(|e| EngineError::corrupt(id, &e))?);
        }
        let filters = Arc::new(Filters::new(filters));
        self.0.insert(*id, Arc::clone(&filters));
        Ok((filters, fetched))
    }
}

/// What is known of a chunk before it is read.
pub(crate) struct Known<'a> {
    filter: Option<&'a Filter>,
    chunk: usize,
    labels: &'a Labels,
}

impl<'a> Known<'a> {
    /// A chunk, by its place in the footer, of a stream with these labels.
    pub(crate) fn of(filters: &'a Filters, chunk: usize, labels: &'a Labels) -> Self {
        Self {
            filter: filters.of(chunk),
            chunk,
            labels,
        }
    }
}

impl Evidence for Known<'_> {
    fn line(&self, text: &[u8]) -> bool {
        self.filter
            .is_none_or(|filter| filter.may_hold(self.chunk, text))
    }

    fn value(&self, name: &str, text: &[u8]) -> bool {
        let escaped = |filter: &Filter| filter.may_escape(self.chunk);
        self.labels.get(name).is_some() || self.filter.is_none_or(escaped) || self.line(text)
    }
}
