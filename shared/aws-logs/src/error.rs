//! [`LogsError`]: why data cannot be read; the same data would fail again.

use crate::limits::{BATCH_EVENTS, LINES};

/// Why data cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// The data is no base64.
    #[error("the data is not valid base64")]
    Base64,
    /// The data is no gzip, or cut short.
    #[error("the data is not valid gzip: {0}")]
    Gzip(std::io::Error),
    /// The data grows beyond what is left of [`crate::limits::BATCH_BYTES`].
    #[error("the data has more than {0} bytes after decompression")]
    TooLarge(usize),
    /// The data is not the JSON of a subscription.
    #[error("the data is not what CloudWatch Logs sends: {0}")]
    Json(serde_json::Error),
    /// A kind of message that this version does not know.
    #[error("`messageType` is {0:?}; known are DATA_MESSAGE and CONTROL_MESSAGE")]
    MessageType(String),
    /// More log events than [`BATCH_EVENTS`].
    #[error("{0} log events in one message, at most {BATCH_EVENTS} are taken")]
    TooManyEvents(usize),
    /// More lines than [`LINES`].
    #[error("more than {LINES} lines at once; send smaller batches")]
    TooManyLines,
}

impl LogsError {
    /// Whether less at once would be taken.
    #[must_use]
    pub const fn is_too_much(&self) -> bool {
        matches!(
            self,
            Self::TooLarge(_) | Self::TooManyEvents(_) | Self::TooManyLines
        )
    }
}
