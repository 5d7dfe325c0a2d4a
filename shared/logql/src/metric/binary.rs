//! Arithmetic and comparisons between numbers and series (spec `logql.md` §15).

use foldhash::HashMap;
use narvi_model::Labels;

use super::{ABSENT, Matrix, MatrixSeries, is_absent};
use crate::syntax::ast::BinaryOp;

/// One side of an operation, or its result.
#[derive(Debug)]
pub enum Operand {
    /// A number.
    Scalar(f64),
    /// Series.
    Vector(Matrix),
}

/// What a comparison of samples gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparing {
    /// The sample where the comparison holds, else none.
    Filters,
    /// 1 where it holds, else 0: `bool`.
    Answers,
}

/// Computes `left op right`; two vectors meet by all their labels, one to one.
#[must_use]
pub fn binary(op: BinaryOp, comparing: Comparing, left: Operand, right: Operand) -> Operand {
    match (left, right) {
        (Operand::Scalar(a), Operand::Scalar(b)) => Operand::Scalar(literal(op, a, b)),
        (Operand::Vector(matrix), Operand::Scalar(b)) => {
            Operand::Vector(map(matrix, |a| cell(op, comparing, (a, b), a)))
        }
        (Operand::Scalar(a), Operand::Vector(matrix)) => {
            Operand::Vector(map(matrix, |b| cell(op, comparing, (a, b), b)))
        }
        (Operand::Vector(a), Operand::Vector(b)) => Operand::Vector(pairs(op, comparing, a, b)),
    }
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

/// One cell of a result; a filtering comparison keeps `kept`.
fn cell(op: BinaryOp, comparing: Comparing, (a, b): (f64, f64), kept: f64) -> f64 {
    if is_absent(a) || is_absent(b) {
        return ABSENT;
    }
    let value = literal(op, a, b);
    match comparing {
        Comparing::Filters if op.is_comparison() && value == 0.0 => ABSENT,
        Comparing::Filters if op.is_comparison() => kept,
        _ => value,
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

fn pairs(op: BinaryOp, comparing: Comparing, left: Matrix, right: Matrix) -> Matrix {
    let mut others: HashMap<Labels, Vec<f64>> = right
        .series
        .into_iter()
        .map(|series| (series.labels, series.cells))
        .collect();
    let series = left.series.into_iter().filter_map(|series| {
        let other = others.remove(&series.labels)?;
        let cells = series.cells.iter().zip(other);
        let cells = cells
            .map(|(&a, b)| cell(op, comparing, (a, b), a))
            .collect();
        Some(MatrixSeries {
            labels: series.labels,
            cells,
        })
    });
    Matrix {
        grid: left.grid,
        series: series.collect(),
    }
}

#[cfg(test)]
mod tests {
    use narvi_model::Timestamp;

    use super::*;
    use crate::metric::Grid;

    fn vector(values: &[(&str, f64)]) -> Operand {
        let grid = Grid::instant(Timestamp::from_seconds(1));
        let series = values.iter().map(|(app, value)| MatrixSeries {
            labels: Labels::of_stream([("app", *app)]),
            cells: vec![*value],
        });
        Operand::Vector(Matrix {
            grid,
            series: series.collect(),
        })
    }

    #[track_caller]
    fn check(op: BinaryOp, comparing: Comparing, sides: (Operand, Operand), want: &[(&str, f64)]) {
        let Operand::Vector(matrix) = binary(op, comparing, sides.0, sides.1) else {
            panic!("a number where series were expected");
        };
        let series = matrix.into_series();
        let got: Vec<_> = series
            .iter()
            .map(|s| (s.labels.get("app").unwrap_or(""), s.samples[0].value))
            .collect();
        assert_eq!(got, want);
    }

    #[test]
    fn vectors_and_numbers() {
        use BinaryOp::{Add, Divide, Greater, Less};
        use Comparing::{Answers, Filters};
        let two = || vector(&[("a", 1.0), ("b", 5.0)]);
        let scalar = Operand::Scalar;
        check(
            Add,
            Filters,
            (two(), scalar(1.0)),
            &[("a", 2.0), ("b", 6.0)],
        );
        check(
            Divide,
            Filters,
            (scalar(10.0), two()),
            &[("a", 10.0), ("b", 2.0)],
        );
        check(Greater, Filters, (two(), scalar(2.0)), &[("b", 5.0)]);
        check(Less, Filters, (scalar(2.0), two()), &[("b", 5.0)]);
        check(
            Greater,
            Answers,
            (two(), scalar(2.0)),
            &[("a", 0.0), ("b", 1.0)],
        );
        check(
            Add,
            Filters,
            (two(), vector(&[("b", 1.0), ("c", 1.0)])),
            &[("b", 6.0)],
        );
        check(
            Add,
            Filters,
            (vector(&[("", 1.0)]), vector(&[("", 1.0)])),
            &[("", 2.0)],
        );
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
