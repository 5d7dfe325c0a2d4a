//! `count_over_time`, `rate`, `bytes_over_time`, `bytes_rate`: sums of whole numbers over windows.
//!
//! Sums of integers can be kept as differences between steps: a run of lines touches two cells
//! however many windows it lies in, and the cells are summed up once at the end, without rounding.

use std::ops::Range;

use foldhash::HashMap;
use narvi_model::Labels;

use super::room::label_cells;
use super::series_key::Groups;
use super::{ABSENT, Matrix, MatrixSeries, PartialError, Samples, SeriesKey, Window};
use crate::batch::{Batch, Selection};
use crate::limits::MAX_CELLS;
use crate::running::{Running, Share};

/// Which of the four functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Counting {
    /// `count_over_time`
    Lines,
    /// `rate`
    LinesPerSecond,
    /// `bytes_over_time`
    Bytes,
    /// `bytes_rate`
    BytesPerSecond,
}

impl Counting {
    /// Whether the length of each line is needed.
    #[must_use]
    pub const fn counts_bytes(self) -> bool {
        matches!(self, Self::Bytes | Self::BytesPerSecond)
    }

    const fn is_rate(self) -> bool {
        matches!(self, Self::LinesPerSecond | Self::BytesPerSecond)
    }
}

/// A query that would fill more cells than memory allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the query would make more than {} MiB of values and labels before aggregation; narrow the \
     stream selector or the time range, use a larger step, or read fewer labels",
    (MAX_CELLS * size_of::<f64>()) >> 20
)]
pub struct TooManySeries;

/// What part of a scan yielded; merges with other parts in any order.
#[derive(Debug)]
pub struct RangePartial {
    function: Counting,
    window: Window,
    series: HashMap<Labels, Cells>,
    /// What the labels of all series take, in cells of 8 bytes.
    label_cells: usize,
    share: Share,
}

/// One series: differences between neighbouring steps, so one more than there are steps.
#[derive(Debug)]
struct Cells {
    lines: Vec<i64>,
    /// Empty where only lines are counted.
    bytes: Vec<i64>,
}

impl Cells {
    fn new(function: Counting, steps: usize) -> Self {
        let bytes = if function.counts_bytes() {
            steps + 1
        } else {
            0
        };
        Self {
            lines: vec![0; steps + 1],
            bytes: vec![0; bytes],
        }
    }

    fn counts_bytes(&self) -> bool {
        !self.bytes.is_empty()
    }

    fn add(&mut self, steps: &Range<usize>, lines: u64, bytes: u64) {
        self.lines[steps.start] += lines as i64;
        self.lines[steps.end] -= lines as i64;
        if self.counts_bytes() {
            self.bytes[steps.start] += bytes as i64;
            self.bytes[steps.end] -= bytes as i64;
        }
    }
}

impl RangePartial {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(function: Counting, window: Window, running: &Running) -> Self {
        Self {
            function,
            window,
            series: HashMap::default(),
            label_cells: 0,
            share: Share::new(running),
        }
    }

    /// Counts the selected rows of a batch.
    ///
    /// # Errors
    /// Where that makes more series than memory allows.
    pub fn add_batch(&mut self, key: &SeriesKey, batch: &Batch) -> Result<(), PartialError> {
        let window = self.window;
        match Groups::new(key, batch) {
            Groups::One(labels) => {
                let cells = self.cells(&labels)?;
                add_rows(cells, &window, batch);
            }
            Groups::Many { group_of, keys } => {
                let mut rows_of = vec![Vec::new(); keys.len()];
                for row in batch.selection.iter() {
                    rows_of[group_of[row as usize] as usize].push(row);
                }
                for (labels, rows) in keys.iter().zip(rows_of) {
                    if !rows.is_empty() {
                        let cells = self.cells(labels)?;
                        add_scattered(cells, &window, batch, &rows);
                    }
                }
            }
        }
        Ok(())
    }

    /// Counts lines that ran through stages.
    ///
    /// # Errors
    /// As [`RangePartial::add_batch`].
    pub(crate) fn add_samples(&mut self, samples: Samples<'_>) -> Result<(), PartialError> {
        let window = self.window;
        let cells = self.cells(samples.labels)?;
        for (run, steps) in window.runs(samples.times) {
            let lines = run.len() as u64;
            let bytes = samples.bytes[run].iter().map(|&len| u64::from(len)).sum();
            cells.add(&steps, lines, bytes);
        }
        Ok(())
    }

