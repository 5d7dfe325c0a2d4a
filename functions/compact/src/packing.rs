//! [`Packing`]: after which merges the rows of a partition's streams are packed, and from how many
//! on. Numbers, so that a test packs a few.

use narvi_model::Timestamp;
use narvi_storage::Partition;

use crate::limits::{PACK_DAY, PACK_HOUR, PACK_LEVEL};
use crate::plan::is_over;

/// How many stream rows are worth a pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packing {
    /// Of a day that still goes on, after merges to [`Packing::level`] and above.
    pub hour: usize,
    /// Of a day that is over, after any merge.
    pub day: usize,
    /// The level of segments that have an hour and more.
    pub level: u8,
}

impl Default for Packing {
    fn default() -> Self {
        Self {
            hour: PACK_HOUR,
            day: PACK_DAY,
            level: PACK_LEVEL,
        }
    }
}

impl Packing {
    /// How many loose rows of a partition are worth a pack after a merge to `level` of so many
    /// streams; `None` where there is no use in looking for them.
    pub(crate) fn least(
        &self,
        partition: &Partition,
        now: Timestamp,
        (level, streams): (u8, usize),
    ) -> Option<usize> {
        match is_over(partition, now) {
            true => Some(self.day),
            false => (level >= self.level && streams >= self.hour).then_some(self.hour),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_and_days_are_packed() {
        let partition = "a/1970-01-01/0".parse().unwrap();
        for (hour, level, streams, want) in [
            (12, 1, 9999, None),
            (12, 2, 999, None),
            (12, 2, 1000, Some(1000)),
            (24, 3, 1000, Some(1000)),
            (25, 1, 1, Some(32)),
            (99, 3, 9999, Some(32)),
        ] {
            let now = Timestamp::from_seconds(hour * 3600);
            let least = Packing::default().least(&partition, now, (level, streams));
            assert_eq!(least, want, "{hour} {level} {streams}");
        }
    }
}
