//! The Lambda that takes pushes: 204 means that every line is durable and will be found.
//!
//! Reading order: [`Handler`] (events in, answers out), `loki_push` and `otlp_push` (wire form to
//! streams), `firehose` with `attributes` (what Amazon Data Firehose delivers, and how it wants to
//! be answered), `error` (what a client is told). What happens to the streams is in `narvi_intake`,
//! which all ways in share.
//!
//! Knows nothing of queries, and keeps nothing between requests that it could not lose at any
//! moment.

mod attributes;
mod error;
mod firehose;
mod handler;
pub mod limits;
mod loki_push;
mod otlp_push;

pub use handler::Handler;
