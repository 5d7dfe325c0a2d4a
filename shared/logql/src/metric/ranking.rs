//! `topk bottomk sort sort_desc`: which series come first (spec `logql.md` §14).
//!
//! A NaN comes last in any ranking. Which of equal values remain is settled as a binary heap of the
//! values kept so far settles it, fed in the order of labels: so answers are the same from run to
//! run, and the same as recorded ones.

use std::cmp::Ordering;

use foldhash::HashMap;
use narvi_model::Labels;

use super::{ABSENT, Matrix, SeriesKey, is_absent};

/// Which values come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ranking {
    /// Small ones: `bottomk`, `sort`.
    Ascending,
    /// Large ones: `topk`, `sort_desc`.
    Descending,
}

impl Ranking {
    fn compare(self, a: f64, b: f64) -> Ordering {
        let by_value = match self {
            Self::Ascending => a.partial_cmp(&b),
            Self::Descending => b.partial_cmp(&a),
        };
        by_value.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
    }
}

/// Keeps the first `count` samples of each group at each step, with the labels of their series.
///
/// At a single step the series of a group come out ranked.
#[must_use]
pub fn first(ranking: Ranking, count: usize, key: &SeriesKey, mut matrix: Matrix) -> Matrix {
    let mut place_of: HashMap<Labels, usize> = HashMap::default();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (place, series) in matrix.series.iter().enumerate() {
        let group = *place_of
            .entry(key.of(&series.labels))
            .or_insert(groups.len());
        match groups.get_mut(group) {
            Some(group) => group.push(place),
            None => groups.push(vec![place]),
        }
    }
    for step in 0..matrix.grid.len() {
        for group in &groups {
            cut(ranking, count, &mut matrix, (group, step));
        }
    }
    if matrix.grid.len() == 1 {
        let order = groups.into_iter().flat_map(|mut group| {
            rank(ranking, &matrix, &mut group);
            group
        });
        reorder(order.collect(), &mut matrix);
    }
    drop_empty(&mut matrix);
    matrix
}

/// Ranks the series of a single step; over several there is nothing to rank them by.
#[must_use]
pub fn sort(ranking: Ranking, mut matrix: Matrix) -> Matrix {
    drop_empty(&mut matrix);
    if matrix.grid.len() == 1 {
        let mut order: Vec<usize> = (0..matrix.series.len()).collect();
        rank(ranking, &matrix, &mut order);
        reorder(order, &mut matrix);
    }
    matrix
}

/// Takes the samples of a step away from all but the first `count` series of a group.
fn cut(ranking: Ranking, count: usize, matrix: &mut Matrix, (group, step): (&[usize], usize)) {
    let value = |place: usize| matrix.series[place].cells[step];
    let mut present: Vec<(f64, usize)> = group
        .iter()
        .map(|&place| (value(place), place))
        .filter(|(value, _)| !is_absent(*value))
        .collect();
    if present.len() <= count {
        return;
    }
    let mut kept = Kept {
        ranking,
        heap: Vec::with_capacity(count),
    };
    for (value, place) in present.drain(..) {
        let dropped = match kept.heap.first() {
            Some(worst) if kept.heap.len() == count => {
                if !kept.is_worse(worst.0, value) {
                    Some(place)
                } else {
                    kept.pop()
                }
            }
            _ if count == 0 => Some(place),
            _ => None,
        };
        if dropped != Some(place) {
            kept.push((value, place));
        }
        if let Some(place) = dropped {
            matrix.series[place].cells[step] = ABSENT;
        }
    }
}

/// The values kept so far: a binary heap with the worst at its root.
struct Kept {
    ranking: Ranking,
    heap: Vec<(f64, usize)>,
}

impl Kept {
    fn is_worse(&self, a: f64, b: f64) -> bool {
        a.is_nan() || self.ranking.compare(a, b) == Ordering::Greater
    }

    fn worse_at(&self, a: usize, b: usize) -> bool {
        self.is_worse(self.heap[a].0, self.heap[b].0)
    }

    fn push(&mut self, value: (f64, usize)) {
        self.heap.push(value);
        let mut at = self.heap.len() - 1;
        while at > 0 && self.worse_at(at, (at - 1) / 2) {
            self.heap.swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
    }

    /// Takes the worst out: the last takes its place and sinks.
    fn pop(&mut self) -> Option<usize> {
        let last = self.heap.len().checked_sub(1)?;
        self.heap.swap(0, last);
        let worst = self.heap.pop();
        let mut at = 0;
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            if left >= last {
                break;
            }
            let child = if right < last && self.worse_at(right, left) {
                right
            } else {
                left
            };
            if !self.worse_at(child, at) {
                break;
            }
            self.heap.swap(at, child);
            at = child;
        }
        worst.map(|(_, place)| place)
    }
}

