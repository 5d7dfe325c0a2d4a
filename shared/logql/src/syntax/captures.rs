//! The parts of a pattern (`<ip> - <_>`): `<name>` with a name as of a label captures, everything
//! else is literal text.
//!
//! [`pieces`] takes a pattern apart for whoever runs it; [`check`] refuses what the `pattern` stage
//! refuses.

use std::collections::HashSet;

/// A part of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// What a line holds as it stands; never empty.
    Text(&'a str),
    /// The name of a capture; `_` takes a part of the line and forgets it.
    Capture(&'a str),
}

/// The parts of a pattern in order; two texts never follow each other.
pub(crate) fn pieces(pattern: &str) -> Vec<Piece<'_>> {
    let mut all = Vec::new();
    let mut text = 0;
    for (start, _) in pattern.match_indices('<') {
        let Some(name) = capture_name(&pattern[start + 1..]) else {
            continue;
        };
        if text < start {
            all.push(Piece::Text(&pattern[text..start]));
        }
        all.push(Piece::Capture(name));
        text = start + name.len() + 2;
    }
    if text < pattern.len() {
        all.push(Piece::Text(&pattern[text..]));
    }
    all
}

/// The name of a capture, if one follows a `<`.
fn capture_name(inner: &str) -> Option<&str> {
    let is_part = |c: char| c == '_' || c.is_ascii_alphanumeric();
    let (name, rest) = inner.split_at(inner.find(|c| !is_part(c))?);
    let is_name = !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
    (is_name && rest.starts_with('>')).then_some(name)
}

/// Two captures with nothing between them, of which nobody could say where one ends.
pub(crate) fn consecutive<'a>(pieces: &[Piece<'a>]) -> Option<(&'a str, &'a str)> {
    pieces.windows(2).find_map(|pair| match *pair {
        [Piece::Capture(first), Piece::Capture(second)] => Some((first, second)),
        _ => None,
    })
}

/// Refuses patterns without a named capture, with two captures side by side, or with a name
/// that repeats.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    let pieces = pieces(pattern);
    let named = || {
        pieces.iter().filter_map(|piece| match *piece {
            Piece::Capture(name) if name != "_" => Some(name),
            _ => None,
        })
    };
    if named().next().is_none() {
        return Err("at least one capture is required".to_owned());
    }
    if let Some((first, second)) = consecutive(&pieces) {
        return Err(format!(
            "found consecutive capture '<{first}><{second}>': invalid expression"
        ));
    }
    let mut seen = HashSet::new();
    match named().find(|name| !seen.insert(*name)) {
        Some(name) => Err(format!(
            "duplicate capture name ({name}): invalid expression"
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fall_apart() {
        use Piece::{Capture, Text};
        for (pattern, want) in [
            ("", &[][..]),
            ("abc", &[Text("abc")]),
            ("<a>", &[Capture("a")]),
            ("<a> <_>", &[Capture("a"), Text(" "), Capture("_")]),
            ("<<a>>", &[Text("<"), Capture("a"), Text(">")]),
            ("<0a> <a b> <>", &[Text("<0a> <a b> <>")]),
            (
                "é<a><b>é",
                &[Text("é"), Capture("a"), Capture("b"), Text("é")],
            ),
            ("x <a", &[Text("x <a")]),
        ] {
            assert_eq!(pieces(pattern), want, "{pattern}");
        }
    }

    #[track_caller]
    fn check(pattern: &str, want: Result<(), &str>) {
        assert_eq!(
            super::check(pattern),
            want.map_err(str::to_owned),
            "{pattern}"
        );
    }

    #[test]
    fn patterns() {
        check("<a>", Ok(()));
        check("<ip> - <user> [<_>] <_>", Ok(()));
        check("<_> <a> <_>", Ok(()));
        check("<<a>>", Ok(()));
        check("abc", Err("at least one capture is required"));
        check("<_> x", Err("at least one capture is required"));
        check("<0a> <a b>", Err("at least one capture is required"));
        check(
            "<a><b>",
            Err("found consecutive capture '<a><b>': invalid expression"),
        );
        check(
            "<a> <a>",
            Err("duplicate capture name (a): invalid expression"),
        );
    }
}
