//! [`Zone`]: the offset from UTC of a place at a point in time.

use jiff::tz::TimeZone;

use super::Civil;

/// Where a text without an offset was written.
#[derive(Clone, Debug)]
pub(in crate::template) enum Zone {
    Utc,
    Place(TimeZone),
}

/// Seconds of half a year: as far away, the other of summer and winter time holds.
const HALF_YEAR: i64 = 182 * 86_400;

impl Zone {
    /// By its name in the IANA database; UTC for what is unknown, and for the server's own.
    pub(in crate::template) fn named(name: &str) -> Self {
        match TimeZone::get(name) {
            // Names differ by case in Go.
            Ok(place) if place.iana_name() == Some(name) && name != "UTC" => Self::Place(place),
            _ => Self::Utc,
        }
    }

    /// Seconds ahead of UTC at a number of seconds since 1970, and the short name.
    pub(super) fn at(&self, seconds: i64) -> (i32, String) {
        let Self::Place(place) = self else {
            return (0, "UTC".to_owned());
        };
        // Beyond its calendar the first or last second stands for all.
        let (first, last) = (
            jiff::Timestamp::MIN.as_second(),
            jiff::Timestamp::MAX.as_second(),
        );
        let Ok(time) = jiff::Timestamp::from_second(seconds.clamp(first, last)) else {
            return (0, "UTC".to_owned());
        };
        let info = place.to_offset_info(time);
        (info.offset().seconds(), info.abbreviation().to_owned())
    }

    /// The point in time at which clocks here show this; of two or none, the one that Go takes.
    pub(super) fn seconds_of(&self, civil: Civil) -> i64 {
        let shown = civil.seconds();
        let (guess, _) = self.at(shown);
        let (offset, _) = self.at(shown - i64::from(guess));
        shown - i64::from(offset)
    }

    /// The offset that a short name means here around a time.
    pub(super) fn offset_of(&self, name: &str, seconds: i64) -> Option<i32> {
        [seconds, seconds - HALF_YEAR, seconds + HALF_YEAR]
            .into_iter()
            .map(|seconds| self.at(seconds))
            .find_map(|(offset, known)| (known == name).then_some(offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let berlin = Zone::named("Europe/Berlin");
        assert_eq!(berlin.at(1_768_471_207), (3600, "CET".to_owned()));
        assert_eq!(berlin.at(1_784_000_000), (7200, "CEST".to_owned()));
        assert_eq!(berlin.offset_of("CEST", 1_768_471_207), Some(7200));
        assert_eq!(berlin.offset_of("PST", 1_768_471_207), None);
        for unknown in [
            "",
            "Local",
            "europe/berlin",
            "Nowhere/Land",
            "../etc/passwd",
        ] {
            assert!(matches!(Zone::named(unknown), Zone::Utc), "{unknown}");
        }
    }
}
