//! Writing a time by a layout.

use std::fmt::Write as _;

use super::layout::{Element, Fraction, Offset, next};
use super::{Civil, Time};

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

impl Time<'_> {
    /// Appends the time as `layout` shows Go's reference time.
    pub(in crate::template) fn format(self, layout: &str, out: &mut String) {
        let civil = self.civil();
        let mut rest = layout;
        loop {
            let (prefix, element, behind) = next(rest);
            out.push_str(prefix);
            let Some(element) = element else {
                return;
            };
            // Writing to a `String` does not fail.
            let _ = self.element(element, civil, out);
            rest = behind;
        }
    }

    fn element(self, element: Element, civil: Civil, out: &mut String) -> std::fmt::Result {
        let Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = civil;
        let hour12 = if hour % 12 == 0 { 12 } else { hour % 12 };
        let half = if hour >= 12 { "PM" } else { "AM" };
        match element {
            Element::LongYear if year < 0 => write!(out, "-{:04}", -year),
            Element::LongYear => write!(out, "{year:04}"),
            Element::Year => write!(out, "{:02}", year.unsigned_abs() % 100),
            Element::LongMonth => out.write_str(self.month()),
            Element::Month => out.write_str(short(self.month())),
            Element::NumMonth => write!(out, "{month}"),
            Element::ZeroMonth => write!(out, "{month:02}"),
            Element::LongWeekday => out.write_str(self.weekday_name()),
            Element::Weekday => out.write_str(short(self.weekday_name())),
            Element::Day => write!(out, "{day}"),
            Element::UnderDay => write!(out, "{day:2}"),
            Element::ZeroDay => write!(out, "{day:02}"),
            Element::UnderYearDay => write!(out, "{:3}", self.year_day()),
            Element::ZeroYearDay => write!(out, "{:03}", self.year_day()),
            Element::Hour => write!(out, "{hour:02}"),
            Element::Hour12 => write!(out, "{hour12}"),
            Element::ZeroHour12 => write!(out, "{hour12:02}"),
            Element::Minute => write!(out, "{minute}"),
            Element::ZeroMinute => write!(out, "{minute:02}"),
            Element::Second => write!(out, "{second}"),
            Element::ZeroSecond => write!(out, "{second:02}"),
            Element::UpperHalf => out.write_str(half),
            Element::LowerHalf => out.write_str(&half.to_ascii_lowercase()),
            Element::ZoneName if self.zone.is_empty() => self.offset(
                Offset {
                    z: false,
                    colons: false,
                    parts: 2,
                },
                out,
            ),
            Element::ZoneName => out.write_str(self.zone),
            Element::Offset(offset) => self.offset(offset, out),
            Element::Fraction(fraction) => self.fraction(fraction, out),
        }
    }

    /// The month's English name.
    pub(in crate::template) fn month(self) -> &'static str {
        MONTHS
            .get(self.civil().month as usize - 1)
            .copied()
            .unwrap_or_default()
    }

    /// The English name of the day of the week.
    pub(in crate::template) fn weekday_name(self) -> &'static str {
        WEEKDAYS.get(self.weekday()).copied().unwrap_or_default()
    }

    fn offset(self, shape: Offset, out: &mut String) -> std::fmt::Result {
        if shape.z && self.offset == 0 {
            return out.write_str("Z");
        }
        // Go takes the sign from whole minutes.
        let sign = if self.offset / 60 < 0 { '-' } else { '+' };
        let seconds = self.offset.abs();
        let colon = if shape.colons { ":" } else { "" };
        write!(out, "{sign}{:02}", seconds / 3600)?;
        if shape.parts > 1 {
            write!(out, "{colon}{:02}", seconds / 60 % 60)?;
        }
        if shape.parts > 2 {
            write!(out, "{colon}{:02}", seconds % 60)?;
        }
        Ok(())
    }

    fn fraction(self, shape: Fraction, out: &mut String) -> std::fmt::Result {
        if shape.trims && self.nanos == 0 {
            return Ok(());
        }
        let all = format!("{:09}", self.nanos);
        let shown = all.get(..shape.digits.min(9)).unwrap_or(&all);
        let shown = if shape.trims {
            shown.trim_end_matches('0')
        } else {
            shown
        };
        if shape.trims && shown.is_empty() {
            return Ok(());
        }
        write!(out, "{}{shown}", char::from(shape.separator))
    }
}

/// The first three letters.
fn short(name: &str) -> &str {
    name.get(..3).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts() {
        let time = Time::utc(1_768_471_207, 686_583_000).shown_in(-19_800, "XST");
        for (layout, want) in [
            (
                "2006-01-02T15:04:05.000Z07:00",
                "2026-01-15T04:30:07.686-05:30",
            ),
            ("Mon Jan _2 3:04PM 2006", "Thu Jan 15 4:30AM 2026"),
            ("Monday, January 2, 06 pm", "Thursday, January 15, 26 am"),
            ("05.999999 05,00 .999999999", "07.686583 07,68 .686583"),
            (
                "-0700 -07 Z0700 -07:00:00 MST",
                "-0530 -05 -0530 -05:30:00 XST",
            ),
            ("002 __2 Janus Month 1/2", "015  15 Janus Month 1/15"),
            ("_2006 5 4 3", "_2026 7 30 4"),
            (".0005", ".0007"),
            ("no element: h", "no element: h"),
        ] {
            let mut out = String::new();
            time.format(layout, &mut out);
            assert_eq!(out, want, "{layout}");
        }
    }
}
