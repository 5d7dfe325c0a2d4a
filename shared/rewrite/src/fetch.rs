//! [`fetch`]: a row's bytes, held to the id that the row gives them. Does not read what they mean.

use bytes::Bytes;
use narvi_segment::{Footer, SegmentId};
use narvi_storage::{ErrorKind, Objects, Place, SegmentRow, StorageError};

/// Why a row has no bytes.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// They are gone or not what was written; another try would find the same.
    #[error("{0}")]
    Damaged(String),
    /// They could not be read now.
    #[error(transparent)]
    Storage(StorageError),
}

impl From<StorageError> for FetchError {
    fn from(error: StorageError) -> Self {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::Corrupt | ErrorKind::Invalid => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Storage(error),
        }
    }
}

/// The bytes of a row's segment.
///
/// # Errors
/// `Damaged` where they are gone or others, `Storage` where a later try may succeed.
pub async fn fetch(objects: &dyn Objects, row: &SegmentRow) -> Result<Bytes, FetchError> {
    let bytes = match &row.place {
        Place::Inline(bytes) => bytes.clone(),
        Place::Object(key) => objects.get_range(key, 0..row.summary.size).await?,
    };
    // The id is a hash of tenant and content, so nothing foreign or damaged is merged, which would
    // give it a new and valid id.
    if SegmentId::of(&row.partition.tenant, &bytes) != row.summary.id {
        let reason = "its bytes are not those that were written";
        return Err(FetchError::Damaged(reason.to_owned()));
    }
    Ok(bytes)
}

/// The footer of the segment in an object, without the rest.
pub(crate) async fn fetch_footer(
    objects: &dyn Objects,
    row: &SegmentRow,
    key: &str,
) -> Result<Footer, FetchError> {
    let bytes = objects.get_range(key, row.summary.footer.range()).await?;
    Footer::decode(&bytes).map_err(|error| FetchError::Damaged(error.to_string()))
}