/// Sorts places of series by their values at the first step; stable.
fn rank(ranking: Ranking, matrix: &Matrix, places: &mut [usize]) {
    let value = |place: usize| matrix.series[place].cells[0];
    places.sort_by(|a, b| ranking.compare(value(*a), value(*b)));
}

/// Puts the series at these places, each named once, in their order.
fn reorder(places: Vec<usize>, matrix: &mut Matrix) {
    let mut series: Vec<_> = std::mem::take(&mut matrix.series)
        .into_iter()
        .map(Some)
        .collect();
    let in_order = places.into_iter().filter_map(|place| series[place].take());
    matrix.series = in_order.collect();
}

fn drop_empty(matrix: &mut Matrix) {
    let is_empty = |cells: &[f64]| cells.iter().all(|cell| is_absent(*cell));
    matrix.series.retain(|series| !is_empty(&series.cells));
}

#[cfg(test)]
mod tests {
    use narvi_model::Timestamp;

    use super::*;
    use crate::metric::{Grid, MatrixSeries};

    /// Series named `a0`, `a1`, `b0` by group and place; each with its values at the steps.
    fn matrix(rows: &[(&str, &[f64])]) -> Matrix {
        let end = rows[0].1.len() as i64;
        let grid = Grid::range(Timestamp::from_nanos(1), Timestamp::from_nanos(end), 1);
        let series = rows.iter().map(|(name, cells)| MatrixSeries {
            labels: Labels::from_pairs([("group", &name[..1]), ("name", name)]),
            cells: cells.to_vec(),
        });
        Matrix {
            grid: grid.unwrap(),
            series: series.collect(),
        }
    }

    fn names(matrix: &Matrix, step: usize) -> String {
        let present = matrix.series.iter().filter(|s| !is_absent(s.cells[step]));
        let names: Vec<_> = present.filter_map(|s| s.labels.get("name")).collect();
        names.join(" ")
    }

    #[test]
    fn first_of_each_group() {
        let nan = f64::NAN;
        let rows: [(&str, &[f64]); 6] = [
            ("a0", &[1.0]),
            ("a1", &[nan]),
            ("a2", &[3.0]),
            ("a3", &[3.0]),
            ("b0", &[2.0]),
            ("b1", &[ABSENT]),
        ];
        let check = |ranking, count, by: &[&str], want: &str| {
            let key = SeriesKey::By(by.iter().map(|name| (*name).to_owned()).collect());
            assert_eq!(names(&first(ranking, count, &key, matrix(&rows)), 0), want);
        };
        use Ranking::{Ascending, Descending};
        check(Descending, 1, &[], "a2");
        check(Descending, 2, &[], "a2 a3");
        check(Descending, 3, &[], "a2 a3 b0");
        check(Descending, 9, &[], "a2 a3 b0 a0 a1");
        check(Descending, 2, &["group"], "a2 a3 b0");
        check(Ascending, 1, &[], "a0");
        check(Ascending, 9, &[], "a0 b0 a2 a3 a1");
        check(Ascending, 3, &["group"], "a0 a2 a3 b0");
    }

    #[test]
    fn each_step_has_its_own_first() {
        let rows: [(&str, &[f64]); 3] = [
            ("a0", &[1.0, 2.0, ABSENT]),
            ("a1", &[2.0, 1.0, 5.0]),
            ("a2", &[0.0, 0.0, 4.0]),
        ];
        let key = SeriesKey::By(Vec::new());
        let result = first(Ranking::Descending, 1, &key, matrix(&rows));
        assert_eq!(
            [0, 1, 2].map(|step| names(&result, step)),
            ["a1", "a0", "a1"]
        );
        assert_eq!(result.series.len(), 2, "a2 is never first");
    }

    #[test]
    fn sorting() {
        let nan = f64::NAN;
        let rows: [(&str, &[f64]); 5] = [
            ("a0", &[nan]),
            ("a1", &[2.0]),
            ("a2", &[ABSENT]),
            ("a3", &[1.0]),
            ("a4", &[2.0]),
        ];
        let check = |ranking, want: &str| assert_eq!(names(&sort(ranking, matrix(&rows)), 0), want);
        check(Ranking::Ascending, "a3 a1 a4 a0");
        check(Ranking::Descending, "a1 a4 a3 a0");
    }
}
