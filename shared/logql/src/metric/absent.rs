//! `absent_over_time`: a sample where there is none (spec `logql.md` §13).

use foldhash::HashMap;
use narvi_model::{Labels, MatchOp, Matcher};

use super::{ABSENT, Matrix, MatrixSeries, is_absent};

/// One series that is 1 at every step where no series of `matrix` has a sample.
#[must_use]
pub fn absent(labels: &Labels, matrix: &Matrix) -> Matrix {
    let mut cells = vec![1.0; matrix.grid.len()];
    for series in &matrix.series {
        for (cell, found) in cells.iter_mut().zip(&series.cells) {
            if !is_absent(*found) {
                *cell = ABSENT;
            }
        }
    }
    Matrix {
        grid: matrix.grid,
        series: vec![MatrixSeries {
            labels: labels.clone(),
            cells,
        }],
    }
}

/// The labels that lines of a selector would surely have: those of its `=` matchers, but of names
/// that it asks more about.
#[must_use]
pub fn labels_of(matchers: &[Matcher]) -> Labels {
    let mut times: HashMap<&str, usize> = HashMap::default();
    for matcher in matchers {
        *times.entry(matcher.name()).or_default() += 1;
    }
    let sure = matchers
        .iter()
        .filter(|matcher| matcher.op() == MatchOp::Equal && times.get(matcher.name()) == Some(&1));
    Labels::of_stream(sure.map(|matcher| (matcher.name(), matcher.value())))
}

#[cfg(test)]
mod tests {
    use narvi_model::Timestamp;

    use super::*;
    use crate::metric::Grid;

    #[test]
    fn one_where_nothing_is() {
        let grid = Grid::range(Timestamp::from_nanos(1), Timestamp::from_nanos(3), 1).unwrap();
        let series = |cells: [f64; 3]| MatrixSeries {
            labels: Labels::empty(),
            cells: cells.to_vec(),
        };
        let check = |series: Vec<MatrixSeries>, want: [bool; 3]| {
            let labels = Labels::from_pairs([("job", "x")]);
            let result = absent(&labels, &Matrix { grid, series });
            let cells = result.series[0].cells.iter();
            assert_eq!(cells.map(|cell| *cell == 1.0).collect::<Vec<_>>(), want);
            assert_eq!(result.series[0].labels, labels);
        };
        check(Vec::new(), [true; 3]);
        check(vec![series([ABSENT, 0.0, ABSENT])], [true, false, true]);
        let two = vec![
            series([1.0, ABSENT, ABSENT]),
            series([ABSENT, ABSENT, f64::NAN]),
        ];
        check(two, [false, true, false]);
    }

    #[test]
    fn labels_are_those_of_equality() {
        let check = |matchers: &[(&str, MatchOp, &str)], want: &str| {
            let matchers = matchers
                .iter()
                .map(|(name, op, value)| Matcher::new(name, *op, value));
            let matchers: Vec<_> = matchers.map(Result::unwrap).collect();
            assert_eq!(labels_of(&matchers).to_string(), want);
        };
        use MatchOp::{Equal, NotEqual, Regex};
        check(&[("b", Equal, "2"), ("a", Equal, "1")], r#"{a="1", b="2"}"#);
        check(&[("a", Equal, "1"), ("b", Regex, "x|y")], r#"{a="1"}"#);
        check(&[("a", Equal, "1"), ("a", NotEqual, "2")], "{}");
        check(
            &[("a", Equal, "1"), ("a", Equal, "1"), ("b", Equal, "")],
            "{}",
        );
    }
}
