//! [`Cutoff`]: what a tenant's limits say of a day and of a row. Pure.

use narvi_model::{Day, Limits, NANOS_PER_SECOND, Timestamp};
use narvi_storage::{SegmentRow, split_left_behind};

use crate::limits::FORGET_SECONDS;

/// From when on lines of a tenant are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cutoff {
    kept_from: Timestamp,
    /// Days that end before this take no more pushes.
    closed_before: Timestamp,
}

/// Rows that go, in the order in which they must.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Gone {
    /// Rows that others replace. They go first, of whatever time: without the row that hides it,
    /// one that a killed compactor has left would be seen again.
    pub(crate) hidden: Vec<SegmentRow>,
    /// Expired rows.
    pub(crate) expired: Vec<SegmentRow>,
}

impl Cutoff {
    /// `None` where lines are kept for ever.
    pub(crate) fn new(limits: &Limits, now: Timestamp) -> Option<Self> {
        let period = limits.retention_period;
        if period.is_zero() {
            return None;
        }
        // Where old lines are never refused no day is closed. Late lines of an expired day whose
        // streams are forgotten are expired as well; nobody misses them.
        let accepted = if limits.reject_old_samples {
            limits.reject_old_samples_max_age.nanos()
        } else {
            0
        };
        let open = period
            .nanos()
            .max(accepted)
            .saturating_add(FORGET_SECONDS * NANOS_PER_SECOND);
        Some(Self {
            kept_from: now.minus(period.nanos()),
            closed_before: now.minus(open),
        })
    }

    /// Whether a day has times that are expired.
    pub(crate) fn touches(&self, day: Day) -> bool {
        day.start() < self.kept_from
    }

    /// Whether a day takes no more pushes, and all its times are expired.
    pub(crate) fn is_closed(&self, day: Day) -> bool {
        day.end() <= self.closed_before
    }

    /// The rows of a partition that go: none where no row is expired.
    pub(crate) fn gone(&self, rows: Vec<SegmentRow>) -> Gone {
        let is_expired = |row: &SegmentRow| row.summary.last < self.kept_from;
        if !rows.iter().any(is_expired) {
            return Gone::default();
        }
        let (hidden, mut expired) = split_left_behind(rows);
        expired.retain(is_expired);
        Gone { hidden, expired }
    }
}

#[cfg(test)]
mod tests {
    use narvi_model::Period;

    use super::*;

    const DAY: u32 = 86_400;

    /// Days kept, and days for which pushes are accepted (`None`: for ever); the latest days, back
    /// from 2026-01-31T12:00, that are touched and that are closed.
    #[track_caller]
    fn check(period_days: u32, accepted_days: Option<u32>, touched: Option<i32>, closed: i32) {
        let limits = Limits {
            retention_period: Period::from_seconds(period_days * DAY),
            reject_old_samples: accepted_days.is_some(),
            reject_old_samples_max_age: Period::from_seconds(accepted_days.unwrap_or(7) * DAY),
            ..Limits::default()
        };
        let today = Day::parse("2026-01-31").unwrap();
        let cutoff = Cutoff::new(&limits, today.start().plus(43_200 * NANOS_PER_SECOND));
        assert_eq!(cutoff.is_some(), touched.is_some());
        let (Some(cutoff), Some(touched)) = (cutoff, touched) else {
            return;
        };
        let back = |days| Day::from_number(today.number() - days);
        assert!(cutoff.touches(back(touched)) && !cutoff.touches(back(touched - 1)));
        assert!(cutoff.is_closed(back(closed)) && !cutoff.is_closed(back(closed - 1)));
    }

    #[test]
    fn days() {
        check(0, Some(7), None, 0);
        check(30, Some(7), Some(30), 32);
        // a day that is expired may still take pushes
        check(1, Some(7), Some(1), 9);
        check(1, None, Some(1), 3);
    }
}
