//! [`RuleState`]: what a rule's evaluations have come to. [`RuleState::advance`] is the step from
//! one evaluation to the next: samples in, alerts out.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use narvi_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alert::{Alert, Patience, Phase};
use crate::evaluate::Sample;
use crate::group::AlertRule;
use crate::template;
use crate::written::Pairs;

/// Whether the latest evaluation worked; the words are Loki's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Health {
    /// Never evaluated.
    #[default]
    Unknown,
    /// It worked.
    Ok,
    /// It did not; `last_error` says why. Where it worked, that is what it may lack.
    Err,
}

/// What is kept of a rule between evaluations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RuleState {
    /// With `labels` what makes it this rule; its query may change and the alerts stay.
    pub(crate) name: String,
    pub(crate) labels: Pairs,
    pub(crate) health: Health,
    pub(crate) last_error: String,
    pub(crate) evaluated: Option<Timestamp>,
    /// How long the latest evaluation took.
    pub(crate) seconds: f64,
    /// In the order of labels.
    pub(crate) alerts: Vec<Alert>,
}

/// One evaluation: when, and how many alerts may be active (0 for no limit).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tick {
    pub(crate) at: Timestamp,
    pub(crate) limit: usize,
}

const DUPLICATE: &str =
    "vector contains metrics with the same labelset after applying alert labels";

impl RuleState {
    /// Takes the samples of an evaluation.
    ///
    /// # Errors
    /// Two samples that make the same alert, which changes no alert; more alerts than the limit,
    /// which clears all of them. The texts are Loki's.
    pub(crate) fn advance(
        &mut self,
        rule: &AlertRule,
        samples: &[Sample],
        tick: Tick,
    ) -> Result<(), String> {
        let found = found(rule, samples, tick.at)?;
        let patience = Patience {
            hold: rule.hold,
            keep_firing_for: rule.keep_firing_for,
        };
        let mut alerts = BTreeMap::new();
        for mut alert in std::mem::take(&mut self.alerts) {
            if found.contains_key(&alert.labels) || alert.vanished(patience, tick.at) {
                alerts.insert(alert.labels.clone(), alert);
            }
        }
        for (labels, new) in found {
            let alert = match alerts.entry(labels) {
                Entry::Occupied(known) if known.get().phase != Phase::Resolved => {
                    let alert = known.into_mut();
                    (alert.value, alert.annotations) = (new.value, new.annotations);
                    alert
                }
                // What is resolved and comes back is a new alert.
                Entry::Occupied(mut resolved) => {
                    resolved.insert(new);
                    resolved.into_mut()
                }
                Entry::Vacant(place) => place.insert(new),
            };
            alert.seen(patience, tick.at);
        }
        let is_active = |alert: &&Alert| alert.phase != Phase::Resolved;
        let active = alerts.values().filter(is_active).count();
        if tick.limit > 0 && active > tick.limit {
            return Err(format!(
                "exceeded limit of {} with {active} alerts",
                tick.limit
            ));
        }
        self.alerts = alerts.into_values().collect();
        Ok(())
    }

    /// Notes how an evaluation went: with which warnings, or why it failed.
    pub(crate) fn note(
        &mut self,
        outcome: Result<Vec<String>, String>,
        at: Timestamp,
        seconds: f64,
    ) {
        (self.health, self.last_error) = match outcome {
            // One tells what is wrong, and the states of all rules of a group are one row.
            Ok(warnings) => (Health::Ok, warnings.into_iter().next().unwrap_or_default()),
            Err(error) => (Health::Err, error),
        };
        (self.evaluated, self.seconds) = (Some(at), seconds);
    }

    /// Whether the latest evaluation worked, but over less than there should be.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.health == Health::Ok && !self.last_error.is_empty()
    }
}

