//! A row's bytes, held to the id that the row gives them. Does not read what they mean.

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use narvi_segment::SegmentId;
use narvi_storage::{ErrorKind, Objects, Place, SegmentRow};

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
    let bytes = match &row.place {
        Place::Inline(bytes) => bytes.clone(),
        Place::Object(key) => match objects.get_range(key, 0..row.summary.size).await {
            Ok(bytes) => bytes,
            Err(error) if is_lasting(error.kind()) => return Err(WorkError::input(id, &error)),
            Err(error) => return Err(error.into()),
        },
    };
    // The id is a hash of tenant and content, so nothing foreign or damaged is merged, which would
    // give it a new and valid id.
    if SegmentId::of(&row.partition.tenant, &bytes) != id {
        return Err(WorkError::input(
            id,
            &"its bytes are not those that were written",
        ));
    }
    Ok(Input { id, bytes })
}

/// Whether another try would find the same.
fn is_lasting(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotFound | ErrorKind::Corrupt | ErrorKind::Invalid
    )
}
