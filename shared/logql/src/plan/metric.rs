//! [`MetricPlan`]: a tree of operations over numbered scans.
//!
//! A [`Scan`] is what is read, [`tree`] what is made of it.

mod scan;
mod tree;

use super::PlanError;
use crate::metric::SeriesKey;
use crate::syntax::ast::{Grouping, MetricExpr};

pub use scan::{Scan, ScanError, ScanState};
pub use tree::Node;

/// A metric query that can run.
#[derive(Debug)]
pub struct MetricPlan {
    /// What is read, each once.
    pub scans: Vec<Scan>,
    /// What is made of it.
    pub root: Node,
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
