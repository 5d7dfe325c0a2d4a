//! [`Summary`]: what the catalog keeps of a segment, so that a query can leave most of them alone.

use narvi_model::{StreamId, TenantId, Timestamp};

use crate::error::{Fault, FormatError};
use crate::varint::Cursor;
use crate::{Footer, FooterPlace, SegmentId};

/// What the catalog's row of a segment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its name.
    pub id: SegmentId,
    /// Its bytes.
    pub size: u64,
    /// Offset of the first byte of line lengths; lengths, timestamps, filters and footer follow.
    pub tail: u64,
    /// Where its footer lies.
    pub footer: FooterPlace,
    /// Time of the earliest row.
    pub first: Timestamp,
    /// Time of the latest row.
    pub last: Timestamp,
    /// Number of rows.
    pub rows: u64,
    /// Bytes of all lines without separators.
    pub line_bytes: u64,
    /// Its streams, sorted.
    pub streams: Vec<StreamId>,
}

impl Summary {
    /// Reads it again from a whole segment, to rebuild a lost row.
    ///
    /// # Errors
    /// A footer that cannot be read, or a segment without rows.
    pub fn of_segment(tenant: &TenantId, segment: &[u8]) -> Result<Self, FormatError> {
        let place = Footer::place(segment, segment.len() as u64)?;
        let footer = Footer::of_segment(segment)?;
        Self::new(tenant, segment, place, &footer).ok_or_else(|| {
            let cursor = Cursor::new(segment, crate::error::Area::Footer);
            cursor.fail(
                "chunk count",
                Fault::Mismatch {
                    found: 0,
                    expected: 1,
                },
            )
        })
    }

    /// `None` where the segment has no rows.
    pub(crate) fn new(
        tenant: &TenantId,
        segment: &[u8],
        place: FooterPlace,
        footer: &Footer,
    ) -> Option<Self> {
        let mut streams: Vec<StreamId> = footer.streams.iter().map(|stream| stream.id).collect();
        streams.sort_unstable();
        Some(Self {
            id: SegmentId::of(tenant, segment),
            size: segment.len() as u64,
            tail: footer.tail(),
            footer: place,
            first: footer.chunks.iter().map(|chunk| chunk.first).min()?,
            last: footer.chunks.iter().map(|chunk| chunk.last).max()?,
            rows: footer
                .chunks
                .iter()
                .map(|chunk| u64::from(chunk.rows))
                .sum(),
            line_bytes: footer.chunks.iter().map(|chunk| chunk.line_bytes).sum(),
            streams,
        })
    }
}
