//! [`Handler::run`]: one run of the schedule.
//!
//! The order is what keeps alerts from getting lost, wherever a run stops:
//!
//! 1. Groups that are due are evaluated, and each group's new state is written at once, with no
//!    note of anything sent. So `for` counts on whatever happens to Alertmanager, and an alert that
//!    fires or is resolved is known to be unsent.
//! 2. What is unsent or due again is sent.
//! 3. States are written again with what every Alertmanager took.
//!
//! Stopping after 1 or 2 leaves alerts that are noted as unsent, so the next evaluation sends them;
//! Alertmanager knows an alert by its labels, so twice is as good as once. The same run started
//! again evaluates nothing twice. Of two runs at the same time the later write stays: both have
//! taken the same step from the same state, or the older one sets a group back by one evaluation,
//! which the next repeats.

use std::collections::BTreeSet;
use std::fmt;

use futures::StreamExt as _;
use futures::stream;
use narvi_gateway::Metric;
use narvi_model::{TenantId, Timestamp};
use narvi_storage::StorageError;

use crate::alert::Phase;
use crate::deliveries::Deliveries;
use crate::group::RuleGroup;
use crate::group_state::GroupState;
use crate::handler::Handler;
use crate::limits::GROUPS_AT_ONCE;
use crate::notification::{Notification, explore_link};
use crate::round::{Due, Round, tick};
use crate::rule_state::Health;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Groups that were evaluated.
    pub groups: usize,
    /// Rules whose evaluation failed.
    pub failed_rules: usize,
    /// Rules that were evaluated over less than there should be, as with a damaged segment.
    pub incomplete_rules: usize,
    /// Alerts that fire.
    pub firing: usize,
    /// Alerts, firing or resolved, that every Alertmanager took.
    pub sent: usize,
    /// Alerts that some Alertmanager did not take.
    pub unsent: usize,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            groups,
            failed_rules,
            incomplete_rules,
            firing,
            sent,
            unsent,
        } = self;
        write!(
            f,
            "{groups} groups evaluated, {failed_rules} rules failed, {incomplete_rules} \
             incomplete, {firing} alerts firing, {sent} sent, {unsent} not sent"
        )
    }
}

/// Why a run is not complete. It may be started again with the same time.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// Nothing is known of what to evaluate.
    #[error("tenants with rules cannot be listed: {0}")]
    Tenants(#[source] StorageError),
    /// Some groups were not evaluated, or their states not kept; all others were.
    #[error("{count} reads and writes of rule groups failed, the first with: {first}")]
    Groups {
        /// How many.
        count: usize,
        /// The first.
        first: StorageError,
    },
}

/// Where an alert is: round, rule, alert.
type Place = (usize, usize, usize);

impl Handler {
    /// Evaluates the groups that are due at `now` and tells Alertmanager.
    ///
    /// # Errors
    /// See [`RulesError`]; a rule that fails is no error but part of its group's state.
    pub async fn run(&self, now: Timestamp) -> Result<Report, RulesError> {
        let tenants = self.catalog.rule_tenants().await;
        let tenants = tenants.map_err(RulesError::Tenants)?;
        let mut faults = Vec::new();
        let mut due = Vec::new();
        for tenant in &tenants {
            match self.due(tenant, now).await {
                Ok(groups) => due.extend(groups),
                Err(error) => faults.push(error),
            }
        }
        // Boxed, or the compiler cannot see that the stream may move between threads.
        let evaluations: Vec<_> = due
            .into_iter()
            .map(|due| Box::pin(self.evaluate_and_keep(due)))
            .collect();
        let done: Vec<_> = stream::iter(evaluations)
            .buffer_unordered(GROUPS_AT_ONCE)
            .collect()
            .await;
        let mut rounds = Vec::with_capacity(done.len());
        for (round, kept) in done {
            rounds.push(round);
            faults.extend(kept.err());
        }
        let (sent, unsent) = self.tell(&mut rounds, &mut faults).await;
        let report = Report {
            sent,
            unsent,
            ..counted(&rounds)
        };
        self.measure(&report, now);
        let count = faults.len();
        match faults.into_iter().next() {
            Some(first) => Err(RulesError::Groups { count, first }),
            None => Ok(report),
        }
    }

