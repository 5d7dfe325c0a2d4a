//! Reading a time by a layout, as Go's `time.ParseInLocation`.
//!
//! Templates drop the reason why a text does not fit, so there is none here.

use bumpalo::Bump;

use super::format::{MONTHS, WEEKDAYS};
use super::layout::{Element, Fraction, Offset, next};
use super::zone::Zone;
use super::{Civil, Time, date_of, days_in, days_of, is_leap};

/// The time that `text` is by `layout`; `zone` is where it was written, `names` keeps the name of
/// its zone.
pub(in crate::template) fn parse<'a>(
    layout: &str,
    text: &str,
    zone: &Zone,
    names: &'a Bump,
) -> Option<Time<'a>> {
    let mut found = Found {
        rest: text,
        ..Found::default()
    };
    let mut layout = layout;
    loop {
        let (prefix, element, behind) = next(layout);
        found.skip(prefix)?;
        let Some(element) = element else {
            break;
        };
        layout = behind;
        found.element(element, layout)?;
    }
    found.rest.is_empty().then_some(())?;
    found.time(zone, names)
}

/// What was read so far.
#[derive(Default)]
struct Found<'t> {
    rest: &'t str,
    year: i64,
    month: Option<u32>,
    day: Option<u32>,
    year_day: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    /// Whether it is after noon, if it says so.
    afternoon: Option<bool>,
    is_utc: bool,
    offset: Option<i32>,
    zone: &'t str,
}

impl<'t> Found<'t> {
    /// Passes plain text; spaces stand for any number of them.
    fn skip(&mut self, prefix: &str) -> Option<()> {
        let mut prefix = prefix;
        while let Some(c) = prefix.chars().next() {
            if c == ' ' {
                if !self.rest.is_empty() && !self.rest.starts_with(' ') {
                    return None;
                }
                prefix = prefix.trim_start_matches(' ');
                self.rest = self.rest.trim_start_matches(' ');
                continue;
            }
            self.rest = self.rest.strip_prefix(c)?;
            prefix = prefix.get(c.len_utf8()..)?;
        }
        Some(())
    }

