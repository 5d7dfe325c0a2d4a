//! `stddev_over_time`, `stdvar_over_time`: of the whole population.

use super::panes::{Run, Summary};

/// Mean and squared distances from it: Welford's method, and Chan's for two parts. The difference
/// of two sums of squares would lose every digit where values are large and close together.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Moments {
    pub(super) fn variance(&self) -> f64 {
        self.squares / self.count as f64
    }
}

impl Summary for Moments {
    fn of(run: &Run<'_>) -> Self {
        let mut all = Self {
            count: 0,
            mean: 0.0,
            squares: 0.0,
        };
        for value in run.values {
            all.count += 1;
            let distance = value - all.mean;
            all.mean += distance / all.count as f64;
            all.squares += distance * (value - all.mean);
        }
        all
    }

    fn merge(&mut self, later: &Self) {
        let (mine, theirs) = (self.count as f64, later.count as f64);
        let distance = later.mean - self.mean;
        self.count += later.count;
        let count = self.count as f64;
        self.mean += distance * (theirs / count);
        self.squares += later.squares + distance * distance * (mine * theirs / count);
    }
}
