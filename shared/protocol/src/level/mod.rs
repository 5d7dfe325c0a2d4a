//! [`LevelDetector`]: the level of an entry, which Loki adds to its metadata as `detected_level`
//! (spec `limits.md` §6).
//!
//! In this order: a label of the stream, structured metadata, the number of OpenTelemetry, a field
//! of a line that is JSON ([`json`]) or logfmt ([`logfmt`]), a word of the line ([`keyword`]). Runs
//! on every line that is pushed, so it passes over a line at most twice and allocates nothing.

mod json;
mod keyword;
mod logfmt;

use narvi_model::{Labels, Metadata};

/// The name of the metadata that is added.
pub const DETECTED_LEVEL: &str = "detected_level";

/// The level of what says none.
const UNKNOWN: &str = "unknown";

/// Metadata that OpenTelemetry says a level with, as a number.
const SEVERITY_NUMBER: &str = "severity_number";

/// Finds levels by the fields of one tenant.
#[derive(Clone, Debug)]
pub struct LevelDetector<'a> {
    fields: &'a [String],
    /// A bit for each length that a field has, so that most names are told apart at once.
    lengths: u64,
    max_depth: usize,
}

impl<'a> LevelDetector<'a> {
    /// Looks for `fields`, the first of them first; in JSON within `max_depth` objects, which is
    /// without a bound where it is 0, as in Loki.
    #[must_use]
    pub fn new(fields: &'a [String], max_depth: usize) -> Self {
        let lengths = fields
            .iter()
            .fold(0, |all, field| all | length_bit(field.len()));
        Self {
            fields,
            lengths,
            max_depth: if max_depth == 0 {
                usize::MAX
            } else {
                max_depth
            },
        }
    }

    /// The level that the labels of a stream say.
    #[must_use]
    pub fn of_stream<'t>(&self, labels: &'t Labels) -> Option<&'t str> {
        self.first_of(labels)
    }

    /// The level of an entry of a stream whose labels say none; empty where metadata says an empty
    /// one.
    #[must_use]
    pub fn of_entry<'t>(&self, metadata: &'t Metadata, line: &[u8]) -> &'t str {
        if !metadata.is_empty() {
            if let Some(level) = self.first_of(metadata) {
                return level;
            }
            if let Some(number) = metadata.get(SEVERITY_NUMBER) {
                return of_number(number);
            }
        }
        self.of_line(line)
    }

    fn of_line(&self, line: &[u8]) -> &'static str {
        let trimmed = line.trim_ascii();
        let value = if trimmed.starts_with(b"{") && trimmed.ends_with(b"}") {
            json::find(self, trimmed)
        } else {
            logfmt::find(self, line)
        };
        value
            .and_then(known)
            .or_else(|| keyword::find(line))
            .unwrap_or(UNKNOWN)
    }

    fn first_of<'t>(&self, labels: &'t Labels) -> Option<&'t str> {
        let mut best = None;
        for (name, value) in labels.iter() {
            if let Some(place) = self.place(name.as_bytes())
                && best.is_none_or(|(other, _)| place < other)
            {
                best = Some((place, value));
            }
        }
        best.map(|(_, value)| normal(value))
    }

    /// The place of a name in the list.
    fn place(&self, name: &[u8]) -> Option<usize> {
        if self.lengths & length_bit(name.len()) == 0 {
            return None;
        }
        self.fields
            .iter()
            .position(|field| field.as_bytes() == name)
    }

    /// The place of a name in the list, whatever its case.
    fn place_in_any_case(&self, name: &[u8]) -> Option<usize> {
        if self.lengths & length_bit(name.len()) == 0 {
            return None;
        }
        let is_it = |field: &String| field.as_bytes().eq_ignore_ascii_case(name);
        self.fields.iter().position(is_it)
    }
}

/// Lengths from 63 on share a bit.
const fn length_bit(length: usize) -> u64 {
    1 << if length < 63 { length } else { 63 }
}

/// The level in Loki's spelling; what is none stays as it is.
#[must_use]
pub fn normal(value: &str) -> &str {
    known(value.as_bytes()).unwrap_or(value)
}

/// The level that a value means.
fn known(value: &[u8]) -> Option<&'static str> {
    const SPELLINGS: [(&str, &str); 14] = [
        ("info", "info"),
        ("error", "error"),
        ("warn", "warn"),
        ("debug", "debug"),
        ("warning", "warn"),
        ("trace", "trace"),
        ("err", "error"),
        ("critical", "critical"),
        ("fatal", "fatal"),
        ("information", "info"),
        ("inf", "info"),
        ("wrn", "warn"),
        ("dbg", "debug"),
        ("trc", "trace"),
    ];
    let is_it = |(spelling, _): &&(&str, &str)| spelling.as_bytes().eq_ignore_ascii_case(value);
    SPELLINGS.iter().find(is_it).map(|(_, level)| *level)
}

