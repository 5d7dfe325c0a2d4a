//! [`RuleGroup`]: a rule group that is valid. Loki's rules for one and its texts for what breaks
//! them: spec `http-api.md` §13.

use narvi_logql::syntax;

use crate::template::Template;
use crate::written::{Pairs, Written, WrittenRule};

/// A valid group of rules.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleGroup {
    /// Its name, never empty.
    pub name: String,
    /// Nanoseconds between evaluations; `None` where the configuration says.
    pub interval: Option<i64>,
    /// Most active alerts of a rule; 0 for no limit.
    pub limit: usize,
    /// Its rules, in the order in which they are evaluated.
    pub rules: Vec<Rule>,
}

/// A valid rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// Makes alerts.
    Alert(AlertRule),
    /// Makes series; kept, not evaluated.
    Record(RecordRule),
}

/// A rule that makes alerts.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertRule {
    /// The label `alertname`.
    pub name: String,
    /// The query, as written.
    pub expr: String,
    /// `for`: nanoseconds that an alert is pending before it fires.
    pub hold: i64,
    /// Nanoseconds that an alert goes on firing after its series is gone.
    pub keep_firing_for: i64,
    /// Labels to add; templates.
    pub labels: Pairs,
    /// What to say; templates.
    pub annotations: Pairs,
}

/// A rule that makes series.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordRule {
    /// The metric's name.
    pub name: String,
    /// The query, as written.
    pub expr: String,
    /// Labels to add.
    pub labels: Pairs,
}

/// Why a text is no rule group; all are the author's (HTTP 400).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// No YAML, or values that do not fit their keys. The text is Loki's.
    #[error("unable to decoded rule group")]
    Yaml(String),
    /// What breaks the rules: one text for the group and for each rule.
    #[error("{}", .0.join(", "))]
    Invalid(Vec<String>),
}

impl RuleGroup {
    /// Reads and checks one group.
    ///
    /// # Errors
    /// See [`GroupError`].
    pub fn parse(yaml: &str) -> Result<Self, GroupError> {
        Self::check(Written::read(yaml).map_err(GroupError::Yaml)?)
    }

    /// Checks one group.
    ///
    /// # Errors
    /// [`GroupError::Invalid`].
    pub(crate) fn check(written: Written) -> Result<Self, GroupError> {
        let Written {
            name,
            interval,
            limit,
            rules,
        } = written;
        let mut faults = Vec::new();
        if name.is_empty() {
            faults.push("group 0: Groupname must not be empty".to_owned());
        }
        let mut valid = Vec::with_capacity(rules.len());
        for rule in rules {
            match check_rule(rule, &name) {
                Ok(rule) => valid.push(rule),
                Err(fault) => faults.push(fault),
            }
        }
        if !faults.is_empty() {
            return Err(GroupError::Invalid(faults));
        }
        Ok(Self {
            name,
            interval: (interval.0 > 0).then_some(interval.0),
            limit,
            rules: valid,
        })
    }
}

/// One fault a rule, the first in Loki's order.
fn check_rule(rule: WrittenRule, group: &str) -> Result<Rule, String> {
    let fault = |text: &str| Err(text.to_owned());
    match (rule.alert.is_empty(), rule.record.is_empty()) {
        (false, false) => return fault("only one of 'record' and 'alert' must be set"),
        (true, true) => return fault("one of 'record' or 'alert' must be set"),
        _ => {}
    }
    check_expression(&rule, group)?;
    if !rule.record.is_empty() {
        if !rule.annotations.is_empty() {
            return fault("invalid field 'annotations' in recording rule");
        }
        if rule.hold.0 != 0 {
            return fault("invalid field 'for' in recording rule");
        }
        if !is_name(&rule.record, |c| c == ':') {
            return Err(format!("invalid recording rule name: {}", rule.record));
        }
    }
    let names = rule.labels.keys();
    let mut bad = names.filter(|name| !is_name(name, |_| false) || *name == "__name__");
    if let Some(name) = bad.next() {
        return Err(format!("invalid label name: {name}"));
    }
    let mut names = rule.annotations.keys();
    if let Some(name) = names.find(|name| !is_name(name, |_| false)) {
        return Err(format!("invalid annotation name: {name}"));
    }
    if !rule.record.is_empty() {
        let (name, expr, labels) = (rule.record, rule.expr, rule.labels);
        return Ok(Rule::Record(RecordRule { name, expr, labels }));
    }
    check_templates("label", &rule.alert, &rule.labels)?;
    check_templates("annotation", &rule.alert, &rule.annotations)?;
    Ok(Rule::Alert(AlertRule {
        name: rule.alert,
        expr: rule.expr,
        hold: rule.hold.0,
        keep_firing_for: rule.keep_firing_for.0,
        labels: rule.labels,
        annotations: rule.annotations,
    }))
}

