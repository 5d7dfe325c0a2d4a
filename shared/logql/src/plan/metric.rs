//! [`MetricPlan`]: a tree of operations over numbered scans.
//!
//! A [`Scan`] is what is read, [`tree`] what is made of it.

mod tree;

use super::{LogPlan, PlanError};
use crate::batch::Batch;
use crate::metric::{
    Counting, Gather, PipelineError, RangePartial, Series, SeriesKey, TooManySeries,
};
use crate::stage::{Demand, Machine};
use crate::syntax::ast::{Grouping, MetricExpr, RangeAggregation, RangeOp, Span};

pub use tree::Node;

/// A metric query that can run.
#[derive(Debug)]
pub struct MetricPlan {
    /// What is read, each once.
    pub scans: Vec<Scan>,
    /// What is made of it.
    pub root: Node,
}

/// One range aggregation over the lines of a selector.
#[derive(Debug)]
pub struct Scan {
    /// Which lines.
    pub source: LogPlan,
    /// What is computed of the lines in a window.
    pub function: Counting,
    /// Which labels tell the series apart.
    pub key: SeriesKey,
    /// The same, as the stages know it.
    series: Series,
    /// Length of the window in nanoseconds.
    pub range: i64,
    /// How far back the window lies, in nanoseconds; negative is ahead.
    pub offset: i64,
}

impl MetricPlan {
    /// Plans a metric expression.
    ///
    /// # Errors
    /// As [`super::Plan::new`].
    pub fn new(expr: &MetricExpr) -> Result<Self, PlanError> {
        let mut scans = Vec::new();
        let root = Node::new(expr, &mut scans)?;
        Ok(Self { scans, root })
    }
}

impl Scan {
    fn new(range: &RangeAggregation, key: SeriesKey, span: Span) -> Result<Self, PlanError> {
        let unwrap = range.range.unwrap.as_ref();
        let function = match range.op {
            RangeOp::Count => Counting::Lines,
            RangeOp::Rate if unwrap.is_none() => Counting::LinesPerSecond,
            RangeOp::Bytes => Counting::Bytes,
            RangeOp::BytesRate => Counting::BytesPerSecond,
            other => return Err(PlanError::unsupported(other.as_str(), span)),
        };
        let key = match unwrap {
            Some(unwrap) => key.without(&unwrap.label),
            None => key,
        };
        let demand = match &key {
            SeriesKey::By(names) => Demand::Only(names),
            SeriesKey::All | SeriesKey::Without(_) => Demand::All,
        };
        let mut source = LogPlan::sampling(&range.range, demand)?;
        let series = Series::new(&key, &mut source.pipeline);
        Ok(Self {
            source,
            function,
            key,
            series,
            range: range.range.range,
            offset: range.range.offset,
        })
    }
}

/// What a worker needs to scan, used again for each batch.
#[derive(Debug)]
pub struct ScanState {
    machine: Machine,
    gather: Gather,
}

/// Why a batch cannot be scanned.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// More than memory allows.
    #[error(transparent)]
    TooManySeries(#[from] TooManySeries),
    /// A line that a stage could not make sense of.
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
}

impl Scan {
    /// What a worker needs; `now` is the current time in nanoseconds.
    #[must_use]
    pub fn state(&self, now: i64) -> ScanState {
        ScanState {
            machine: self.source.pipeline.machine(now),
            gather: Gather::default(),
        }
    }

    /// Runs the selected rows of a batch through the pipeline into `partial`; answers how many
    /// lines are left.
    ///
    /// # Errors
    /// A line with an error in a query that does not ask for errors, or too many series.
    pub fn run(
        &self,
        state: &mut ScanState,
        batch: &mut Batch,
        partial: &mut RangePartial,
    ) -> Result<usize, ScanError> {
        let pipeline = &self.source.pipeline;
        pipeline.filter(batch);
        if pipeline.only_filters() {
            partial.add_batch(&self.key, batch)?;
            return Ok(batch.selection.len());
        }
        let work = (pipeline, &self.series);
        let left = state.gather.run(work, &mut state.machine, batch)?;
        for samples in state.gather.samples() {
            partial.add_samples(samples)?;
        }
        Ok(left)
    }
}

impl SeriesKey {
    /// The key of an aggregation; one without grouping drops every label.
    fn of_groups(grouping: Option<&Grouping>) -> Self {
        match grouping {
            None => Self::By(Vec::new()),
            Some(Grouping::By(names)) => Self::By(names.clone()),
            Some(Grouping::Without(names)) => Self::Without(names.clone()),
        }
    }
}
