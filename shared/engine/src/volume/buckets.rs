//! [`Buckets`]: pieces of time that a volume is counted in, and [`Cells`], what one series has in
//! them.
//!
//! A chunk costs the same whether it touches one bucket or thousands: its density is added where it
//! begins and taken off where it ends.

use std::collections::BTreeMap;

use narvi_model::answer::Sample;
use narvi_model::{NANOS_PER_MILLI, Timestamp};

use crate::extent::Extent;

/// Buckets at multiples of a step, clipped to a time range; or the whole range as one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buckets {
    start: Timestamp,
    end: Timestamp,
    /// Nanoseconds, above 0; `None` for one bucket.
    step: Option<i64>,
}

/// What a series has in its buckets.
#[derive(Debug, Default)]
pub(crate) struct Cells(BTreeMap<i64, Cell>);

#[derive(Debug, Default)]
struct Cell {
    /// Bytes of chunks that begin or end here.
    bytes: f64,
    /// How the bytes in each bucket from here on change, of chunks that reach over all of it.
    change: f64,
}

impl Buckets {
    pub(crate) fn new(start: Timestamp, end: Timestamp, step: Option<i64>) -> Self {
        let step = step.filter(|step| *step > 0);
        Self { start, end, step }
    }

    /// The number of the bucket of a time; the end of the range belongs to the last one.
    fn place(&self, time: Timestamp) -> i64 {
        let Some(step) = self.step else { return 0 };
        let last = self.end.nanos().saturating_sub(1).max(self.start.nanos());
        time.nanos().min(last).div_euclid(step)
    }

    /// Where a bucket begins and ends within the range.
    fn bounds(&self, place: i64) -> (Timestamp, Timestamp) {
        let Some(step) = self.step else {
            return (self.start, self.end);
        };
        let start = Timestamp::from_nanos(place.saturating_mul(step));
        let end = match place == self.place(self.end) {
            true => self.end,
            false => start.plus(step),
        };
        (start.max(self.start), end.min(self.end))
    }

    /// The time that Loki stamps a bucket with: its last millisecond, or the end of the range.
    fn stamp(&self, place: i64) -> i64 {
        let (_, end) = self.bounds(place);
        match end < self.end {
            true => end.minus(NANOS_PER_MILLI).millis(),
            false => self.end.millis(),
        }
    }

    /// Spreads the bytes of a chunk over the buckets that it touches.
    pub(crate) fn add(&self, cells: &mut Cells, chunk: Extent, bytes: u64) {
        let bytes = bytes as f64;
        if chunk.share(self.start, self.end) <= 0.0 {
            return;
        }
        let whole = chunk.last.since(chunk.first) as f64;
        if whole <= 0.0 {
            cells.at(self.place(chunk.first)).bytes += bytes;
            return;
        }
        let (from, to) = (chunk.first.max(self.start), chunk.last.min(self.end));
        let (first, last) = (self.place(from), self.place(to));
        let part = |start: Timestamp, end: Timestamp| bytes * end.since(start) as f64 / whole;
        if first == last {
            cells.at(first).bytes += part(from, to);
            return;
        }
        cells.at(first).bytes += part(from, self.bounds(first).1);
        cells.at(last).bytes += part(self.bounds(last).0, to);
        let full = bytes * self.step.unwrap_or(0) as f64 / whole;
        cells.at(first + 1).change += full;
        cells.at(last).change -= full;
    }

    /// The bytes in each bucket that has any, in the order of time.
    pub(crate) fn samples(&self, cells: &Cells) -> Vec<Sample> {
        let mut samples = Vec::new();
        let mut push = |place: i64, value: f64| {
            let value = value.round();
            if value > 0.0 {
                samples.push(Sample {
                    millis: self.stamp(place),
                    value,
                });
            }
        };
        let (mut full, mut next) = (0.0, i64::MAX);
        for (&place, cell) in &cells.0 {
            for between in next..place {
                push(between, full);
            }
            full += cell.change;
            push(place, cell.bytes + full);
            next = place + 1;
        }
        samples
    }

