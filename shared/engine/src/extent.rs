//! [`Extent`]: how much of a chunk lies in a part of time, by its first and last time alone.
//!
//! No column is read for this: the rows of a chunk are taken for spread evenly between its ends, as
//! Loki does (`docs/decisions/0014-volume-by-overlap.md`).

use narvi_model::Timestamp;
use narvi_segment::ChunkMeta;

/// The first and the last time of a chunk or segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
}

impl Extent {
    pub(crate) const fn of(chunk: &ChunkMeta) -> Self {
        Self {
            first: chunk.first,
            last: chunk.last,
        }
    }

    /// The part of it between two times, from 0 to 1. What ends at or before `start` is not in it,
    /// as in Loki; what is all at one time is in it wholly or not at all.
    pub(crate) fn share(self, start: Timestamp, end: Timestamp) -> f64 {
        if self.last <= start || self.first > end {
            return 0.0;
        }
        let whole = self.last.since(self.first);
        if whole <= 0 {
            return 1.0;
        }
        let part = self.last.min(end).since(self.first.max(start));
        part as f64 / whole as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares() {
        let t = Timestamp::from_seconds;
        for ((first, last), (start, end), want) in [
            ((10, 20), (0, 30), 1.0),
            ((10, 20), (10, 20), 1.0),
            ((10, 20), (15, 30), 0.5),
            ((10, 20), (0, 12), 0.2),
            ((10, 20), (12, 13), 0.1),
            ((10, 20), (20, 30), 0.0),
            ((10, 20), (0, 10), 0.0),
            ((10, 20), (21, 30), 0.0),
            // All lines at one time.
            ((10, 10), (0, 30), 1.0),
            ((10, 10), (0, 10), 1.0),
            ((10, 10), (10, 30), 0.0),
            ((10, 10), (0, 9), 0.0),
        ] {
            let extent = Extent {
                first: t(first),
                last: t(last),
            };
            let got = extent.share(t(start), t(end));
            assert!(
                (got - want).abs() < 1e-12,
                "{first}..{last} {start}..{end}: {got}"
            );
        }
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        let extent = Extent {
            first: Timestamp::MIN,
            last: Timestamp::MAX,
        };
        let share = extent.share(Timestamp::MIN, Timestamp::MAX);
        assert!((share - 1.0).abs() < 1e-12);
    }
}
