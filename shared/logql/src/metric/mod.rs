//! Numbers out of batches: windows ([`Grid`]), range functions, aggregations and operators.
//!
//! A range function consumes batches into a [`RangePartial`] where it counts lines, and into a
//! [`SamplePartial`] where it computes with values. Either merges with others of the same scan
//! whatever chunk, thread, segment or machine they come from, and ends as a [`Matrix`]. Vector
//! aggregations and binary operators map matrices to matrices. One file per family.

mod absent;
mod aggregate;
mod binary;
mod counting;
mod gather;
mod grid;
mod label_replace;
mod matrix;
mod partial;
mod ranking;
mod room;
mod samples;
mod series_key;

pub use absent::{absent, labels_of};
pub use aggregate::{Folding, aggregate};
pub use binary::{Comparing, MatchError, Matching, Operand, Operation, binary, literal};
pub use counting::{Counting, RangePartial, TooManySeries};
pub use gather::{Gather, GatherError, PipelineError};
pub(crate) use gather::{Samples, Series};
pub use grid::{Grid, Window};
pub use label_replace::LabelReplace;
pub use matrix::{ABSENT, Matrix, MatrixSeries, is_absent};
pub use partial::{Function, Partial, PartialError};
pub use ranking::{Ranking, first, sort};
pub use samples::{SampleOrder, SamplePartial, Sampling, TooManyValues};
pub use series_key::SeriesKey;
