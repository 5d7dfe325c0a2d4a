//! `sum avg min max count stddev stdvar` over the series of each step (spec `logql.md` §14).

use std::collections::hash_map::Entry;

use foldhash::HashMap;
use narvi_model::Labels;

use super::{ABSENT, Matrix, MatrixSeries, SeriesKey, is_absent};

/// How the values of a group become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folding {
    /// `sum`
    Sum,
    /// `avg`
    Avg,
    /// `min`: a NaN gives way to any other value.
    Min,
    /// `max`: likewise.
    Max,
    /// `count`
    Count,
    /// `stddev`, of the whole population.
    Stddev,
    /// `stdvar`, of the whole population.
    Stdvar,
}

/// Makes one series of each group of series that `key` tells apart, in the order in which the
/// groups are first seen.
#[must_use]
pub fn aggregate(folding: Folding, key: &SeriesKey, matrix: Matrix) -> Matrix {
    let steps = matrix.grid.len();
    let mut place_of: HashMap<Labels, usize> = HashMap::default();
    let mut groups: Vec<(Labels, Group)> = Vec::new();
    for series in matrix.series {
        let labels = key.of(&series.labels);
        let place = match place_of.entry(labels) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                groups.push((entry.key().clone(), Group::new(folding, steps)));
                *entry.insert(groups.len() - 1)
            }
        };
        groups[place].1.add(folding, &series.cells);
    }
    let series = groups.into_iter().map(|(labels, group)| MatrixSeries {
        labels,
        cells: group.finish(folding),
    });
    Matrix {
        grid: matrix.grid,
        series: series.collect(),
    }
}

/// The state of one group at every step.
struct Group {
    counts: Vec<u32>,
    /// The aggregate so far; the mean where squares are kept.
    values: Vec<f64>,
    /// Squared distances from the mean; empty where nobody asks for them.
    squares: Vec<f64>,
}

impl Group {
    fn new(folding: Folding, steps: usize) -> Self {
        let keeps_squares = matches!(folding, Folding::Stddev | Folding::Stdvar);
        Self {
            counts: vec![0; steps],
            values: vec![0.0; steps],
            squares: vec![0.0; if keeps_squares { steps } else { 0 }],
        }
    }

    fn add(&mut self, folding: Folding, cells: &[f64]) {
        for (step, &value) in cells.iter().enumerate() {
            if is_absent(value) {
                continue;
            }
            self.counts[step] += 1;
            let (old, count) = (self.values[step], f64::from(self.counts[step]));
            let new = match folding {
                Folding::Count => count,
                _ if self.counts[step] == 1 => value,
                Folding::Sum => old + value,
                // An incremental mean does not overflow where the sum would.
                Folding::Avg | Folding::Stddev | Folding::Stdvar => old + (value - old) / count,
                // These answer the other side where one is NaN.
                Folding::Min => old.min(value),
                Folding::Max => old.max(value),
            };
            self.values[step] = new;
            if let Some(squares) = self.squares.get_mut(step).filter(|_| count > 1.0) {
                *squares += (value - old) * (value - new);
            }
        }
    }

    fn finish(self, folding: Folding) -> Vec<f64> {
        let value = |(step, &count): (usize, &u32)| match folding {
            _ if count == 0 => ABSENT,
            Folding::Stdvar => self.squares[step] / f64::from(count),
            Folding::Stddev => (self.squares[step] / f64::from(count)).sqrt(),
            _ => self.values[step],
        };
        self.counts.iter().enumerate().map(value).collect()
    }
}

#[cfg(test)]
mod tests {
    use narvi_model::Timestamp;

    use super::*;
    use crate::metric::Grid;

    #[track_caller]
    fn check(folding: Folding, values: &[f64], want: f64) {
        let grid = Grid::instant(Timestamp::from_seconds(1));
        let series = values.iter().enumerate().map(|(n, value)| MatrixSeries {
            labels: Labels::from_pairs([("app", "x".to_owned()), ("host", n.to_string())]),
            cells: vec![*value],
        });
        let matrix = Matrix {
            grid,
            series: series.collect(),
        };
        let result = aggregate(folding, &SeriesKey::By(vec!["app".to_owned()]), matrix);
        assert_eq!(result.series[0].labels.to_string(), r#"{app="x"}"#);
        let got = result.series[0].cells[0];
        assert!(
            got.to_bits() == want.to_bits() || (got.is_nan() && want.is_nan()),
            "{folding:?}: {got}, not {want}"
        );
    }

    #[test]
    fn every_operator() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        for (folding, of_two, with_nan, of_one) in [
            (Folding::Sum, 6.0, nan, 7.0),
            (Folding::Avg, 3.0, nan, 7.0),
            (Folding::Min, 1.0, 1.0, 7.0),
            (Folding::Max, 5.0, 5.0, 7.0),
            (Folding::Count, 2.0, 3.0, 1.0),
            (Folding::Stddev, 2.0, nan, 0.0),
            (Folding::Stdvar, 4.0, nan, 0.0),
        ] {
            check(folding, &[5.0, 1.0, ABSENT], of_two);
            check(folding, &[nan, 5.0, 1.0], with_nan);
            check(folding, &[7.0], of_one);
            check(folding, &[ABSENT], ABSENT);
        }
        check(Folding::Min, &[nan, nan], nan);
        check(Folding::Avg, &[f64::MAX, f64::MAX], f64::MAX);
        check(Folding::Sum, &[inf, -inf], nan);
    }

    #[test]
    fn groups_stand_as_first_seen() {
        let grid = Grid::instant(Timestamp::from_seconds(1));
        let series = ["c", "a", "b", "a"].map(|app| MatrixSeries {
            labels: Labels::from_pairs([("app", app)]),
            cells: vec![1.0],
        });
        let matrix = Matrix {
            grid,
            series: series.into(),
        };
        let result = aggregate(Folding::Sum, &SeriesKey::All, matrix);
        let apps = result.series.iter().map(|s| s.labels.get("app").unwrap());
        assert_eq!(apps.collect::<Vec<_>>(), ["c", "a", "b"]);
    }
}