    /// The groups of a tenant that are due.
    async fn due(&self, tenant: &TenantId, now: Timestamp) -> Result<Vec<Due>, StorageError> {
        let mut due = Vec::new();
        for row in self.catalog.rule_groups(tenant).await? {
            let (namespace, name) = (row.namespace, row.group);
            let group = match RuleGroup::parse(&row.yaml) {
                Ok(group) => group,
                Err(error) => {
                    let tenant = tenant.as_str();
                    tracing::error!(tenant, namespace, name, %error, "a stored group is not valid");
                    continue;
                }
            };
            let json = self.catalog.alert_state(tenant, &namespace, &name).await?;
            let state = json.map_or(Ok(GroupState::new()), |json| GroupState::from_json(&json));
            let state = state.unwrap_or_else(|error| {
                let tenant = tenant.as_str();
                tracing::error!(tenant, namespace, name, error, "alert state starts anew");
                GroupState::new()
            });
            let default = self.config.ruler.evaluation_interval.nanos();
            let interval = group.interval.unwrap_or(default);
            if let Some(at) = tick(now, interval, state.evaluated) {
                due.push(Due {
                    tenant: tenant.clone(),
                    namespace,
                    group,
                    state,
                    interval,
                    at,
                });
            }
        }
        Ok(due)
    }

    /// A group whose state cannot be kept goes on to Alertmanager all the same: better told twice
    /// than never.
    async fn evaluate_and_keep(&self, due: Due) -> (Round, Result<(), StorageError>) {
        let round = self.evaluate(due).await;
        let kept = self.keep(&round.due).await;
        (round, kept)
    }

    async fn keep(&self, due: &Due) -> Result<(), StorageError> {
        let json = due.state.to_json().map_err(|error| StorageError::Corrupt {
            what: format!("alert state of group `{}`", due.group.name),
            reason: error.to_string(),
        })?;
        let (namespace, name) = (&due.namespace, &due.group.name);
        self.catalog
            .put_alert_state(&due.tenant, namespace, name, &json)
            .await
    }

    /// Sends what is due, notes what arrived; answers how many arrived and how many did not.
    async fn tell(&self, rounds: &mut [Round], faults: &mut Vec<StorageError>) -> (usize, usize) {
        if self.targets.is_empty() {
            return (0, 0);
        }
        let mut deliveries = Deliveries::new();
        let mut waiting = 0;
        for (n, round) in rounds.iter().enumerate() {
            for (place, notification) in self.notifications(n, &round.due) {
                deliveries.add(&round.due.tenant, place, notification);
                waiting += 1;
            }
        }
        let arrived = deliveries.send(&self.targets, &self.post).await;
        let mut changed = BTreeSet::new();
        for &(n, rule, alert) in &arrived {
            let due = &mut rounds[n].due;
            due.state.rules[rule].alerts[alert].sent_at = Some(due.at);
            changed.insert(n);
        }
        for n in changed {
            faults.extend(self.keep(&rounds[n].due).await.err());
        }
        (arrived.len(), waiting - arrived.len())
    }

    /// What to say of a group, from the rules that could be evaluated.
    fn notifications(&self, n: usize, due: &Due) -> Vec<(Place, Notification)> {
        let ruler = &self.config.ruler;
        let mut out = Vec::new();
        let rules = due.group.rules.iter().zip(&due.state.rules);
        for (r, (rule, state)) in rules.enumerate() {
            let crate::Rule::Alert(rule) = rule else {
                continue;
            };
            if state.health != Health::Ok {
                continue;
            }
            let link = explore_link(&rule.expr, ruler);
            for (a, alert) in state.alerts.iter().enumerate() {
                if alert.needs_sending(ruler.resend_delay.nanos(), due.at) {
                    let notification =
                        Notification::of(alert, &link, due.interval, (due.at, ruler));
                    out.push(((n, r, a), notification));
                }
            }
        }
        out
    }

    fn measure(&self, report: &Report, now: Timestamp) {
        let count = |name, count: usize| Metric::count(name, count as u64);
        let mut measured = vec![
            count("Groups", report.groups),
            count("FailedRules", report.failed_rules),
            count("FiringAlerts", report.firing),
            count("SentAlerts", report.sent),
            count("UnsentAlerts", report.unsent),
        ];
        // Most accounts never have this metric, nor pay for it.
        if report.incomplete_rules > 0 {
            let incomplete = report.incomplete_rules as u64;
            measured.push(Metric::count("IncompleteRules", incomplete));
        }
        self.metrics.record(200, now, &measured);
    }
}

fn counted(rounds: &[Round]) -> Report {
    let alerts = rounds
        .iter()
        .flat_map(|round| &round.due.state.rules)
        .flat_map(|rule| &rule.alerts);
    Report {
        groups: rounds.len(),
        failed_rules: rounds.iter().map(|round| round.failed).sum(),
        incomplete_rules: rounds.iter().map(|round| round.incomplete).sum(),
        firing: alerts.filter(|alert| alert.phase == Phase::Firing).count(),
        ..Report::default()
    }
}
