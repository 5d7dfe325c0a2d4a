//! [`find`]: the field of a logfmt line that says its level. Of several the one whose name stands
//! first in the list counts; what stands behind a mistake is not read, as in Loki.

use super::LevelDetector;

/// The value of the field.
pub(super) fn find<'t>(detector: &LevelDetector<'_>, line: &'t [u8]) -> Option<&'t [u8]> {
    memchr::memchr(b'=', line)?;
    let mut best: Option<(usize, &[u8])> = None;
    let mut rest = line.trim_ascii_start();
    while let Some((name, value, after)) = next(rest) {
        if let Some(value) = value
            && let Some(place) = detector.place_in_any_case(name)
            && best.is_none_or(|(other, _)| place < other)
        {
            best = Some((place, value));
            if place == 0 {
                break;
            }
        }
        rest = after;
    }
    best.map(|(_, value)| value)
}

/// A name, its value if it has one, and what follows.
type Field<'t> = (&'t [u8], Option<&'t [u8]>, &'t [u8]);

/// The first field; `None` at the end or at a mistake.
fn next(text: &[u8]) -> Option<Field<'_>> {
    let start = text.iter().position(|c| *c > b' ')?;
    let text = &text[start..];
    let ends = |c: &u8| *c <= b' ' || *c == b'=' || *c == b'"';
    let end = text.iter().position(ends).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    match rest.first() {
        Some(b'"') => None,
        Some(b'=') if name.is_empty() => None,
        Some(b'=') => {
            let (value, rest) = match &rest[1..] {
                quoted @ [b'"', ..] => until_quote(quoted)?,
                bare => {
                    let end = bare.iter().position(ends).unwrap_or(bare.len());
                    bare.split_at(end)
                }
            };
            // `=` and quotes within a value are mistakes.
            let is_sound = rest.first().is_none_or(|c| *c <= b' ');
            is_sound.then_some((name, Some(value), rest))
        }
        _ => Some((name, None, rest)),
    }
}

/// What stands between quotes, escapes as they are, and what follows.
fn until_quote(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut at = 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some((&text[1..at], &text[at + 1..]));
        }
        at += 2;
    }
}
