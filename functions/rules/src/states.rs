//! `/prometheus/api/v1/rules` and `/prometheus/api/v1/alerts`: what the rules of a tenant have come
//! to, as Prometheus tells it (spec `http-api.md` §14). Reads what the last run has kept.

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use http::Method;
use narvi_gateway::{Params, Request, Response, Surface};
use narvi_model::{TenantError, TenantId, Timestamp};
use narvi_storage::{RuleGroupRow, StorageError};
use serde::Serialize;
use serde_json::{Value, json};

use crate::alert::{Alert, Phase};
use crate::api::storage_error;
use crate::group::{AlertRule, RecordRule, Rule, RuleGroup};
use crate::group_state::GroupState;
use crate::handler::Handler;
use crate::limits::STATES_AT_ONCE;
use crate::rule_state::RuleState;
use crate::written::Pairs;

const RULES: &str = "/prometheus/api/v1/rules";
const ALERTS: &str = "/prometheus/api/v1/alerts";

/// Go's zero time: of what was never evaluated.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// Answers a path of this API; `None` for every other.
pub(crate) async fn answer(handler: &Handler, request: &Request) -> Option<Response> {
    let wants_rules = match request.path.as_str() {
        RULES => true,
        ALERTS => false,
        _ => return None,
    };
    if request.method != Method::GET {
        return Some(Response::method_not_allowed());
    }
    let tenant = match request.tenant(&handler.config) {
        Ok(tenant) => tenant,
        Err(error) => return Some(tenant_error(&error)),
    };
    let wanted = match Wanted::new(&request.params()) {
        Ok(wanted) => wanted,
        Err(error) => return Some(failure(400, "bad_data", &error)),
    };
    Some(match handler.groups(&tenant).await {
        Ok(groups) if wants_rules => success(&json!({"groups": wanted.shown(handler, &groups)})),
        Ok(groups) => success(&json!({"alerts": alerts(&groups)})),
        Err(error) => storage_error(&error),
    })
}

/// A group and what it has come to.
struct Known {
    namespace: String,
    group: RuleGroup,
    state: GroupState,
}

impl Handler {
    /// The groups of a tenant in the order of namespace and name, each with its state: one request
    /// for the groups and one for each state.
    async fn groups(&self, tenant: &TenantId) -> Result<Vec<Known>, StorageError> {
        let rows = self.catalog.rule_groups(tenant).await?;
        let known = rows.into_iter().map(|row| self.known(tenant, row));
        let known = stream::iter(known).buffered(STATES_AT_ONCE);
        let known: Vec<Option<Known>> = known.try_collect().await?;
        Ok(known.into_iter().flatten().collect())
    }

    /// `None` for a group that is not valid, which no run evaluates either.
    async fn known(
        &self,
        tenant: &TenantId,
        row: RuleGroupRow,
    ) -> Result<Option<Known>, StorageError> {
        let Ok(group) = RuleGroup::parse(&row.yaml) else {
            return Ok(None);
        };
        let json = self
            .catalog
            .alert_state(tenant, &row.namespace, &row.group)
            .await?;
        let state = json.map(|json| GroupState::from_json(&json));
        // What cannot be read starts anew at the next run, which says so.
        let mut state = state.and_then(Result::ok).unwrap_or(GroupState::new());
        state.follow(&group);
        let namespace = row.namespace;
        Ok(Some(Known {
            namespace,
            group,
            state,
        }))
    }
}

/// Which rules are asked for; an empty list means all.
struct Wanted {
    alerting: bool,
    recording: bool,
    files: Vec<String>,
    groups: Vec<String>,
    names: Vec<String>,
}

impl Wanted {
    fn new(params: &Params) -> Result<Self, String> {
        let all = |names: [&str; 2]| {
            let values = names.into_iter().flat_map(|name| {
                let values: Vec<String> = params.all(name).map(str::to_owned).collect();
                values
            });
            values.filter(|value| !value.is_empty()).collect()
        };
        let kind = params.get("type").unwrap_or_default();
        let (alerting, recording) = match kind.to_ascii_lowercase().as_str() {
            "" => (true, true),
            "alert" => (true, false),
            "record" => (false, true),
            _ => return Err(format!("not supported value {kind:?}")),
        };
        Ok(Self {
            alerting,
            recording,
            files: all(["file", "file[]"]),
            groups: all(["rule_group", "rule_group[]"]),
            names: all(["rule_name", "rule_name[]"]),
        })
    }

