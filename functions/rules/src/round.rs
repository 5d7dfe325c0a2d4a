//! [`Due`] and [`Round`]: a group before and after one evaluation.

use std::time::Instant;

use narvi_model::{TenantId, Timestamp};

use crate::evaluate::Evaluated;
use crate::group::{AlertRule, Rule, RuleGroup};
use crate::group_state::GroupState;
use crate::handler::Handler;
use crate::limits::SCHEDULE;
use crate::outage::{self, Outage};
use crate::rule_state::{Health, RuleState, Tick};

/// A group that is to be evaluated.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) tenant: TenantId,
    pub(crate) namespace: String,
    pub(crate) group: RuleGroup,
    pub(crate) state: GroupState,
    /// Nanoseconds between two evaluations.
    pub(crate) interval: i64,
    /// The time that the rules are asked for.
    pub(crate) at: Timestamp,
}

/// A group that has been evaluated, with its new state.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) due: Due,
    /// Rules whose evaluation failed.
    pub(crate) failed: usize,
    /// Rules that were evaluated over less than there should be.
    pub(crate) incomplete: usize,
}

const NOT_EVALUATED: &str = "recording rules are not evaluated by this version of narvi";

/// When to evaluate a group at `now`: `None` where it has been, in this interval.
///
/// Intervals are counted from the epoch, so a run that is late, missing or done twice shifts
/// nothing, and a run that is tried again with the same time evaluates what is left.
pub(crate) fn tick(now: Timestamp, interval: i64, last: Option<Timestamp>) -> Option<Timestamp> {
    let floor = |nanos: i64, step: i64| nanos.div_euclid(step) * step;
    let at = floor(now.nanos(), interval.min(SCHEDULE));
    if let Some(last) = last
        && floor(at, interval) <= floor(last.nanos(), interval)
    {
        return None;
    }
    Some(Timestamp::from_nanos(at))
}

impl Handler {
    /// Evaluates the rules of a group, one after another, all at the same time.
    pub(crate) async fn evaluate(&self, mut due: Due) -> Round {
        let (tenant, group, at) = (&due.tenant, &due.group, due.at);
        due.state.follow(group);
        let last = due.state.evaluated;
        let outage = last.and_then(|last| Outage::between(last, at, due.interval));
        let (mut failed, mut incomplete) = (0, 0);
        for (rule, state) in group.rules.iter().zip(&mut due.state.rules) {
            let alert = match rule {
                Rule::Alert(alert) => alert,
                Rule::Record(record) => {
                    if state.last_error.is_empty() {
                        let (group, record) = (&group.name, &record.name);
                        tracing::warn!(group, record, "{NOT_EVALUATED}");
                        state.last_error = NOT_EVALUATED.to_owned();
                    }
                    continue;
                }
            };
            if let Some(outage) = outage {
                outage::resume(&mut state.alerts, alert.hold, outage, &self.config.ruler);
            }
            let limit = group.limit;
            let tick = Tick { at, limit };
            self.evaluate_rule(alert, state, tenant, tick).await;
            let (tenant, error) = (tenant.as_str(), &state.last_error);
            let (group, alert) = (&group.name, &alert.name);
            if state.health == Health::Err {
                failed += 1;
                tracing::warn!(tenant, group, alert, error, "a rule failed");
            } else if state.is_incomplete() {
                incomplete += 1;
                tracing::warn!(tenant, group, alert, error, "a rule may lack something");
            }
        }
        due.state.evaluated = Some(at);
        Round {
            due,
            failed,
            incomplete,
        }
    }

    async fn evaluate_rule(
        &self,
        rule: &AlertRule,
        state: &mut RuleState,
        tenant: &TenantId,
        tick: Tick,
    ) {
        let started = Instant::now();
        let evaluated = self.queries.evaluate(tenant, &rule.expr, tick.at).await;
        let outcome = evaluated.and_then(|Evaluated { samples, warnings }| {
            state.advance(rule, &samples, tick)?;
            Ok(warnings)
        });
        state.note(outcome, tick.at, started.elapsed().as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(now: i64, interval: i64, last: Option<i64>, want: Option<i64>) {
        let at = Timestamp::from_seconds;
        let got = tick(at(now), at(interval).nanos(), last.map(at));
        assert_eq!(got, want.map(at));
    }

    #[test]
    fn groups_are_due_once_an_interval() {
        check(60, 60, None, Some(60));
        check(119, 60, None, Some(60));
        check(119, 60, Some(60), None);
        check(121, 60, Some(60), Some(120));
        check(60, 60, Some(120), None);
        // Below the schedule's minute: the latest tick.
        check(121, 15, Some(60), Some(120));
        check(136, 15, Some(120), Some(135));
        // Above it: a new group at once, then at each interval, late or not.
        check(700, 300, None, Some(660));
        check(720, 300, Some(660), None);
        check(900, 300, Some(660), Some(900));
        check(961, 300, Some(660), Some(960));
        check(1000, 300, Some(960), None);
        check(90, 90, Some(0), None);
        check(120, 90, Some(0), Some(120));
    }
}