/// The alert of each sample, by its labels.
fn found(
    rule: &AlertRule,
    samples: &[Sample],
    at: Timestamp,
) -> Result<BTreeMap<Pairs, Alert>, String> {
    let mut found = BTreeMap::new();
    for sample in samples {
        let expand = |text: &str| template::expand(text, &sample.labels, sample.value);
        let own = sample.labels.iter().filter(|(name, _)| *name != "__name__");
        let mut labels: Pairs = own.map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
        for (name, text) in &rule.labels {
            labels.insert(name.clone(), expand(text));
        }
        labels.insert("alertname".to_owned(), rule.name.clone());
        // An empty label is none.
        labels.retain(|_, value| !value.is_empty());
        let annotations = rule.annotations.iter();
        let annotations = annotations.map(|(name, text)| (name.clone(), expand(text)));
        let alert = Alert::new(labels.clone(), annotations.collect(), sample.value, at);
        if found.insert(labels, alert).is_some() {
            return Err(DUPLICATE.to_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use narvi_model::Labels;

    use super::*;

    const MINUTE: i64 = 60_000_000_000;

    fn rule(hold: i64, keep_firing_for: i64) -> AlertRule {
        let pairs = |name: &str, text: &str| Pairs::from([(name.to_owned(), text.to_owned())]);
        AlertRule {
            name: "A".to_owned(),
            expr: "vector(1)".to_owned(),
            hold: hold * MINUTE,
            keep_firing_for: keep_firing_for * MINUTE,
            labels: pairs("team", "{{ $labels.team }}s"),
            annotations: pairs("text", "{{ $value }}"),
        }
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_seconds(minute * 60)
    }

    fn sample(app: &str, value: f64) -> Sample {
        let labels = Labels::from_pairs([("app", app), ("team", "x"), ("__name__", "n")]);
        Sample { labels, value }
    }

    /// One step of a script: the minute, `app` of each sample, the state after it, and what is sent
    /// (all of it delivered).
    type Step<'a> = (i64, &'a [&'a str], &'a str, &'a str);

    /// State and sent alerts print as `app phase`; times are minutes.
    #[track_caller]
    fn check(rule: &AlertRule, steps: &[Step<'_>]) {
        let mut state = RuleState::default();
        for (minute, apps, want, sent) in steps {
            let samples: Vec<_> = apps.iter().map(|app| sample(app, 1.0)).collect();
            let tick = Tick {
                at: at(*minute),
                limit: 2,
            };
            let outcome = state.advance(rule, &samples, tick);
            let mut got: Vec<_> = state.alerts.iter().map(print).collect();
            got.extend(outcome.err());
            assert_eq!(got.join(", "), *want, "state at minute {minute}");
            let due = |alert: &&mut Alert| alert.needs_sending(2 * MINUTE, at(*minute));
            let mut told = Vec::new();
            for alert in state.alerts.iter_mut().filter(due) {
                told.push(alert.labels["app"].clone());
                alert.sent_at = Some(at(*minute));
            }
            assert_eq!(told.join(" "), *sent, "sent at minute {minute}");
            let json = serde_json::to_string(&state).unwrap();
            state = serde_json::from_str(&json).unwrap();
        }
    }

    fn print(alert: &Alert) -> String {
        let minute = |time: Option<Timestamp>| time.map_or(-1, |time| time.seconds() / 60);
        let app = &alert.labels["app"];
        match alert.phase {
            Phase::Pending => format!("{app} pending {}", minute(Some(alert.active_at))),
            Phase::Firing => format!("{app} firing {}", minute(alert.fired_at)),
            Phase::Resolved => format!("{app} resolved {}", minute(alert.resolved_at)),
        }
    }

    #[test]
    fn an_alert_waits_fires_and_resolves() {
        check(
            &rule(2, 0),
            &[
                (0, &[], "", ""),
                (1, &["a"], "a pending 1", ""),
                (2, &["a", "b"], "a pending 1, b pending 2", ""),
                (3, &["a"], "a firing 3", "a"),
                (4, &["a"], "a firing 3", ""),
                (5, &["a"], "a firing 3", "a"),
                (6, &[], "a resolved 6", "a"),
                (7, &["b"], "a resolved 6, b pending 7", ""),
                (8, &["b"], "a resolved 6, b pending 7", "a"),
                (9, &["a", "b"], "a pending 9, b firing 9", "b"),
                (10, &[], "b resolved 10", "b"),
                (25, &[], "b resolved 10", "b"),
                (26, &[], "", ""),
            ],
        );
    }

    #[test]
    fn without_for_it_fires_at_once() {
        check(
            &rule(0, 0),
            &[
                (1, &["a"], "a firing 1", "a"),
                (2, &[], "a resolved 2", "a"),
                (3, &["a"], "a firing 3", "a"),
            ],
        );
    }

    #[test]
    fn it_may_go_on_firing() {
        check(
            &rule(0, 2),
            &[
                (1, &["a"], "a firing 1", "a"),
                (2, &[], "a firing 1", ""),
                (3, &["a"], "a firing 1", "a"),
                (4, &[], "a firing 1", ""),
                (5, &[], "a firing 1", "a"),
                (6, &[], "a resolved 6", "a"),
            ],
        );
    }

    #[test]
    fn faults_of_a_result() {
        check(
            &rule(1, 0),
            &[
                (1, &["a"], "a pending 1", ""),
                (2, &["b", "b"], &format!("a pending 1, {DUPLICATE}"), ""),
                (3, &["a"], "a firing 3", "a"),
                (4, &["a", "b", "c"], "exceeded limit of 2 with 3 alerts", ""),
                (5, &["a"], "a pending 5", ""),
            ],
        );
    }

    #[test]
    fn labels_and_annotations() {
        let mut state = RuleState::default();
        let tick = Tick {
            at: at(1),
            limit: 0,
        };
        state
            .advance(&rule(5, 0), &[sample("a", 1.5)], tick)
            .unwrap();
        let pairs = |all: &Pairs| format!("{all:?}");
        assert_eq!(
            pairs(&state.alerts[0].labels),
            r#"{"alertname": "A", "app": "a", "team": "xs"}"#
        );
        assert_eq!(pairs(&state.alerts[0].annotations), r#"{"text": "1.5"}"#);
        state
            .advance(&rule(5, 0), &[sample("a", 2.0)], tick)
            .unwrap();
        assert_eq!(pairs(&state.alerts[0].annotations), r#"{"text": "2"}"#);
    }
}
