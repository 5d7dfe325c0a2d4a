//! Go's reference layouts: [`next`] finds the next element, such as `2006` or `Jan`, in a layout.

/// An element of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    /// `PM`.
    UpperHalf,
    /// `pm`.
    LowerHalf,
    /// `MST`.
    ZoneName,
    Offset(Offset),
    Fraction(Fraction),
}

/// How an offset from UTC is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    /// `Z` stands for none.
    pub(super) z: bool,
    pub(super) colons: bool,
    /// 1 for hours only, 2 with minutes, 3 with seconds.
    pub(super) parts: u8,
}

/// How a part of a second is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fraction {
    pub(super) separator: u8,
    pub(super) digits: usize,
    /// Written with nines: zeros at the end are left out.
    pub(super) trims: bool,
}

/// The text before the first element, the element, and the layout behind it.
pub(super) fn next(layout: &str) -> (&str, Option<Element>, &str) {
    for at in 0..layout.len() {
        let Some(rest) = layout.get(at..) else {
            continue;
        };
        if let Some((skipped, element, len)) = element(rest) {
            let prefix = layout.get(..at + skipped).unwrap_or_default();
            let behind = layout.get(at + skipped + len..).unwrap_or_default();
            return (prefix, Some(element), behind);
        }
    }
    (layout, None, "")
}

/// Those that mean what they say, longer ones before those that they begin with.
const WORDS: [(&str, Element); 21] = [
    ("January", Element::LongMonth),
    ("Monday", Element::LongWeekday),
    ("MST", Element::ZoneName),
    ("002", Element::ZeroYearDay),
    ("01", Element::ZeroMonth),
    ("02", Element::ZeroDay),
    ("03", Element::ZeroHour12),
    ("04", Element::ZeroMinute),
    ("05", Element::ZeroSecond),
    ("06", Element::Year),
    ("15", Element::Hour),
    ("1", Element::NumMonth),
    ("2006", Element::LongYear),
    ("2", Element::Day),
    ("__2", Element::UnderYearDay),
    ("_2", Element::UnderDay),
    ("3", Element::Hour12),
    ("4", Element::Minute),
    ("5", Element::Second),
    ("PM", Element::UpperHalf),
    ("pm", Element::LowerHalf),
];

/// The element at the start: bytes that come before it, itself, its length.
fn element(rest: &str) -> Option<(usize, Element, usize)> {
    if rest.starts_with("_2006") {
        return Some((1, Element::LongYear, 4));
    }
    for (word, element) in WORDS {
        if rest.starts_with(word) {
            return Some((0, element, word.len()));
        }
    }
    // `Jan` and `Mon`, but not at the start of a longer word.
    for (word, element) in [("Jan", Element::Month), ("Mon", Element::Weekday)] {
        if let Some(behind) = rest.strip_prefix(word) {
            let ends = !behind.starts_with(|c: char| c.is_ascii_lowercase());
            return ends.then_some((0, element, word.len()));
        }
    }
    match rest.as_bytes().first()? {
        b'-' | b'Z' => offset(rest),
        b'.' | b',' => fraction(rest),
        _ => None,
    }
}

fn offset(rest: &str) -> Option<(usize, Element, usize)> {
    let z = rest.starts_with('Z');
    let body = rest.get(1..)?;
    let shapes = [
        ("070000", false, 3),
        ("07:00:00", true, 3),
        ("0700", false, 2),
        ("07:00", true, 2),
    ];
    for (text, colons, parts) in shapes.into_iter().chain([("07", false, 1)]) {
        if body.starts_with(text) {
            return Some((
                0,
                Element::Offset(Offset { z, colons, parts }),
                text.len() + 1,
            ));
        }
    }
    None
}

fn fraction(rest: &str) -> Option<(usize, Element, usize)> {
    let bytes = rest.as_bytes();
    let digit = *bytes.get(1).filter(|byte| matches!(byte, b'0' | b'9'))?;
    let digits = bytes
        .iter()
        .skip(1)
        .take_while(|byte| **byte == digit)
        .count();
    if bytes.get(digits + 1).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let separator = *bytes.first()?;
    let fraction = Fraction {
        separator,
        digits,
        trims: digit == b'9',
    };
    Some((0, Element::Fraction(fraction), digits + 1))
}
