//! Range functions over values: the numbers that `unwrap` takes out of lines.
//!
//! [`Sampling`] says which function, [`SamplePartial`] takes samples, merges with others of the
//! same scan in any order, and ends as a matrix. Inside, each series is a row of [`panes`]; what a
//! pane keeps is a file for each family: [`mean`], [`extreme`], [`deviation`], [`ends`], and where
//! only the samples themselves will do, [`quantile`] and [`counter`]. Where the numbers come from
//! is not known here.

mod counter;
mod deviation;
mod ends;
mod extreme;
mod mean;
mod panes;
mod quantile;

use foldhash::HashMap;
use narvi_model::Labels;

use super::room::label_cells;
use super::{ABSENT, Matrix, MatrixSeries, PartialError, TooManySeries, Window};
use crate::limits::MAX_CELLS;
use crate::running::{Running, Share};
use counter::Counted;
use deviation::Moments;
use ends::{First, Last};
use extreme::{Max, Min};
use mean::{Mean, Sum};
use panes::{Content, Pane, Panes, Run, Summary, slide};
use quantile::{Values, quantiles};

/// A function over the values in a window (spec `logql.md` §13).
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Sampling {
    /// `rate` of unwrapped values: their sum a second.
    Rate,
    /// `rate_counter`
    RateCounter,
    /// `sum_over_time`
    Sum,
    /// `avg_over_time`
    Avg,
    /// `min_over_time`
    Min,
    /// `max_over_time`
    Max,
    /// `stddev_over_time`
    Stddev,
    /// `stdvar_over_time`
    Stdvar,
    /// `quantile_over_time`, with the quantile.
    Quantile(f64),
    /// `first_over_time`
    First,
    /// `last_over_time`
    Last,
}

/// What settles which of several samples at one time is first and which is last.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct SampleOrder {
    /// The hash of the stream.
    pub stream: u64,
    /// Where the chunk stands in the order of arrival.
    pub arrival: u64,
}

/// A query over more values than memory allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooManyValues {
    /// Too many series, or too many steps for them.
    #[error(transparent)]
    Series(#[from] TooManySeries),
    /// Too many samples for a function that needs all of them.
    #[error(
        "the query would hold more than {MAX_CELLS} values in memory, since quantile_over_time \
         and rate_counter need every sample; narrow the stream selector or the time range, or add \
         filters"
    )]
    Samples,
}

/// What part of a scan yielded; merges with other parts in any order.
#[derive(Debug)]
pub struct SamplePartial {
    function: Sampling,
    window: Window,
    store: Store,
    share: Share,
}

/// The series, with what their panes keep.
#[derive(Debug)]
enum Store {
    Sum(Table<Sum>),
    Mean(Table<Mean>),
    Min(Table<Min>),
    Max(Table<Max>),
    Moments(Table<Moments>),
    First(Table<First>),
    Last(Table<Last>),
    Values(Table<Values>),
    Counted(Table<Counted>),
}

impl SamplePartial {
    /// No samples yet.
    #[must_use]
    pub fn new(function: Sampling, window: Window, running: &Running) -> Self {
        let store = match function {
            Sampling::Rate | Sampling::Sum => Store::Sum(Table::default()),
            Sampling::Avg => Store::Mean(Table::default()),
            Sampling::Min => Store::Min(Table::default()),
            Sampling::Max => Store::Max(Table::default()),
            Sampling::Stddev | Sampling::Stdvar => Store::Moments(Table::default()),
            Sampling::First => Store::First(Table::default()),
            Sampling::Last => Store::Last(Table::default()),
            Sampling::Quantile(_) => Store::Values(Table::default()),
            Sampling::RateCounter => Store::Counted(Table::default()),
        };
        Self {
            function,
            window,
            store,
            share: Share::new(running),
        }
    }

