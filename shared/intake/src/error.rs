//! [`IntakeError`]: why a push was not stored, or not all of it, in words of Loki's where there are
//! any.
//!
//! Which of them a sender may repeat, and how it is told, is for the function that it talks to.

use narvi_model::{Moment, TenantId};
use narvi_protocol::error::Fixed;
use narvi_segment::WriteError;
use narvi_storage::StorageError;

/// Why a push was not stored, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// There is nothing in it.
    #[error("{}", Fixed::NoStreams)]
    NoStreams,
    /// More than the tenant may push now; nothing is stored.
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
        /// Seconds until the push would pass; `None` where no wait helps.
        retry_after: Option<u32>,
    },
    /// Streams of the push take more than they may now, or would be more than there may be; the
    /// others are stored.
    #[error("{reason}")]
    Throttled {
        /// What is wrong with the first of them.
        reason: String,
        /// Seconds until that one would pass; `None` where nobody knows, or no wait helps.
        retry_after: Option<u32>,
    },
    /// Nothing of the tenant is stored for now.
    #[error("ingestion blocked for user '{tenant}' until '{until}' with status code '{status}'")]
    Blocked {
        /// Whose push.
        tenant: TenantId,
        /// Until when, as the configuration says.
        until: Moment,
        /// The status to answer with; 200 where the sender shall not notice.
        status: u16,
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
