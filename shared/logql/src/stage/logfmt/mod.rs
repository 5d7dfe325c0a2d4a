//! `| logfmt [--strict] [--keep-empty] [a="key", …]`: labels from `key=value` pairs.
//!
//! Without expressions every key becomes a label, the first of a name wins and empty values count
//! only where asked for. With expressions the labels are made in any case, and the last value of a
//! key wins (spec `logql.md` §7). Malformed pairs are passed over, or with `--strict` end the walk
//! with an error.

mod escape;
mod expression;
mod scan;

use std::fmt::Write;
use std::ops::Range;

use super::row::{Extract, RowError};
use super::sound::{is_sound, push_sound};
use super::{NameId, Names, Row, Wanted};
use crate::syntax::ast::Extraction;

use escape::unescape;
use scan::{Malformed, Pairs, Value};

/// A compiled stage.
#[derive(Debug)]
pub(super) struct Logfmt {
    flags: Flags,
    /// By key; empty where every key is extracted.
    targets: Vec<Target>,
}

/// `--strict` and `--keep-empty`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flags {
    pub(super) strict: bool,
    pub(super) keep_empty: bool,
}

/// One label that an expression makes.
#[derive(Debug)]
struct Target {
    name: NameId,
    key: NameId,
}

/// Buffers that are used again for each line.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    /// A value while it is unescaped.
    value: Vec<u8>,
    /// What is wrong with the line.
    details: String,
}

/// What a value says.
enum Text {
    /// This part of the line.
    Part(Range<usize>),
    /// What is in the buffer.
    Buffer,
}

impl Logfmt {
    /// Compiles a stage, or answers what is wrong with it in Loki's words.
    pub(super) fn compile(
        flags: Flags,
        extractions: &[Extraction],
        names: &mut Names,
    ) -> Result<Self, String> {
        let mut targets: Vec<Target> = Vec::with_capacity(extractions.len());
        for extraction in extractions {
            let key = names.id(expression::key(&extraction.path)?);
            let name = names.id(&extraction.name);
            targets.push(Target { name, key });
        }
        // Of two for one label the later counts.
        targets.reverse();
        targets.sort_by_key(|target| target.name);
        targets.dedup_by_key(|target| target.name);
        targets.sort_by_key(|target| target.key);
        Ok(Self { flags, targets })
    }

    pub(super) fn run(&self, row: &mut Row<'_>, wanted: &Wanted) {
        let mut scratch = row.take_scratch();
        let buffers = &mut scratch.logfmt;
        row.extract(wanted, |line, out| {
            let walked = if self.targets.is_empty() {
                self.extract_all(line, out, &mut buffers.value)
            } else {
                self.extract_targets(line, out, &mut buffers.value)
            };
            if let Err(malformed) = walked {
                buffers.details.clear();
                // Writing to a string cannot fail.
                let _ = write!(buffers.details, "{malformed}");
                out.fail(RowError::Logfmt, &buffers.details);
            }
        });
        row.give_back(scratch);
    }

    fn extract_all(
        &self,
        line: &[u8],
        out: &mut Extract<'_>,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        let mut pairs = Pairs::new(line);
        while let Some(pair) = pairs.next() {
            let Some(pair) = self.passed_over(pair)? else {
                continue;
            };
            if pair.value.is_empty() && !self.flags.keep_empty {
                continue;
            }
            let target = out.key(&line[pair.key]);
            if target.is_none() && !self.flags.strict {
                continue;
            }
            let text = read(line, pair.value, buffer).ok_or_else(|| pairs.bad_escape());
            if let (Some(text), Some(target)) = (self.passed_over(text)?, target) {
                put(out, target, &text, buffer);
                if out.is_complete() {
                    break;
                }
            }
        }
        Ok(())
    }

    fn extract_targets(
        &self,
        line: &[u8],
        out: &mut Extract<'_>,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        let mut any_wanted = false;
        for target in &self.targets {
            if !out.wants(target.name) {
                continue;
            }
            any_wanted = true;
            if out.target(target.name) == target.name {
                out.put_text(target.name, b"");
            }
        }
        if !any_wanted && !self.flags.strict {
            return Ok(());
        }
        let mut pairs = Pairs::new(line);
        while let Some(pair) = pairs.next() {
            let Some(pair) = self.passed_over(pair)? else {
                continue;
            };
            let asked = self.asked(out.id(&line[pair.key]));
            if asked.is_empty() && !self.flags.strict {
                continue;
            }
            let text = read(line, pair.value, buffer).ok_or_else(|| pairs.bad_escape());
            let Some(text) = self.passed_over(text)? else {
                continue;
            };
            for target in asked {
                if out.wants(target.name) {
                    let name = out.target(target.name);
                    put(out, name, &text, buffer);
                }
            }
        }
        Ok(())
    }

