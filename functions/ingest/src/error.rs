//! [`IngestError`]: why a push was not stored, or not all of it, and what its sender is told.
//!
//! Collectors repeat a push after 429 and 5xx and drop it after any other 4xx, so a fault that
//! passes is 503 (OTLP exporters take 500 as final) and what would fail again is 400 or 413.

use narvi_gateway::{Response, Surface};
use narvi_intake::IntakeError;
use narvi_model::TenantError;
use narvi_protocol::error::Fixed;
use narvi_protocol::push::PushError;
use narvi_segment::WriteError;
use narvi_storage::ErrorKind;

use crate::firehose::FirehoseError;
use crate::limits::RETRY_AFTER_SECONDS;

/// Why a push was not stored, or not all of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IngestError {
    /// Whose it is cannot be told.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The body is too large to be looked at.
    #[error(
        "request body too large: message size too large than max ({size} vs {max}); send smaller \
         batches: `batch_size` in Alloy, `batchsize` in Promtail, `batch.max_bytes` in Vector, \
         `compress gzip` in Fluent Bit, `send_batch_max_size` in the OpenTelemetry Collector, the \
         buffer size in Firehose"
    )]
    BodyTooLarge {
        /// Bytes that were sent.
        size: usize,
        /// Bytes that are taken.
        max: usize,
    },
    /// The body cannot be decoded.
    #[error(transparent)]
    Decode(#[from] PushError),
    /// It is nothing that Firehose delivers, or not all of it can be read.
    #[error(transparent)]
    Firehose(#[from] FirehoseError),
    /// It is not stored, or not all of it.
    #[error(transparent)]
    Intake(#[from] IntakeError),
}

impl IngestError {
    /// The answer.
    pub(crate) fn into_response(self) -> Response {
        let text = self.to_string();
        let error = |status, text: &str| Response::error(Surface::Write, status, text);
        match self {
            Self::Tenant(tenant) => Response::tenant_error(Surface::Write, &tenant),
            Self::Decode(push) => error(push.status(), &text),
            Self::Firehose(firehose) => error(firehose.status(), &text),
            Self::BodyTooLarge { .. } => error(413, &text),
            Self::Intake(intake) => of_intake(&intake),
        }
    }
}

fn of_intake(intake: &IntakeError) -> Response {
    let text = intake.to_string();
    let error = |status, text: &str| Response::error(Surface::Write, status, text);
    match intake {
        IntakeError::NoStreams => error(Fixed::NoStreams.status(), &text),
        IntakeError::RateLimit { retry_after, .. } | IntakeError::Throttled { retry_after, .. } => {
            match retry_after {
                Some(seconds) => error(429, &text).with_header("retry-after", seconds.to_string()),
                None => error(429, &text),
            }
        }
        IntakeError::Blocked { status: 200, .. } => Response::no_content(),
        IntakeError::Blocked { status, .. } => error(*status, &text),
        IntakeError::Refused { .. } => error(400, &text),
        IntakeError::Encode(WriteError::TooLarge { .. }) => error(413, &text),
        IntakeError::Encode(_) => {
            tracing::error!(error = text, "a segment cannot be made");
            error(
                500,
                "internal error: the segment cannot be made; the log says why",
            )
        }
        IntakeError::Storage(storage) => of_storage(storage.kind(), &text),
    }
}

/// Names of tables and buckets are for the log, not for the sender.
fn of_storage(kind: ErrorKind, text: &str) -> Response {
    match kind {
        ErrorKind::Unavailable | ErrorKind::Conflict => {
            tracing::warn!(
                error = text,
                "a push was not stored, its sender may repeat it"
            );
            let text = "storage is unavailable, try again";
            Response::error(Surface::Write, 503, text)
                .with_header("retry-after", RETRY_AFTER_SECONDS.to_string())
        }
        ErrorKind::TooMuch => Response::error(Surface::Write, 413, text),
        ErrorKind::Invalid | ErrorKind::Corrupt | ErrorKind::Bug | ErrorKind::NotFound => {
            tracing::error!(error = text, "a push was not stored");
            let text = "internal error: the push cannot be stored; the log says why";
            Response::error(Surface::Write, 500, text)
        }
    }
}
