//! [`PushError`]: why a whole push is refused, in Loki's words where Loki has any.

use super::labels::LabelsError;
use crate::limits::MAX_VALUE_DEPTH;

/// Why a push cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// No `Content-Type`; Go's text.
    #[error("mime: no media type")]
    NoMediaType,
    /// A `Content-Encoding` that Loki does not know either.
    #[error("Content-Encoding {0:?} not supported")]
    ContentEncoding(String),
    /// A `Content-Type` that OpenTelemetry does not have; Loki's text.
    #[error("content type: {0} is not supported")]
    OtlpContentType(String),
    /// A `Content-Encoding` that Loki does not take from OpenTelemetry; Loki's text.
    #[error("unsupported content encoding {0}: only gzip, lz4 and zstd are supported")]
    OtlpContentEncoding(String),
    /// Values of OpenTelemetry inside each other.
    #[error("a value has more than {MAX_VALUE_DEPTH} lists and maps inside each other")]
    TooDeep,
    /// More bytes sent than are taken.
    #[error("request body too large: message size too large than max ({size} vs {max})")]
    TooLarge {
        /// Bytes that were sent.
        size: usize,
        /// Bytes that are taken.
        max: usize,
    },
    /// More bytes inside the compression than are taken.
    #[error(
        "request body too large: message decompressed size too large than max ({size} vs {max})"
    )]
    DecompressedTooLarge {
        /// Bytes that were promised, or seen before decompression was given up.
        size: usize,
        /// Bytes that are taken.
        max: usize,
    },
    /// More entries, labels and metadata than are taken.
    #[error(
        "request body too large: more than {max} streams, labels, entries and pairs of structured \
         metadata; send smaller batches"
    )]
    TooManyParts {
        /// How many are taken.
        max: usize,
    },
    /// The label text of a stream is too long.
    #[error("request body too large: stream labels size {size} exceeds limit of {max}")]
    LabelsTooLarge {
        /// Bytes of the text.
        size: usize,
        /// Bytes that are taken.
        max: usize,
    },
    /// An empty body; Go's text.
    #[error("EOF")]
    Empty,
    /// Not block-format snappy, or cut short; Go's text.
    #[error("snappy: corrupt input")]
    Snappy,
    /// Broken compression.
    #[error("{encoding}: corrupt input: {reason}")]
    Inflate {
        /// The name of the encoding.
        encoding: &'static str,
        /// What the decompressor says.
        reason: String,
    },
    /// Not the JSON of a push; the reason ends with line and column.
    #[error("invalid JSON push: {0}")]
    Json(String),
    /// Not the protobuf of a push.
    #[error("invalid protobuf push: {reason} at byte {at}")]
    Protobuf {
        /// What is wrong.
        reason: &'static str,
        /// Where it stands in the decompressed body.
        at: usize,
    },
    /// A protobuf `string` that is not UTF-8.
    #[error(
        "invalid protobuf push: {field} of stream {stream} contains invalid UTF-8 at byte {at}; \
         convert the text to UTF-8 before sending"
    )]
    Utf8 {
        /// Which field.
        field: &'static str,
        /// Which stream, counted from 0.
        stream: usize,
        /// Where the first such byte stands in the decompressed body.
        at: usize,
    },
    /// Label text that cannot be read.
    #[error("couldn't parse labels: {0}")]
    Labels(LabelsError),
}

impl PushError {
    /// The HTTP status: 413 where a smaller push would pass, else 400. Collectors never repeat
    /// either, which is right: the same bytes would fail again.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::TooLarge { .. }
            | Self::DecompressedTooLarge { .. }
            | Self::TooManyParts { .. }
            | Self::LabelsTooLarge { .. } => 413,
            _ => 400,
        }
    }
}
