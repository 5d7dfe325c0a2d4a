//! `rate_counter`: the increase of a value that only grows, and starts again from time to time.
//!
//! Whether a counter started again shows only between neighbours in time, and the neighbours of a
//! sample may be in another part of the scan, so panes keep their samples until the end.

use super::panes::{Content, Pane, Run, Summary};
use super::{SampleOrder, TooManyValues};

/// One sample with its place among all others.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
struct Placed {
    time: i64,
    order: SampleOrder,
    value: f64,
}

/// Every sample of a pane; those of one run in their order.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Counted(Vec<Placed>);

impl Content for Counted {
    fn of(run: &Run<'_>) -> Self {
        let samples = run.times.iter().zip(run.values);
        let placed = samples.map(|(&time, &value)| Placed {
            time,
            order: run.order,
            value,
        });
        Self(placed.collect())
    }

    fn absorb(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    fn heap_cells(&self) -> usize {
        self.0.len() * (size_of::<Placed>() / size_of::<f64>())
    }

    fn refusal() -> TooManyValues {
        TooManyValues::Samples
    }
}

impl Counted {
    /// The panes in a form that windows are put together from.
    pub(super) fn climbs(panes: Vec<Pane<Self>>) -> Vec<Pane<Climb>> {
        panes.into_iter().map(|pane| pane.map(Climb::new)).collect()
    }
}

/// How a counter went over samples that are neighbours in time.
#[derive(Clone, Debug)]
pub(super) struct Climb {
    first: Placed,
    last: Placed,
    count: u64,
    /// Sum of the values before each new start.
    lost: f64,
}

impl Climb {
    fn new(Counted(mut samples): Counted) -> Self {
        // Stable, so that rows of one run at one time stay as they came.
        samples.sort_by_key(|sample| (sample.time, sample.order));
        let starts = samples
            .windows(2)
            .filter(|pair| pair[1].value < pair[0].value);
        Self {
            first: samples[0],
            last: samples[samples.len() - 1],
            count: samples.len() as u64,
            lost: starts.map(|pair| pair[0].value).sum(),
        }
    }

    /// The increase a second over a window of `seconds`.
    ///
    /// Loki stretches the increase to the whole window as Prometheus does, but takes nanoseconds
    /// for milliseconds, so that the stretch is tiny; answers are the same to the last digits
    /// only with the same mistake (spec `logql.md` §13).
    pub(super) fn rate(&self, seconds: f64) -> f64 {
        if self.count < 2 {
            return 0.0;
        }
        let increase = self.last.value - self.first.value + self.lost;
        let sampled = self.last.time.saturating_sub(self.first.time) as f64 / 1000.0;
        let gap = sampled / (self.count - 1) as f64;
        let mut ahead = seconds;
        if increase > 0.0 && self.first.value >= 0.0 {
            ahead = ahead.min(sampled * (self.first.value / increase));
        }
        let stretch = if ahead < gap * 1.1 { ahead } else { gap / 2.0 };
        increase * ((sampled + stretch) / sampled) / seconds
    }
}

impl Summary for Climb {
    fn of(run: &Run<'_>) -> Self {
        Self::new(Counted::of(run))
    }

    fn merge(&mut self, later: &Self) {
        if later.first.value < self.last.value {
            self.lost += self.last.value;
        }
        self.lost += later.lost;
        self.last = later.last;
        self.count += later.count;
    }
}
