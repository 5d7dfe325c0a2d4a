//! The Lambda that takes pushes: 204 means that every line is durable and will be found.
//!
//! Reading order: [`Handler`] (events in, answers out), `loki_push` (one file an endpoint: wire
//! form to streams), `accept` (the steps that every endpoint shares), `validate` (the tenant's
//! limits, with `service_name`, `metadata_names` and `refusals`), `by_day` (one segment a UTC day),
//! `store` (bytes, stream rows, then the segment row), `error` (what a client is told).
//!
//! Knows nothing of queries, and keeps nothing between requests that it could not lose at any
//! moment.

mod accept;
mod by_day;
mod error;
mod handler;
pub mod limits;
mod loki_push;
mod metadata_names;
mod refusals;
mod service_name;
mod store;
mod validate;

pub use handler::Handler;
