//! A row's bytes, held to the id that the row gives them. Does not read what they mean.

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use narvi_rewrite::FetchError;
use narvi_segment::SegmentId;
use narvi_storage::{Objects, SegmentRow};

use crate::error::WorkError;
use crate::limits::FETCHES;

/// A segment that is to be merged.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) id: SegmentId,
    pub(crate) bytes: Bytes,
}

/// The bytes of all rows, in their order.
///
/// # Errors
/// `Input` for the first row whose bytes are gone or are others, `Storage` where a later try may
/// succeed.
pub(crate) async fn fetch_all(
    objects: &dyn Objects,
    rows: &[SegmentRow],
) -> Result<Vec<Input>, WorkError> {
    let fetches = rows.iter().map(|row| fetch(objects, row));
    let fetches: Vec<_> = fetches.collect();
    futures::stream::iter(fetches)
        .buffered(FETCHES)
        .try_collect()
        .await
}

async fn fetch(objects: &dyn Objects, row: &SegmentRow) -> Result<Input, WorkError> {
    let id = row.summary.id;
    match narvi_rewrite::fetch(objects, row).await {
        Ok(bytes) => Ok(Input { id, bytes }),
        Err(FetchError::Damaged(reason)) => Err(WorkError::Input { id, reason }),
        Err(FetchError::Storage(error)) => Err(error.into()),
    }
}
