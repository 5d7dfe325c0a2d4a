//! [`RetentionError`]: what a run could not even begin with.

use narvi_storage::StorageError;

/// Why a part of a run did nothing. What fails in one partition is in the report instead.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// The list of garbage could not be read or written.
    #[error("garbage cannot be collected: {0}")]
    Garbage(#[source] StorageError),
    /// The walk through all objects broke off; the next run goes on with it.
    #[error("orphans cannot be looked for: {0}")]
    Orphans(#[source] StorageError),
    /// The tenants with requests to delete could not be read.
    #[error("requests to delete cannot be listed: {0}")]
    Deletes(#[source] StorageError),
    /// The list of partitions could not be read.
    #[error("partitions cannot be listed: {0}")]
    Partitions(#[source] StorageError),
}
