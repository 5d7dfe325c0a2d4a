//! The Lambda that live tails connect to: it writes down who wants to be told of what.
//!
//! Reading order: [`Handler`] (events of a WebSocket API in, statuses out), `connect` (whether a
//! connection is let in), [`limits`]. Sends nothing itself: who stores a line tells those who are
//! connected (`narvi-live`).

mod connect;
mod handler;
pub mod limits;

pub use handler::Handler;
