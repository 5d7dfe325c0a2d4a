//! The ruler's API, as a table of calls and answers.

#![allow(
    clippy::unwrap_used,
    reason = "the steps of a test may end it, also those outside of `#[test]`"
)]

#[cfg(test)]
mod support;

use http::Method;
use narvi_gateway::Call;
use support::{Fixture, YAML};

const ACCEPTED: &str = r#"{"status":"success","data":null,"errorType":"","error":""}"#;
const JSON: &str = "application/json; charset=UTF-8";
const TEXT: &str = "text/plain; charset=utf-8";

fn group(name: &str, team: &str) -> String {
    format!("name: {name}\nrules: [{{alert: A, expr: vector(1) > 0, labels: {{team: {team}}}}}]")
}

/// Calls `METHOD path` with a body (empty for none) as tenant `t`.
async fn call(narvi: &Fixture, line: &str, body: &str) -> (i64, String, String) {
    let (method, path) = line.split_once(' ').unwrap();
    let call = Call::new(method.parse().unwrap(), path)
        .header("x-scope-orgid", "t")
        .header("content-type", YAML)
        .body(body);
    narvi.call(call).await
}

/// Each step: the call, its body, the status and what the answer holds.
async fn check(narvi: &Fixture, steps: &[(&str, &str, i64, &str)]) {
    for (line, body, status, want) in steps {
        let (got, kind, text) = call(narvi, line, body).await;
        assert_eq!(got, *status, "{line}: {text}");
        assert!(text.contains(want), "{line}: {text} lacks {want}");
        let want_kind = match (status, text.is_empty()) {
            (_, true) => "",
            (200, _) => YAML,
            (202, _) => JSON,
            _ => TEXT,
        };
        assert_eq!(kind, want_kind, "{line}");
    }
}

