//! [`Cutoff`]: what a tenant's limits say of a day and of a row. Pure.
//!
//! Two measures. A row goes as soon as all of it is older than the longest of the tenant's periods.
//! What is kept for a shorter time goes by whole days: only when a period is over for the last
//! moment of a day, the day's segments are rewritten without the streams that have it. So a segment
//! is written anew once for each period at most, and a line is kept for a day more at most.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use narvi_logql::syntax::SyntaxError;
use narvi_model::{Day, Labels, Limits, NANOS_PER_SECOND, Period, Timestamp};
use narvi_segment::{Keep, Rows, Share};
use narvi_storage::{SegmentRow, split_left_behind};

use crate::limits::FORGET_SECONDS;
use crate::periods::Periods;

/// From when on lines of a tenant are kept.
#[derive(Clone, Debug)]
pub(crate) struct Cutoff {
    periods: Periods,
    now: Timestamp,
    /// How long after its end a day may take pushes; `None` for ever.
    accepted: Option<Period>,
    /// Tells these rules from others.
    rules: u64,
}

/// Rows of a partition.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Gone {
    /// Rows that others replace. They go first, of whatever time: without the row that hides it,
    /// one that a killed compactor has left would be seen again.
    pub(crate) hidden: Vec<SegmentRow>,
    /// Expired rows, which go after those.
    pub(crate) expired: Vec<SegmentRow>,
    /// All others: where none is expired, those that are hidden are among them.
    pub(crate) kept: Vec<SegmentRow>,
}

impl Cutoff {
    /// `None` where all lines are kept for ever.
    ///
    /// # Errors
    /// As [`Periods::new`].
    pub(crate) fn new(limits: &Limits, now: Timestamp) -> Result<Option<Self>, SyntaxError> {
        let periods = Periods::new(limits)?;
        let mut hasher = DefaultHasher::new();
        limits.retention_period.nanos().hash(&mut hasher);
        for rule in &limits.retention_stream {
            (rule.period.nanos(), rule.priority, &rule.selector).hash(&mut hasher);
        }
        let has_some = !periods.all().is_empty();
        Ok(has_some.then(|| Self {
            periods,
            now,
            accepted: limits
                .reject_old_samples
                .then_some(limits.reject_old_samples_max_age),
            rules: hasher.finish(),
        }))
    }

    /// Whether a day has times at which no line is kept.
    pub(crate) fn touches(&self, day: Day) -> bool {
        self.kept_from().is_some_and(|from| day.start() < from)
    }

    /// Whether a day takes no more pushes, and all its times are expired.
    pub(crate) fn is_closed(&self, day: Day) -> bool {
        // Where old lines are never refused late lines of an expired day whose streams are
        // forgotten are expired as well; nobody misses them.
        let Some(longest) = self.periods.longest() else {
            return false;
        };
        let open = self
            .accepted
            .map_or(longest, |accepted| accepted.max(longest));
        self.is_past(day, open.nanos().saturating_add(FORGET))
    }

    /// Whether rows of streams may go of which all lines of a day are expired.
    pub(crate) fn is_sealed(&self, day: Day) -> bool {
        let open = self.accepted.map_or(0, Period::nanos);
        self.is_past(day, open.saturating_add(FORGET))
    }

    /// What a partition of a day is marked with when the streams of which the whole day is expired
    /// are gone from it; `None` where that is none. The mark of a day that may still take pushes
    /// holds for a day.
    pub(crate) fn mark(&self, day: Day) -> Option<String> {
        let all = self.periods.all();
        let passed = all
            .iter()
            .filter(|period| self.is_past(day, period.nanos()));
        let passed = passed.count();
        // With one period only, rows tell by their times.
        let is_needed = passed > 0 && (all.len() > 1 || self.periods.longest().is_none());
        let until = if self.accepted.is_some() && self.is_sealed(day) {
            "closed".to_owned()
        } else {
            Day::of(self.now).to_string()
        };
        is_needed.then(|| format!("{:016x}/{passed}/{until}", self.rules))
    }

    /// What keeps all lines of a day but those of the streams of which the whole day is expired.
    pub(crate) fn of_day(&self, day: Day) -> WholeDay {
        WholeDay {
            periods: self.periods.clone(),
            age: self.now.since(day.end()),
        }
    }