    /// Adds samples of one series: `times` in nanoseconds, ascending, and the value at each.
    ///
    /// # Errors
    /// Where that takes more memory than allowed.
    pub fn add(
        &mut self,
        labels: &Labels,
        order: SampleOrder,
        times: &[i64],
        values: &[f64],
    ) -> Result<(), PartialError> {
        let run = Run {
            order,
            times,
            values,
        };
        let (window, share) = (&self.window, &mut self.share);
        match &mut self.store {
            Store::Sum(table) => table.add(labels, window, &run, share),
            Store::Mean(table) => table.add(labels, window, &run, share),
            Store::Min(table) => table.add(labels, window, &run, share),
            Store::Max(table) => table.add(labels, window, &run, share),
            Store::Moments(table) => table.add(labels, window, &run, share),
            Store::First(table) => table.add(labels, window, &run, share),
            Store::Last(table) => table.add(labels, window, &run, share),
            Store::Values(table) => table.add(labels, window, &run, share),
            Store::Counted(table) => table.add(labels, window, &run, share),
        }
    }

    /// Adds what another part of the same scan found.
    ///
    /// # Errors
    /// As [`SamplePartial::add`].
    pub fn merge(&mut self, mut other: Self) -> Result<(), PartialError> {
        self.share.absorb(&mut other.share);
        let (window, share) = (&self.window, &mut self.share);
        match (&mut self.store, other.store) {
            (Store::Sum(mine), Store::Sum(other)) => mine.merge(other, window, share),
            (Store::Mean(mine), Store::Mean(other)) => mine.merge(other, window, share),
            (Store::Min(mine), Store::Min(other)) => mine.merge(other, window, share),
            (Store::Max(mine), Store::Max(other)) => mine.merge(other, window, share),
            (Store::Moments(mine), Store::Moments(other)) => mine.merge(other, window, share),
            (Store::First(mine), Store::First(other)) => mine.merge(other, window, share),
            (Store::Last(mine), Store::Last(other)) => mine.merge(other, window, share),
            (Store::Values(mine), Store::Values(other)) => mine.merge(other, window, share),
            (Store::Counted(mine), Store::Counted(other)) => mine.merge(other, window, share),
            // Parts of one scan have one function.
            _ => Ok(()),
        }
    }

    /// Whether more than `most` series have a sample in any window.
    pub(super) fn exceeds(&self, most: usize) -> bool {
        let series = match &self.store {
            Store::Sum(table) => table.series.len(),
            Store::Mean(table) => table.series.len(),
            Store::Min(table) => table.series.len(),
            Store::Max(table) => table.series.len(),
            Store::Moments(table) => table.series.len(),
            Store::First(table) => table.series.len(),
            Store::Last(table) => table.series.len(),
            Store::Values(table) => table.series.len(),
            Store::Counted(table) => table.series.len(),
        };
        series > most
    }

    /// The values of every step that has a sample in its window.
    #[must_use]
    pub fn finish(self) -> Matrix {
        let seconds = self.window.seconds();
        let end = (self.window, self.share.running());
        match (self.store, self.function) {
            (Store::Sum(table), Sampling::Rate) => table.finish(end, |sum| sum.0 / seconds),
            (Store::Sum(table), _) => table.finish(end, |sum| sum.0),
            (Store::Mean(table), _) => table.finish(end, |mean| mean.mean),
            (Store::Min(table), _) => table.finish(end, |min| min.0),
            (Store::Max(table), _) => table.finish(end, |max| max.0),
            (Store::Moments(table), Sampling::Stddev) => {
                table.finish(end, |moments| moments.variance().sqrt())
            }
            (Store::Moments(table), _) => table.finish(end, Moments::variance),
            (Store::First(table), _) => table.finish(end, First::value),
            (Store::Last(table), _) => table.finish(end, Last::value),
            (Store::Values(table), function) => {
                let quantile = match function {
                    Sampling::Quantile(quantile) => quantile,
                    _ => f64::NAN,
                };
                table.matrix(end, |panes, steps| quantiles(&panes, quantile, steps))
            }
            (Store::Counted(table), _) => table.matrix(end, |panes, steps| {
                cells(&Counted::climbs(panes), steps, |climb| climb.rate(seconds))
            }),
        }
    }
}

