//! `quantile_over_time`: which needs every value of a window.
//!
//! All values of a series are sorted once. A tree of counts over their ranks then takes values in
//! and lets them go as the window moves, and finds the one at a place, each in logarithmic time:
//! sorting each window anew would cost the range divided by the step times more.

use std::cmp::Ordering;

use super::TooManyValues;
use super::panes::{Content, Move, Pane, Run, walk};
use crate::metric::ABSENT;

/// Every value of a pane.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Values(Vec<f64>);

impl Content for Values {
    fn of(run: &Run<'_>) -> Self {
        Self(run.values.to_vec())
    }

    fn absorb(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    fn heap_cells(&self) -> usize {
        self.0.len()
    }

    fn refusal() -> TooManyValues {
        TooManyValues::Samples
    }
}

/// The quantile of each step's window.
pub(super) fn quantiles(panes: &[Pane<Values>], quantile: f64, steps: usize) -> Vec<f64> {
    let mut cells = vec![ABSENT; steps];
    let mut ranks = Ranks::new(panes.iter().flat_map(|pane| &pane.content.0));
    walk(
        panes,
        &mut ranks,
        |ranks, values, to| values.0.iter().for_each(|&value| ranks.count(value, to)),
        |ranks, step, _| cells[step] = ranks.quantile(quantile),
    );
    cells
}

/// NaN first, then as numbers go.
fn order(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) => a.total_cmp(&b),
        (a, b) => b.cmp(&a),
    }
}

/// The values of a window, by the rank that each has among all.
struct Ranks {
    /// Every distinct value, sorted.
    values: Vec<f64>,
    /// A Fenwick tree: at place `i` (from 1) the count of the `i & -i` ranks up to it.
    counts: Vec<u32>,
    len: u32,
}

impl Ranks {
    fn new<'a>(all: impl Iterator<Item = &'a f64>) -> Self {
        let mut values: Vec<f64> = all.copied().collect();
        values.sort_unstable_by(|a, b| order(*a, *b));
        values.dedup_by(|a, b| order(*a, *b).is_eq());
        Self {
            counts: vec![0; values.len() + 1],
            values,
            len: 0,
        }
    }

    fn count(&mut self, value: f64, to: Move) {
        let change = |count: u32| match to {
            Move::In => count.wrapping_add(1),
            Move::Out => count.wrapping_sub(1),
        };
        self.len = change(self.len);
        let mut place = 1 + self.values.partition_point(|v| order(*v, value).is_lt());
        while let Some(count) = self.counts.get_mut(place) {
            *count = change(*count);
            place += place & place.wrapping_neg();
        }
    }

    /// The value at a place in ascending order.
    fn at(&self, place: u32) -> f64 {
        let mut below = 0;
        let mut left = place;
        let mut stride = self
            .values
            .len()
            .checked_ilog2()
            .map_or(0, |bits| 1 << bits);
        while stride > 0 {
            if let Some(&count) = self.counts.get(below + stride)
                && count <= left
            {
                below += stride;
                left -= count;
            }
            stride /= 2;
        }
        self.values.get(below).copied().unwrap_or(f64::NAN)
    }

    fn quantile(&self, quantile: f64) -> f64 {
        if quantile < 0.0 {
            return f64::NEG_INFINITY;
        }
        if quantile > 1.0 {
            return f64::INFINITY;
        }
        let last = self.len.saturating_sub(1);
        let rank = quantile * f64::from(last);
        let weight = rank - rank.floor();
        let lower = (rank.floor() as u32).min(last);
        let upper = (lower + 1).min(last);
        // Both terms always, as in Loki: an infinite neighbour makes NaN even without weight.
        self.at(lower) * (1.0 - weight) + self.at(upper) * weight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(quantile: f64, values: &[f64], want: f64) {
        let others = [-7.0, 2.5, 1e9];
        let mut ranks = Ranks::new(values.iter().chain(&others));
        for value in others {
            ranks.count(value, Move::In);
        }
        values
            .iter()
            .for_each(|&value| ranks.count(value, Move::In));
        for value in others {
            ranks.count(value, Move::Out);
        }
        let got = ranks.quantile(quantile);
        assert!(got == want || (got.is_nan() && want.is_nan()), "{got}");
    }

    #[test]
    fn places_between_values() {
        let five = [40.0, 10.0, 50.0, 20.0, 30.0];
        check(0.0, &five, 10.0);
        check(0.5, &five, 30.0);
        check(1.0, &five, 50.0);
        check(0.25, &[1.0, 2.0, 2.0], 1.5);
        check(0.9, &[1.0, 2.0], 1.0 * (1.0 - 0.9) + 2.0 * 0.9);
        check(0.3, &[5.0], 5.0);
        check(-0.1, &five, f64::NEG_INFINITY);
        check(1.5, &five, f64::INFINITY);
        check(0.0, &[1.0, f64::NAN], f64::NAN);
        check(1.0, &[1.0, f64::NAN], 1.0);
        check(1.0, &[1.0, f64::INFINITY], f64::NAN);
    }

    #[test]
    fn agrees_with_sorting() {
        let values: Vec<f64> = (0..97).map(|i| f64::from(i * 37 % 50)).collect();
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let mut ranks = Ranks::new(values.iter());
        values
            .iter()
            .for_each(|&value| ranks.count(value, Move::In));
        for (place, value) in sorted.iter().enumerate() {
            assert_eq!(ranks.at(place as u32), *value);
        }
    }
}
