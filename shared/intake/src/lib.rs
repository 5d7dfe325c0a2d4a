//! The way of a decoded push: what is good is stored, what is not is named with its reason.
//!
//! Reading order: [`Intake`] (streams in, stored) and [`IntakeError`] (why not); inside: `accept`
//! (the steps in Loki's order), `validate` (the tenant's limits, with `service_name`,
//! `metadata_names`, `levels` and `refusals`), `rates` (how much of it, with `bucket`), `by_day`
//! (one segment a UTC day), `store` (bytes, stream rows, then the segment row); then those who are
//! connected are told (`narvi-live`).
//!
//! Knows neither HTTP nor events nor any wire format: whoever has streams brings them, and tells
//! its sender what came of them. Reads no clock, and keeps nothing that it could not lose at any
//! moment.

mod accept;
mod bucket;
mod by_day;
mod error;
mod intake;
mod levels;
pub mod limits;
mod metadata_names;
mod rates;
mod refusals;
mod service_name;
mod store;
mod validate;

pub use error::IntakeError;
pub use intake::Intake;