/// The series of one function.
#[derive(Debug)]
struct Table<C> {
    series: HashMap<Labels, Panes<C>>,
    /// What the panes of all series take, in cells of 8 bytes.
    cells: usize,
    /// What their labels take, in the same.
    label_cells: usize,
}

impl<C> Default for Table<C> {
    fn default() -> Self {
        Self {
            series: HashMap::default(),
            cells: 0,
            label_cells: 0,
        }
    }
}

impl<C: Content> Table<C> {
    fn add(
        &mut self,
        labels: &Labels,
        window: &Window,
        run: &Run<'_>,
        share: &mut Share,
    ) -> Result<(), PartialError> {
        if let Some(panes) = self.series.get_mut(labels) {
            self.cells += panes.add(window, run);
        } else {
            let mut panes = Panes::default();
            self.cells += panes.add(window, run);
            if !panes.is_empty() {
                self.label_cells += label_cells(labels);
                self.series.insert(labels.clone(), panes);
            }
        }
        self.check(window, share)
    }

    fn merge(
        &mut self,
        other: Self,
        window: &Window,
        share: &mut Share,
    ) -> Result<(), PartialError> {
        for (labels, panes) in other.series {
            if !self.series.contains_key(&labels) {
                self.label_cells += label_cells(&labels);
            }
            self.cells += self.series.entry(labels).or_default().merge(panes);
            self.check(window, share)?;
        }
        share.settle(self.bytes());
        Ok(())
    }

    /// Memory of panes and labels.
    fn bytes(&self) -> usize {
        (self.cells + self.label_cells) * size_of::<f64>()
    }

    /// Refuses what is too much: panes now, alone and beside those of other parts, or cells of the
    /// matrix that they end as.
    fn check(&self, window: &Window, share: &mut Share) -> Result<(), PartialError> {
        if self.cells > MAX_CELLS {
            return Err(C::refusal().into());
        }
        let cells = self.series.len().saturating_mul(window.grid().len());
        if cells.saturating_add(self.label_cells) > MAX_CELLS {
            return Err(TooManySeries.into());
        }
        Ok(share.hold(self.bytes())?)
    }

    /// Computes the cells of each series from its panes and the number of steps.
    fn matrix(
        self,
        (window, running): (Window, &Running),
        mut cells: impl FnMut(Vec<Pane<C>>, usize) -> Vec<f64>,
    ) -> Matrix {
        let grid = window.grid();
        // Of a query that was stopped nobody sees what is missing.
        let series = self.series.into_iter();
        let series = series.take_while(|_| !running.is_stopped());
        let series = series.map(|(labels, panes)| MatrixSeries {
            labels,
            cells: cells(panes.into_vec(), grid.len()),
        });
        Matrix {
            grid,
            series: series.collect(),
        }
    }
}

impl<S: Summary> Table<S> {
    fn finish(self, end: (Window, &Running), value: impl Fn(&S) -> f64) -> Matrix {
        self.matrix(end, |panes, steps| cells(&panes, steps, &value))
    }
}

/// The value of each step's window.
fn cells<S: Summary>(panes: &[Pane<S>], steps: usize, value: impl Fn(&S) -> f64) -> Vec<f64> {
    let mut cells = vec![ABSENT; steps];
    slide(panes, |step, window| cells[step] = value(window));
    cells
}

#[cfg(test)]
mod tests {
    use narvi_model::Timestamp;

    use super::*;
    use crate::metric::{Grid, is_absent};

