//! Loki's wire formats: decode pushes, encode answers and errors, read parameters. No IO, no clock.
//!
//! Reading order: [`push`] (what collectors send), [`level`] (how severe their lines are),
//! [`params`] (what Grafana asks for), [`answer`] (what it gets), [`error`] (what it gets when that
//! fails), [`limits`] (how much of it all).
//!
//! Knows nothing of storage, of queries or of HTTP beyond header values: bytes in, values out.

pub mod answer;
pub mod error;
pub mod level;
pub mod limits;
pub mod params;
pub mod push;
