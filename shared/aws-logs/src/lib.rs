//! What AWS sends as logs, over whichever way it comes: messages of CloudWatch Logs and lines of
//! text, with their source, as pushes. No IO, no clock.
//!
//! Reading order: [`Content`] (what a record holds, within a [`Budget`]), [`Batch`] (a message of
//! CloudWatch Logs), [`lines`] (text as lines), [`Source`] and [`pushes`] (those with their labels,
//! as streams), [`LogsError`], [`limits`].
//!
//! Knows neither events, HTTP nor tenants: functions bring the data, and say whose it is.

mod cloudwatch;
mod content;
mod error;
pub mod limits;
mod lines;
mod streams;

pub use cloudwatch::{Batch, inflate};
pub use content::{Budget, Content};
pub use error::LogsError;
pub use lines::lines;
pub use streams::{BUCKET, FIREHOSE, KINESIS, LOG_TYPE, OWN_LABELS, Source, pushes};
