//! The Lambda that drops what is expired and collects garbage.
//!
//! Reading order: [`Handler`] (a run: garbage, then what is expired), `garbage` (objects that no
//! row points to), `expire` (partitions against `retention_period`), `cutoff` (that period as
//! times, pure), [`Report`].
//!
//! What is expired loses its rows now and its objects after a grace, through the same list of
//! garbage that merges write. Deleting garbage is no retention: it runs with `retention_enabled`
//! off too, or every merge would leave its inputs to be paid for.
//!
//! Knows nothing of what is inside a segment, and lists no objects: those that never had a row are
//! not found here.

mod cutoff;
mod error;
mod expire;
mod garbage;
mod handler;
pub mod limits;
mod report;

pub use error::RetentionError;
pub use handler::Handler;
pub use report::Report;