    const ALL: [Sampling; 12] = [
        Sampling::Rate,
        Sampling::RateCounter,
        Sampling::Sum,
        Sampling::Avg,
        Sampling::Min,
        Sampling::Max,
        Sampling::Stddev,
        Sampling::Stdvar,
        Sampling::Quantile(0.5),
        Sampling::Quantile(0.95),
        Sampling::First,
        Sampling::Last,
    ];

    const ORDER: SampleOrder = SampleOrder {
        stream: 1,
        arrival: 1,
    };

    fn instant(seconds: i64, range: i64) -> Window {
        let grid = Grid::instant(Timestamp::from_seconds(seconds));
        grid.window(range * 1_000_000_000, 0)
    }

    fn equal(a: f64, b: f64) -> bool {
        a.to_bits() == b.to_bits()
            || (a.is_nan() && b.is_nan() && !is_absent(a) && !is_absent(b))
            || a == b
            || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
    }

    /// The function over values one second apart, up to the end of a window of `range` seconds.
    #[track_caller]
    fn check(function: Sampling, range: i64, values: &[f64], want: f64) {
        let end = 1000;
        let times =
            (0..values.len()).map(|i| (end - (values.len() - 1 - i) as i64) * 1_000_000_000);
        let times: Vec<i64> = times.collect();
        let mut partial = SamplePartial::new(function, instant(end, range), &Running::default());
        partial
            .add(&Labels::empty(), ORDER, &times, values)
            .unwrap();
        let got = partial.finish().series[0].cells[0];
        assert!(equal(got, want), "{function:?}: {got}, not {want}");
    }

    #[test]
    fn every_function() {
        let five = [2.0, 4.0, 4.0, 5.0, 0.0];
        for (function, want) in [
            (Sampling::Rate, 1.5),
            (Sampling::Sum, 15.0),
            (Sampling::Avg, 3.0),
            (Sampling::Min, 0.0),
            (Sampling::Max, 5.0),
            (Sampling::Stdvar, 3.2),
            (Sampling::Stddev, 3.2_f64.sqrt()),
            (Sampling::Quantile(0.5), 4.0),
            (Sampling::First, 2.0),
            (Sampling::Last, 0.0),
        ] {
            check(function, 10, &five, want);
        }
        // The window is open at its start.
        check(Sampling::Sum, 4, &five, 13.0);
    }

    #[test]
    fn values_that_are_no_numbers_or_too_large() {
        use Sampling::{Avg, Max, Min, Stddev, Sum};
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        check(Min, 10, &[nan, 3.0, nan, 1.0], 1.0);
        check(Max, 10, &[nan, 3.0, nan, 1.0], 3.0);
        check(Min, 10, &[nan, nan], nan);
        check(Sum, 10, &[1.0, nan], nan);
        check(Avg, 10, &[1.0, inf, 2.0], inf);
        check(Avg, 10, &[1.0, inf, -inf], nan);
        check(Avg, 10, &[f64::MAX, f64::MAX], f64::MAX);
        check(Sum, 10, &[f64::MAX, f64::MAX], inf);
        check(Stddev, 10, &[inf], nan);
        check(Stddev, 10, &[1e15, 1e15 + 2.0], 1.0);
        check(Stddev, 10, &[0.1, 0.1, 0.1], 0.0);
    }

    /// Expected values are those of Loki 3.7.6 (spec `logql.md` §13) or follow from its formula.
    #[test]
    fn counters() {
        let climb: Vec<f64> = (46..=60).map(f64::from).collect();
        check(Sampling::RateCounter, 30, &climb, 0.466_667_666_666_666_65);
        check(Sampling::RateCounter, 30, &[5.0], 0.0);
        check(Sampling::RateCounter, 30, &[5.0, 5.0], 0.0);
        // From 8 to 9, then anew to 3: 4 in all.
        let stretched = 4.0 * ((2e6 + 30.0) / 2e6) / 30.0;
        check(Sampling::RateCounter, 30, &[8.0, 9.0, 3.0], stretched);
    }

