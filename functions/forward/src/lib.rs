//! The Lambda that takes what AWS itself sends: subscriptions of CloudWatch Logs, records of
//! Kinesis data streams, objects that were written to S3.
//!
//! Reading order: [`Handler`] (events in, [`Outcome`] or [`ForwardError`] out), [`Options`] (tenant
//! and labels), `kinesis`, `s3` with [`Buckets`] (an event to lines with their source). What the
//! data holds and how it becomes pushes is in `narvi_aws_logs`, what happens to a push in
//! `narvi_intake`; all ways in share them.
//!
//! A fault that passes is an error of the function, so Lambda sends the event again; what a limit
//! refuses would be refused again, so it is logged and counted. Keeps nothing between events that
//! it could not lose at any moment.

mod buckets;
mod error;
mod handler;
mod kinesis;
pub mod limits;
mod options;
mod report;
mod s3;

pub use buckets::Buckets;
pub use error::ForwardError;
pub use handler::{Handler, Outcome};
pub use options::{Options, OptionsError, S3Rule};
pub use report::Report;
