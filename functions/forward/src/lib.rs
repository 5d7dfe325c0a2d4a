//! The Lambda that takes what AWS itself sends: subscriptions of CloudWatch Logs.
//!
//! Reading order: [`Handler`] (events in, [`Report`] or [`ForwardError`] out), [`Options`] (tenant
//! and labels), `cloudwatch` (an event to log events), `streams` (log events to pushes). What
//! happens to a push is in `narvi_intake`, which all ways in share.
//!
//! A fault that passes is an error of the function, so Lambda sends the event again; what a limit
//! refuses would be refused again, so it is logged and counted. Keeps nothing between events that
//! it could not lose at any moment.

mod cloudwatch;
mod error;
mod handler;
pub mod limits;
mod options;
mod report;
mod streams;

pub use error::ForwardError;
pub use handler::Handler;
pub use options::{Options, OptionsError};
pub use report::Report;
