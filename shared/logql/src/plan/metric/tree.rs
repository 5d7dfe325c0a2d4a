//! [`Node`]: what is made of the results of the scans, from the metric expressions of a query.
//!
//! An aggregation goes into the scan below it where that gives the same answer, so that the scan
//! keeps one series for each group instead of one for each set of labels.

use narvi_model::Labels;

use super::Scan;
use crate::metric::{Folding, LabelReplace, Operation, Ranking, SeriesKey, labels_of, literal};
use crate::plan::PlanError;
use crate::syntax::ast::{
    self, Binary, MetricExpr, MetricKind, RangeAggregation, RangeOp, VectorAggregation, VectorOp,
};

/// An operation; leaves are scans and literals.
#[derive(Debug)]
pub enum Node {
    /// The result of a scan, by its place in [`super::MetricPlan::scans`].
    Scan(usize),
    /// A number, which has no labels.
    Literal(f64),
    /// A series without labels that has this value at every step.
    Vector(f64),
    /// An aggregation over the series of each step.
    Aggregate {
        /// How the values of a group become one.
        folding: Folding,
        /// Which labels tell the groups apart.
        key: SeriesKey,
        /// What is aggregated.
        inner: Box<Node>,
    },
    /// `topk`, `bottomk`.
    First {
        /// Which values come first.
        ranking: Ranking,
        /// How many of each group and step remain.
        count: usize,
        /// Which labels tell the groups apart.
        key: SeriesKey,
        /// What is ranked.
        inner: Box<Node>,
    },
    /// `sort`, `sort_desc`.
    Sort {
        /// Which values come first.
        ranking: Ranking,
        /// What is sorted.
        inner: Box<Node>,
    },
    /// An arithmetic operation, a comparison or a set operator.
    Binary {
        /// Which, and how the sides meet.
        operation: Operation,
        /// The left side.
        left: Box<Node>,
        /// The right side.
        right: Box<Node>,
    },
    /// `label_replace`.
    LabelReplace {
        /// What is replaced.
        replace: LabelReplace,
        /// The series.
        inner: Box<Node>,
    },
    /// `absent_over_time`: 1 where the series have no sample.
    Absent {
        /// The labels of the result.
        labels: Labels,
        /// The series.
        inner: Box<Node>,
    },
}

impl Node {
    /// Whether `sort` or `sort_desc` appears anywhere, which makes the order of a vector its own.
    #[must_use]
    pub fn sorts(&self) -> bool {
        match self {
            Self::Scan(_) | Self::Literal(_) | Self::Vector(_) => false,
            Self::Sort { .. } => true,
            Self::Aggregate { inner, .. }
            | Self::First { inner, .. }
            | Self::LabelReplace { inner, .. }
            | Self::Absent { inner, .. } => inner.sorts(),
            Self::Binary { left, right, .. } => left.sorts() || right.sorts(),
        }
    }