    fn take(&mut self, len: usize) -> Option<&'t str> {
        let (head, tail) = self.rest.split_at_checked(len)?;
        self.rest = tail;
        Some(head)
    }

    /// One or two digits, or exactly `least`.
    fn number(&mut self, least: usize) -> Option<u32> {
        let len = self
            .rest
            .bytes()
            .take(2)
            .take_while(u8::is_ascii_digit)
            .count();
        if len < least.max(1) {
            return None;
        }
        self.take(len)?.parse().ok()
    }

    fn element(&mut self, element: Element, behind: &str) -> Option<()> {
        match element {
            Element::Year => {
                let year = i64::from(self.exactly(2)?);
                self.year = year + if year >= 69 { 1900 } else { 2000 };
            }
            Element::LongYear => self.year = i64::from(self.exactly(4)?),
            Element::Month => self.month = Some(self.name(&MONTHS, 3)? + 1),
            Element::LongMonth => self.month = Some(self.name(&MONTHS, usize::MAX)? + 1),
            Element::NumMonth => self.month = Some(in_range(self.number(1)?, 1, 12)?),
            Element::ZeroMonth => self.month = Some(in_range(self.number(2)?, 1, 12)?),
            Element::Weekday => drop(self.name(&WEEKDAYS, 3)?),
            Element::LongWeekday => drop(self.name(&WEEKDAYS, usize::MAX)?),
            Element::Day => self.day = Some(self.number(1)?),
            Element::UnderDay => {
                self.rest = self.rest.strip_prefix(' ').unwrap_or(self.rest);
                self.day = Some(self.number(1)?);
            }
            Element::ZeroDay => self.day = Some(self.number(2)?),
            Element::UnderYearDay => {
                for _ in 0..2 {
                    self.rest = self.rest.strip_prefix(' ').unwrap_or(self.rest);
                }
                let len = self
                    .rest
                    .bytes()
                    .take(3)
                    .take_while(u8::is_ascii_digit)
                    .count();
                self.year_day = Some(self.take(len)?.parse().ok()?);
            }
            Element::ZeroYearDay => self.year_day = Some(self.exactly(3)?),
            Element::Hour => self.hour = in_range(self.number(1)?, 0, 23)?,
            Element::Hour12 => self.hour = in_range(self.number(1)?, 0, 12)?,
            Element::ZeroHour12 => self.hour = in_range(self.number(2)?, 0, 12)?,
            Element::Minute => self.minute = in_range(self.number(1)?, 0, 59)?,
            Element::ZeroMinute => self.minute = in_range(self.number(2)?, 0, 59)?,
            Element::Second => self.second(1, behind)?,
            Element::ZeroSecond => self.second(2, behind)?,
            Element::UpperHalf => self.half(["AM", "PM"])?,
            Element::LowerHalf => self.half(["am", "pm"])?,
            Element::ZoneName => self.zone_name()?,
            Element::Offset(shape) => self.offset(shape)?,
            Element::Fraction(shape) => self.fraction(shape)?,
        }
        Some(())
    }

    fn exactly(&mut self, len: usize) -> Option<u32> {
        let digits = self.take(len)?;
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then_some(())?;
        digits.parse().ok()
    }

    /// The index of the name at the start, by its first `len` letters, in any case.
    fn name(&mut self, names: &[&str], len: usize) -> Option<u32> {
        let found = names.iter().enumerate().find_map(|(index, name)| {
            let name = name.get(..len.min(name.len()))?;
            let head = self.rest.get(..name.len())?;
            head.eq_ignore_ascii_case(name)
                .then_some((index, name.len()))
        });
        let (index, len) = found?;
        self.take(len)?;
        u32::try_from(index).ok()
    }

    /// A second, and a fraction though the layout has none.
    fn second(&mut self, least: usize, behind: &str) -> Option<()> {
        self.second = in_range(self.number(least)?, 0, 59)?;
        let bytes = self.rest.as_bytes();
        let has_fraction = matches!(bytes.first(), Some(b'.' | b','))
            && bytes.get(1).is_some_and(u8::is_ascii_digit);
        if has_fraction && !matches!(next(behind).1, Some(Element::Fraction(_))) {
            let digits = bytes
                .iter()
                .skip(1)
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            self.nanos(digits)?;
        }
        Some(())
    }

    /// A separator and as many digits.
    fn nanos(&mut self, digits: usize) -> Option<()> {
        let text = self.take(digits + 1)?;
        let text = text.strip_prefix(['.', ','])?;
        text.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then_some(())?;
        let shown = text.get(..text.len().min(9))?;
        self.nanos = format!("{shown:0<9}").parse().ok()?;
        Some(())
    }

    fn fraction(&mut self, shape: Fraction) -> Option<()> {
        if !shape.trims {
            return self.nanos(shape.digits);
        }
        let bytes = self.rest.as_bytes();
        let digits = bytes
            .iter()
            .skip(1)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if digits == 0 || !matches!(bytes.first(), Some(b'.' | b',')) {
            return Some(());
        }
        self.nanos(digits)
    }

    fn half(&mut self, [before, after]: [&str; 2]) -> Option<()> {
        let text = self.take(2)?;
        self.afternoon = Some(text == after);
        (text == before || text == after).then_some(())
    }

    fn offset(&mut self, shape: Offset) -> Option<()> {
        if shape.z
            && let Some(rest) = self.rest.strip_prefix('Z')
        {
            self.rest = rest;
            self.is_utc = true;
            return Some(());
        }
        let sign = match self.take(1)? {
            "+" => 1,
            "-" => -1,
            _ => return None,
        };
        let mut parts = [0; 3];
        let limits = [24, 60, 60];
        for (at, part) in parts.iter_mut().enumerate().take(usize::from(shape.parts)) {
            if at > 0 && shape.colons && self.take(1)? != ":" {
                return None;
            }
            *part = in_range(self.exactly(2)?, 0, limits.get(at).copied().unwrap_or(60))?;
        }
        let [hours, minutes, seconds] = parts;
        self.offset = Some(sign * i32::try_from(hours * 3600 + minutes * 60 + seconds).ok()?);
        Some(())
    }

    fn zone_name(&mut self) -> Option<()> {
        if let Some(rest) = self.rest.strip_prefix("UTC") {
            self.rest = rest;
            self.is_utc = true;
            return Some(());
        }
        self.zone = self.take(zone_name_len(self.rest)?)?;
        Some(())
    }

    fn time<'a>(mut self, zone: &Zone, names: &'a Bump) -> Option<Time<'a>> {
        match self.afternoon {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        let (month, day) = self.date()?;
        in_range(day, 1, days_in(month, self.year))?;
        let Self {
            year,
            hour,
            minute,
            second,
            ..
        } = self;
        let civil = Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
        };
        let nanos = i64::from(self.nanos);
        if self.is_utc {
            return Some(Time::utc(civil.seconds(), nanos));
        }
        if let Some(offset) = self.offset {
            let time = Time::utc(civil.seconds() - i64::from(offset), nanos);
            let (local, name) = zone.at(time.seconds);
            let is_local = local == offset && (self.zone.is_empty() || self.zone == name);
            let shown = if is_local { &name } else { self.zone };
            return Some(time.shown_in(offset, names.alloc_str(shown)));
        }
        if self.zone.is_empty() {
            let seconds = zone.seconds_of(civil);
            let (offset, name) = zone.at(seconds);
            return Some(Time::utc(seconds, nanos).shown_in(offset, names.alloc_str(&name)));
        }
        let seconds = civil.seconds();
        let shown = names.alloc_str(self.zone);
        if let Some(offset) = zone.offset_of(self.zone, seconds) {
            let time = Time::utc(seconds - i64::from(offset), nanos);
            return Some(time.shown_in(offset, shown));
        }
        // A name that means nothing here: Go makes a zone of it, and takes the time for UTC.
        let hours = self
            .zone
            .strip_prefix("GMT")
            .and_then(|hours| hours.parse::<i32>().ok());
        Some(Time::utc(seconds, nanos).shown_in(hours.unwrap_or(0) * 3600, shown))
    }

    /// Month and day, also from the day of the year.
    fn date(&self) -> Option<(u32, u32)> {
        let Some(year_day) = self.year_day else {
            return Some((self.month.unwrap_or(1), self.day.unwrap_or(1)));
        };
        in_range(year_day, 1, 365 + u32::from(is_leap(self.year)))?;
        let (_, month, day) = date_of(days_of(self.year, 1, 1) + i64::from(year_day) - 1);
        let fits = self.month.is_none_or(|known| known == month)
            && self.day.is_none_or(|known| known == day);
        fits.then_some((month, day))
    }
}