    fn has(&self, rule: &Rule) -> bool {
        let (is_wanted, name) = match rule {
            Rule::Alert(rule) => (self.alerting, &rule.name),
            Rule::Record(rule) => (self.recording, &rule.name),
        };
        is_wanted && (self.names.is_empty() || self.names.contains(name))
    }

    /// The groups with a rule that is asked for.
    fn shown(&self, handler: &Handler, groups: &[Known]) -> Vec<ShownGroup> {
        let is_listed = |list: &[String], name: &String| list.is_empty() || list.contains(name);
        let mut shown = Vec::new();
        for known in groups {
            let (group, state) = (&known.group, &known.state);
            if !is_listed(&self.files, &known.namespace) || !is_listed(&self.groups, &group.name) {
                continue;
            }
            let pairs = group.rules.iter().zip(&state.rules);
            let rules: Vec<ShownRule> = pairs
                .filter(|(rule, _)| self.has(rule))
                .map(|(rule, state)| show(rule, state))
                .collect();
            if rules.is_empty() {
                continue;
            }
            let default = handler.config.ruler.evaluation_interval.nanos();
            shown.push(ShownGroup {
                name: group.name.clone(),
                file: known.namespace.clone(),
                rules,
                interval: seconds(group.interval.unwrap_or(default)),
                limit: group.limit,
                last_evaluation: time(state.evaluated),
                evaluation_time: state.rules.iter().map(|rule| rule.seconds).sum(),
            });
        }
        shown
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownGroup {
    name: String,
    file: String,
    rules: Vec<ShownRule>,
    interval: Value,
    limit: usize,
    last_evaluation: String,
    evaluation_time: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownRule {
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    name: String,
    query: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_firing_for: Option<Value>,
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    labels: Pairs,
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    annotations: Pairs,
    #[serde(skip_serializing_if = "Option::is_none")]
    alerts: Option<Vec<ShownAlert>>,
    health: Value,
    last_error: String,
    #[serde(rename = "type")]
    kind: &'static str,
    last_evaluation: String,
    evaluation_time: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownAlert {
    labels: Pairs,
    annotations: Pairs,
    state: &'static str,
    active_at: String,
    value: String,
}

/// A rule as its author wrote it, with what it has come to.
fn show(rule: &Rule, state: &RuleState) -> ShownRule {
    let base = |name: &str, expr: &str, labels: &Pairs| ShownRule {
        state: None,
        name: name.to_owned(),
        query: normalised(expr),
        duration: None,
        keep_firing_for: None,
        labels: labels.clone(),
        annotations: Pairs::new(),
        alerts: None,
        health: json!(state.health),
        last_error: state.last_error.clone(),
        kind: "recording",
        last_evaluation: time(state.evaluated),
        evaluation_time: state.seconds,
    };
    match rule {
        Rule::Record(RecordRule { name, expr, labels }) => base(name, expr, labels),
        Rule::Alert(alert @ AlertRule { .. }) => {
            let alerts: Vec<ShownAlert> = active(state).collect();
            let keep = alert.keep_firing_for;
            ShownRule {
                state: Some(worst(state)),
                duration: Some(seconds(alert.hold)),
                keep_firing_for: (keep > 0).then(|| seconds(keep)),
                annotations: alert.annotations.clone(),
                alerts: Some(alerts),
                kind: "alerting",
                ..base(&alert.name, &alert.expr, &alert.labels)
            }
        }
    }
}

/// The alerts of every rule.
fn alerts(groups: &[Known]) -> Vec<ShownAlert> {
    let rules = groups.iter().flat_map(|known| {
        let pairs = known.group.rules.iter().zip(&known.state.rules);
        pairs.filter(|(rule, _)| matches!(rule, Rule::Alert(_)))
    });
    rules.flat_map(|(_, state)| active(state)).collect()
}

/// The alerts that are pending or firing.
fn active(state: &RuleState) -> impl Iterator<Item = ShownAlert> {
    let shown = |alert: &Alert| {
        Some(ShownAlert {
            labels: alert.labels.clone(),
            annotations: alert.annotations.clone(),
            state: word(alert.phase)?,
            active_at: alert.active_at.rfc3339(),
            value: exponent(alert.value),
        })
    };
    state.alerts.iter().filter_map(shown)
}

/// The state of a rule is that of its most urgent alert.
fn worst(state: &RuleState) -> &'static str {
    let has = |phase| state.alerts.iter().any(|alert| alert.phase == phase);
    match (has(Phase::Firing), has(Phase::Pending)) {
        (true, _) => "firing",
        (_, true) => "pending",
        _ => "inactive",
    }
}

const fn word(phase: Phase) -> Option<&'static str> {
    match phase {
        Phase::Pending => Some("pending"),
        Phase::Firing => Some("firing"),
        Phase::Resolved => None,
    }
}

/// The query as Loki prints it; what was stored was checked, so it reads.
fn normalised(expr: &str) -> String {
    match narvi_logql::syntax::parse(expr) {
        Ok(query) => query.to_string(),
        Err(_) => expr.to_owned(),
    }
}

/// A length of time as Prometheus' API has it: a number, whole where it can be.
fn seconds(nanos: i64) -> Value {
    match nanos % narvi_model::NANOS_PER_SECOND {
        0 => json!(nanos / narvi_model::NANOS_PER_SECOND),
        _ => json!(nanos as f64 / narvi_model::NANOS_PER_SECOND as f64),
    }
}

fn time(at: Option<Timestamp>) -> String {
    at.map_or_else(|| NEVER.to_owned(), Timestamp::rfc3339)
}

/// A float as Go's `%e` with the shortest digits: `1.2e+01`.
fn exponent(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let text = format!("{value:e}");
    let Some((digits, exponent)) = text.split_once('e') else {
        return text;
    };
    match exponent.strip_prefix('-') {
        Some(exponent) => format!("{digits}e-{exponent:0>2}"),
        None => format!("{digits}e+{exponent:0>2}"),
    }
}

fn success(data: &Value) -> Response {
    let body = json!({"status": "success", "data": data, "errorType": "", "error": ""});
    Response::json(escaped(&body))
}

/// An error is JSON that says it is plain text, as Loki sends it.
fn failure(status: u16, kind: &str, error: &str) -> Response {
    let body = json!({"status": "error", "data": null, "errorType": kind, "error": error});
    Response::text(status, escaped(&body))
}

fn tenant_error(error: &TenantError) -> Response {
    match error {
        TenantError::Missing => Response::tenant_error(Surface::Write, error),
        TenantError::Several => failure(400, "bad_data", "too many org ids found"),
        _ => failure(500, "server_error", "no valid org id found"),
    }
}

/// JSON with Go's escapes of what would be HTML. In JSON these occur in texts only.
fn escaped(value: &Value) -> String {
    let mut text = value.to_string();
    for (from, to) in [
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("&", "\\u0026"),
        ("\u{2028}", "\\u2028"),
        ("\u{2029}", "\\u2029"),
    ] {
        if text.contains(from) {
            text = text.replace(from, to);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (value, want) in [
            (12.0, "1.2e+01"),
            (1.0, "1e+00"),
            (0.0, "0e+00"),
            (-0.015, "-1.5e-02"),
            (1e100, "1e+100"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(exponent(value), want);
        }
        assert_eq!(seconds(600_000_000_000), json!(600));
        assert_eq!(seconds(1_500_000_000), json!(1.5));
        assert_eq!(time(None), NEVER);
    }

    #[test]
    fn texts_are_escaped_as_go_does() {
        let value = json!({"q": "a > b & c < \u{2028}\""});
        assert_eq!(
            escaped(&value),
            r#"{"q":"a \u003e b \u0026 c \u003c \u2028\""}"#
        );
    }
}