    /// All bytes as one sample at the end of the range, 0 included.
    pub(crate) fn total(&self, cells: &Cells) -> Sample {
        let value: f64 = cells.0.values().map(|cell| cell.bytes).sum();
        Sample {
            millis: self.end.millis(),
            // The sum of no floats is -0.
            value: value.round().abs(),
        }
    }
}

impl Cells {
    fn at(&mut self, place: i64) -> &mut Cell {
        self.0.entry(place).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(second of the stamp in ms, bytes)` of chunks `(first, last, bytes)`.
    #[track_caller]
    fn check(range: (i64, i64), step: i64, chunks: &[(i64, i64, u64)], want: &[(i64, u64)]) {
        let t = Timestamp::from_seconds;
        let buckets = Buckets::new(t(range.0), t(range.1), Some(step * 1_000_000_000));
        let mut cells = Cells::default();
        for &(first, last, bytes) in chunks {
            let extent = Extent {
                first: t(first),
                last: t(last),
            };
            buckets.add(&mut cells, extent, bytes);
        }
        let got: Vec<(i64, u64)> = buckets
            .samples(&cells)
            .iter()
            .map(|sample| (sample.millis, sample.value as u64))
            .collect();
        assert_eq!(got, want, "{chunks:?}");
    }

    #[test]
    fn chunks_are_spread_by_overlap() {
        let range = (100, 160);
        check(
            range,
            20,
            &[(100, 160, 600)],
            &[(119_999, 200), (139_999, 200), (160_000, 200)],
        );
        check(
            range,
            20,
            &[(90, 150, 600)],
            &[(119_999, 200), (139_999, 200), (160_000, 100)],
        );
        check(range, 20, &[(110, 115, 9)], &[(119_999, 9)]);
        check(
            range,
            20,
            &[(120, 120, 9), (160, 160, 3)],
            &[(139_999, 9), (160_000, 3)],
        );
        check(range, 20, &[(100, 100, 9), (161, 170, 3), (0, 100, 8)], &[]);
        check(
            range,
            20,
            &[(105, 105, 1), (145, 145, 2)],
            &[(119_999, 1), (160_000, 2)],
        );
        // What reaches over buckets adds to what is in them alone.
        check(
            range,
            10,
            &[(105, 155, 50), (125, 125, 7)],
            &[
                (109_999, 5),
                (119_999, 10),
                (129_999, 17),
                (139_999, 10),
                (149_999, 10),
                (160_000, 5),
            ],
        );
        // A range that is no multiple of the step.
        check(
            (105, 112),
            10,
            &[(100, 120, 20)],
            &[(109_999, 5), (112_000, 2)],
        );
    }

    #[test]
    fn a_long_chunk_costs_few_cells() {
        let t = Timestamp::from_seconds;
        let buckets = Buckets::new(t(0), t(10_000), Some(1_000_000_000));
        let mut cells = Cells::default();
        let extent = Extent {
            first: t(0),
            last: t(10_000),
        };
        buckets.add(&mut cells, extent, 100_000);
        assert!(cells.0.len() <= 3);
        assert_eq!(buckets.samples(&cells).len(), 10_000);
    }

    #[test]
    fn one_bucket_has_everything() {
        let t = Timestamp::from_seconds;
        let buckets = Buckets::new(t(10), t(20), None);
        let mut cells = Cells::default();
        assert_eq!(buckets.total(&cells).value as u64, 0);
        for (first, last) in [(0, 20), (10, 30), (15, 15)] {
            let extent = Extent {
                first: t(first),
                last: t(last),
            };
            buckets.add(&mut cells, extent, 100);
        }
        let total = buckets.total(&cells);
        assert_eq!((total.millis, total.value as u64), (20_000, 200));
    }
}
