//! [`ForwardError`]: why an event was not stored. All of them are errors of the function, but for
//! records of Kinesis: Lambda repeats the event twice and then hands it to the destination for
//! failures, if there is one.

use narvi_aws_logs::LogsError;
use narvi_intake::IntakeError;
use narvi_storage::StorageError;

use crate::limits::OBJECT_BYTES;

/// Why an event was not stored, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum ForwardError {
    /// Something else than a subscription has called.
    #[error(
        "the event has no text at `awslogs.data` and no records of Kinesis or S3; subscribe this \
         function to a log group with `aws logs put-subscription-filter`, or name a stream or a \
         bucket as its source"
    )]
    NoSubscription,
    /// The data cannot be read.
    #[error(transparent)]
    Logs(#[from] LogsError),
    /// Records in another form than that of Kinesis or S3.
    #[error("the records of the event cannot be read: {0}")]
    Records(serde_json::Error),
    /// More records than an event may have.
    #[error("{0} records in one event are too many")]
    TooManyRecords(usize),
    /// An object whose name cannot be read.
    #[error("the key `{0}` of an object is not written as in a form")]
    Key(String),
    /// An event without a time.
    #[error("`eventTime` is `{0}`, and no time of RFC 3339")]
    EventTime(String),
    /// An object above [`OBJECT_BYTES`].
    #[error(
        "object `{key}` has {size} bytes, at most {OBJECT_BYTES} are taken; write smaller ones"
    )]
    ObjectTooLarge {
        /// Its key.
        key: String,
        /// Its bytes.
        size: u64,
    },
    /// An object that cannot be fetched.
    #[error("object `{key}` of bucket `{bucket}`: {source}; the function needs s3:GetObject")]
    Object {
        /// Its bucket.
        bucket: String,
        /// Its key.
        key: String,
        /// Why.
        source: StorageError,
    },
    /// The lines could not be stored.
    #[error("lines of {from} are not stored: {source}")]
    Intake {
        /// Where they come from.
        from: String,
        /// Why.
        source: IntakeError,
    },
}