    /// Whether each series of its one scan that has a sample is a series of its own in the result.
    #[must_use]
    pub fn keeps_series(&self) -> bool {
        match self {
            Self::Scan(_) => true,
            Self::Sort { inner, .. } => inner.keeps_series(),
            Self::Binary {
                operation,
                left,
                right,
            } => match (&**left, &**right) {
                (series, Self::Literal(_)) | (Self::Literal(_), series) => {
                    !operation.op.is_comparison() && series.keeps_series()
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// Plans an expression; what it reads is added to `scans`.
    pub(super) fn new(expr: &MetricExpr, scans: &mut Vec<Scan>) -> Result<Self, PlanError> {
        match &expr.kind {
            MetricKind::Range(range) => self::range(range, scans),
            MetricKind::Vector(aggregation) => aggregate(aggregation, scans),
            MetricKind::Binary(operation) => binary(operation, scans),
            MetricKind::Literal(value) => Ok(Self::Literal(*value)),
            MetricKind::VectorLiteral(value) => Ok(Self::Vector(*value)),
            MetricKind::LabelReplace(replace) => label_replace(replace, scans),
        }
    }

    fn scan(
        range: &RangeAggregation,
        key: SeriesKey,
        scans: &mut Vec<Scan>,
    ) -> Result<Self, PlanError> {
        scans.push(Scan::new(range, key)?);
        Ok(Self::Scan(scans.len() - 1))
    }
}

fn range(range: &RangeAggregation, scans: &mut Vec<Scan>) -> Result<Node, PlanError> {
    if range.op == RangeOp::Absent {
        // Which series there are does not matter, only whether there is any.
        let inner = Box::new(Node::scan(range, SeriesKey::By(Vec::new()), scans)?);
        let labels = labels_of(&range.range.log.selector.matchers);
        return Ok(Node::Absent { labels, inner });
    }
    Node::scan(range, range_key(range), scans)
}

/// Which labels tell the series of a range function apart.
fn range_key(range: &RangeAggregation) -> SeriesKey {
    let key = match &range.grouping {
        None => SeriesKey::All,
        grouping => SeriesKey::of_groups(grouping.as_ref()),
    };
    without_unwrapped(key, range)
}

/// A label whose value is taken tells no series apart, unless a grouping names it.
fn without_unwrapped(key: SeriesKey, range: &RangeAggregation) -> SeriesKey {
    let Some(unwrap) = &range.range.unwrap else {
        return key;
    };
    let mut others = match key {
        SeriesKey::All => Vec::new(),
        SeriesKey::By(_) => return key,
        SeriesKey::Without(names) => names,
    };
    others.push(unwrap.label.clone());
    SeriesKey::Without(others)
}

fn aggregate(aggregation: &VectorAggregation, scans: &mut Vec<Scan>) -> Result<Node, PlanError> {
    let key = SeriesKey::of_groups(aggregation.grouping.as_ref());
    if let MetricKind::Range(range) = &aggregation.inner.kind
        && let Some(key) = pushed(aggregation.op, &key, range)
    {
        return Node::scan(range, key, scans);
    }
    let count = match aggregation.parameter {
        Some(count) => usize::try_from(count).unwrap_or(usize::MAX),
        None => 0,
    };
    let inner = Box::new(Node::new(&aggregation.inner, scans)?);
    let fold = |folding, inner| Node::Aggregate {
        folding,
        key: key.clone(),
        inner,
    };
    let first = |ranking, inner| Node::First {
        ranking,
        count,
        key: key.clone(),
        inner,
    };
    Ok(match aggregation.op {
        VectorOp::Sum => fold(Folding::Sum, inner),
        VectorOp::Avg => fold(Folding::Avg, inner),
        VectorOp::Min => fold(Folding::Min, inner),
        VectorOp::Max => fold(Folding::Max, inner),
        VectorOp::Count => fold(Folding::Count, inner),
        VectorOp::Stddev => fold(Folding::Stddev, inner),
        VectorOp::Stdvar => fold(Folding::Stdvar, inner),
        VectorOp::Topk => first(Ranking::Descending, inner),
        VectorOp::Bottomk => first(Ranking::Ascending, inner),
        VectorOp::Sort => Node::Sort {
            ranking: Ranking::Ascending,
            inner,
        },
        VectorOp::SortDesc => Node::Sort {
            ranking: Ranking::Descending,
            inner,
        },
        VectorOp::ApproxTopk => return Err(PlanError::ApproxTopkDisabled),
    })
}

/// The key under which the scan itself computes the aggregation: the sum of sums is a sum, and the
/// largest of the largest the largest.
fn pushed(op: VectorOp, key: &SeriesKey, range: &RangeAggregation) -> Option<SeriesKey> {
    if range.grouping.is_some() {
        return None;
    }
    match (op, range.op) {
        (
            VectorOp::Sum,
            RangeOp::Count | RangeOp::Rate | RangeOp::Bytes | RangeOp::BytesRate | RangeOp::Sum,
        ) => Some(without_unwrapped(key.clone(), range)),
        // Loki does not compute these at the scan, so a label whose value is taken is gone before
        // the aggregation could name it.
        (VectorOp::Min, RangeOp::Min) | (VectorOp::Max, RangeOp::Max) => {
            let label = range.range.unwrap.as_ref().map(|unwrap| &unwrap.label);
            Some(match key {
                SeriesKey::By(names) => {
                    let others = names.iter().filter(|name| Some(*name) != label);
                    SeriesKey::By(others.cloned().collect())
                }
                key => without_unwrapped(key.clone(), range),
            })
        }
        _ => None,
    }
}

fn binary(written: &Binary, scans: &mut Vec<Scan>) -> Result<Node, PlanError> {
    let left = Box::new(Node::new(&written.left, scans)?);
    let right = Box::new(Node::new(&written.right, scans)?);
    if let (Node::Literal(a), Node::Literal(b)) = (&*left, &*right) {
        return Ok(Node::Literal(literal(written.op, *a, *b)));
    }
    Ok(Node::Binary {
        operation: Operation::new(written),
        left,
        right,
    })
}

fn label_replace(written: &ast::LabelReplace, scans: &mut Vec<Scan>) -> Result<Node, PlanError> {
    let replace = LabelReplace::compile(written).map_err(PlanError::LabelReplace)?;
    let inner = Box::new(Node::new(&written.inner, scans)?);
    Ok(Node::LabelReplace { replace, inner })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{ast::Query, parse};

    /// The key with which an aggregation goes into its scan.
    #[track_caller]
    fn check(query: &str, want: Option<&str>) {
        let Ok(Query::Metric(metric)) = parse(query) else {
            panic!("not a metric query: {query}");
        };
        let MetricKind::Vector(aggregation) = &metric.kind else {
            panic!("not an aggregation: {query}");
        };
        let MetricKind::Range(range) = &aggregation.inner.kind else {
            panic!("not over a range: {query}");
        };
        let key = SeriesKey::of_groups(aggregation.grouping.as_ref());
        let key = pushed(aggregation.op, &key, range).map(|key| match key {
            SeriesKey::All => "all".to_owned(),
            SeriesKey::By(names) => format!("by {}", names.join(",")),
            SeriesKey::Without(names) => format!("without {}", names.join(",")),
        });
        assert_eq!(key.as_deref(), want, "{query}");
    }

    #[test]
    fn aggregations_go_into_scans() {
        check(r#"sum(count_over_time({a="b"}[1m]))"#, Some("by "));
        check(r#"sum by (x) (rate({a="b"}[1m]))"#, Some("by x"));
        check(
            r#"sum without (x) (bytes_rate({a="b"}[1m]))"#,
            Some("without x"),
        );
        check(r#"max by (x) (rate({a="b"}[1m]))"#, None);
        let unwrapped = |outer: &str, inner: &str| {
            format!(r#"{outer} ({inner}_over_time({{a="b"}} | unwrap size [1m]))"#)
        };
        check(&unwrapped("sum by (x, size)", "sum"), Some("by x,size"));
        check(&unwrapped("sum without (x)", "sum"), Some("without x,size"));
        check(&unwrapped("max by (x, size)", "max"), Some("by x"));
        check(&unwrapped("min without (x)", "min"), Some("without x,size"));
        check(&unwrapped("min by (x)", "max"), None);
        check(&unwrapped("sum by (x)", "avg"), None);
        check(
            r#"max(max_over_time({a="b"} | unwrap size [1m]) by (x))"#,
            None,
        );
    }

    #[test]
    fn a_taken_label_tells_no_series_apart() {
        let key = |grouping: &str| {
            let query = format!(r#"avg_over_time({{a="b"}} | unwrap size [1m]) {grouping}"#);
            let Ok(Query::Metric(metric)) = parse(&query) else {
                panic!("not a metric query: {query}");
            };
            let MetricKind::Range(range) = &metric.kind else {
                panic!("not a range: {query}");
            };
            range_key(range)
        };
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(key(""), SeriesKey::Without(names(&["size"])));
        assert_eq!(
            key("without (x)"),
            SeriesKey::Without(names(&["x", "size"]))
        );
        assert_eq!(key("by (size)"), SeriesKey::By(names(&["size"])));
    }

    #[test]
    fn series_of_the_scan_that_are_series_of_the_result() {
        let check = |query: &str, want: bool| {
            let Ok(Query::Metric(metric)) = parse(&query.replace('#', "rate({a=`b`}[1m])")) else {
                panic!("not a metric query: {query}");
            };
            let plan = crate::plan::MetricPlan::new(&metric).unwrap();
            assert_eq!(plan.root.keeps_series(), want, "{query}");
        };
        check("#", true);
        check("sum by (x) (#)", true);
        check("sort_desc(60 * #) / 2", true);
        check("# > 5", false);
        check("# + #", false);
        check("max by (x) (#)", false);
        check("topk(3, #)", false);
        check("label_replace(#, `x`, ``, `y`, `.*`)", false);
        check("absent_over_time({a=`b`}[1m])", false);
        check("vector(1)", false);
    }
}
