//! The Lambda that merges small segments into large ones.
//!
//! Reading order: [`Handler`] (which partitions, and when to stop), `partition` (one partition
//! under its lease: clean up, merge, commit, remove), `plan` (which rows become one segment, pure),
//! [`Sizes`] and `memory` (how large, how many at one time), `input` (a row's bytes, checked),
//! `merge` (their bytes become one segment), [`Packing`] (when rows of streams are packed),
//! [`Report`].
//!
//! Why no line is lost or doubled: the merged row is committed before a replaced row goes, readers
//! drop what a row they see replaces, and only the holder of a partition's lease commits. A run
//! that is killed anywhere leaves an object without a row, or rows that the next run removes.
//!
//! Knows neither queries nor retention.

mod error;
mod handler;
mod input;
pub mod limits;
mod memory;
mod merge;
mod packing;
mod partition;
mod plan;
mod report;
mod sizes;

pub use error::CompactError;
pub use handler::Handler;
pub use packing::Packing;
pub use report::Report;
pub use sizes::Sizes;
