//! [`share_of`]: how much of a segment stays, by what its row tells; [`share_of_chunks`] by its
//! footer. Pure.

use narvi_model::StreamId;
use narvi_segment::{Footer, Keep, Share};
use narvi_storage::{SegmentRow, StreamRow};

/// How much of a segment stays, as far as its row tells: its times, and which of `streams` it may
/// hold. Those are all streams of the day, sorted by id.
#[must_use]
pub fn share_of(row: &SegmentRow, streams: &[StreamRow], keep: &dyn Keep) -> Share {
    let of = |stream: &StreamRow| keep.share(&stream.labels, row.summary.first, row.summary.last);
    let listed = &row.summary.streams;
    if listed.is_empty() {
        // It may hold any of them, so where all go that is still to be seen.
        return match sum(streams.iter().map(of)) {
            Some(Share::All) => Share::All,
            _ => Share::Part,
        };
    }
    // A stream that has no row is unknown here, and its chunks tell more.
    let shares = listed.iter().flat_map(|listed| {
        let held = of_prefix(streams, listed);
        let unknown = held.is_empty().then_some(Share::Part);
        held.iter().map(of).chain(unknown)
    });
    sum(shares).unwrap_or(Share::Part)
}

/// How much of a segment stays, by the times of its chunks.
pub(crate) fn share_of_chunks(footer: &Footer, keep: &dyn Keep) -> Share {
    let shares = footer.chunks.iter().map(|chunk| {
        let stream = footer.streams.get(chunk.stream as usize);
        stream.map_or(Share::Part, |stream| {
            keep.share(&stream.labels, chunk.first, chunk.last)
        })
    });
    sum(shares).unwrap_or(Share::Part)
}

/// The streams of which a row keeps this part of an id.
fn of_prefix<'a>(streams: &'a [StreamRow], listed: &StreamId) -> &'a [StreamRow] {
    // The rest of a listed id is zero, so it sorts before all ids that begin as it does.
    let start = streams.partition_point(|stream| stream.id < *listed);
    let held = &streams[start..];
    let is_held = |stream: &StreamRow| stream.id.as_bytes()[..8] == listed.as_bytes()[..8];
    &held[..held.partition_point(is_held)]
}

/// All, or nothing, where all shares are; none of nothing.
fn sum(mut shares: impl Iterator<Item = Share>) -> Option<Share> {
    let first = shares.next()?;
    match shares.all(|share| share == first) {
        true => Some(first),
        false => Some(Share::Part),
    }
}
