//! `| regexp "(?P<a>…)"`: labels from the named groups of an expression's first match.
//!
//! A line without a match gets no labels; a group that took no part in the match gives an empty
//! one (spec `logql.md` §7). That there is a named group, the parser has seen to.

use narvi_model::regexp::{Expression, group_name};
use regex::bytes::{CaptureLocations, Regex};

use super::{NameId, Names, Row, Wanted};

/// A compiled expression.
#[derive(Debug)]
pub(super) struct Regexp {
    regex: Regex,
    /// The named groups: the number of each, and its label.
    groups: Vec<(usize, NameId)>,
}

/// Where groups matched, kept between lines; by the text of the expression, since a pipeline can
/// have several.
#[derive(Debug, Default)]
pub(super) struct Locations(Vec<(Box<str>, CaptureLocations)>);

impl Locations {
    fn of(&mut self, regex: &Regex) -> &mut CaptureLocations {
        let known = self
            .0
            .iter()
            .position(|(text, _)| **text == *regex.as_str());
        let place = known.unwrap_or_else(|| {
            self.0
                .push((regex.as_str().into(), regex.capture_locations()));
            self.0.len() - 1
        });
        &mut self.0[place].1
    }
}

impl Regexp {
    /// Compiles an expression, or answers what is wrong with it in Go's words.
    pub(super) fn compile(pattern: &str, names: &mut Names) -> Result<Self, String> {
        let regex = Expression::parse(pattern)?.compile()?;
        let named = regex.capture_names().enumerate();
        let groups = named
            .filter_map(|(group, name)| Some((group, names.of_key(group_name(name?).as_bytes())?)))
            .collect();
        Ok(Self { regex, groups })
    }

    pub(super) fn run(&self, row: &mut Row<'_>, wanted: &Wanted) {
        if !self.groups.iter().any(|(_, name)| wanted.holds(*name)) {
            return;
        }
        let mut scratch = row.take_scratch();
        let locations = scratch.regexp.of(&self.regex);
        row.extract(wanted, |line, out| {
            if self.regex.captures_read(locations, line).is_none() {
                return;
            }
            for &(group, name) in &self.groups {
                if let Some(target) = out.name(name) {
                    let (start, end) = locations.get(group).unwrap_or_default();
                    out.put_part(target, start..end);
                }
            }
        });
        row.give_back(scratch);
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::stage::tests::run;

    #[track_caller]
    fn check(pattern: &str, line: &str, want: &str) {
        let (same, labels) = run(&format!("| regexp `{pattern}`"), &[("app", "x")], line).unwrap();
        assert_eq!(same, line);
        assert_eq!(labels, want, "{pattern} over {line:?}");
    }

    #[test]
    fn named_groups_of_the_first_match() {
        check(r"(?P<n>\d+)", "a 12 b 34", r#"{app="x", n="12"}"#);
        check(r"(?P<n>\d+)", "none", r#"{app="x"}"#);
        check(
            r"^(?P<a>\w+) (\w+) (?P<b>\w*)",
            "1 2 3",
            r#"{a="1", app="x", b="3"}"#,
        );
        check("(?P<a>)", "", r#"{a="", app="x"}"#);
        check(r"(?P<1a>\w+)(.+)", "1é", r#"{_1a="1", app="x"}"#);
    }

    #[test]
    fn groups_that_took_no_part_are_empty() {
        check(
            "(?P<a>GET)|(?P<b>POST)",
            "POST",
            r#"{a="", app="x", b="POST"}"#,
        );
    }

    #[test]
    fn names_that_are_taken() {
        check("(?P<app>y)", "y", r#"{app="x", app_extracted="y"}"#);
        let twice = "| regexp `(?P<a>.)` | regexp `.(?P<a>.)(?P<b>.)`";
        let (_, labels) = run(twice, &[("app", "x")], "123").unwrap();
        assert_eq!(labels, r#"{a="1", app="x", b="3"}"#);
    }

    #[test]
    fn too_large_is_refused() {
        let refused = Regexp::compile("(?P<a>(?:\\pL{50}){20})", &mut Names::default());
        let want = "error parsing regexp: expression too large: `(?P<a>(?:\\pL{50}){20})`";
        assert_eq!(refused.unwrap_err(), want);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn any_line_is_searched(line in vec(any::<u8>(), 0..40)) {
            let twice = "| regexp `(?P<a>.)(?P<b>\\S+)` | regexp `(?s)(?P<c>.*?)(?:x|(?P<d>.))`";
            prop_assert!(run(twice, &[("app", "x")], line).is_some());
        }
    }
}
