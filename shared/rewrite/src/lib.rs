//! Segments of one partition without the rows that have to go: for retention, for deletions.
//!
//! Reading order: [`Rewriter`] (all segments of a partition, under its lease), [`share_of`] (what a
//! row of the catalog tells of a segment), [`fetch`] (its bytes, checked), [`Rewritten`].
//!
//! What goes is said by a [`narvi_segment::Keep`]. The order of writes is that of a merge: the new
//! object, its row (the commit, one level higher, naming the old segment), then the old row. A run
//! that is killed anywhere is taken up by the next: what it had committed hides what it had not
//! removed.
//!
//! Knows neither tenants' limits nor queries.

mod fetch;
pub mod limits;
mod rewriter;
mod share;

pub use fetch::{FetchError, fetch};
pub use rewriter::{Rewriter, Rewritten};
pub use share::share_of;
