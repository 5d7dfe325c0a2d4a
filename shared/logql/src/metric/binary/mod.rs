//! Arithmetic, comparisons and set operators between numbers and series (spec `logql.md` §15).
//!
//! [`binary`] takes an [`Operation`] and two [`Operand`]s. Where both are series, [`matching`]
//! pairs their samples for arithmetic and comparisons, and [`sets`] has `and`, `or`, `unless`.

mod matching;
mod sets;

use super::{ABSENT, Matrix, SeriesKey, is_absent};
use crate::syntax::ast::{self, BinaryOp, Cardinality};

pub use matching::MatchError;

/// One side of an operation, or its result.
#[derive(Debug)]
pub enum Operand {
    /// A number.
    Scalar(f64),
    /// Series.
    Vector(Matrix),
}

/// An operator with everything that was said about it.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Which operator.
    pub op: BinaryOp,
    /// What a comparison gives.
    pub comparing: Comparing,
    /// How the series of two sides find each other.
    pub matching: Matching,
}

/// What a comparison of samples gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparing {
    /// The sample where the comparison holds, else none.
    Filters,
    /// 1 where it holds, else 0: `bool`.
    Answers,
}

/// How the series of two sides find each other.
#[derive(Clone, Debug)]
pub struct Matching {
    /// Which labels must be equal: [`SeriesKey::By`] is `on`, [`SeriesKey::Without`] `ignoring`.
    pub key: SeriesKey,
    /// Which side may have several series for one of the other.
    pub cardinality: Cardinality,
}

impl Operation {
    /// The operation of a node of the syntax tree.
    #[must_use]
    pub fn new(written: &ast::Binary) -> Self {
        let matching = match &written.matching {
            None => Matching {
                key: SeriesKey::Without(Vec::new()),
                cardinality: Cardinality::OneToOne,
            },
            Some(matching) => Matching {
                key: match matching.on {
                    true => SeriesKey::By(matching.labels.clone()),
                    false => SeriesKey::Without(matching.labels.clone()),
                },
                cardinality: matching.cardinality.clone(),
            },
        };
        let comparing = match written.returns_bool {
            true => Comparing::Answers,
            false => Comparing::Filters,
        };
        Self {
            op: written.op,
            comparing,
            matching,
        }
    }

    /// One cell of a result; a filtering comparison keeps `kept`.
    fn cell(&self, (a, b): (f64, f64), kept: f64) -> f64 {
        if is_absent(a) || is_absent(b) {
            return ABSENT;
        }
        let value = literal(self.op, a, b);
        match self.comparing {
            Comparing::Filters if self.op.is_comparison() && value == 0.0 => ABSENT,
            Comparing::Filters if self.op.is_comparison() => kept,
            _ => value,
        }
    }
}

/// Computes `left op right`.
///
/// # Errors
/// Where the series of two sides do not pair as they must.
pub fn binary(operation: &Operation, left: Operand, right: Operand) -> Result<Operand, MatchError> {
    Ok(match (left, right) {
        (Operand::Scalar(a), Operand::Scalar(b)) => Operand::Scalar(literal(operation.op, a, b)),
        (Operand::Vector(matrix), Operand::Scalar(b)) => {
            Operand::Vector(map(matrix, |a| operation.cell((a, b), a)))
        }
        (Operand::Scalar(a), Operand::Vector(matrix)) => {
            Operand::Vector(map(matrix, |b| operation.cell((a, b), b)))
        }
        (Operand::Vector(left), Operand::Vector(right)) => {
            let key = &operation.matching.key;
            Operand::Vector(match operation.op {
                BinaryOp::And => sets::and(key, left, &right),
                BinaryOp::Or => sets::or(key, left, right),
                BinaryOp::Unless => sets::unless(key, left, &right),
                _ => matching::pairs(operation, left, right)?,
            })
        }
    })
}

/// Computes with two numbers; a comparison gives 1 or 0. Dividing by zero is NaN, as in Loki.
#[must_use]
pub fn literal(op: BinaryOp, a: f64, b: f64) -> f64 {
    match op {
        BinaryOp::Add => a + b,
        BinaryOp::Subtract => a - b,
        BinaryOp::Multiply => a * b,
        BinaryOp::Divide if b == 0.0 => f64::NAN,
        BinaryOp::Divide => a / b,
        BinaryOp::Modulo if b == 0.0 => f64::NAN,
        BinaryOp::Modulo => a % b,
        BinaryOp::Power => a.powf(b),
        BinaryOp::Equal => f64::from(a == b),
        BinaryOp::NotEqual => f64::from(a != b),
        BinaryOp::LessOrEqual => f64::from(a <= b),
        BinaryOp::Less => f64::from(a < b),
        BinaryOp::GreaterOrEqual => f64::from(a >= b),
        BinaryOp::Greater => f64::from(a > b),
        // Sets of series have no meaning for numbers; the parser refuses them.
        BinaryOp::And | BinaryOp::Or | BinaryOp::Unless => f64::NAN,
    }
}

