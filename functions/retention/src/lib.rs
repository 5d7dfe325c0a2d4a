//! The Lambda that drops what is expired, takes requests to delete, and collects garbage.
//!
//! Reading order: [`Handler`] (a run: garbage, what is expired, orphans), `garbage` (objects whose
//! rows are gone), `expire` (partitions against the periods of their tenant), `cutoff` (what is
//! expired, pure), `periods` (how long a stream is kept, pure), `sweep` (objects that never had a
//! row), [`Report`]; `api` (requests to delete, which queries heed at once),
//! `erase` (which takes what they name out of storage), `struck` (what they leave, pure),
//! [`Trigger`].
//!
//! What is expired loses its rows now and its objects after a grace, through the same list of
//! garbage that merges write. Deleting garbage is no retention: it runs with `retention_enabled`
//! off too, or every merge would leave its inputs to be paid for.
//!
//! Knows nothing of what is inside a segment: `narvi-rewrite` leaves out what is expired.

mod api;
mod cutoff;
mod erase;
mod error;
mod expire;
mod garbage;
mod handler;
pub mod limits;
mod periods;
mod report;
mod struck;
mod sweep;
mod trigger;

pub use error::RetentionError;
pub use handler::Handler;
pub use report::Report;
pub use trigger::Trigger;