    fn noise(seed: u64) -> f64 {
        let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed >> 40) % 1000) as f64 / 8.0
    }

    /// All samples in one part at a grid of one step must be what the same samples give in many
    /// parts, added late and early, through serialisation, over windows long and short.
    #[test]
    fn parts_make_the_whole() {
        let start = Timestamp::from_nanos(0);
        let end = Timestamp::from_nanos(600);
        let labels = Labels::from_pairs([("app", "x")]);
        let times: Vec<i64> = (0..400).map(|i| i * 3 / 2).collect();
        let values: Vec<f64> = (0..400).map(noise).collect();
        for (step, range, offset) in [(60, 60, 0), (60, 25, 7), (7, 200, 0), (10, 95, -30)] {
            let grid = Grid::range(start, end, step).unwrap();
            for function in ALL {
                let window = grid.window(range, offset);
                let mut total = SamplePartial::new(function, window, &Running::default());
                let chunks = times.chunks(37).zip(values.chunks(37)).enumerate();
                for (arrival, (times, values)) in chunks.collect::<Vec<_>>().into_iter().rev() {
                    let mut part = SamplePartial::new(function, window, &Running::default());
                    let arrival = arrival as u64;
                    let order = SampleOrder { stream: 1, arrival };
                    part.add(&labels, order, times, values).unwrap();
                    if arrival.is_multiple_of(3) {
                        total.merge(part).unwrap();
                    } else {
                        part.merge(total).unwrap();
                        total = part;
                    }
                }
                let matrix = total.finish();
                for place in 0..grid.len() {
                    let window = Grid::instant(grid.time(place)).window(range, offset);
                    let mut whole = SamplePartial::new(function, window, &Running::default());
                    whole.add(&labels, ORDER, &times, &values).unwrap();
                    let whole = whole.finish();
                    let want = whole
                        .series
                        .first()
                        .map_or(ABSENT, |series| series.cells[0]);
                    let got = matrix.series[0].cells[place];
                    assert!(
                        equal(got, want),
                        "{function:?} [{range}] step {step}, place {place}: {got}, not {want}"
                    );
                }
            }
        }
    }

    #[test]
    fn equal_times_go_by_stream_and_arrival() {
        let parts = [(2, 1, 10.0), (1, 2, 20.0), (2, 2, 30.0), (1, 1, 40.0)];
        for (function, want) in [(Sampling::First, 40.0), (Sampling::Last, 31.0)] {
            let mut partial = SamplePartial::new(function, instant(9, 5), &Running::default());
            for (stream, arrival, value) in parts {
                let order = SampleOrder { stream, arrival };
                let times = [8_000_000_000; 2];
                let values = [value, value + 1.0];
                partial
                    .add(&Labels::empty(), order, &times, &values)
                    .unwrap();
            }
            assert_eq!(partial.finish().series[0].cells, [want], "{function:?}");
        }
    }

    #[test]
    fn what_is_outside_makes_no_series() {
        let mut partial = SamplePartial::new(Sampling::Sum, instant(9, 5), &Running::default());
        partial
            .add(&Labels::empty(), ORDER, &[1, 2], &[1.0, 2.0])
            .unwrap();
        assert!(partial.finish().series.is_empty());
    }

    #[test]
    fn too_much_is_refused() {
        let window = instant(9, 5);
        let times = vec![8_000_000_000; 1 << 20];
        let values = vec![1.0; 1 << 20];
        let refused = |function| {
            let mut partial = SamplePartial::new(function, window, &Running::default());
            let mut add = || partial.add(&Labels::empty(), ORDER, &times, &values);
            (0..20).find_map(|_| add().err())
        };
        assert_eq!(refused(Sampling::Sum), None);
        let text = refused(Sampling::Quantile(0.5)).unwrap().to_string();
        assert!(text.contains("need every sample; narrow"), "{text}");
    }
}