/// The level of a severity of OpenTelemetry.
fn of_number(number: &str) -> &'static str {
    match number.parse::<i64>() {
        Ok(1..=4) => "trace",
        Ok(5..=8) => "debug",
        Ok(9..=12) | Err(_) => "info",
        Ok(13..=16) => "warn",
        Ok(17..=20) => "error",
        Ok(21..=24) => "fatal",
        Ok(_) => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use narvi_model::Limits;
    use proptest::prelude::*;

    use super::*;

    fn level(pairs: &[(&str, &str)], line: &str) -> String {
        let limits = Limits::default();
        let detector = LevelDetector::new(&limits.log_level_fields, 2);
        let metadata = Labels::from_pairs(pairs.iter().copied());
        detector.of_entry(&metadata, line.as_bytes()).to_owned()
    }

    #[track_caller]
    fn check(line: &str, want: &str) {
        assert_eq!(level(&[], line), want, "{line}");
    }

    #[test]
    fn logfmt() {
        check("level=info hello", "info");
        check("level=INFO hello", "info");
        check("level=Warning hello", "warn");
        check("lvl=dbg x", "debug");
        check("severity=crit y", "unknown");
        check("log.level=error z", "error");
        check("LeVeL=error", "error");
        check("level=\"error\" quoted", "error");
        check("msg=\"level=error\" level=info", "info");
        check("severity=debug level=warn", "warn");
        check("level=debug level=warn", "debug");
        check("error=false level=debug", "debug");
        check("level= foo", "unknown");
        check("level=notice an error", "error");
        check("b=x=y level=debug info", "debug");
        check("b=x=y level=trc info", "info");
        check("msg=\"open level=trc info", "info");
        check("level=\"a \\\" b\" severity=inf", "unknown");
    }

    #[test]
    fn json() {
        check(r#"{"level":"warn"}"#, "warn");
        check(r#" {"lvl" : "TRACE","msg":"x"} "#, "trace");
        check(r#"{"LogLevel":"Information"}"#, "unknown");
        check(r#"{"nested":{"level":"debug"}}"#, "debug");
        check(r#"{"a":{"b":{"level":"debug"}},"level":"fatal"}"#, "fatal");
        check(r#"{"a":[{"level":"debug"}],"level":"fatal"}"#, "fatal");
        check(r#"{"a":{"level":"debug"},"level":"fatal"}"#, "debug");
        check(r#"{"level":30}"#, "unknown");
        check(r#"{"level":30,"severity":"info"}"#, "info");
        check(r#"{"level":"weird"}"#, "unknown");
        check(r#"{"Level":"Error","level":"info"}"#, "error");
        check(r#"{"msg":"error"}"#, "error");
        check(
            r#"{"msg":"a \"level\":\"info\" b","level":"error"}"#,
            "error",
        );
        check(r#"{"msg" "level":"trc", warn}"#, "warn");
        check("{}", "unknown");
    }

    #[test]
    fn words() {
        check("ERROR at start", "error");
        check("an error in the middle", "error");
        check("[INFO] bracket", "info");
        check("fatal: thing", "fatal");
        check("FATAL", "fatal");
        check("panic: thing", "unknown");
        check("DEBUG[0001] thing", "debug");
        check("terror", "unknown");
        check("errors and warnings", "unknown");
        check("informational", "unknown");
        check("info: error happened", "info");
        check("E0115 10:00:00.000000 1 main.go:1] klog", "unknown");
        check("2026-01-15 10:00:00,123 INFO [main] java", "info");
        check("a\twarning, b", "warn");
        check("err", "error");
        check("", "unknown");
        check("é error", "error");
    }

    #[test]
    fn metadata() {
        let of = |name: &str, value: &str| level(&[(name, value), ("z", "1")], "level=debug");
        assert_eq!(of("level", "Err"), "error");
        assert_eq!(of("severity_text", "Notice"), "Notice");
        assert_eq!(of("other", "x"), "debug");
        assert_eq!(
            level(&[("level", "err"), ("SEVERITY", "info")], ""),
            "error"
        );
        for (number, want) in [
            ("0", "unknown"),
            ("4", "trace"),
            ("5", "debug"),
            ("12", "info"),
            ("13", "warn"),
            ("17", "error"),
            ("24", "fatal"),
            ("25", "unknown"),
            ("-1", "unknown"),
            ("x", "info"),
        ] {
            assert_eq!(of("severity_number", number), want, "{number}");
        }
    }

    #[test]
    fn labels_of_the_stream() {
        let limits = Limits::default();
        let detector = LevelDetector::new(&limits.log_level_fields, 2);
        let labels = Labels::from_pairs([("app", "x"), ("log.level", "Warning"), ("lvl", "info")]);
        assert_eq!(detector.of_stream(&labels), Some("warn"));
        assert_eq!(detector.of_stream(&Labels::empty()), None);
    }

    #[test]
    fn fields_and_depth_are_the_tenants() {
        let fields = ["LogLevel".to_owned(), "l".repeat(80)];
        let of = |line: &str, depth| {
            let detector = LevelDetector::new(&fields, depth);
            detector
                .of_entry(&Labels::empty(), line.as_bytes())
                .to_owned()
        };
        assert_eq!(of(r#"{"level":"trc","LogLevel":"inf"}"#, 2), "info");
        assert_eq!(of(r#"{"a":{"LogLevel":"inf"}}"#, 1), "unknown");
        assert_eq!(of(&format!("{}=dbg", "l".repeat(80)), 1), "debug");
    }

    proptest! {
        #[test]
        fn never_panics(line in "[{}\\[\\]\":=\\\\, \nlevtrinfo]{0,60}") {
            let _ = level(&[], &line);
        }

        #[test]
        fn finds_what_serde_writes(before in "\\PC{0,20}", value in "trc|dbg|inf|wrn") {
            let line = serde_json::json!({"a": [before, {"b": before}], "level": value});
            prop_assert_eq!(level(&[], &line.to_string()), normal(&value));
        }
    }
}
