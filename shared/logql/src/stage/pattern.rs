//! `| pattern "<ip> - <_> <m>"`: labels from the parts of a line between known texts.
//!
//! A pattern that begins with a text demands it at the start of the line. Each capture ends at the
//! first place of the text behind it; where that text is missing, the capture takes the rest and
//! the walk is over. Nothing is an error (spec `logql.md` §7). The syntax is checked by the parser.

use memchr::memmem::Finder;

use super::{NameId, Names, Row, Wanted};
use crate::syntax::captures::{Piece, pieces};

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    /// What the line begins with.
    prefix: Box<[u8]>,
    steps: Vec<Step>,
}

/// A capture and where it ends.
#[derive(Debug)]
struct Step {
    /// The label; `None` for `<_>`.
    name: Option<NameId>,
    /// The text behind the capture; `None` where it takes the rest of the line.
    end: Option<Finder<'static>>,
}

impl Pattern {
    pub(super) fn compile(pattern: &str, names: &mut Names) -> Self {
        let mut prefix = Box::default();
        let mut steps: Vec<Step> = Vec::new();
        for piece in pieces(pattern) {
            match (piece, steps.last_mut()) {
                (Piece::Capture(name), _) => steps.push(Step {
                    name: (name != "_").then(|| names.id(name)),
                    end: None,
                }),
                (Piece::Text(text), None) => prefix = text.as_bytes().into(),
                (Piece::Text(text), Some(step)) => {
                    step.end = Some(Finder::new(text).into_owned());
                }
            }
        }
        Self { prefix, steps }
    }

    pub(super) fn run(&self, row: &mut Row<'_>, wanted: &Wanted) {
        // What lies behind the last capture that anyone reads does not matter.
        let is_wanted = |step: &Step| step.name.is_some_and(|name| wanted.holds(name));
        let Some(last) = self.steps.iter().rposition(is_wanted) else {
            return;
        };
        row.extract(wanted, |line, out| {
            // No comparison with nothing: see `same`.
            let starts = self.prefix.is_empty() || line.starts_with(&self.prefix);
            if line.is_empty() || !starts {
                return;
            }
            let mut start = self.prefix.len();
            for step in &self.steps[..=last] {
                let rest = &line[start..];
                let text = step.end.as_ref();
                let found = text.and_then(|text| Some((text.find(rest)?, text.needle().len())));
                let (len, skipped) = found.unwrap_or((rest.len(), 0));
                if let Some(target) = step.name.and_then(|name| out.name(name)) {
                    out.put_part(target, start..start + len);
                }
                if found.is_none() {
                    return;
                }
                start += len + skipped;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::stage::Demand;
    use crate::stage::tests::{compile, run, run_in};

    /// The labels where nothing is extracted.
    const NONE: &str = r#"{app="x"}"#;

    #[track_caller]
    fn check(pattern: &str, line: &str, want: &str) {
        let (same, labels) = run(&format!("| pattern `{pattern}`"), &[("app", "x")], line).unwrap();
        assert_eq!(same, line);
        assert_eq!(labels, want, "{pattern} over {line:?}");
    }

    #[test]
    fn captures() {
        let line = r#"10.0.0.1 - bob [now] "GET /x HTTP/1.1" 200 5"#;
        check(
            r#"<ip> - <user> [<_>] "<method> <path> <_>" <status> <size>"#,
            line,
            concat!(
                r#"{app="x", ip="10.0.0.1", method="GET", path="/x", size="5", "#,
                r#"status="200", user="bob"}"#,
            ),
        );
        check("<_> - <user> ", line, r#"{app="x", user="bob"}"#);
        check("<a> b", "x b c", r#"{a="x", app="x"}"#);
        check("<a> b<b>", " b", r#"{a="", app="x", b=""}"#);
        check("<<a>>", "<x>y", r#"{a="x", app="x"}"#);
        check("<a>é<b>", "ßéü", r#"{a="ß", app="x", b="ü"}"#);
    }

    #[test]
    fn a_text_in_front_stands_at_the_start() {
        check("x <a>", "x y z", r#"{a="y z", app="x"}"#);
        check("x <a>", "an x y", NONE);
        check("x <a>", "x", NONE);
        check("x <a>", "x ", r#"{a="", app="x"}"#);
    }

    #[test]
    fn a_missing_text_ends_the_walk() {
        check("<a> - <b>, <c>", "x - y z", r#"{a="x", app="x", b="y z"}"#);
        check("<a> - <b>, <c>", "xyz", r#"{a="xyz", app="x"}"#);
        check("<_> - <b>", "xyz", NONE);
        check("<a>", "", NONE);
        check("<a> <b>", " ", r#"{a="", app="x", b=""}"#);
    }

    #[test]
    fn names_that_are_taken() {
        check("<app> <a>", "y z", r#"{a="z", app="x", app_extracted="y"}"#);
        let twice = "| pattern `<a> <_>` | pattern `<_> <a>`";
        let (_, labels) = run(twice, &[("app", "x")], "1 2").unwrap();
        assert_eq!(labels, r#"{a="1", app="x"}"#, "the first extraction wins");
    }

    #[test]
    fn only_what_is_read_is_extracted() {
        let demanded = ["b".to_owned()];
        let pipeline = "| pattern `<a> <b> <c>`";
        let pipeline = compile(pipeline, Demand::Only(&demanded)).unwrap();
        let (_, labels) = run_in(&pipeline, &[("app", "x")], "1 2 3").unwrap();
        assert_eq!(labels, r#"{app="x", b="2"}"#);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn any_line_is_walked(
            pattern in "[ ab]{0,2}<a>([ ab]{1,2}<_>)?([ab]<b>)?[ab]?",
            line in "[ ab\\PC]{0,20}",
        ) {
            let kept = run(&format!("| pattern `{pattern}`"), &[("app", "x")], line);
            prop_assert!(kept.is_some());
        }
    }
}
