//! [`Matrix`]: the values of many series at the steps of one grid, dense, with gaps marked.

use narvi_model::Labels;
use narvi_model::answer::{Sample, Series};

use super::Grid;

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

/// Series over one grid; labels are unique.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// The steps.
    pub grid: Grid,
    /// In no order.
    pub series: Vec<MatrixSeries>,
}

impl Matrix {
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

    /// The series of an answer: sorted by labels, gaps left out, empty series dropped.
    #[must_use]
    pub fn into_series(self) -> Vec<Series> {
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
        let mut series: Vec<Series> = series.collect();
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        series
    }
}
