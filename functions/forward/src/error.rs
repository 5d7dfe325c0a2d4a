//! [`ForwardError`]: why an event was not stored. All of them are errors of the function: Lambda
//! repeats the event twice and then hands it to the destination for failures, if there is one.

use narvi_intake::IntakeError;

use crate::limits::{BATCH_BYTES, BATCH_EVENTS};

/// Why an event was not stored, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// Something else than a subscription has called.
    #[error(
        "the event has no text at `awslogs.data`; subscribe this function to a log group with \
         `aws logs put-subscription-filter`, nothing else may call it"
    )]
    NoSubscription,
    /// The data is no base64.
    #[error("`awslogs.data` is not valid base64")]
    Base64,
    /// The data is no gzip, or cut short.
    #[error("`awslogs.data` is not valid gzip: {0}")]
    Gzip(std::io::Error),
    /// The data grows beyond [`BATCH_BYTES`].
    #[error("`awslogs.data` has more than {BATCH_BYTES} bytes after decompression")]
    TooLarge,
    /// The data is not the JSON of a subscription.
    #[error("`awslogs.data` is not what CloudWatch Logs sends: {0}")]
    Json(serde_json::Error),
    /// A kind of message that this version does not know.
    #[error("`messageType` is {0:?}; known are DATA_MESSAGE and CONTROL_MESSAGE")]
    MessageType(String),
    /// More log events than [`BATCH_EVENTS`].
    #[error("{0} log events in one message, at most {BATCH_EVENTS} are taken")]
    TooManyEvents(usize),
    /// The lines could not be stored.
    #[error("lines of log group `{group}` are not stored: {source}")]
    Intake {
        /// Where they come from.
        group: String,
        /// Why.
        source: IntakeError,
    },
}
