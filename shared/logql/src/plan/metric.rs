//! [`MetricPlan`]: a tree of operations over numbered scans.
//!
//! An aggregation that sums series is pushed into the scan below it where the scan's values are
//! sums themselves, so that the scan keeps one series per group instead of one per stream.

use super::{LogPlan, PlanError};
use crate::batch::Batch;
use crate::metric::{
    Counting, Gather, PipelineError, RangePartial, Series, SeriesKey, TooManySeries,
};
use crate::stage::{Demand, Machine};
use crate::syntax::ast::{
    Binary, BinaryOp, Grouping, MetricExpr, MetricKind, RangeAggregation, RangeOp, Span,
    VectorAggregation, VectorOp,
};

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

/// An operation; leaves are scans and literals.
#[derive(Debug)]
pub enum Node {
    /// The result of a scan, by its place in [`MetricPlan::scans`].
    Scan(usize),
    /// A number, which has no labels.
    Literal(f64),
    /// A series without labels that has this value at every step.
    Vector(f64),
    /// An aggregation over the series of each step.
    Aggregate {
        /// `sum`, `avg`, `min`, `max`, `count`.
        op: VectorOp,
        /// Which labels tell the groups apart.
        key: SeriesKey,
        /// What is aggregated.
        inner: Box<Node>,
    },
    /// An arithmetic operation or a comparison.
    Binary {
        /// Which.
        op: BinaryOp,
        /// Comparisons give 0 or 1 instead of dropping samples.
        returns_bool: bool,
        /// The left side.
        left: Box<Node>,
        /// The right side.
        right: Box<Node>,
    },
}

impl MetricPlan {
    /// Plans a metric expression.
    ///
    /// # Errors
    /// As [`super::Plan::new`].
    pub fn new(expr: &MetricExpr) -> Result<Self, PlanError> {
        let mut scans = Vec::new();
        let root = node(expr, &mut scans)?;
        Ok(Self { scans, root })
    }
}

fn node(expr: &MetricExpr, scans: &mut Vec<Scan>) -> Result<Node, PlanError> {
    match &expr.kind {
        MetricKind::Range(range) => {
            let scan = Scan::new(range, SeriesKey::All, expr.span)?;
            Ok(add_scan(scan, scans))
        }
        MetricKind::Vector(aggregation) => aggregate(aggregation, expr.span, scans),
        MetricKind::Binary(operation) => binary(operation, expr.span, scans),
        MetricKind::Literal(value) => Ok(Node::Literal(*value)),
        MetricKind::VectorLiteral(value) => Ok(Node::Vector(*value)),
        MetricKind::LabelReplace(_) => Err(PlanError::unsupported("label_replace", expr.span)),
    }
}

fn add_scan(scan: Scan, scans: &mut Vec<Scan>) -> Node {
    scans.push(scan);
    Node::Scan(scans.len() - 1)
}

fn aggregate(
    aggregation: &VectorAggregation,
    span: Span,
    scans: &mut Vec<Scan>,
) -> Result<Node, PlanError> {
    let op = aggregation.op;
    match op {
        VectorOp::Sum | VectorOp::Avg | VectorOp::Min | VectorOp::Max | VectorOp::Count => {}
        other => return Err(PlanError::unsupported(other.as_str(), span)),
    }
    let key = SeriesKey::of_groups(aggregation.grouping.as_ref());
    if let (VectorOp::Sum, MetricKind::Range(range)) = (op, &aggregation.inner.kind) {
        // The sum of counts is the count over the group; every function of `Counting` is a sum.
        let scan = Scan::new(range, key, aggregation.inner.span)?;
        return Ok(add_scan(scan, scans));
    }
    let inner = Box::new(node(&aggregation.inner, scans)?);
    Ok(Node::Aggregate { op, key, inner })
}

fn binary(operation: &Binary, span: Span, scans: &mut Vec<Scan>) -> Result<Node, PlanError> {
    if operation.op.is_set() {
        return Err(PlanError::unsupported("a set operator", span));
    }
    if operation.matching.is_some() {
        return Err(PlanError::unsupported("vector matching", span));
    }
    let left = Box::new(node(&operation.left, scans)?);
    let right = Box::new(node(&operation.right, scans)?);
    if let (Node::Literal(a), Node::Literal(b)) = (&*left, &*right) {
        return Ok(Node::Literal(crate::metric::literal(operation.op, *a, *b)));
    }
    let (op, returns_bool) = (operation.op, operation.returns_bool);
    Ok(Node::Binary {
        op,
        returns_bool,
        left,
        right,
    })
}

impl Scan {
    fn new(range: &RangeAggregation, key: SeriesKey, span: Span) -> Result<Self, PlanError> {
        let function = match range.op {
            RangeOp::Count => Counting::Lines,
            RangeOp::Rate => Counting::LinesPerSecond,
            RangeOp::Bytes => Counting::Bytes,
            RangeOp::BytesRate => Counting::BytesPerSecond,
            other => return Err(PlanError::unsupported(other.as_str(), span)),
        };
        if range.range.unwrap.is_some() {
            return Err(PlanError::unsupported("unwrap", range.range.span));
        }
        let demand = match &key {
            SeriesKey::By(names) => Demand::Only(names),
            SeriesKey::All | SeriesKey::Without(_) => Demand::All,
        };
        let mut source = LogPlan::new(&range.range.log, demand)?;
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
    /// What a worker needs.
    #[must_use]
    pub fn state(&self) -> ScanState {
        ScanState {
            machine: self.source.pipeline.machine(),
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
