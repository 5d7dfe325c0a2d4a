//! `min_over_time`, `max_over_time`: a NaN gives way to any other value.

use super::panes::{Run, Summary};

/// The smallest value.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Min(pub(super) f64);

impl Summary for Min {
    fn of(run: &Run<'_>) -> Self {
        // `f64::min` answers the other side where one is NaN.
        Self(run.values.iter().copied().fold(f64::NAN, f64::min))
    }

    fn merge(&mut self, later: &Self) {
        self.0 = self.0.min(later.0);
    }
}

/// The largest value.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Max(pub(super) f64);

impl Summary for Max {
    fn of(run: &Run<'_>) -> Self {
        Self(run.values.iter().copied().fold(f64::NAN, f64::max))
    }

    fn merge(&mut self, later: &Self) {
        self.0 = self.0.max(later.0);
    }
}
