//! When: [`Timestamp`] in nanoseconds, [`TimeRange`] half open and never empty, [`Day`] in UTC.

use std::fmt;

/// Nanoseconds in a millisecond.
pub const NANOS_PER_MILLI: i64 = 1_000_000;
/// Nanoseconds in a second.
pub const NANOS_PER_SECOND: i64 = 1_000_000_000;
/// Nanoseconds in a day (UTC days have no leap seconds in Unix time).
pub const NANOS_PER_DAY: i64 = 86_400 * NANOS_PER_SECOND;

/// Nanoseconds since 1970-01-01 UTC; from 1677 to 2262.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest time that can be written.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest time that can be written.
    pub const MAX: Self = Self(i64::MAX);

    /// From nanoseconds since the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From milliseconds since the epoch; beyond the year 2262 it is [`Timestamp::MAX`].
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(NANOS_PER_MILLI))
    }

    /// From seconds since the epoch; beyond the year 2262 it is [`Timestamp::MAX`].
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(NANOS_PER_SECOND))
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole milliseconds since the epoch, rounded down.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(NANOS_PER_MILLI)
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(NANOS_PER_SECOND)
    }

    /// Later by `nanos` (earlier where negative); stops at the ends of time.
    #[must_use]
    pub const fn plus(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// Earlier by `nanos`; stops at the ends of time.
    #[must_use]
    pub const fn minus(self, nanos: i64) -> Self {
        Self(self.0.saturating_sub(nanos))
    }

    /// Nanoseconds from `earlier` to this; stops at the ends of `i64`.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// RFC 3339 in UTC with whole seconds, as Loki prints times in refusals.
    #[must_use]
    pub fn rfc3339_seconds(self) -> String {
        let (year, month, day) = Day::of(self).date();
        let s = self.seconds().rem_euclid(86_400);
        let (h, m, s) = (s / 3600, s / 60 % 60, s % 60);
        format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
    }

    /// RFC 3339 in UTC with as many decimals as it needs, as Go's `RFC3339Nano`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        let seconds = self.rfc3339_seconds();
        let nanos = self.nanos().rem_euclid(NANOS_PER_SECOND);
        if nanos == 0 {
            return seconds;
        }
        let decimals = format!("{nanos:09}");
        let (seconds, decimals) = (
            seconds.trim_end_matches('Z'),
            decimals.trim_end_matches('0'),
        );
        format!("{seconds}.{decimals}Z")
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ns", self.0)
    }
}

/// A span of time, start included, end excluded; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct TimeRange {
    start: Timestamp,
    end: Timestamp,
}

impl TimeRange {
    /// `start` included, `end` excluded; `None` where that holds no time.
    #[must_use]
    pub fn new(start: Timestamp, end: Timestamp) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// Both ends included; `None` where `last` is before `first`.
    #[must_use]
    pub fn inclusive(first: Timestamp, last: Timestamp) -> Option<Self> {
        Self::new(first, last.plus(1))
    }

    /// The first instant.
    #[must_use]
    pub const fn start(&self) -> Timestamp {
        self.start
    }

    /// The first instant after it.
    #[must_use]
    pub const fn end(&self) -> Timestamp {
        self.end
    }

    /// Whether `time` lies in it.
    #[must_use]
    pub fn contains(&self, time: Timestamp) -> bool {
        self.start <= time && time < self.end
    }

    /// Whether all of `first..=last` lies in it.
    #[must_use]
    pub fn covers(&self, first: Timestamp, last: Timestamp) -> bool {
        self.contains(first) && self.contains(last)
    }

    /// Whether any of `first..=last` lies in it.
    #[must_use]
    pub fn touches(&self, first: Timestamp, last: Timestamp) -> bool {
        first < self.end && last >= self.start
    }

    /// The smallest range that holds both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The part of it that lies on a day; `None` where none does.
    #[must_use]
    pub fn on(&self, day: Day) -> Option<Self> {
        Self::new(self.start.max(day.start()), self.end.min(day.end()))
    }

    /// Every UTC day that it touches, in order.
    pub fn days(&self) -> impl DoubleEndedIterator<Item = Day> + use<> {
        (Day::of(self.start).0..=Day::of(self.end.minus(1)).0).map(Day)
    }

    /// Length in nanoseconds, at most `i64::MAX`.
    #[must_use]
    pub const fn nanos(&self) -> i64 {
        self.end.since(self.start)
    }
}

