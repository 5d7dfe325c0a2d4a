//! Evaluates the tree of a metric plan over the finished scans.

use narvi_model::Labels;
use narvi_model::answer::{QueryResult, Sample, Series};

use crate::metric::{Comparing, Grid, Matrix, Operand, aggregate, binary};
use crate::plan::{MetricPlan, Node};

/// Whether a query asks for one instant or for steps; decides the form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A vector or a scalar at one instant.
    Instant,
    /// A matrix.
    Range,
}

/// Computes the answer of `plan` from the results of its scans, in the plan's order.
#[must_use]
pub fn evaluate(plan: &MetricPlan, scans: Vec<Matrix>, grid: Grid, form: Form) -> QueryResult {
    let mut scans = scans.into_iter().map(Some).collect::<Vec<_>>();
    let result = node(&plan.root, &mut scans, grid);
    match (result, form) {
        (Operand::Vector(matrix), Form::Range) => QueryResult::Matrix(matrix.into_series()),
        (Operand::Vector(matrix), Form::Instant) => QueryResult::Vector(matrix.into_series()),
        (Operand::Scalar(value), Form::Instant) => QueryResult::Scalar(Sample {
            millis: grid.time(0).millis(),
            value,
        }),
        (Operand::Scalar(value), Form::Range) => {
            let sample = |step| Sample {
                millis: grid.time(step).millis(),
                value,
            };
            let samples = (0..grid.len()).map(sample).collect();
            QueryResult::Matrix(vec![Series {
                labels: Labels::empty(),
                samples,
            }])
        }
    }
}

fn node(node: &Node, scans: &mut [Option<Matrix>], grid: Grid) -> Operand {
    match node {
        Node::Scan(place) => {
            // Each scan stands in the tree once, so its result can be taken out.
            let result = scans.get_mut(*place).and_then(Option::take);
            Operand::Vector(result.unwrap_or(Matrix {
                grid,
                series: Vec::new(),
            }))
        }
        Node::Literal(value) => Operand::Scalar(*value),
        Node::Vector(value) => Operand::Vector(Matrix::constant(grid, *value)),
        Node::Aggregate { op, key, inner } => match self::node(inner, scans, grid) {
            Operand::Vector(matrix) => Operand::Vector(aggregate(*op, key, matrix)),
            scalar @ Operand::Scalar(_) => scalar,
        },
        Node::Binary {
            op,
            returns_bool,
            left,
            right,
        } => {
            let comparing = if *returns_bool {
                Comparing::Answers
            } else {
                Comparing::Filters
            };
            let left = self::node(left, scans, grid);
            let right = self::node(right, scans, grid);
            binary(*op, comparing, left, right)
        }
    }
}
