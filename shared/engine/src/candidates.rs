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
use narvi_model::{Labels, StreamId, TimeRange};
use narvi_segment::{ChunkMeta, FooterStream};
use narvi_storage::SegmentRow;

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
pub(crate) fn candidates(
    found: &Found,
    mut segments: Vec<Opened>,
    range: TimeRange,
    required: &Required,
) -> Vec<Candidate> {
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
    for chunks in by_stream.into_values() {
        find_elders(&mut candidates, chunks);
    }
    candidates
}

/// Fills in the elders of the chunks of one stream by walking them in the order of time.
fn find_elders(candidates: &mut [Candidate], mut chunks: Vec<usize>) {
    chunks.sort_by_key(|&place| candidates[place].chunk().first);
    let mut open: Vec<usize> = Vec::new();
    for place in chunks {
        let first = candidates[place].chunk().first;
        open.retain(|&other| candidates[other].chunk().last >= first);
        for &other in &open {
            // Within one segment the writer has dropped repeated lines already.
            if candidates[other].arrival.0 >> CHUNK_BITS
                == candidates[place].arrival.0 >> CHUNK_BITS
            {
                continue;
            }
            let (elder, younger) = if candidates[other].arrival < candidates[place].arrival {
                (other, place)
            } else {
                (place, other)
            };
            candidates[younger].elders.push(elder);
        }
        open.push(place);
    }
}
