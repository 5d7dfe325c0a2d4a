//! [`GroupState`]: what the catalog keeps of a group between runs, as JSON with a version.

use narvi_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::group::{Rule, RuleGroup};
use crate::rule_state::RuleState;
use crate::written::Pairs;

/// The form below. Whoever changes it so that old JSON no longer reads raises it.
const VERSION: u32 = 1;

/// A group's evaluations so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GroupState {
    version: u32,
    /// The time of the latest evaluation.
    pub(crate) evaluated: Option<Timestamp>,
    /// One for each rule, in the group's order.
    pub(crate) rules: Vec<RuleState>,
}

/// Only the version, to tell another form from broken JSON.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl GroupState {
    /// A group that was never evaluated.
    pub(crate) const fn new() -> Self {
        Self {
            version: VERSION,
            evaluated: None,
            rules: Vec::new(),
        }
    }

    /// # Errors
    /// Why it cannot be read; whoever asks starts anew then, since alerts that fire again are worth
    /// more than a group that stands still.
    pub(crate) fn from_json(json: &str) -> Result<Self, String> {
        let found: Version = serde_json::from_str(json).map_err(|e| e.to_string())?;
        if found.version != VERSION {
            return Err(format!(
                "it has version {}, this narvi knows {VERSION}",
                found.version
            ));
        }
        serde_json::from_str(json).map_err(|e| e.to_string())
    }

    /// # Errors
    /// None that could happen: every part of it is a text, a number or a list.
    pub(crate) fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Makes the rules those of `group`: a rule is known by its name and labels, and what is no
    /// longer in the group is forgotten.
    pub(crate) fn follow(&mut self, group: &RuleGroup) {
        let mut old = std::mem::take(&mut self.rules);
        for rule in &group.rules {
            let (name, labels) = identity(rule);
            let known = old
                .iter()
                .position(|state| state.name == name && state.labels == *labels);
            self.rules.push(match known {
                Some(place) => old.remove(place),
                None => RuleState {
                    name: name.to_owned(),
                    labels: labels.clone(),
                    ..RuleState::default()
                },
            });
        }
    }
}

fn identity(rule: &Rule) -> (&str, &Pairs) {
    match rule {
        Rule::Alert(rule) => (&rule.name, &rule.labels),
        Rule::Record(rule) => (&rule.name, &rule.labels),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(rules: &str) -> RuleGroup {
        RuleGroup::parse(&format!("name: g\nrules: {rules}")).unwrap()
    }

    #[test]
    fn rules_are_known_by_name_and_labels() {
        let mut state = GroupState::new();
        state.follow(&group(
            "[{alert: A, expr: vector(1)}, {alert: A, expr: vector(1), labels: {a: b}}]",
        ));
        for (n, rule) in state.rules.iter_mut().enumerate() {
            rule.last_error = n.to_string();
        }
        state.follow(&group(
            "[{record: r, expr: vector(1)}, {alert: A, expr: vector(2), labels: {a: b}}]",
        ));
        let errors: Vec<_> = state.rules.iter().map(|r| r.last_error.as_str()).collect();
        assert_eq!(errors, ["", "1"]);
        let json = state.to_json().unwrap();
        assert_eq!(GroupState::from_json(&json), Ok(state));
    }

    #[test]
    fn other_forms_are_named() {
        for (json, want) in [
            (r#"{"version":2}"#, "it has version 2, this narvi knows 1"),
            ("{}", "missing field `version`"),
            (r#"{"version":1}"#, "missing field `rules`"),
        ] {
            let error = GroupState::from_json(json).unwrap_err();
            assert!(error.starts_with(want), "{error}");
        }
    }
}