    /// Counts a whole chunk without its columns, where all of it counts for the same steps: `lines`
    /// lines of `bytes` bytes in all from `first` to `last` (nanoseconds). Answers whether it did.
    ///
    /// # Errors
    /// As [`RangePartial::add_batch`].
    pub fn add_chunk(
        &mut self,
        labels: &Labels,
        (first, last): (i64, i64),
        (lines, bytes): (u64, u64),
    ) -> Result<bool, PartialError> {
        let steps = self.window.steps(first);
        if steps != self.window.steps(last) {
            return Ok(false);
        }
        if !steps.is_empty() {
            self.cells(labels)?.add(&steps, lines, bytes);
        }
        Ok(true)
    }

    /// Adds what another part of the same scan counted.
    ///
    /// # Errors
    /// As [`RangePartial::add_batch`].
    pub fn merge(&mut self, mut other: Self) -> Result<(), PartialError> {
        self.share.absorb(&mut other.share);
        for (labels, cells) in other.series {
            if let Some(mine) = self.series.get_mut(&labels) {
                let add = |to: &mut [i64], from: &[i64]| {
                    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
                };
                add(&mut mine.lines, &cells.lines);
                add(&mut mine.bytes, &cells.bytes);
            } else {
                self.make_room(&labels)?;
                self.series.insert(labels, cells);
            }
        }
        self.share
            .settle(self.cells_of(self.series.len()) * size_of::<f64>());
        Ok(())
    }

    /// Whether more than `most` series have a line in any window.
    pub(super) fn exceeds(&self, most: usize) -> bool {
        let counted = |cells: &&Cells| cells.lines.iter().any(|&change| change != 0);
        self.series.len() > most && self.series.values().filter(counted).count() > most
    }

    /// The values of every step that has a line in its window.
    #[must_use]
    pub fn finish(self) -> Matrix {
        let divisor = if self.function.is_rate() {
            self.window.seconds()
        } else {
            1.0
        };
        let grid = self.window.grid();
        let series = self.series.into_iter().map(|(labels, cells)| {
            let (mut lines, mut bytes) = (0_i64, 0_i64);
            let values = (0..grid.len()).map(|step| {
                lines += cells.lines[step];
                bytes += cells.bytes.get(step).copied().unwrap_or_default();
                let value = if self.function.counts_bytes() {
                    bytes
                } else {
                    lines
                };
                if lines == 0 {
                    ABSENT
                } else {
                    value as f64 / divisor
                }
            });
            let cells = values.collect();
            MatrixSeries { labels, cells }
        });
        Matrix {
            grid,
            series: series.collect(),
        }
    }

    fn cells(&mut self, labels: &Labels) -> Result<&mut Cells, PartialError> {
        if !self.series.contains_key(labels) {
            self.make_room(labels)?;
        }
        let steps = self.window.grid().len();
        let function = self.function;
        Ok(self
            .series
            .entry(labels.clone())
            .or_insert_with(|| Cells::new(function, steps)))
    }

    /// Counts the memory of one more series.
    fn make_room(&mut self, labels: &Labels) -> Result<(), PartialError> {
        self.label_cells += label_cells(labels);
        let cells = self.cells_of(self.series.len() + 1);
        if cells > MAX_CELLS {
            return Err(TooManySeries.into());
        }
        Ok(self.share.hold(cells * size_of::<f64>())?)
    }

    /// Memory of that many series, in cells of 8 bytes.
    fn cells_of(&self, series: usize) -> usize {
        let columns = if self.function.counts_bytes() { 2 } else { 1 };
        series
            .saturating_mul(self.window.grid().len() + 1)
            .saturating_mul(columns)
            .saturating_add(self.label_cells)
    }
}

/// Counts every selected row for one series.
fn add_rows(cells: &mut Cells, window: &Window, batch: &Batch) {
    let counts_bytes = cells.counts_bytes();
    let rows = match &batch.selection {
        Selection::Run(run) => run.clone(),
        Selection::Rows(rows) => return add_scattered(cells, window, batch, rows),
    };
    let times = &batch.timestamps[rows.start as usize..rows.end as usize];
    for (run, steps) in window.runs(times) {
        let run = run.start as u32 + rows.start..run.end as u32 + rows.start;
        let lines = run.len() as u64;
        let bytes = if counts_bytes {
            run.map(|row| batch.line_len(row)).sum()
        } else {
            0
        };
        cells.add(&steps, lines, bytes);
    }
}

/// Counts `rows`, which are ascending, for one series.
fn add_scattered(cells: &mut Cells, window: &Window, batch: &Batch, rows: &[u32]) {
    let times: Vec<i64> = rows
        .iter()
        .map(|&row| batch.timestamps[row as usize])
        .collect();
    let counts_bytes = cells.counts_bytes();
    for (run, steps) in window.runs(&times) {
        let rows = &rows[run];
        let lengths = rows.iter().map(|&row| batch.line_len(row));
        let bytes = if counts_bytes { lengths.sum() } else { 0 };
        cells.add(&steps, rows.len() as u64, bytes);
    }
}

