//! [`Alert`]: one series of an alerting rule, and its way from pending over firing to resolved.
//!
//! The rules are Prometheus' (`rules/alerting.go`), which Loki uses. Knows neither queries nor
//! Alertmanager.

use narvi_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::limits::RESOLVED_RETENTION;
use crate::written::Pairs;

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    /// Its series is there, not yet for long enough.
    Pending,
    /// Its series has been there for long enough.
    Firing,
    /// It fired, and its series is gone.
    Resolved,
}

/// One alert as it is kept between evaluations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alert {
    /// What makes it this alert, `alertname` included.
    pub(crate) labels: Pairs,
    /// What it says, of its latest sample.
    pub(crate) annotations: Pairs,
    pub(crate) phase: Phase,
    /// The latest value; text, since JSON knows no infinity.
    #[serde(with = "as_text")]
    pub(crate) value: f64,
    /// When its series was first seen.
    pub(crate) active_at: Timestamp,
    pub(crate) fired_at: Option<Timestamp>,
    pub(crate) resolved_at: Option<Timestamp>,
    /// Since when it fires without its series (`keep_firing_for`).
    pub(crate) kept_since: Option<Timestamp>,
    /// The evaluation after which every Alertmanager took it last.
    pub(crate) sent_at: Option<Timestamp>,
}

/// How patient a rule is, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// `for`.
    pub(crate) hold: i64,
    /// `keep_firing_for`.
    pub(crate) keep_firing_for: i64,
}

impl Alert {
    /// An alert that is seen for the first time.
    pub(crate) fn new(labels: Pairs, annotations: Pairs, value: f64, at: Timestamp) -> Self {
        Self {
            labels,
            annotations,
            phase: Phase::Pending,
            value,
            active_at: at,
            fired_at: None,
            resolved_at: None,
            kept_since: None,
            sent_at: None,
        }
    }

    /// Its series is there.
    pub(crate) fn seen(&mut self, patience: Patience, at: Timestamp) {
        self.kept_since = None;
        if self.phase == Phase::Pending && at.since(self.active_at) >= patience.hold {
            self.phase = Phase::Firing;
            self.fired_at = Some(at);
        }
    }

    /// Its series is gone; false where there is nothing more to keep.
    #[must_use]
    pub(crate) fn vanished(&mut self, patience: Patience, at: Timestamp) -> bool {
        match self.phase {
            Phase::Pending => false,
            Phase::Resolved => self
                .resolved_at
                .is_some_and(|resolved| at.since(resolved) <= RESOLVED_RETENTION),
            Phase::Firing => {
                let since = *self.kept_since.get_or_insert(at);
                if at.since(since) >= patience.keep_firing_for {
                    self.phase = Phase::Resolved;
                    self.resolved_at = Some(at);
                }
                true
            }
        }
    }

    /// Whether Alertmanagers should hear of it: news at once, the rest every `resend_delay`
    /// nanoseconds.
    pub(crate) fn needs_sending(&self, resend_delay: i64, at: Timestamp) -> bool {
        if self.phase == Phase::Pending {
            return false;
        }
        let Some(sent) = self.sent_at else {
            return true;
        };
        // An alert is sent at its evaluation, so one that is resolved later has a later time.
        self.resolved_at.is_some_and(|resolved| resolved > sent) || at.since(sent) >= resend_delay
    }
}

/// Floats as text, with infinities and NaN.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back() {
        for value in [0.1, f64::INFINITY, f64::NEG_INFINITY] {
            let mut alert = Alert::new(Pairs::new(), Pairs::new(), value, Timestamp::MIN);
            alert.fired_at = Some(Timestamp::MAX);
            let json = serde_json::to_string(&alert).unwrap();
            assert_eq!(serde_json::from_str::<Alert>(&json).unwrap(), alert);
        }
        let nan = Alert::new(Pairs::new(), Pairs::new(), f64::NAN, Timestamp::MIN);
        let json = serde_json::to_string(&nan).unwrap();
        assert!(serde_json::from_str::<Alert>(&json).unwrap().value.is_nan());
    }
}
