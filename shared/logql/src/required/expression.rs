//! The texts that every match of a regular expression holds.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::Required;

/// What a text must hold for an expression, in the words of `regex`, to match within it.
pub(crate) fn of_pattern(pattern: &str) -> Required {
    regex_syntax::parse(pattern).map_or(Required::Anything, |hir| of_hir(&hir))
}

/// The expressions of a query are small and not deep, which the parser sees to.
fn of_hir(hir: &Hir) -> Required {
    let mut found = Vec::new();
    let mut text = Vec::new();
    walk(hir, &mut text, &mut found);
    found.push(Required::text(text));
    Required::all(found)
}

/// Adds to `text` what must follow it at once, and to `found` what is known beside.
fn walk(hir: &Hir, text: &mut Vec<u8>, found: &mut Vec<Required>) {
    let mut end = |text: &mut Vec<u8>| found.push(Required::text(std::mem::take(text)));
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.extend_from_slice(&literal.0),
        HirKind::Class(class) => match one_letter(class) {
            Some(letter) => text.push(letter),
            None => end(text),
        },
        HirKind::Repetition(repetition) => {
            end(text);
            if repetition.min > 0 {
                found.push(of_hir(&repetition.sub));
            }
        }
        HirKind::Capture(capture) => walk(&capture.sub, text, found),
        HirKind::Concat(parts) => parts.iter().for_each(|part| walk(part, text, found)),
        HirKind::Alternation(parts) => {
            end(text);
            found.push(Required::any(parts.iter().map(of_hir)));
        }
    }
}

/// The letter that is all of a class, or is with its other case: `[a]`, `[Aa]`.
fn one_letter(class: &Class) -> Option<u8> {
    let ranges: Vec<(u32, u32)> = match class {
        Class::Unicode(class) => {
            let ranges = class.ranges().iter();
            ranges
                .map(|range| (range.start().into(), range.end().into()))
                .collect()
        }
        Class::Bytes(class) => {
            let ranges = class.ranges().iter();
            ranges
                .map(|range| (range.start().into(), range.end().into()))
                .collect()
        }
    };
    let letter = match *ranges {
        [(start, end)] if start == end => start,
        [(start, end), (other, last)] if start == end && other == last => {
            let capital = u8::try_from(start).ok().filter(u8::is_ascii_uppercase)?;
            Some(other).filter(|small| *small == u32::from(capital.to_ascii_lowercase()))?
        }
        _ => return None,
    };
    u8::try_from(letter).ok().filter(u8::is_ascii)
}