/// A UTC day: the partition of the catalog. Ordered by time; prints as `2026-01-31`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(i32);

impl Day {
    /// The day that `time` lies in.
    #[must_use]
    pub fn of(time: Timestamp) -> Self {
        // i64 nanoseconds reach 106,751 days either side of the epoch, far within i32.
        Self(i32::try_from(time.0.div_euclid(NANOS_PER_DAY)).unwrap_or(i32::MAX))
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// From days since 1970-01-01.
    #[must_use]
    pub const fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// Its first instant.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        Timestamp((self.0 as i64).saturating_mul(NANOS_PER_DAY))
    }

    /// The first instant after it.
    #[must_use]
    pub const fn end(self) -> Timestamp {
        self.start().plus(NANOS_PER_DAY)
    }

    /// Reads `2026-01-31`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (year, rest) = text.split_at_checked(text.len().checked_sub(6)?)?;
        let (month, day) = rest.strip_prefix('-')?.split_once('-')?;
        let day = Self::from_date(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
        (day.to_string() == text).then_some(day)
    }

    /// Days from a civil date (Howard Hinnant, "chrono-compatible low-level date algorithms").
    fn from_date(year: i32, month: i32, day: i32) -> Self {
        let year = if month <= 2 {
            year.saturating_sub(1)
        } else {
            year
        };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Self(
            era.saturating_mul(146_097)
                .saturating_add(day_of_era - 719_468),
        )
    }

    /// Year, month and day of month (the same source, backwards).
    fn date(self) -> (i32, i32, i32) {
        let days = self.0 + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = year_of_era + era * 400 + i32::from(month <= 2);
        (year, month, day)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates() {
        for (nanos, text) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (1_768_471_200 * NANOS_PER_SECOND, "2026-01-15"),
            (951_782_400 * NANOS_PER_SECOND, "2000-02-29"),
            (i64::MAX, "2262-04-11"),
            (i64::MIN, "1677-09-21"),
        ] {
            let day = Day::of(Timestamp::from_nanos(nanos));
            assert_eq!(day.to_string(), text);
            assert_eq!(Day::parse(text), Some(day));
        }
        for bad in [
            "",
            "2026-1-15",
            "2026-02-30",
            "x",
            "2026-01-15T",
            "é26-01-15",
        ] {
            assert_eq!(Day::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_reads_back() {
        for number in -73_000..73_100 {
            let day = Day::from_number(number);
            assert_eq!(Day::parse(&day.to_string()), Some(day));
        }
    }

    #[test]
    fn ranges_are_half_open_and_never_empty() {
        let t = Timestamp::from_seconds;
        assert_eq!(TimeRange::new(t(5), t(5)), None);
        assert_eq!(TimeRange::new(t(6), t(5)), None);
        let range = TimeRange::new(t(5), t(7)).unwrap();
        assert!(range.contains(t(5)) && !range.contains(t(7)));
        assert!(range.touches(t(0), t(5)) && !range.touches(t(7), t(9)));
        assert!(range.covers(t(5), t(6)) && !range.covers(t(5), t(7)));
        let midnight = TimeRange::new(t(86_399), t(86_400)).unwrap();
        assert_eq!(midnight.days().count(), 1);
        assert_eq!(
            TimeRange::new(t(86_399), t(86_401)).unwrap().days().count(),
            2
        );
        let both = TimeRange::new(t(86_399), t(86_401)).unwrap();
        let parts: Vec<_> = both.days().map(|day| both.on(day)).collect();
        let second = TimeRange::new(t(86_400), t(86_401));
        assert_eq!(parts, [Some(midnight), second]);
        assert_eq!(midnight.on(both.days().next_back().unwrap()), None);
    }

    #[test]
    fn rfc3339() {
        let time = Timestamp::from_nanos(1_768_471_263_999_999_999);
        assert_eq!(time.rfc3339_seconds(), "2026-01-15T10:01:03Z");
        for (nanos, want) in [
            (0, "1970-01-01T00:00:00Z"),
            (1, "1970-01-01T00:00:00.000000001Z"),
            (1_500_000_000, "1970-01-01T00:00:01.5Z"),
            (-500_000_000, "1969-12-31T23:59:59.5Z"),
        ] {
            assert_eq!(Timestamp::from_nanos(nanos).rfc3339(), want);
        }
    }
}
