//! The Lambda that answers every read. One file an endpoint; [`Handler`] leads to them.
//!
//! Knows HTTP and Loki's manners; what an answer is made of is `narvi-engine`'s.

mod detected;
mod explore;
mod format;
mod handler;
mod index;
mod labels;
mod legacy;
mod open;
mod patterns;
mod per_query;
mod query;
mod reply;
mod series;
mod tenant_limits;

pub use handler::Handler;
