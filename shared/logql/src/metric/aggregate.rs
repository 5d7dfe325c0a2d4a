//! `sum avg min max count` over the series of each step (spec `logql.md` §14).

use foldhash::HashMap;
use narvi_model::Labels;

use super::{ABSENT, Matrix, MatrixSeries, SeriesKey, is_absent};
use crate::syntax::ast::VectorOp;

/// Aggregates the series of each step by `key`. Operators that are not plain aggregations leave the
/// matrix as it is; the plan lets none through.
#[must_use]
pub fn aggregate(op: VectorOp, key: &SeriesKey, matrix: Matrix) -> Matrix {
    let Some(fold) = Fold::of(op) else {
        return matrix;
    };
    let steps = matrix.grid.len();
    let mut groups: HashMap<Labels, Group> = HashMap::default();
    for series in matrix.series {
        let group = groups
            .entry(key.of(&series.labels))
            .or_insert_with(|| Group::new(steps));
        for (step, &value) in series.cells.iter().enumerate() {
            if !is_absent(value) {
                group.counts[step] += 1;
                let (old, count) = (group.values[step], group.counts[step]);
                group.values[step] = fold.add(old, value, count);
            }
        }
    }
    let series = groups.into_iter().map(|(labels, group)| {
        let cells = group.values.iter().zip(&group.counts);
        let cells = cells.map(|(&value, &count)| if count == 0 { ABSENT } else { value });
        MatrixSeries {
            labels,
            cells: cells.collect(),
        }
    });
    Matrix {
        grid: matrix.grid,
        series: series.collect(),
    }
}

struct Group {
    values: Vec<f64>,
    counts: Vec<u32>,
}

impl Group {
    fn new(steps: usize) -> Self {
        Self {
            values: vec![0.0; steps],
            counts: vec![0; steps],
        }
    }
}

#[derive(Clone, Copy)]
enum Fold {
    Sum,
    Avg,
    Min,
    Max,
    Count,
}

impl Fold {
    fn of(op: VectorOp) -> Option<Self> {
        Some(match op {
            VectorOp::Sum => Self::Sum,
            VectorOp::Avg => Self::Avg,
            VectorOp::Min => Self::Min,
            VectorOp::Max => Self::Max,
            VectorOp::Count => Self::Count,
            _ => return None,
        })
    }

    /// The aggregate after `value`, which is the `count`-th of its group.
    fn add(self, old: f64, value: f64, count: u32) -> f64 {
        match self {
            Self::Count => f64::from(count),
            _ if count == 1 => value,
            Self::Sum => old + value,
            // An incremental mean does not overflow where the sum would.
            Self::Avg => old + (value - old) / f64::from(count),
            Self::Min => {
                if old.is_nan() || value < old {
                    value
                } else {
                    old
                }
            }
            Self::Max => {
                if old.is_nan() || value > old {
                    value
                } else {
                    old
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use narvi_model::Timestamp;

    use super::*;
    use crate::metric::Grid;

    #[test]
    fn every_operator() {
        let grid = Grid::instant(Timestamp::from_seconds(1));
        let series = |host: &str, value: f64| MatrixSeries {
            labels: Labels::from_pairs([("app", "x"), ("host", host)]),
            cells: vec![value],
        };
        for (op, want) in [
            (VectorOp::Sum, 6.0),
            (VectorOp::Avg, 3.0),
            (VectorOp::Min, 1.0),
            (VectorOp::Max, 5.0),
            (VectorOp::Count, 2.0),
        ] {
            let series = vec![series("a", 5.0), series("b", 1.0), series("c", ABSENT)];
            let key = SeriesKey::By(vec!["app".to_owned()]);
            let result = aggregate(op, &key, Matrix { grid, series });
            assert_eq!(result.series[0].labels.to_string(), r#"{app="x"}"#);
            assert_eq!(result.series[0].cells, [want], "{op:?}");
        }
    }
}