#[cfg(test)]
mod tests {
    use narvi_model::Timestamp;

    use super::*;
    use crate::batch::tests::batch;
    use crate::metric::{Grid, is_absent};
    use crate::running::Halt;

    fn window() -> Window {
        // Steps at 2, 4, 6 ns, each looking back 3 ns.
        let grid = Grid::range(Timestamp::from_nanos(2), Timestamp::from_nanos(6), 2);
        grid.unwrap().window(3, 0)
    }

    #[track_caller]
    fn check(function: Counting, want: [f64; 3]) {
        let mut partial = RangePartial::new(function, window(), &Running::default());
        let mut lines = batch(&["a", "bb", "ccc", ""]);
        partial.add_batch(&SeriesKey::All, &lines).unwrap();
        lines.timestamps = vec![100; 4];
        partial.add_batch(&SeriesKey::All, &lines).unwrap();
        let mut other = RangePartial::new(function, window(), &Running::default());
        assert!(other.add_chunk(&Labels::empty(), (6, 6), (1, 0)).unwrap());
        assert!(!other.add_chunk(&Labels::empty(), (1, 6), (9, 9)).unwrap());
        partial.merge(other).unwrap();
        let matrix = partial.finish();
        assert_eq!(matrix.series[0].cells, want);
    }

    #[test]
    fn the_four_functions() {
        // Lines of 1, 2, 3, 0 bytes at 1, 2, 3, 4 ns, and an empty one at 6 ns.
        check(Counting::Lines, [2.0, 3.0, 2.0]);
        check(Counting::Bytes, [3.0, 5.0, 0.0]);
        check(
            Counting::LinesPerSecond,
            [2.0 / 3e-9, 3.0 / 3e-9, 2.0 / 3e-9],
        );
        check(Counting::BytesPerSecond, [3.0 / 3e-9, 5.0 / 3e-9, 0.0]);
    }

    #[test]
    fn scattered_rows_count_as_runs_do() {
        let mut lines = batch(&["a", "bb", "ccc", ""]);
        lines.selection = Selection::Rows(vec![0, 2]);
        let mut partial = RangePartial::new(Counting::Bytes, window(), &Running::default());
        partial.add_batch(&SeriesKey::All, &lines).unwrap();
        let matrix = partial.finish();
        assert_eq!(matrix.series[0].cells[..2], [1.0, 3.0]);
        assert!(is_absent(matrix.series[0].cells[2]));
    }

    #[test]
    fn too_many_series_are_refused() {
        let grid = Grid::range(Timestamp::from_nanos(0), Timestamp::from_seconds(1), 1000).unwrap();
        let mut partial =
            RangePartial::new(Counting::Lines, grid.window(5, 0), &Running::default());
        let mut add = |n: i32| {
            let labels = Labels::from_pairs([("n", n.to_string())]);
            partial.add_chunk(&labels, (0, 0), (1, 1))
        };
        let refused = (0..100).position(|n| add(n).is_err());
        assert_eq!(refused, Some(MAX_CELLS / 1_000_002));
    }

    /// A part that holds 100 MiB, `n` told apart from others by its label.
    fn large_part(running: &Running, n: usize) -> Result<RangePartial, PartialError> {
        let grid = Grid::range(Timestamp::from_nanos(0), Timestamp::from_nanos(1 << 20), 1);
        let mut partial = RangePartial::new(Counting::Lines, grid.unwrap().window(5, 0), running);
        for series in 0..12 {
            let labels = Labels::from_pairs([("n", n.to_string()), ("s", series.to_string())]);
            partial.add_chunk(&labels, (0, 0), (1, 1))?;
        }
        Ok(partial)
    }

    #[test]
    fn parts_of_a_query_share_its_memory() {
        let running = Running::default();
        let mut one = large_part(&running, 1).unwrap();
        let alone = running.held_bytes();
        let other = large_part(&running, 1).unwrap();
        let crowded = large_part(&running, 2).map(drop);
        assert_eq!(crowded, Err(PartialError::Halt(Halt::Crowded)));
        one.merge(other).unwrap();
        assert_eq!(running.held_bytes(), alone, "they had the same series");
        assert!(large_part(&running, 2).is_ok());
        drop(one);
        assert_eq!(running.held_bytes(), 0);
    }

    #[test]
    fn series_count_that_have_lines() {
        let mut partial = RangePartial::new(Counting::Lines, window(), &Running::default());
        let mut lines = batch(&["a"]);
        for (name, time) in [("a", 2), ("b", 2), ("c", 100)] {
            lines.stream = Labels::from_pairs([("n", name)]);
            lines.timestamps = vec![time];
            partial.add_batch(&SeriesKey::All, &lines).unwrap();
        }
        assert!(partial.exceeds(1));
        assert!(!partial.exceeds(2));
    }
}