fn check_expression(rule: &WrittenRule, group: &str) -> Result<(), String> {
    if rule.expr.is_empty() {
        return Err("field 'expr' must be set in rule".to_owned());
    }
    let Err(error) = syntax::parse(&rule.expr) else {
        return Ok(());
    };
    let (kind, name) = if rule.record.is_empty() {
        ("alert", &rule.alert)
    } else {
        ("record", &rule.record)
    };
    Err(format!(
        "could not parse expression for {kind} '{name}' in group '{group}': {error}"
    ))
}

fn check_templates(kind: &str, alert: &str, texts: &Pairs) -> Result<(), String> {
    for (name, text) in texts {
        if let Err(error) = Template::parse(text) {
            let (line, message) = (error.line, error.message);
            return Err(format!(
                "{kind} {name:?}: template: __alert_{alert}:{line}: {message}"
            ));
        }
    }
    Ok(())
}

/// Prometheus' legacy names: letters, digits but not first, `_`, and what `also` allows.
fn is_name(name: &str, also: impl Fn(char) -> bool) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || also(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(yaml: &str, want: Result<usize, &str>) {
        let got = RuleGroup::parse(yaml).map(|group| group.rules.len());
        assert_eq!(
            got.map_err(|e| e.to_string()),
            want.map_err(str::to_owned),
            "{yaml}"
        );
    }

    #[test]
    fn groups_of_rules() {
        for (rules, want) in [
            ("", Ok(0)),
            ("[]", Ok(0)),
            ("[{alert: A, expr: vector(1)}]", Ok(1)),
            ("[{record: a:b, expr: vector(1)}]", Ok(1)),
            // A query that answers with lines fails when it is evaluated, as in Loki.
            (r#"[{alert: A, expr: '{app="a"}'}]"#, Ok(1)),
            (
                "[{alert: A, expr: vector(1), for: 1m, keep_firing_for: 1m, x: y}]",
                Ok(1),
            ),
            (
                "[{alert: A, record: a, expr: vector(1)}]",
                Err("only one of 'record' and 'alert' must be set"),
            ),
            (
                "[{expr: vector(1)}]",
                Err("one of 'record' or 'alert' must be set"),
            ),
            ("[{alert: A}]", Err("field 'expr' must be set in rule")),
            (
                "[{record: a, expr: vector(1), for: 1m, annotations: {a: b}}]",
                Err("invalid field 'annotations' in recording rule"),
            ),
            (
                "[{record: a, expr: vector(1), for: 1m}]",
                Err("invalid field 'for' in recording rule"),
            ),
            (
                "[{record: a-b, expr: vector(1)}]",
                Err("invalid recording rule name: a-b"),
            ),
            (
                "[{alert: A, expr: vector(1), labels: {1a: b}}]",
                Err("invalid label name: 1a"),
            ),
            (
                "[{alert: A, expr: vector(1), labels: {__name__: b}}]",
                Err("invalid label name: __name__"),
            ),
            (
                "[{alert: A, expr: vector(1), annotations: {a-b: b}}]",
                Err("invalid annotation name: a-b"),
            ),
            (
                "[{alert: A, expr: vector(1), annotations: {a: '{{ $x }}'}}]",
                Err("annotation \"a\": template: __alert_A:1: undefined variable \"$x\""),
            ),
            (
                "[{alert: A, expr: vector(1), labels: {a: \"x\\n{{ $value\"}}]",
                Err("label \"a\": template: __alert_A:2: unclosed action"),
            ),
            (
                "[{alert: A}, {expr: a}]",
                Err("field 'expr' must be set in rule, one of 'record' or 'alert' must be set"),
            ),
            (
                "[{alert: A, expr: vector(1), for: soon}]",
                Err("unable to decoded rule group"),
            ),
        ] {
            let yaml = format!("name: g\nrules: {rules}");
            check(&yaml, want);
        }
    }

    #[test]
    fn queries_that_do_not_parse_are_named() {
        for kind in ["alert", "record"] {
            let yaml = format!("name: g\nrules: [{{{kind}: A, expr: '{{a=\"b\"}} |='}}]");
            let error = RuleGroup::parse(&yaml).unwrap_err().to_string();
            let want = format!("could not parse expression for {kind} 'A' in group 'g': parse ");
            assert!(error.starts_with(&want), "{error}");
        }
    }

    #[test]
    fn groups_need_a_name() {
        check("rules: []", Err("group 0: Groupname must not be empty"));
        check("name: [", Err("unable to decoded rule group"));
        check(
            "rules: [{alert: A}]",
            Err("group 0: Groupname must not be empty, field 'expr' must be set in rule"),
        );
    }
}
