//! Templates as a whole: text, labels, and what comes out of it, as Go and Loki have it.
//!
//! `cases.txt` (the language and all functions), `bounds` (what hostile templates meet), `reads`
//! (which labels are needed).

mod bounds;
mod reads;

use std::collections::BTreeMap;

use super::{Data, Scratch, Template};

/// 2026-01-15 10:00:07.686583 in UTC.
const TIMESTAMP: i64 = 1_768_471_207_686_583_000;
/// An hour later.
const NOW: i64 = TIMESTAMP + 3_600_000_000_000;

struct Line<'t> {
    labels: BTreeMap<&'t str, &'t str>,
}

impl Data for Line<'_> {
    fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).copied()
    }

    fn labels(&self, visit: &mut dyn FnMut(&str, &str)) {
        self.labels
            .iter()
            .for_each(|(name, value)| visit(name, value));
    }

    fn line(&self) -> &[u8] {
        b"level=info the line"
    }

    fn timestamp(&self) -> i64 {
        TIMESTAMP
    }

    fn now(&self) -> i64 {
        NOW
    }
}

/// What a template makes of labels, or why it does not.
fn render(template: &str, labels: &[(&str, &str)]) -> Result<String, String> {
    let template = Template::parse("line", template).map_err(|error| error.to_string())?;
    let line = Line {
        labels: labels.iter().copied().collect(),
    };
    let mut out = b"before ".to_vec();
    let result = template.render(&line, &mut Scratch::new(), &mut out);
    let out = String::from_utf8_lossy(&out).into_owned();
    let made = out.strip_prefix("before ").map(str::to_owned);
    let made = made.ok_or_else(|| "lost what was there".to_owned());
    match result {
        Ok(()) => made,
        Err(error) => {
            assert_eq!(made.as_deref(), Ok(""), "an error leaves nothing behind");
            Err(error.to_string())
        }
    }
}

/// Labels that most cases use.
const LABELS: [(&str, &str); 8] = [
    ("app", "frontend"),
    ("level", "info"),
    ("n", "42"),
    ("f", "3.75"),
    ("empty", ""),
    ("text", "héllo wörld"),
    (
        "object",
        r#"{"a":1,"b":[1,2.5,"x",null,true],"c":{"d":"e","n":null}}"#,
    ),
    ("array", r#"["a","b",{"k":"v"},1e6]"#),
];

/// Each template with what it makes.
#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (template, want) in cases {
        assert_eq!(
            render(template, &LABELS).as_deref(),
            Ok(*want),
            "{template}"
        );
    }
}

#[test]
fn as_go_has_it() {
    let mut lines = include_str!("cases.txt").lines();
    let mut count = 0;
    while let Some(template) = lines.next() {
        if template.is_empty() || template.starts_with("# ") {
            continue;
        }
        let template = template.replace("\\n", "\n");
        let want = lines.next().unwrap_or_default().replace("\\n", "\n");
        let want = match want.strip_prefix("= ") {
            Some(text) => Ok(text.to_owned()),
            None => Err(want.replacen("! ", "template: line:", 1)),
        };
        assert_eq!(render(&template, &LABELS), want, "{template}");
        count += 1;
    }
    assert!(count > 150, "{count} cases");
}

#[test]
fn a_scratch_serves_line_after_line() {
    let template = Template::parse("line", "{{ upper .a }}{{ div 1 .b }}");
    let mut scratch = Scratch::new();
    let mut out = Vec::new();
    for (value, divisor) in [("x", "1"), ("y", "0"), ("z", "1")] {
        let line = Line {
            labels: [("a", value), ("b", divisor)].into(),
        };
        let result = template
            .as_ref()
            .map(|t| t.render(&line, &mut scratch, &mut out).is_ok());
        assert_eq!(result, Ok(divisor == "1"));
    }
    assert_eq!(out, b"X1Z1");
}
