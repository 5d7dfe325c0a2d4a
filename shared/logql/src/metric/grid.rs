//! [`Grid`]: the steps of a query; [`Window`]: which of them a line counts for.

use std::ops::Range;

use narvi_model::{TimeRange, Timestamp};

use crate::limits::MAX_CELLS;

/// The instants at which a query is evaluated, evenly spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Grid {
    first: i64,
    step: i64,
    len: u32,
}

impl Grid {
    /// One instant.
    #[must_use]
    pub const fn instant(time: Timestamp) -> Self {
        Self {
            first: time.nanos(),
            step: 1,
            len: 1,
        }
    }

    /// `start`, `start + step`, … up to `end`, which is included; `step` is in nanoseconds.
    ///
    /// `None` where `end` is before `start`, the step is not positive or a single series would
    /// have more cells than a query may fill.
    #[must_use]
    pub fn range(start: Timestamp, end: Timestamp, step: i64) -> Option<Self> {
        if step <= 0 || end < start {
            return None;
        }
        let len = u32::try_from(end.since(start) / step).ok()?;
        let len = len
            .checked_add(1)
            .filter(|&len| len as usize <= MAX_CELLS)?;
        Some(Self {
            first: start.nanos(),
            step,
            len,
        })
    }

    /// Number of steps; at least 1.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len as usize
    }

    /// Never: there is at least one step.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// The time of a step.
    #[must_use]
    pub const fn time(&self, step: usize) -> Timestamp {
        Timestamp::from_nanos(
            self.first
                .saturating_add(self.step.saturating_mul(step as i64)),
        )
    }

    /// The windows of this grid that are `range` long and lie `offset` back, both nanoseconds.
    #[must_use]
    pub const fn window(self, range: i64, offset: i64) -> Window {
        Window {
            grid: self,
            range,
            offset,
        }
    }
}

/// At each step `t` the times in `(t - offset - range, t - offset]` (spec `logql.md` §13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Window {
    grid: Grid,
    range: i64,
    offset: i64,
}

impl Window {
    /// The steps.
    #[must_use]
    pub const fn grid(&self) -> Grid {
        self.grid
    }

    /// Length in seconds, which rates divide by.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.range as f64 / 1e9
    }

    /// Whether there are times between the windows that none holds.
    #[must_use]
    pub const fn has_gaps(&self) -> bool {
        self.range < self.grid.step && self.grid.len > 1
    }

    /// Every time that any window holds; `None` where the windows are empty.
    #[must_use]
    pub fn times(&self) -> Option<TimeRange> {
        let last = self.grid.time(self.grid.len() - 1).minus(self.offset);
        let first = self.grid.time(0).minus(self.offset).minus(self.range);
        TimeRange::new(first.plus(1), last.plus(1)).filter(|_| self.range > 0)
    }

    /// The steps whose windows hold `time`.
    #[must_use]
    pub fn steps(&self, time: i64) -> Range<usize> {
        // A time counts for the steps in [time + offset, time + offset + range).
        let from = self.step_at(i128::from(time) + i128::from(self.offset));
        let to = self
            .step_at(i128::from(time) + i128::from(self.offset) + i128::from(self.range.max(0)));
        from..to
    }

    /// The first step at or after `time`.
    fn step_at(&self, time: i128) -> usize {
        let ahead = time - i128::from(self.grid.first);
        if ahead <= 0 {
            return 0;
        }
        // In 64 bits where that is enough, which it is but at the ends of time: 128-bit division
        // is slow, and this runs for every change of window.
        let step = match i64::try_from(ahead) {
            Ok(ahead) => {
                let whole = ahead / self.grid.step;
                whole + i64::from(ahead % self.grid.step != 0)
            }
            Err(_) => i64::MAX,
        };
        usize::try_from(step)
            .unwrap_or(usize::MAX)
            .min(self.grid.len())
    }

    /// The first time after `time` whose steps differ from those of `time`; `None` where none does.
    fn change_after(&self, time: i64) -> Option<i64> {
        let steps = self.steps(time);
        let len = self.grid.len();
        let at = |step: usize, back: i64| {
            (step < len).then(|| self.grid.time(step).nanos().saturating_sub(back))
        };
        let leaves = at(steps.start, self.offset);
        let enters = at(steps.end, self.offset.saturating_add(self.range));
        // The last time that still counts for `step` is the bound itself.
        leaves.into_iter().chain(enters).min()?.checked_add(1)
    }

    /// Cuts ascending times into runs that count for the same steps; runs that count for none are
    /// left out. Each run: places in `times`, steps.
    pub fn runs<'a>(
        &'a self,
        times: &'a [i64],
    ) -> impl Iterator<Item = (Range<usize>, Range<usize>)> + 'a {
        let mut at = 0;
        let all = std::iter::from_fn(move || {
            let first = *times.get(at)?;
            let len = match self.change_after(first) {
                Some(bound) => run_length(&times[at..], bound),
                None => times.len() - at,
            };
            let run = at..at + len;
            at = run.end;
            Some((run, self.steps(first)))
        });
        all.filter(|(_, steps)| !steps.is_empty())
    }
}

/// How many of the ascending `times` are before `bound`: at least one; gallops.
fn run_length(times: &[i64], bound: i64) -> usize {
    let mut reach = 1;
    while reach < times.len() && times[reach] < bound {
        reach *= 2;
    }
    let known = reach / 2;
    let end = reach.min(times.len());
    (known + times[known..end].partition_point(|&time| time < bound)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(first: i64, step: i64, len: u32, range: i64, offset: i64) -> Window {
        Grid { first, step, len }.window(range, offset)
    }

    #[test]
    fn windows_are_open_at_the_start_and_closed_at_the_end() {
        let w = window(100, 10, 4, 20, 0);
        assert_eq!(w.steps(80), 0..0);
        assert_eq!(w.steps(81), 0..1);
        assert_eq!(w.steps(100), 0..2);
        assert_eq!(w.steps(101), 1..3);
        assert_eq!(w.steps(130), 3..4);
        assert_eq!(w.steps(131), 4..4);
        let times = w.times().unwrap();
        assert_eq!((times.start().nanos(), times.end().nanos()), (81, 131));
        assert_eq!(window(100, 10, 4, 20, 5).steps(95), 0..2);
        assert_eq!(window(100, 10, 4, 0, 0).times(), None);
    }

    #[test]
    fn runs_agree_with_single_times() {
        for w in [
            window(100, 10, 4, 20, 0),
            window(100, 10, 4, 5, 3),
            window(0, 7, 9, 23, -4),
            window(100, 1, 1, 60, 0),
        ] {
            let times: Vec<i64> = (60..160).flat_map(|t| [t, t]).collect();
            let mut counts = vec![0; w.grid().len()];
            for (run, steps) in w.runs(&times) {
                steps.for_each(|step| counts[step] += run.len());
            }
            let mut want = vec![0; w.grid().len()];
            for time in &times {
                w.steps(*time).for_each(|step| want[step] += 1);
            }
            assert_eq!(counts, want, "{w:?}");
        }
    }

    #[test]
    fn ends_of_time() {
        let w = window(i64::MAX - 5, 1, 3, 1000, 0);
        assert_eq!(w.steps(i64::MAX), 3..3);
        assert_eq!(window(0, 1, 1, i64::MAX, 0).steps(i64::MIN), 0..0);
        assert_eq!(window(i64::MIN, i64::MAX, 3, 10, 0).steps(i64::MIN), 0..1);
    }
}
