//! `and`, `or`, `unless`: which samples remain, by the samples of the other side at the same step.

use foldhash::HashMap;
use narvi_model::Labels;

use crate::metric::{ABSENT, Matrix, SeriesKey, is_absent};

/// The samples of the left side that have a match on the right.
pub(super) fn and(key: &SeriesKey, mut left: Matrix, right: &Matrix) -> Matrix {
    let there = Presence::new(key, right);
    there.keep(key, &mut left, |there| there);
    left
}

/// The samples of the left side that have no match on the right.
pub(super) fn unless(key: &SeriesKey, mut left: Matrix, right: &Matrix) -> Matrix {
    let there = Presence::new(key, right);
    there.keep(key, &mut left, |there| !there);
    left
}

/// All samples of the left side, and those of the right that have no match on the left.
pub(super) fn or(key: &SeriesKey, mut left: Matrix, mut right: Matrix) -> Matrix {
    let there = Presence::new(key, &left);
    there.keep(key, &mut right, |there| !there);
    let mut place_of: HashMap<Labels, usize> = HashMap::default();
    for (place, series) in left.series.iter().enumerate() {
        place_of.entry(series.labels.clone()).or_insert(place);
    }
    for series in right.series {
        // Series with the same labels match, so what is left of them never meets at a step.
        match place_of.get(&series.labels) {
            None => left.series.push(series),
            Some(&place) => {
                let mine = left.series[place].cells.iter_mut();
                let fill = mine.zip(series.cells).filter(|(_, cell)| !is_absent(*cell));
                fill.for_each(|(mine, cell)| *mine = cell);
            }
        }
    }
    left
}

/// For the labels that match, the steps at which a side has samples.
struct Presence(HashMap<Labels, Vec<bool>>);

impl Presence {
    fn new(key: &SeriesKey, side: &Matrix) -> Self {
        let mut there: HashMap<Labels, Vec<bool>> = HashMap::default();
        for series in &side.series {
            let there = there
                .entry(key.of(&series.labels))
                .or_insert_with(|| vec![false; side.grid.len()]);
            for (there, cell) in there.iter_mut().zip(&series.cells) {
                *there |= !is_absent(*cell);
            }
        }
        Self(there)
    }

    /// Keeps the samples for which `keep` says true of whether there is a match.
    fn keep(&self, key: &SeriesKey, side: &mut Matrix, keep: impl Fn(bool) -> bool) {
        side.series.retain_mut(|series| {
            let Some(there) = self.0.get(&key.of(&series.labels)) else {
                return keep(false);
            };
            for (cell, there) in series.cells.iter_mut().zip(there) {
                if !keep(*there) {
                    *cell = ABSENT;
                }
            }
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{matrix, operation, text};
    use super::*;

    #[test]
    fn samples_that_remain() {
        let left = || matrix(2, &[("a=1 b=1", &[1.0, 2.0]), ("a=2", &[3.0, ABSENT])]);
        let right = || matrix(2, &[("a=1 b=2", &[10.0, ABSENT]), ("a=2", &[ABSENT, 20.0])]);
        let check = |op: &str, want: &str| {
            let operation = operation(op);
            let key = &operation.matching.key;
            let result = match op.split(' ').next() {
                Some("and") => and(key, left(), &right()),
                Some("or") => or(key, left(), right()),
                _ => unless(key, left(), &right()),
            };
            assert_eq!(text(&result), want, "{op}");
        };
        check("and", " | ");
        check("and on(a)", "a=1 b=1:1 | ");
        check("and on()", "a=1 b=1:1, a=2:3 | a=1 b=1:2");
        check("unless", "a=1 b=1:1, a=2:3 | a=1 b=1:2");
        check("unless ignoring(b)", "a=2:3 | a=1 b=1:2");
        check("unless on()", " | ");
        check("or", "a=1 b=1:1, a=2:3, a=1 b=2:10 | a=1 b=1:2, a=2:20");
        check("or on(a)", "a=1 b=1:1, a=2:3 | a=1 b=1:2, a=2:20");
        check("or on()", "a=1 b=1:1, a=2:3 | a=1 b=1:2");
    }
}