    /// The labels that are made of a key.
    fn asked(&self, key: Option<NameId>) -> &[Target] {
        let start = self
            .targets
            .partition_point(|target| Some(target.key) < key);
        let end = self
            .targets
            .partition_point(|target| Some(target.key) <= key);
        &self.targets[start..end]
    }

    /// A mistake ends the walk only where one asked for that.
    fn passed_over<T>(&self, walked: Result<T, Malformed>) -> Result<Option<T>, Malformed> {
        match walked {
            Ok(item) => Ok(Some(item)),
            Err(malformed) if self.flags.strict => Err(malformed),
            Err(_) => Ok(None),
        }
    }
}

/// What a value says, in `buffer` where that does not stand in the line; `None` where it is no
/// value.
fn read(line: &[u8], value: Value, buffer: &mut Vec<u8>) -> Option<Text> {
    buffer.clear();
    match value {
        Value::Plain(place) if is_sound(&line[place.clone()]) => Some(Text::Part(place)),
        Value::Plain(place) => {
            push_sound(&line[place], buffer);
            Some(Text::Buffer)
        }
        Value::Escaped(place) => unescape(&line[place], buffer).then_some(Text::Buffer),
    }
}

fn put(out: &mut Extract<'_>, name: NameId, text: &Text, buffer: &[u8]) {
    match text {
        Text::Part(place) => out.put_part(name, place.clone()),
        Text::Buffer => out.put_text(name, buffer),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;
    use proptest::sample::select;

    use crate::stage::Demand;
    use crate::stage::tests::{compile, run, run_in};

    #[track_caller]
    fn check(stage: &str, line: &str, want: &str) {
        let (same, labels) = run(&format!("| logfmt {stage}"), &[("app", "x")], line).unwrap();
        assert_eq!(same, line);
        assert_eq!(labels, want, "{stage} over {line}");
    }

    #[test]
    fn every_key() {
        check("", "", r#"{app="x"}"#);
        check("", "b=2 c=x a=1", r#"{a="1", app="x", b="2", c="x"}"#);
        check("", r#"a="b \"c\"" d"#, r#"{a="b \"c\"", app="x"}"#);
        check("", "a=1 a=2", r#"{a="1", app="x"}"#);
        check(
            "",
            "http.status=1 0=2 -=3",
            r#"{_="3", _0="2", app="x", http_status="1"}"#,
        );
        check(
            "",
            "a=\u{e9} b=\u{fffd}x",
            "{a=\"\u{e9}\", app=\"x\", b=\" x\"}",
        );
    }

    #[test]
    fn empty_values_are_kept_where_asked() {
        let line = r#"a= b c="" d=1"#;
        check("", line, r#"{app="x", d="1"}"#);
        check(
            "--keep-empty",
            line,
            r#"{a="", app="x", b="", c="", d="1"}"#,
        );
        check("", "a= a=1", r#"{a="1", app="x"}"#);
        check("--keep-empty", "a= a=1", r#"{a="", app="x"}"#);
    }

    #[test]
    fn mistakes() {
        for (line, strict, relaxed) in [
            (
                "a=1 b=x=y c=2",
                r"pos 8 : unexpected '='",
                r#"a="1", app="x", c="2""#,
            ),
            (
                r#"a=1 b="x"#,
                r"pos 9 : unterminated quoted value",
                r#"a="1", app="x""#,
            ),
            (
                r#"a=1 b="\q"c=2"#,
                r"pos 11 : invalid quoted value",
                r#"a="1", app="x", c="2""#,
            ),
        ] {
            check("", line, &format!("{{{relaxed}}}"));
            let error = format!(
                concat!(
                    r#"{{__error__="LogfmtParserErr", "#,
                    r#"__error_details__="logfmt syntax error at {}", a="1", app="x"}}"#,
                ),
                strict
            );
            check("--strict", line, &error);
        }
        check("--strict", "a=1 b c=", r#"{a="1", app="x"}"#);
    }

    #[test]
    fn expressions() {
        let line = "a=1 b=2 http.status=3 a=4 c=";
        check(r#"x="a", b"#, line, r#"{app="x", b="2", x="4"}"#);
        check(
            r#"x="http_status", y="no""#,
            line,
            r#"{app="x", x="3", y=""}"#,
        );
        check(r#"x="a", y="a""#, line, r#"{app="x", x="4", y="4"}"#);
        check(r#"x="a", x="b""#, line, r#"{app="x", x="2"}"#);
        check("c", line, r#"{app="x", c=""}"#);
        check(
            "--strict a",
            "a=1 b=x=y a=2",
            concat!(
                r#"{__error__="LogfmtParserErr", "#,
                r#"__error_details__="logfmt syntax error at pos 8 : unexpected '='", "#,
                r#"a="1", app="x"}"#,
            ),
        );
        check("a", r#"a=1 a="\q""#, r#"{a="1", app="x"}"#);
    }

    #[test]
    fn names_that_are_taken() {
        check("", "app=y", r#"{app="x", app_extracted="y"}"#);
        check("app", "app=y app=z", r#"{app="x", app_extracted="z"}"#);
        check("app", "b=y", r#"{app="x"}"#);
        check("| logfmt", "a=1", r#"{a="1", app="x"}"#);
        check(r#"| logfmt a="b""#, "a=1 b=2", r#"{a="2", app="x", b="2"}"#);
        check(r#"| logfmt a="c""#, "a=1 b=2", r#"{a="", app="x", b="2"}"#);
    }

    #[test]
    fn bad_expressions_name_the_stage() {
        let error = compile(r#"| logfmt a="b c""#, Demand::All).unwrap_err();
        assert_eq!(
            error.to_string(),
            concat!(
                r#"parse error : stage '| logfmt a="b c"' : "#,
                "cannot parse expression [b c]: syntax error: unexpected KEY",
            )
        );
    }

    /// The labels of a line where only some are read; no others need to be there.
    #[track_caller]
    fn check_demand(stage: &str, names: &[&str], line: &str, want: &str) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let pipeline = compile(&format!("| logfmt {stage}"), Demand::Only(&names)).unwrap();
        let (_, labels) = run_in(&pipeline, &[("app", "x")], line).unwrap();
        assert_eq!(labels, want, "{stage} over {line} for {names:?}");
    }

    #[test]
    fn the_walk_ends_with_the_last_label_that_is_read() {
        let bad = "a=1 b=2 c=x=y d=4";
        check_demand("--strict", &["a", "b"], bad, r#"{a="1", app="x", b="2"}"#);
        check_demand("", &["d"], bad, r#"{app="x", d="4"}"#);
        check_demand("--strict", &[], bad, r#"{app="x"}"#);
        check_demand(
            "",
            &["a_extracted"],
            "a=1 a_extracted=2",
            r#"{a="1", a_extracted="2", app="x"}"#,
        );
        check_demand(
            "",
            &["app_extracted"],
            "app=1",
            r#"{app="x", app_extracted="1"}"#,
        );
        check_demand("a, b", &["b"], "a=1 b=2 b=3", r#"{app="x", b="3"}"#);
        check_demand("a, b", &["c"], "a=1 b=2", r#"{app="x"}"#);
        check_demand(
            "a | logfmt",
            &["a", "b"],
            "a=1 a=2 b=3",
            r#"{a="2", app="x", b="3"}"#,
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn any_line_is_walked(
            line in vec(prop_oneof![any::<u8>(), select(&b"==\"\"\\ab u00 "[..])], 0..60),
        ) {
            for stage in ["", "--strict", "--keep-empty", "a, b=\"u00\"", "--strict a"] {
                let kept = run(&format!("| logfmt {stage}"), &[("app", "x")], &line);
                prop_assert!(kept.is_some());
            }
        }

        #[test]
        fn simple_pairs_are_found(
            pairs in btree_map("[a-z_][a-z0-9_]{0,12}", "[!#-<>-~]{1,20}", 0..12),
        ) {
            let line: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let (_, labels) = run("| logfmt --strict", &[], line.join(" ")).unwrap();
            prop_assert_eq!(labels, narvi_model::Labels::from_pairs(pairs).to_string());
        }
    }
}
