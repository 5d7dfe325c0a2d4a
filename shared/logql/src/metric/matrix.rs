//! [`Matrix`]: the values of many series at the steps of one grid, dense, with gaps marked.

use narvi_model::Labels;
use narvi_model::answer::{Sample, Series};

use super::room::label_cells;
use super::{Grid, TooManySeries};
use crate::limits::MAX_CELLS;

/// Marks a step without a sample: a NaN that no computation yields (its payload is our own).
pub const ABSENT: f64 = f64::from_bits(0x7ff4_6e61_7276_6931);

/// Whether a cell has no sample; an ordinary NaN is a sample.
#[must_use]
pub fn is_absent(value: f64) -> bool {
    value.to_bits() == ABSENT.to_bits()
}

/// One series over all steps.
#[derive(Clone, Debug)]
pub struct MatrixSeries {
    /// Its labels.
    pub labels: Labels,
    /// One cell for each step, [`ABSENT`] where there is no sample.
    pub cells: Vec<f64>,
}

/// Series over one grid. Labels are unique but where `label_replace` made them alike.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// The steps.
    pub grid: Grid,
    /// Operations keep the order that they are given where they can: it decides between equal
    /// values, and it is the order of an answer that was asked to be sorted.
    pub series: Vec<MatrixSeries>,
}

impl Matrix {
    /// Holds the results of all scans of a query to the memory that one may take.
    ///
    /// # Errors
    /// Where they take more together.
    pub fn check_together(matrices: &[Self]) -> Result<(), TooManySeries> {
        let series = |matrix: &Self| {
            let cells = matrix.series.len().saturating_mul(matrix.grid.len());
            let labels = matrix
                .series
                .iter()
                .map(|series| label_cells(&series.labels));
            cells.saturating_add(labels.sum())
        };
        match matrices.iter().map(series).sum::<usize>() > MAX_CELLS {
            true => Err(TooManySeries),
            false => Ok(()),
        }
    }

    /// The series `{}` with one value everywhere.
    #[must_use]
    pub fn constant(grid: Grid, value: f64) -> Self {
        let cells = vec![value; grid.len()];
        Self {
            grid,
            series: vec![MatrixSeries {
                labels: Labels::empty(),
                cells,
            }],
        }
    }

    /// Sorts the series by their labels.
    pub fn sort_by_labels(&mut self) {
        self.series.sort_by(|a, b| a.labels.cmp(&b.labels));
    }

    /// The series of an answer over a range: sorted by labels, gaps left out, empty series
    /// dropped. Series with the same labels, which `label_replace` may make, become one.
    #[must_use]
    pub fn into_range(mut self) -> Vec<Series> {
        self.sort_by_labels();
        let mut joined: Vec<Series> = Vec::with_capacity(self.series.len());
        for mut series in self.into_instant() {
            match joined.last_mut() {
                Some(last) if last.labels == series.labels => {
                    last.samples.append(&mut series.samples);
                    last.samples.sort_by_key(|sample| sample.millis);
                }
                _ => joined.push(series),
            }
        }
        joined
    }

    /// The series of an answer at an instant: as they stand, gaps left out, empty series dropped.
    #[must_use]
    pub fn into_instant(self) -> Vec<Series> {
        let grid = self.grid;
        let series = self.series.into_iter().filter_map(|series| {
            let present = series
                .cells
                .iter()
                .enumerate()
                .filter(|(_, cell)| !is_absent(**cell));
            let samples: Vec<Sample> = present
                .map(|(step, &value)| Sample {
                    millis: grid.time(step).millis(),
                    value,
                })
                .collect();
            (!samples.is_empty()).then_some(Series {
                labels: series.labels,
                samples,
            })
        });
        series.collect()
    }
}
