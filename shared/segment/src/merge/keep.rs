//! [`Keep`]: which rows of its inputs a merge writes; [`Share`]: how much of a chunk that is.
//!
//! Why an implementation must judge a row by what is in it and nothing else: a line that came in
//! twice is in two segments, which are rewritten one after the other. It is gone when both are.

use narvi_model::{Labels, Timestamp};

use crate::{FilterPlace, Footer, Rows};

/// Decides what stays. The same row gets the same answer, whatever segment it is in.
pub trait Keep: Send + Sync {
    /// How many rows of a stream stay of those from `first` to `last`, both included: as much as
    /// labels and times tell. Asked of each chunk of an input, and of whole segments before they
    /// are fetched.
    fn share(&self, labels: &Labels, first: Timestamp, last: Timestamp) -> Share;

    /// Sets to false what goes. `kept` has a true for each of the rows, which are all those of a
    /// chunk of which [`Share::Part`] was said.
    fn rows(&self, labels: &Labels, rows: &Rows, kept: &mut [bool]);
}

/// How many of some rows stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// All of them, for sure: their chunk is not asked about again, and copied where that can be.
    All,
    /// The rows must be seen.
    Part,
    /// None, for sure: their chunk is not read.
    Nothing,
}

/// What is known of a chunk that is not in its own entry of the footer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// Whether only its rows tell which of them stay.
    pub(super) is_undecided: bool,
    /// The filter that speaks for it alone.
    pub(super) filter: Option<FilterPlace>,
}

/// What a merge keeps that only merges.
pub(super) struct Everything;

impl Keep for Everything {
    fn share(&self, _: &Labels, _: Timestamp, _: Timestamp) -> Share {
        Share::All
    }

    fn rows(&self, _: &Labels, _: &Rows, _: &mut [bool]) {}
}

/// Drops the chunks of which nothing stays. Returns what is known of each of the others.
pub(super) fn drop_chunks(footer: &mut Footer, keep: &dyn Keep) -> Vec<Known> {
    let mut filters = vec![None; footer.chunks.len()];
    for place in &footer.filters {
        if let (1, Some(own)) = (
            place.chunk_count,
            filters.get_mut(place.first_chunk as usize),
        ) {
            own.get_or_insert(*place);
        }
    }
    let mut filters = filters.into_iter();
    let mut known = Vec::with_capacity(footer.chunks.len());
    let streams = &footer.streams;
    footer.chunks.retain(|chunk| {
        // Decoding has checked that each chunk has its stream.
        let stream = streams.get(chunk.stream as usize);
        let share = stream.map_or(Share::All, |stream| {
            keep.share(&stream.labels, chunk.first, chunk.last)
        });
        let filter = filters.next().flatten();
        known.extend((share != Share::Nothing).then_some(Known {
            is_undecided: share == Share::Part,
            filter,
        }));
        share != Share::Nothing
    });
    known
}