#[tokio::test]
async fn groups_are_put_listed_and_deleted() {
    let narvi = Fixture::new("").await;
    let (first, second) = (group("g1", "x"), group("g2", "blue"));
    check(
        &narvi,
        &[
            ("GET /loki/api/v1/rules", "", 404, "no rule groups found\n"),
            (
                "GET /api/prom/rules/test/test",
                "",
                404,
                "group does not exist\n",
            ),
            ("POST /loki/api/v1/rules/ns", &first, 202, ACCEPTED),
            ("POST /api/prom/rules/ns", &second, 202, ACCEPTED),
            ("POST /loki/api/v1/rules/other one", &first, 202, ACCEPTED),
            ("GET /loki/api/v1/rules", "", 200, "ns:\n    - name: g1\n"),
            ("GET /api/prom/rules/ns/g2", "", 200, "name: g2\n"),
            (
                "GET /loki/api/v1/rules/none",
                "",
                404,
                "no rule groups found\n",
            ),
            (
                "GET /loki/api/v1/rules?labels=team:z",
                "",
                404,
                "no rule groups found\n",
            ),
            (
                "GET /loki/api/v1/rules/ns?labels=a:b,team:blue",
                "",
                200,
                "team: blue",
            ),
            ("DELETE /loki/api/v1/rules/ns/g1", "", 202, ACCEPTED),
            (
                "DELETE /loki/api/v1/rules/ns/g1",
                "",
                404,
                "group does not exist\n",
            ),
            ("DELETE /api/prom/rules/other one", "", 202, ACCEPTED),
            (
                "DELETE /loki/api/v1/rules/none",
                "",
                404,
                "group namespace does not exist\n",
            ),
            ("GET /loki/api/v1/rules/ns", "", 200, "g2"),
            ("DELETE /loki/api/v1/rules/ns", "", 202, ACCEPTED),
            ("GET /loki/api/v1/rules", "", 404, "no rule groups found\n"),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_refused() {
    let narvi = Fixture::new("").await;
    let good = group("g", "x");
    check(
        &narvi,
        &[
            (
                "POST /loki/api/v1/rules/ns",
                "name: [",
                400,
                "unable to decoded rule group\n",
            ),
            (
                "POST /loki/api/v1/rules/ns",
                "",
                400,
                "group 0: Groupname must not be empty\n",
            ),
            (
                "POST /loki/api/v1/rules/ns",
                "name: g\nrules: [{alert: A}, {}]",
                400,
                "field 'expr' must be set in rule, one of 'record' or 'alert' must be set\n",
            ),
            ("POST /loki/api/v1/rules", &good, 405, ""),
            ("POST /loki/api/v1/rules/ns/g", &good, 405, ""),
            ("PUT /loki/api/v1/rules/ns", &good, 405, ""),
            ("DELETE /loki/api/v1/rules", "", 405, ""),
            (
                "POST /loki/api/v1/rules/..",
                &good,
                500,
                r#""error":"invalid namespace: path traversal not allowed""#,
            ),
            (
                "GET /loki/api/v1/rules/ns/../x",
                "",
                500,
                r#""error":"invalid groupname: path traversal not allowed""#,
            ),
            ("GET /loki/api/v1/rules/", "", 404, "404 page not found\n"),
            (
                "GET /prometheus/api/v1/rulez",
                "",
                404,
                "404 page not found\n",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn limits_of_a_tenant() {
    let limits = "limits_config: {ruler_max_rules_per_rule_group: 1, \
                  ruler_max_rule_groups_per_tenant: 1}";
    let narvi = Fixture::new(limits).await;
    let two = "name: g\nrules: [{alert: A, expr: vector(1)}, {alert: B, expr: vector(1)}]";
    check(
        &narvi,
        &[
            (
                "POST /loki/api/v1/rules/ns",
                two,
                400,
                "per-user rules per rule group limit (limit: 1 actual: 2) exceeded\n",
            ),
            (
                "POST /loki/api/v1/rules/ns",
                &group("g", "x"),
                202,
                ACCEPTED,
            ),
            (
                "POST /loki/api/v1/rules/ns",
                &group("g", "y"),
                202,
                ACCEPTED,
            ),
            (
                "POST /loki/api/v1/rules/ns",
                &group("h", "x"),
                400,
                "per-user rule groups limit (limit: 1 actual: 2) exceeded\n",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn tenants() {
    let narvi = Fixture::new("").await;
    narvi.post("t", "ns", &group("g", "x")).await;
    for (header, status, want) in [
        (None, 401, "no org id\n"),
        (Some("u"), 404, "no rule groups found\n"),
        (Some("t|u"), 500, r#""error":"no org id""#),
        (Some("a b"), 400, "unsupported character"),
    ] {
        let mut call = Call::new(Method::GET, "/loki/api/v1/rules");
        if let Some(tenant) = header {
            call = call.header("x-scope-orgid", tenant);
        }
        let (got, _, body) = narvi.call(call).await;
        assert_eq!(got, status, "{header:?}");
        assert!(body.contains(want), "{header:?}: {body}");
    }
}

#[tokio::test]
async fn what_is_answered_can_be_posted_again() {
    let narvi = Fixture::new("").await;
    let group = r#"
name: g
interval: 90s
limit: 5
rules:
  - alert: A
    expr: |
      sum by (app) (count_over_time({env="prod"} |= "an error that is quite long" [5m]))
        > 10
    for: 1h30m
    keep_firing_for: 5m
    labels: {severity: page, code: "007"}
    annotations: {summary: "{{ $labels.app }}: {{ $value }}", text: "a: b # c"}
"#;
    narvi.post("t", "ns", group).await;
    let (_, _, once) = call(&narvi, "GET /loki/api/v1/rules/ns/g", "").await;
    narvi.post("t", "ns", &once).await;
    let (_, _, twice) = call(&narvi, "GET /loki/api/v1/rules/ns/g", "").await;
    assert_eq!(once, twice);
    for text in [
        "interval: 1m30s\n",
        "for: 1h30m\n",
        "keep_firing_for: 5m\n",
        "limit: 5\n",
    ] {
        assert!(once.contains(text), "{once}");
    }
}

#[tokio::test]
async fn the_sample_event_is_taken() {
    let narvi = Fixture::new("").await;
    let event = include_str!("../../../events/rules-post.json");
    let event = serde_json::from_str(event).unwrap();
    let answer = narvi.handler.handle(event).await;
    assert_eq!(answer.status_code, 202);
    let tenant = narvi_model::TenantId::parse("demo").unwrap();
    assert_eq!(narvi.catalog.rule_groups(&tenant).await.unwrap().len(), 1);
}
