//! Evaluates the tree of a metric plan over the finished scans.

use narvi_model::Labels;
use narvi_model::answer::{QueryResult, Sample, Series};

use crate::metric::{Grid, MatchError, Matrix, Operand, absent, aggregate, binary, first, sort};
use crate::plan::{MetricPlan, Node};
use crate::running::{Halt, Running};

/// A query whose scans cannot be put together; HTTP 500, as in Loki.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// Two sides of an operator do not pair.
    #[error(transparent)]
    Matching(#[from] MatchError),
    /// The query was stopped.
    #[error(transparent)]
    Halt(#[from] Halt),
}

/// Whether a query asks for one instant or for steps; decides the form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A vector or a scalar at one instant.
    Instant,
    /// A matrix.
    Range,
}

/// Computes the answer of `plan` from the results of its scans, in the plan's order.
///
/// # Errors
/// Where series of two sides of an operator do not pair as they must, or the query was stopped.
pub fn evaluate(
    plan: &MetricPlan,
    scans: Vec<Matrix>,
    grid: Grid,
    form: Form,
    running: &Running,
) -> Result<QueryResult, EvalError> {
    let scans = scans.into_iter().map(Some).collect();
    let mut evaluation = Evaluation {
        scans,
        grid,
        running,
    };
    let result = evaluation.node(&plan.root)?;
    Ok(match (result, form) {
        (Operand::Vector(matrix), Form::Range) => QueryResult::Matrix(matrix.into_range()),
        (Operand::Vector(mut matrix), Form::Instant) => {
            if !plan.root.sorts() {
                matrix.sort_by_labels();
            }
            QueryResult::Vector(matrix.into_instant())
        }
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
    })
}

struct Evaluation<'a> {
    /// Each is taken out by the one node that names it.
    scans: Vec<Option<Matrix>>,
    grid: Grid,
    running: &'a Running,
}

impl Evaluation<'_> {
    fn node(&mut self, node: &Node) -> Result<Operand, EvalError> {
        self.running.check()?;
        Ok(match node {
            Node::Scan(place) => Operand::Vector(self.scan(*place)),
            Node::Literal(value) => Operand::Scalar(*value),
            Node::Vector(value) => Operand::Vector(Matrix::constant(self.grid, *value)),
            Node::Aggregate {
                folding,
                key,
                inner,
            } => self.vector(inner, |matrix| aggregate(*folding, key, matrix))?,
            Node::First {
                ranking,
                count,
                key,
                inner,
            } => self.vector(inner, |matrix| first(*ranking, *count, key, matrix))?,
            Node::Sort { ranking, inner } => self.vector(inner, |matrix| sort(*ranking, matrix))?,
            Node::LabelReplace { replace, inner } => {
                self.vector(inner, |matrix| replace.apply(matrix))?
            }
            Node::Absent { labels, inner } => {
                self.vector(inner, |matrix| absent(labels, &matrix))?
            }
            Node::Binary {
                operation,
                left,
                right,
            } => {
                let left = self.node(left)?;
                let right = self.node(right)?;
                binary(operation, left, right)?
            }
        })
    }

    /// The result of a scan in the order of labels, since between equal values and in sums of
    /// fractions the order shows, and the same question shall have the same answer.
    fn scan(&mut self, place: usize) -> Matrix {
        let mut matrix = match self.scans.get_mut(place).and_then(Option::take) {
            Some(matrix) => matrix,
            None => Matrix {
                grid: self.grid,
                series: Vec::new(),
            },
        };
        matrix.sort_by_labels();
        matrix
    }

    /// Computes with series; a number, which the parser lets through nowhere here, stays.
    fn vector(
        &mut self,
        inner: &Node,
        compute: impl FnOnce(Matrix) -> Matrix,
    ) -> Result<Operand, EvalError> {
        Ok(match self.node(inner)? {
            Operand::Vector(matrix) => Operand::Vector(compute(matrix)),
            scalar @ Operand::Scalar(_) => scalar,
        })
    }
}
