//! The Lambda that takes what AWS itself sends: subscriptions of CloudWatch Logs, records of
//! Kinesis data streams, objects that were written to S3.
//!
//! Reading order: [`Handler`] (events in, [`Outcome`] or [`ForwardError`] out), [`Options`] (tenant
//! and labels), `cloudwatch`, `kinesis`, `s3` with [`Buckets`] and `lines` (an event to lines with
//! their source), `streams` (those to pushes). What happens to a push is in `narvi_intake`, which
//! all ways in share.
//!
//! A fault that passes is an error of the function, so Lambda sends the event again; what a limit
//! refuses would be refused again, so it is logged and counted. Keeps nothing between events that
//! it could not lose at any moment.

mod buckets;
mod cloudwatch;
mod error;
mod handler;
mod kinesis;
pub mod limits;
mod lines;
mod options;
mod report;
mod s3;
mod streams;

pub use buckets::Buckets;
pub use error::ForwardError;
pub use handler::{Handler, Outcome};
pub use options::{Options, OptionsError, S3Rule};
pub use report::Report;
