//! `sum_over_time`, `rate` of values, `avg_over_time`.

use super::panes::{Run, Summary};

/// The sum of values.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Sum(pub(super) f64);

impl Summary for Sum {
    fn of(run: &Run<'_>) -> Self {
        // From 0, which the sum of nothing is not: that is -0.
        Self(run.values.iter().fold(0.0, |sum, value| sum + value))
    }

    fn merge(&mut self, later: &Self) {
        self.0 += later.0;
    }
}

/// The mean of values, kept so that it does not overflow where their sum would.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Mean {
    count: u64,
    pub(super) mean: f64,
}

impl Summary for Mean {
    fn of(run: &Run<'_>) -> Self {
        let mut all = Self {
            count: 0,
            mean: 0.0,
        };
        for &value in run.values {
            all.count += 1;
            // What is infinite stays so, until a NaN or the other infinity comes.
            if all.mean.is_infinite() && (value.is_finite() || value == all.mean) {
                continue;
            }
            let count = all.count as f64;
            all.mean += value / count - all.mean / count;
        }
        all
    }

    fn merge(&mut self, later: &Self) {
        let count = self.count + later.count;
        if self.mean != later.mean {
            let weight = |part: u64| part as f64 / count as f64;
            self.mean = self.mean * weight(self.count) + later.mean * weight(later.count);
        }
        self.count = count;
    }
}
