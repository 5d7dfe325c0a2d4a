//! `first_over_time`, `last_over_time`.

use super::SampleOrder;
use super::panes::{Run, Summary};

/// A sample with its place among all others.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Placed {
    at: (i64, SampleOrder),
    value: f64,
}

/// The earliest sample.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct First(Placed);

/// The latest sample.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Last(Placed);

impl First {
    pub(super) fn value(&self) -> f64 {
        self.0.value
    }
}

impl Summary for First {
    fn of(run: &Run<'_>) -> Self {
        Self(Placed {
            at: (run.times[0], run.order),
            value: run.values[0],
        })
    }

    fn merge(&mut self, later: &Self) {
        if later.0.at < self.0.at {
            *self = later.clone();
        }
    }
}

impl Last {
    pub(super) fn value(&self) -> f64 {
        self.0.value
    }
}

impl Summary for Last {
    fn of(run: &Run<'_>) -> Self {
        let last = run.times.len() - 1;
        Self(Placed {
            at: (run.times[last], run.order),
            value: run.values[last],
        })
    }

    fn merge(&mut self, later: &Self) {
        if later.0.at >= self.0.at {
            *self = later.clone();
        }
    }
}
