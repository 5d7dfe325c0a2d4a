//! [`Candidate`]: a chunk that a query may have to read, and the chunks whose lines it may repeat.
//!
//! A push that a client sends again lands in another segment as soon as anything about it differs.
//! Lines that are stored twice are answered once: of two chunks of one stream that overlap in time,
//! the one that arrived later drops what the elder one has. Chunks that overlap with none, the rule
//! once the compactor has been there, cost nothing for this.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt as _};
use narvi_logql::logs::Arrival;
use narvi_logql::required::Required;
use narvi_model::{Labels, StreamId, TimeRange, Timestamp};
use narvi_segment::{ChunkMeta, FooterStream};
use narvi_storage::SegmentRow;

use crate::error::EngineError;
use crate::limits::MAX_OVERLAPS;
use crate::lookup::Found;
use crate::needles::{Filters, Known};
use crate::tail::Tail;
use crate::view::Hidden;

/// Chunks of one segment are told apart by this many bits of an arrival.
const CHUNK_BITS: u32 = 24;

/// A segment with its footer.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) row: Arc<SegmentRow>,
    pub(crate) tail: Arc<Tail>,
    /// What is known of its chunks; read only where a query looks for texts.
    pub(crate) filters: Arc<Filters>,
}

impl Opened {
    /// Its chunks, each with its stream.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = (&FooterStream, &ChunkMeta)> {
        let footer = &self.tail.footer;
        let stream = |chunk: &ChunkMeta| footer.streams.get(chunk.stream as usize);
        footer
            .chunks
            .iter()
            .filter_map(move |chunk| Some((stream(chunk)?, chunk)))
    }
}

/// A chunk that the query touches.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) segment: Opened,
    place: usize,
    pub(crate) labels: Labels,
    pub(crate) arrival: Arrival,
    /// The times that it was found for.
    pub(crate) range: TimeRange,
    /// What may be hidden of it.
    pub(crate) hidden: Hidden,
    /// Places, among the candidates of the day, of overlapping chunks that arrived before.
    pub(crate) elders: Vec<usize>,
}

impl Candidate {
    /// The chunk's entry in the footer.
    pub(crate) fn chunk(&self) -> &ChunkMeta {
        &self.segment.tail.footer.chunks[self.place]
    }

    /// Whose chunk it is.
    pub(crate) fn stream(&self) -> StreamId {
        self.segment.tail.footer.streams[self.chunk().stream as usize].id
    }

    /// The labels that its stream was stored with.
    pub(crate) fn own_labels(&self) -> &Labels {
        &self.segment.tail.footer.streams[self.chunk().stream as usize].labels
    }
}

/// Every chunk of the chosen streams that touches `range` and may hold what is required, over all
/// opened segments of a day. One that cannot hold it is no elder either: no line of the answer
/// repeats a line of it. Nor is one that is hidden all through: what repeats its lines is hidden
/// for the same reason.
///
/// # Errors
/// Where more of them overlap than could be compared.
pub(crate) fn candidates(
    found: &Found,
    mut segments: Vec<Opened>,
    range: TimeRange,
    required: &Required,
) -> Result<Vec<Candidate>, EngineError> {
    segments.sort_by_key(|segment| (segment.row.created, segment.row.summary.id));
    let mut candidates = Vec::new();
    let mut by_stream: HashMap<StreamId, Vec<usize>> = HashMap::new();
    for (rank, segment) in segments.iter().enumerate() {
        let footer = &segment.tail.footer;
        let chosen: Vec<Option<&Labels>> = footer
            .streams
            .iter()
            .map(|stream| found.streams.get(&stream.id))
            .collect();
        for (place, chunk) in footer.chunks.iter().enumerate() {
            let stream = chunk.stream as usize;
            let touched = range.touches(chunk.first, chunk.last);
            let Some(labels) = chosen.get(stream).copied().flatten().filter(|_| touched) else {
                continue;
            };
            if !required.may_hold(&Known::of(&segment.filters, place, labels)) {
                continue;
            }
            let Some(hidden) = found.hidden_in(&footer.streams[stream].id, chunk) else {
                continue;
            };
            by_stream
                .entry(footer.streams[stream].id)
                .or_default()
                .push(candidates.len());
            candidates.push(Candidate {
                segment: segment.clone(),
                place,
                labels: labels.clone(),
                arrival: Arrival((rank as u64) << CHUNK_BITS | place as u64),
                range,
                hidden,
                elders: Vec::new(),
            });
        }
    }
    let mut room = MAX_OVERLAPS;
    for chunks in by_stream.into_values() {
        let spans = chunks.into_iter().map(|place| {
            let candidate: &Candidate = &candidates[place];
            let (first, last) = (candidate.chunk().first, candidate.chunk().last);
            (first, last, candidate.arrival, place)
        });
        let spans = spans.collect();
        overlaps(spans, &mut room, |younger, elder| {
            candidates[younger].elders.push(elder);
        })?;
    }
    Ok(candidates)
}

/// First and last time of a chunk, when it came, and its place.
type Span = (Timestamp, Timestamp, Arrival, usize);

/// Notes the pairs of chunks of one stream that overlap in time, the younger one first, found by
/// walking them in the order of time.
///
/// # Errors
/// More pairs than there is room.
fn overlaps(
    mut spans: Vec<Span>,
    room: &mut usize,
    mut note: impl FnMut(usize, usize),
) -> Result<(), EngineError> {
    spans.sort_by_key(|(first, ..)| *first);
    let mut open: Vec<Span> = Vec::new();
    for span in spans {
        let (first, _, arrival, place) = span;
        open.retain(|(_, last, ..)| *last >= first);
        for &(_, _, other_arrival, other) in &open {
            // Within one segment the writer has dropped repeated lines already.
            if other_arrival.0 >> CHUNK_BITS == arrival.0 >> CHUNK_BITS {
                continue;
            }
            *room = room.checked_sub(1).ok_or_else(too_many)?;
            match other_arrival < arrival {
                true => note(place, other),
                false => note(other, place),
            }
        }
        open.push(span);
    }
    Ok(())
}

fn too_many() -> EngineError {
    EngineError::Refused(format!(
        "more than {MAX_OVERLAPS} pairs of chunks of one stream and day overlap in time, too many \
         to tell repeated lines apart; narrow the time range or the stream selector, or ask again \
         when they are merged"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_are_found_once_and_bounded() {
        let at = Timestamp::from_seconds;
        let span = |(first, last, rank, place): &(i64, i64, u64, usize)| {
            (at(*first), at(*last), Arrival(rank << CHUNK_BITS), *place)
        };
        let of = |spans: &[(i64, i64, u64, usize)], mut room: usize| {
            let mut found = Vec::new();
            let spans = spans.iter().map(span).collect();
            let done = overlaps(spans, &mut room, |younger, elder| {
                found.push((younger, elder));
            });
            done.map_err(|error| error.to_string())?;
            Ok::<_, String>((found, room))
        };
        let spans = [
            (10, 20, 1, 0),
            (0, 10, 2, 1),
            (21, 30, 0, 2),
            (15, 25, 0, 3),
        ];
        let pairs = vec![(1, 0), (0, 3)];
        assert_eq!(of(&spans, 9), Ok((pairs.clone(), 7)));
        assert_eq!(of(&spans, 2), Ok((pairs, 0)));
        let refused = of(&spans, 1).unwrap_err();
        assert!(refused.contains("overlap in time"), "{refused}");
    }
}
