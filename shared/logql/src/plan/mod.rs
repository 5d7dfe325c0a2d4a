//! From the tree to something that can run: names resolved, expressions compiled, reads known.
//!
//! [`Plan::new`] turns a query into a [`LogPlan`] or a [`MetricPlan`]; a metric plan is a tree of
//! [`Node`]s over numbered [`Scan`]s. A scan says which streams and columns it reads, so that
//! whoever fetches them needs to know nothing of the language; the tree says what is made of the
//! scans' results.

mod error;
mod metric;

use narvi_model::Matcher;

use crate::stage::{Demand, Pipeline};
use crate::syntax::ast;

pub use error::PlanError;
pub use metric::{MetricPlan, Node, Scan, ScanError, ScanState};

/// A query that can run.
#[derive(Debug)]
pub enum Plan {
    /// Answers with lines.
    Log(Box<LogPlan>),
    /// Answers with numbers.
    Metric(MetricPlan),
}

/// A selector and what its lines run through.
#[derive(Debug)]
pub struct LogPlan {
    /// Which streams.
    pub matchers: Vec<Matcher>,
    /// What happens to their lines.
    pub pipeline: Pipeline,
}

impl Plan {
    /// Plans a parsed query.
    ///
    /// # Errors
    /// What cannot be compiled or computed, in Loki's words where Loki has any.
    pub fn new(query: &ast::Query) -> Result<Self, PlanError> {
        match query {
            ast::Query::Log(log) => {
                LogPlan::new(log, Demand::All).map(|plan| Self::Log(Box::new(plan)))
            }
            ast::Query::Metric(metric) => MetricPlan::new(metric).map(Self::Metric),
            ast::Query::Variants(_) => Err(PlanError::VariantsDisabled),
        }
    }

    /// The matchers of every selector, for the limits that count or demand them.
    pub fn selectors(&self) -> impl Iterator<Item = &[Matcher]> {
        let (log, scans) = match self {
            Self::Log(log) => (Some(&*log.matchers), [].as_slice()),
            Self::Metric(metric) => (None, metric.scans.as_slice()),
        };
        log.into_iter()
            .chain(scans.iter().map(|scan| &*scan.source.matchers))
    }
}

impl LogPlan {
    /// Compiles a selector and its stages, of whose labels `demand` is read.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn new(log: &ast::LogExpr, demand: Demand<'_>) -> Result<Self, PlanError> {
        Ok(Self {
            matchers: log.selector.matchers.clone(),
            pipeline: Pipeline::compile(&log.stages, demand)?,
        })
    }

    /// As [`LogPlan::new`], with the number that is taken of each line where there is one.
    pub(crate) fn sampling(range: &ast::LogRange, demand: Demand<'_>) -> Result<Self, PlanError> {
        let (stages, unwrap) = (&range.log.stages, range.unwrap.as_ref());
        Ok(Self {
            matchers: range.log.selector.matchers.clone(),
            pipeline: Pipeline::sampling(stages, unwrap, demand)?,
        })
    }
}
