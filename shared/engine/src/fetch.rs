//! [`Pieces`]: the stored bytes of the columns that a unit needs, fetched in few requests.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use foldhash::{HashMap, HashMapExt as _};
use futures::future::try_join_all;
use narvi_segment::{Column, SegmentId};
use narvi_storage::{ErrorKind, Objects, Place, SegmentRow, StorageError};

use crate::candidates::Opened;
use crate::error::EngineError;
use crate::limits::COALESCE_GAP_BYTES;

/// Bytes of objects, by segment and offset.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    pieces: HashMap<SegmentId, Vec<(u64, Bytes)>>,
    /// Segments of which a piece is missing or broken, with the reason; fetching it again is vain.
    pub(crate) lost: Vec<(Arc<SegmentRow>, StorageError)>,
    /// Bytes that were fetched.
    pub(crate) bytes: u64,
    /// Seconds that fetching took.
    pub(crate) seconds: f64,
}

/// The columns that a unit needs and its tails do not hold.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    by_segment: BTreeMap<String, (Arc<SegmentRow>, Vec<Range<u64>>)>,
}

impl Wanted {
    /// Adds a column, unless it is at hand.
    pub(crate) fn add(&mut self, segment: &Opened, column: &Column) {
        let Place::Object(key) = &segment.row.place else {
            return;
        };
        if column.len == 0 || segment.tail.column(column).is_some() {
            return;
        }
        let entry = self
            .by_segment
            .entry(key.clone())
            .or_insert_with(|| (Arc::clone(&segment.row), Vec::new()));
        entry.1.push(column.range());
    }

    /// Fetches everything, side by side.
    pub(crate) async fn fetch(self, objects: &dyn Objects) -> Result<Pieces, EngineError> {
        let started = Instant::now();
        let requests = self
            .by_segment
            .into_iter()
            .flat_map(|(key, (row, ranges))| {
                coalesce(ranges)
                    .into_iter()
                    .map(move |range| (key.clone(), Arc::clone(&row), range))
            });
        let fetched = try_join_all(requests.map(async |(key, row, range)| {
            let offset = range.start;
            match objects.get_range(&key, range).await {
                Err(error) if !is_lasting(error.kind()) => Err(error),
                got => Ok((row, offset, got)),
            }
        }));
        let mut pieces = HashMap::<SegmentId, Vec<(u64, Bytes)>>::new();
        let mut lost = Vec::new();
        let mut total = 0;
        for (row, offset, got) in fetched.await? {
            match got {
                Ok(bytes) => {
                    total += bytes.len() as u64;
                    let own = pieces.entry(row.summary.id).or_default();
                    own.push((offset, bytes));
                }
                Err(error) => lost.push((row, error)),
            }
        }
        Ok(Pieces {
            pieces,
            lost,
            bytes: total,
            seconds: started.elapsed().as_secs_f64(),
        })
    }
}

impl Pieces {
    /// The stored bytes of a column that was wanted or lies in the tail.
    pub(crate) fn column(&self, segment: &Opened, column: &Column) -> Result<Bytes, EngineError> {
        if let Some(bytes) = segment.tail.column(column) {
            return Ok(bytes);
        }
        let id = &segment.row.summary.id;
        let range = column.range();
        let pieces = self.pieces.get(id).into_iter().flatten();
        let mut inside = pieces.filter_map(|(offset, bytes)| {
            let start = usize::try_from(range.start.checked_sub(*offset)?).ok()?;
            let end = start.checked_add(column.len as usize)?;
            (end <= bytes.len()).then(|| bytes.slice(start..end))
        });
        inside.next().ok_or_else(|| EngineError::Corrupt {
            segment: id.to_string(),
            reason: format!("a column at {range:?} lies outside of it"),
        })
    }
}

/// Whether another try would find the same.
const fn is_lasting(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::Corrupt)
}

/// Joins ranges whose gap costs less than another request.
fn coalesce(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(COALESCE_GAP_BYTES) => {
                last.end = last.end.max(range.end);
            }
            _ => joined.push(range),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_ranges_are_one_request() {
        let gap = COALESCE_GAP_BYTES;
        let check = |ranges: &[Range<u64>], want: &[(u64, u64)]| {
            let got = coalesce(ranges.to_vec());
            let got: Vec<(u64, u64)> = got.iter().map(|range| (range.start, range.end)).collect();
            assert_eq!(got, want);
        };
        check(&[5..9, 0..4, 7..8], &[(0, 9)]);
        check(&[0..4, 4 + gap..9 + gap], &[(0, 9 + gap)]);
        check(&[0..4, 5 + gap..9 + gap], &[(0, 4), (5 + gap, 9 + gap)]);
        check(&[], &[]);
    }
}
