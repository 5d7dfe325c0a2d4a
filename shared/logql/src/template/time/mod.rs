//! [`Time`]: a point in time with the zone that it is shown in, as Go's `time.Time`.
//!
//! `layout` reads Go's layouts, `format` writes by them, `parse` reads by them, `zone` knows the
//! offsets of places. The server's own zone is UTC; there is no clock here.

mod format;
mod layout;
mod parse;
mod zone;

use narvi_model::{NANOS_PER_SECOND, Timestamp};

pub(super) use parse::parse;
pub(super) use zone::Zone;

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time<'a> {
    /// Seconds since 1970 in UTC.
    pub(super) seconds: i64,
    /// Below a second.
    pub(super) nanos: u32,
    /// Seconds that the zone is ahead of UTC.
    offset: i32,
    /// The zone's short name; empty if it has none.
    zone: &'a str,
}

const SECONDS_PER_DAY: i64 = 86_400;

/// 0001-01-01, where Go's time begins, in seconds since 1970.
const ZERO_SECONDS: i64 = -62_135_596_800;

/// A time as calendars and clocks show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    /// From 1.
    pub(super) month: u32,
    pub(super) day: u32,
    pub(super) hour: u32,
    pub(super) minute: u32,
    pub(super) second: u32,
}

impl<'a> Time<'a> {
    /// In UTC, from seconds and nanoseconds since 1970, of which the second may be many.
    pub(super) fn utc(seconds: i64, nanos: i64) -> Self {
        let nanos_per_second = NANOS_PER_SECOND;
        Self {
            seconds: seconds.wrapping_add(nanos.div_euclid(nanos_per_second)),
            nanos: nanos.rem_euclid(nanos_per_second) as u32,
            offset: 0,
            zone: "UTC",
        }
    }

    /// Go's time that was never set.
    pub(super) fn zero() -> Self {
        Self::utc(ZERO_SECONDS, 0)
    }

    pub(super) fn is_zero(self) -> bool {
        self.seconds == ZERO_SECONDS && self.nanos == 0
    }

    /// The same point in another zone.
    pub(super) fn shown_in(self, offset: i32, zone: &'a str) -> Self {
        Self {
            offset,
            zone,
            ..self
        }
    }

    /// The same point in UTC.
    pub(super) fn in_utc(self) -> Self {
        self.shown_in(0, "UTC")
    }

    /// Units of which a second has `per_second`, since 1970; they wrap beyond an `i64` as in Go.
    pub(super) fn since_epoch(self, per_second: i64) -> i64 {
        let below = i64::from(self.nanos) / (NANOS_PER_SECOND / per_second);
        self.seconds.wrapping_mul(per_second).wrapping_add(below)
    }

    /// In its zone.
    pub(super) fn civil(self) -> Civil {
        let local = self.seconds.saturating_add(i64::from(self.offset));
        let clock = local.rem_euclid(SECONDS_PER_DAY) as u32;
        let (year, month, day) = date_of(local.div_euclid(SECONDS_PER_DAY));
        Civil {
            year,
            month,
            day,
            hour: clock / 3600,
            minute: clock / 60 % 60,
            second: clock % 60,
        }
    }

    /// Days since Sunday.
    pub(super) fn weekday(self) -> usize {
        let local = self.seconds.saturating_add(i64::from(self.offset));
        // 1970 began on a Thursday.
        (local.div_euclid(SECONDS_PER_DAY) + 4).rem_euclid(7) as usize
    }

    /// Days since the year began, from 1.
    pub(super) fn year_day(self) -> i64 {
        let local = self.seconds.saturating_add(i64::from(self.offset));
        let year = self.civil().year;
        local.div_euclid(SECONDS_PER_DAY) - days_of(year, 1, 1) + 1
    }

    /// As `fmt` prints it.
    pub(super) fn write_go(self, out: &mut String) {
        self.format("2006-01-02 15:04:05.999999999 -0700 MST", out);
    }
}

impl From<Timestamp> for Time<'_> {
    fn from(time: Timestamp) -> Self {
        Self::utc(0, time.nanos())
    }
}

impl Civil {
    /// Seconds since 1970, were it UTC.
    fn seconds(self) -> i64 {
        let days = days_of(self.year, self.month, self.day);
        let clock = i64::from(self.hour * 3600 + self.minute * 60 + self.second);
        days * SECONDS_PER_DAY + clock
    }
}

/// Days since 1970 of a date in the proleptic Gregorian calendar. Counted in years that begin in
/// March, so that the leap day is the last one.
fn days_of(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date of a number of days since 1970.
fn date_of(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = (of_year - (153 * shifted + 2) / 5 + 1) as u32;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    } as u32;
    (year + era * 400 + i64::from(month <= 2), month, day)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in(month: u32, year: i64) -> u32 {
    match month {
        2 => 28 + u32::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar() {
        for (year, month, day) in [
            (1970, 1, 1),
            (2000, 2, 29),
            (1900, 3, 1),
            (2026, 1, 15),
            (1, 1, 1),
            (-4, 12, 31),
        ] {
            assert_eq!(date_of(days_of(year, month, day)), (year, month, day));
        }
        assert_eq!(days_of(1970, 1, 1), 0);
        assert_eq!(days_of(1, 1, 1) * SECONDS_PER_DAY, ZERO_SECONDS);
    }

    #[test]
    fn as_printed() {
        for (time, want) in [
            (
                Time::utc(0, 1_500_000_000),
                "1970-01-01 00:00:01.5 +0000 UTC",
            ),
            (
                Time::utc(1_768_471_207, 0).shown_in(3600, "CET"),
                "2026-01-15 11:00:07 +0100 CET",
            ),
            (Time::zero(), "0001-01-01 00:00:00 +0000 UTC"),
        ] {
            let mut out = String::new();
            time.write_go(&mut out);
            assert_eq!(out, want);
        }
    }
}
