//! [`IntakeError`]: why a push was not stored, or not all of it, in words of Loki's where there are
//! any.
//!
//! Which of them a sender may repeat, and how it is told, is for the function that it talks to.

use narvi_model::TenantId;
use narvi_protocol::error::Fixed;
use narvi_segment::WriteError;
use narvi_storage::StorageError;

/// Why a push was not stored, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// There is nothing in it.
    #[error("{}", Fixed::NoStreams)]
    NoStreams,
    /// More at once than the tenant may ever push at once; nothing is stored.
    #[error(
        "ingestion rate limit exceeded for user {tenant} (limit: {limit} bytes/sec) while \
         attempting to ingest '{lines}' lines totaling '{bytes}' bytes, reduce log volume or \
         contact your Loki administrator to see if the limit can be increased"
    )]
    RateLimit {
        /// Whose push.
        tenant: TenantId,
        /// Bytes a second.
        limit: u64,
        /// Lines of the push that are otherwise fine.
        lines: usize,
        /// Their bytes.
        bytes: usize,
    },
    /// Parts of the push break limits; the rest is stored.
    #[error("{reasons}")]
    Refused {
        /// The reasons, grouped.
        reasons: String,
        /// Lines that are not stored.
        lines: usize,
    },
    /// The segment cannot be made.
    #[error("the push cannot be stored: {0}")]
    Encode(#[from] WriteError),
    /// The segment cannot be stored; days whose segment was written before are.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
