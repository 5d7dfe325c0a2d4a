//! The tree of a query as it was written, with the place of every node.
//!
//! [`Query`] at the root, [`log`] for selectors and pipelines, [`metric`] for everything that
//! yields numbers. The tree says what was written, not what it means: regular expressions,
//! patterns and templates are still text here, and names are not resolved. That is the plan's work.

pub mod log;
pub mod metric;

pub use log::{
    Comparison, Extraction, FilterText, LabelCondition, LabelFilter, LabelFilterKind, LabelFormat,
    LabelFormatValue, LabelItem, LineFilter, LineFilterOp, LogExpr, Number, Selector, Stage,
    StageKind,
};
pub use metric::{
    Binary, BinaryOp, Cardinality, Conversion, Grouping, LabelReplace, LogRange, Matching,
    MetricExpr, MetricKind, RangeAggregation, RangeOp, Unwrap, Variants, VectorAggregation,
    VectorOp,
};

/// Where a node stands in the text of the query: byte offsets, end excluded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// From the start of this to the end of `last`.
    #[must_use]
    pub fn to(self, last: Self) -> Self {
        Self {
            start: self.start,
            end: last.end,
        }
    }
}

/// A whole query.
#[derive(Clone, Debug, PartialEq)]
pub enum Query {
    /// Answers with lines.
    Log(LogExpr),
    /// Answers with numbers.
    Metric(MetricExpr),
    /// `variants(…) of (…)`: several metric queries over one read of the lines.
    Variants(Variants),
}