fn map(mut matrix: Matrix, compute: impl Fn(f64) -> f64) -> Matrix {
    let cells = matrix
        .series
        .iter_mut()
        .flat_map(|series| &mut series.cells);
    cells.for_each(|value| *value = compute(*value));
    matrix
}

#[cfg(test)]
pub(super) mod tests {
    use narvi_model::{Labels, Timestamp};

    use super::*;
    use crate::metric::{Grid, MatrixSeries};

    /// Series of one step: `a=1 b=2` is the labels, then the value.
    pub(super) fn vector(series: &[(&str, f64)]) -> Matrix {
        let rows: Vec<(&str, Vec<f64>)> = series.iter().map(|(l, v)| (*l, vec![*v])).collect();
        let rows: Vec<(&str, &[f64])> = rows.iter().map(|(l, v)| (*l, v.as_slice())).collect();
        matrix(1, &rows)
    }

    pub(super) fn matrix(steps: i64, series: &[(&str, &[f64])]) -> Matrix {
        let grid = Grid::range(Timestamp::from_nanos(1), Timestamp::from_nanos(steps), 1);
        let series = series.iter().map(|(labels, cells)| MatrixSeries {
            labels: Labels::from_pairs(labels.split_whitespace().flat_map(|l| l.split_once('='))),
            cells: cells.to_vec(),
        });
        Matrix {
            grid: grid.unwrap(),
            series: series.collect(),
        }
    }

    /// The samples of an operand as text, in order: `a=1 b=2:5`, with `|` between steps.
    pub(super) fn text(matrix: &Matrix) -> String {
        let steps = (0..matrix.grid.len()).map(|step| {
            let present = matrix.series.iter().filter(|s| !is_absent(s.cells[step]));
            let texts = present.map(|series| {
                let labels = series
                    .labels
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"));
                format!(
                    "{}:{}",
                    labels.collect::<Vec<_>>().join(" "),
                    series.cells[step]
                )
            });
            texts.collect::<Vec<_>>().join(", ")
        });
        steps.collect::<Vec<_>>().join(" | ")
    }

    /// The operation of `a OP b`, with modifiers.
    pub(super) fn operation(op: &str) -> Operation {
        let query = format!("vector(1) {op} vector(1)");
        let parsed = crate::syntax::parse(&query).unwrap();
        match parsed {
            ast::Query::Metric(ast::MetricExpr {
                kind: ast::MetricKind::Binary(written),
                ..
            }) => Operation::new(&written),
            other => panic!("not an operation: {other:?}"),
        }
    }

    #[track_caller]
    fn check(op: &str, sides: (Operand, Operand), want: &str) {
        match binary(&operation(op), sides.0, sides.1).unwrap() {
            Operand::Vector(matrix) => assert_eq!(text(&matrix), want, "{op}"),
            Operand::Scalar(value) => assert_eq!(value.to_string(), want, "{op}"),
        }
    }

    #[test]
    fn vectors_and_numbers() {
        use Operand::{Scalar, Vector};
        let two = || Vector(vector(&[("app=a", 1.0), ("app=b", 5.0), ("app=c", ABSENT)]));
        check("+", (two(), Scalar(1.0)), "app=a:2, app=b:6");
        check("/", (Scalar(10.0), two()), "app=a:10, app=b:2");
        check("/", (two(), Scalar(0.0)), "app=a:NaN, app=b:NaN");
        check("-", (Scalar(1.0), two()), "app=a:0, app=b:-4");
        check(">", (two(), Scalar(2.0)), "app=b:5");
        check("<", (Scalar(2.0), two()), "app=b:5");
        check("> bool", (two(), Scalar(2.0)), "app=a:0, app=b:1");
        check("< bool", (Scalar(2.0), two()), "app=a:0, app=b:1");
        check("+ bool", (two(), Scalar(2.0)), "app=a:3, app=b:7");
        check(">", (Scalar(2.0), Scalar(1.0)), "1");
        check("<", (Scalar(2.0), Scalar(1.0)), "0");
    }

    #[test]
    fn numbers() {
        assert!(literal(BinaryOp::Divide, 1.0, 0.0).is_nan());
        assert!(literal(BinaryOp::Modulo, 1.0, 0.0).is_nan());
        assert_eq!(literal(BinaryOp::Modulo, -7.0, 3.0), -1.0);
        assert_eq!(literal(BinaryOp::Power, 2.0, 10.0), 1024.0);
        assert_eq!(literal(BinaryOp::GreaterOrEqual, 2.0, 2.0), 1.0);
    }
}
