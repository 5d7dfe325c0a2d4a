//! [`CompactError`]: why a run could not start; [`WorkError`]: why work on one partition ended.

use narvi_segment::{SegmentId, WriteError};
use narvi_storage::{ErrorKind, StorageError};

/// Why a run did nothing at all. What fails in one partition is in the report instead.
#[derive(Debug, thiserror::Error)]
pub enum CompactError {
    /// The list of partitions could not be read.
    #[error("partitions cannot be listed: {0}")]
    Partitions(#[source] StorageError),
}

/// Why work on a partition, or on one merge of it, ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkError {
    /// An input is not what its row says; it is left alone.
    #[error("segment {id} is left out: {reason}")]
    Input {
        /// The input.
        id: SegmentId,
        /// What is wrong with it.
        reason: String,
    },
    /// The merged segment cannot be written.
    #[error("the merged segment cannot be written: {0}")]
    Write(#[from] WriteError),
    /// Objects or catalog.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The thread of the merge has died.
    #[error("the merge was not finished: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

impl WorkError {
    pub(crate) fn input(id: SegmentId, reason: &impl ToString) -> Self {
        let reason = reason.to_string();
        Self::Input { id, reason }
    }

    /// Another run has the partition now; it does the work.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self, Self::Storage(error) if error.kind() == ErrorKind::Conflict)
    }
}