    /// The rows of a partition that go: none where no row is expired.
    pub(crate) fn gone(&self, rows: Vec<SegmentRow>) -> Gone {
        let from = self.kept_from();
        let is_expired = |row: &SegmentRow| from.is_some_and(|from| row.summary.last < from);
        if !rows.iter().any(is_expired) {
            return Gone {
                kept: rows,
                ..Gone::default()
            };
        }
        let (hidden, rows) = split_left_behind(rows);
        let (expired, kept) = rows.into_iter().partition(is_expired);
        Gone {
            hidden,
            expired,
            kept,
        }
    }

    /// Before this no line is kept.
    fn kept_from(&self) -> Option<Timestamp> {
        let longest = self.periods.longest()?;
        Some(self.now.minus(longest.nanos()))
    }

    fn is_past(&self, day: Day, nanos: i64) -> bool {
        day.end() <= self.now.minus(nanos)
    }
}

const FORGET: i64 = FORGET_SECONDS * NANOS_PER_SECOND;

/// Streams of one day: all lines of one or none.
pub(crate) struct WholeDay {
    periods: Periods,
    /// How long the day has been over, in nanoseconds.
    age: i64,
}

impl WholeDay {
    /// Whether all lines that a stream may have on the day are expired.
    pub(crate) fn is_expired(&self, labels: &Labels) -> bool {
        let period = self.periods.of(labels);
        period.is_some_and(|period| period.nanos() <= self.age)
    }
}

impl Keep for WholeDay {
    fn share(&self, labels: &Labels, _: Timestamp, _: Timestamp) -> Share {
        match self.is_expired(labels) {
            true => Share::Nothing,
            false => Share::All,
        }
    }

    fn rows(&self, _: &Labels, _: &Rows, _: &mut [bool]) {}
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
        let noon = today.start().plus(43_200 * NANOS_PER_SECOND);
        let cutoff = Cutoff::new(&limits, noon).unwrap();
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

    /// The mark of a day so many days back from 2026-01-31T12:00, with the rules told by a letter.
    #[track_caller]
    fn check_marks(yaml: &str, want: &[(i32, Option<&str>)]) {
        let config = narvi_gateway::Config::from_yaml(&format!("limits_config: {yaml}")).unwrap();
        let now = Timestamp::from_seconds(1_769_860_800);
        let cutoff = Cutoff::new(config.limits.base(), now).unwrap().unwrap();
        for (back, want) in want {
            let mark = cutoff.mark(Day::from_number(Day::of(now).number() - back));
            let end = mark.as_ref().map(|mark| mark.split_once('/').unwrap().1);
            assert_eq!(end, *want, "{back} days back");
        }
    }

    #[test]
    fn marks_change_when_more_is_expired_or_pushes_may_have_come() {
        check_marks("{retention_period: 2d}", &[(1, None), (40, None)]);
        let dev = r#"{retention_stream: [{selector: '{env="dev"}', period: 24h}]}"#;
        let today = Some("1/2026-01-31");
        let marks = [
            (0, None),
            (1, None),
            (2, today),
            (8, today),
            (9, Some("1/closed")),
        ];
        check_marks(dev, &marks);
        let open = dev.replace("{retention", "{reject_old_samples: false, retention");
        check_marks(&open, &[(1, None), (2, today), (300, today)]);
        let two = dev.replace("{retention", "{retention_period: 20d, retention");
        check_marks(&two, &[(20, Some("1/closed")), (21, Some("2/closed"))]);
    }

    #[test]
    fn other_rules_have_other_marks() {
        let mark = |rules: &str| {
            let text = format!("limits_config: {{retention_stream: [{rules}]}}");
            let config = narvi_gateway::Config::from_yaml(&text).unwrap();
            let now = Timestamp::from_seconds(1_769_860_800);
            let cutoff = Cutoff::new(config.limits.base(), now).unwrap().unwrap();
            cutoff.mark(Day::parse("2025-12-01").unwrap()).unwrap()
        };
        let one = r#"{selector: '{a="b"}', period: 2d}"#;
        assert_eq!(mark(one), mark(one));
        for other in [
            r#"{selector: '{a="c"}', period: 2d}"#,
            r#"{selector: '{a="b"}', period: 3d}"#,
            r#"{selector: '{a="b"}', period: 2d, priority: 1}"#,
            &format!("{one}, {one}"),
        ] {
            assert_ne!(mark(one), mark(other), "{other}");
        }
    }
}