fn in_range(number: u32, first: u32, last: u32) -> Option<u32> {
    (first..=last).contains(&number).then_some(number)
}

/// The length of what looks like the short name of a zone.
fn zone_name_len(text: &str) -> Option<usize> {
    if text.starts_with("ChST") || text.starts_with("MeST") {
        return Some(4);
    }
    if let Some(behind) = text.strip_prefix("GMT") {
        return Some(3 + signed_len(behind).unwrap_or(0));
    }
    if text.starts_with(['+', '-']) {
        return (text.len() >= 3).then(|| signed_len(text))?;
    }
    let bytes = text.as_bytes();
    match bytes
        .iter()
        .take(6)
        .take_while(|byte| byte.is_ascii_uppercase())
        .count()
    {
        3 => Some(3),
        4 => (bytes.get(3) == Some(&b'T') || text.starts_with("WITA")).then_some(4),
        5 => (bytes.get(4) == Some(&b'T')).then_some(5),
        _ => None,
    }
}

/// The length of a sign and an hour.
fn signed_len(text: &str) -> Option<usize> {
    let digits = text.strip_prefix(['+', '-'])?;
    let len = digits.bytes().take_while(u8::is_ascii_digit).count();
    let hour: u32 = digits.get(..len)?.parse().ok()?;
    (hour <= 23).then_some(len + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(layout: &str, text: &str, zone: &str, want: &str) {
        let names = Bump::new();
        let time = parse(layout, text, &Zone::named(zone), &names);
        let mut out = String::new();
        time.unwrap_or(Time::zero()).write_go(&mut out);
        assert_eq!(out, want, "{text} by {layout}");
    }

    #[test]
    fn fits() {
        let rfc3339 = "2006-01-02T15:04:05Z07:00";
        check(
            rfc3339,
            "2026-01-15T10:00:07Z",
            "",
            "2026-01-15 10:00:07 +0000 UTC",
        );
        check(
            rfc3339,
            "2026-01-15T10:00:07.25+02:00",
            "",
            "2026-01-15 10:00:07.25 +0200 +0200",
        );
        check(
            "2006-01-02",
            "2026-07-15",
            "Europe/Berlin",
            "2026-07-15 00:00:00 +0200 CEST",
        );
        check(
            "2006-01-02 MST",
            "2026-07-15 PST",
            "",
            "2026-07-15 00:00:00 +0000 PST",
        );
        check(
            "2006-01-02 MST",
            "2026-07-15 GMT+3",
            "",
            "2026-07-15 03:00:00 +0300 GMT+3",
        );
        check(
            "Jan _2 3:04pm",
            "feb  7 12:05am",
            "",
            "0000-02-07 00:05:00 +0000 UTC",
        );
        check("2006 002", "2024 060", "", "2024-02-29 00:00:00 +0000 UTC");
        check("06", "69", "", "1969-01-01 00:00:00 +0000 UTC");
        check("05.000", "07.123", "", "0000-01-01 00:00:07.123 +0000 UTC");
    }

    #[test]
    fn does_not_fit() {
        let zero = "0001-01-01 00:00:00 +0000 UTC";
        for (layout, text) in [
            ("2006-01-02", "2026-02-30"),
            ("2006-01-02", "2026-1-2"),
            ("2006-01-02", "2026-01-02x"),
            ("15", "24"),
            ("2006 002", "2023 366"),
            ("05.000", "07.12"),
            ("MST", "ab"),
            ("é", "e"),
        ] {
            check(layout, text, "", zero);
        }
    }
}
