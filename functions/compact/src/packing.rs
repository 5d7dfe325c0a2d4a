//! [`Packing`]: after which merges the rows of a partition's streams are packed, and from how many
//! on. Numbers, so that a test packs a few.

use crate::limits::{PACK_DAY, PACK_HOUR};

/// The level from which on segments of an open day have an hour and more.
const HOURS: u8 = 2;

/// How many stream rows are worth a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packing {
    /// Of a day that still goes on, where hours are merged.
    pub hour: usize,
    /// Of a day that is over.
    pub day: usize,
}

impl Default for Packing {
    fn default() -> Self {
        Self {
            hour: PACK_HOUR,
            day: PACK_DAY,
        }
    }
}

impl Packing {
    /// How many loose rows are worth a pack after a merge to `level` of so many streams; `None`
    /// where there is no use in looking for them.
    pub(crate) fn least(&self, level: u8, streams: usize, is_over: bool) -> Option<usize> {
        match is_over {
            true => Some(self.day),
            false => (level >= HOURS && streams >= self.hour).then_some(self.hour),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_and_days_are_packed() {
        let packing = Packing::default();
        for (level, streams, is_over, want) in [
            (1, 9999, false, None),
            (2, 999, false, None),
            (2, 1000, false, Some(1000)),
            (3, 1000, false, Some(1000)),
            (1, 1, true, Some(64)),
            (3, 9999, true, Some(64)),
        ] {
            assert_eq!(
                packing.least(level, streams, is_over),
                want,
                "{level} {streams}"
            );
        }
    }
}
