//! The API that tells of rules and alerts as Prometheus does, after runs of the schedule.

#![cfg(test)]

mod support;

use http::Method;
use narvi_gateway::Call;
use serde_json::{Value, json};
use support::Fixture;

const RULES: &str = "/prometheus/api/v1/rules";
const ALERTS: &str = "/prometheus/api/v1/alerts";

const GROUP: &str = r#"
name: g
interval: 2m
limit: 9
rules:
  - alert: Slow
    expr: 'sum by (app) (count_over_time({app="a"}[10m])) > 0'
    for: 2m
    labels: {severity: "{{ $labels.app }}"}
    annotations: {summary: "{{ $value }} of {{ $labels.app }}"}
  - {record: r, expr: "vector(3)"}
"#;
const QUERY: &str = r#"sum by (app) (count_over_time({app="a"}[10m])) > 0"#;

async fn get(narvi: &Fixture, tenant: &str, target: &str) -> (i64, String, String) {
    let call = Call::new(Method::GET, target);
    let call = match tenant {
        "" => call,
        tenant => call.header("x-scope-orgid", tenant),
    };
    narvi.call(call).await
}

/// The `data` of a 200.
async fn data(narvi: &Fixture, target: &str) -> Value {
    let (status, kind, body) = get(narvi, "t", target).await;
    assert_eq!(
        (status, kind.as_str()),
        (200, "application/json; charset=UTF-8"),
        "{body}"
    );
    let mut body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&body["status"], &body["errorType"], &body["error"]),
        (&json!("success"), &json!(""), &json!(""))
    );
    body["data"].take()
}

#[tokio::test]
async fn without_rules_there_are_empty_lists() {
    let narvi = Fixture::new("").await;
    assert_eq!(data(&narvi, RULES).await, json!({"groups": []}));
    assert_eq!(data(&narvi, ALERTS).await, json!({"alerts": []}));
    narvi.post("t", "ns", "name: empty").await;
    assert_eq!(data(&narvi, RULES).await, json!({"groups": []}));
}

#[tokio::test]
async fn rules_are_told_with_their_alerts() {
    let narvi = Fixture::new("").await;
    narvi.post("t", "ns", GROUP).await;
    let (_, _, text) = get(&narvi, "t", RULES).await;
    assert!(text.contains(r"[10m])) \u003e 0)"), "{text}");
    let before = data(&narvi, RULES).await;
    let rule = &before["groups"][0]["rules"][0];
    assert_eq!(
        (&rule["state"], &rule["health"]),
        (&json!("inactive"), &json!("unknown"))
    );
    assert_eq!(rule["lastEvaluation"], "0001-01-01T00:00:00Z");
    assert_eq!(rule["alerts"], json!([]));
    narvi.script.set(QUERY, Ok(&["a"]));
    narvi.run(0).await;
    assert_eq!(data(&narvi, ALERTS).await["alerts"][0]["state"], "pending");
    narvi.run(2).await;
    let group = &data(&narvi, RULES).await["groups"][0];
    for (key, want) in [
        ("name", json!("g")),
        ("file", json!("ns")),
        ("interval", json!(120)),
        ("limit", json!(9)),
        ("lastEvaluation", json!("2026-01-15T10:02:00Z")),
    ] {
        assert_eq!(group[key], want, "{key}");
    }
    assert!(group["evaluationTime"].is_number());
    let alerts = json!([{
        "labels": {"alertname": "Slow", "app": "a", "severity": "a", "tenant": "t"},
        "annotations": {"summary": "7 of a"},
        "state": "firing",
        "activeAt": "2026-01-15T10:00:00Z",
        "value": "7e+00",
    }]);
    let rule = &group["rules"][0];
    for (key, want) in [
        ("state", json!("firing")),
        ("name", json!("Slow")),
        (
            "query",
            json!(r#"(sum by (app)(count_over_time({app="a"}[10m])) > 0)"#),
        ),
        ("duration", json!(120)),
        ("labels", json!({"severity": "{{ $labels.app }}"})),
        (
            "annotations",
            json!({"summary": "{{ $value }} of {{ $labels.app }}"}),
        ),
        ("alerts", alerts.clone()),
        ("health", json!("ok")),
        ("lastError", json!("")),
        ("type", json!("alerting")),
        ("lastEvaluation", json!("2026-01-15T10:02:00Z")),
    ] {
        assert_eq!(rule[key], want, "{key}");
    }
    check_the_rest(&narvi, &group["rules"][1], &alerts).await;
}

/// What else there is beside an alert that fires, and what is left when it is over.
async fn check_the_rest(narvi: &Fixture, record: &Value, alerts: &Value) {
    assert_eq!(
        (&record["type"], &record["name"]),
        (&json!("recording"), &json!("r"))
    );
    assert!(record.get("alerts").is_none() && record.get("state").is_none());
    assert_eq!(data(narvi, ALERTS).await, json!({"alerts": alerts}));
    // Another tenant has none of it.
    let (status, _, body) = get(narvi, "u", ALERTS).await;
    assert_eq!(status, 200);
    assert!(body.contains(r#""alerts":[]"#), "{body}");
    narvi.script.set(QUERY, Ok(&[]));
    narvi.run(4).await;
    assert_eq!(data(narvi, ALERTS).await, json!({"alerts": []}));
    assert_eq!(
        data(narvi, RULES).await["groups"][0]["rules"][0]["state"],
        "inactive"
    );
}

#[tokio::test]
async fn a_rule_over_damaged_segments_says_so_and_alerts_all_the_same() {
    let narvi = Fixture::new("ruler: {alertmanager_url: http://am:9093}").await;
    narvi.post("t", "ns", GROUP).await;
    narvi.script.set(QUERY, Ok(&["a"]));
    narvi.run(0).await;
    for (minute, warnings, want) in [
        (
            2,
            vec!["segment `00` is damaged", "9 more"],
            "segment `00` is damaged",
        ),
        (4, vec![], ""),
    ] {
        let is_incomplete = !warnings.is_empty();
        let warnings = warnings.into_iter().map(str::to_owned).collect();
        *narvi.script.warnings.lock().unwrap() = warnings;
        let report = narvi.run(minute).await;
        let counts = (report.failed_rules, report.incomplete_rules, report.firing);
        assert_eq!(counts, (0, usize::from(is_incomplete), 1));
        assert_eq!(report.sent, 1);
        let rule = data(&narvi, RULES).await["groups"][0]["rules"][0].take();
        assert_eq!(
            (&rule["health"], &rule["lastError"]),
            (&json!("ok"), &json!(want))
        );
    }
}

#[tokio::test]
async fn filters_choose_rules() {
    let narvi = Fixture::new("").await;
    for (namespace, group) in [("b", "g1"), ("a", "g2"), ("a", "g1")] {
        let yaml = format!(
            "name: {group}\nrules: [{{alert: A, expr: vector(1) > 0}}, \
             {{record: r, expr: vector(1)}}]"
        );
        narvi.post("t", namespace, &yaml).await;
    }
    for (query, want) in [
        ("", "a/g1:A,r a/g2:A,r b/g1:A,r"),
        ("type=alert", "a/g1:A a/g2:A b/g1:A"),
        ("type=record&file=b", "b/g1:r"),
        ("file=a&file[]=c", "a/g1:A,r a/g2:A,r"),
        ("rule_group=g2", "a/g2:A,r"),
        ("rule_group[]=g2&rule_name=r", "a/g2:r"),
        ("rule_name[]=none", ""),
    ] {
        let groups = data(&narvi, &format!("{RULES}?{query}")).await["groups"].take();
        let texts = groups.as_array().unwrap().iter().map(|group| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let rules = group["rules"].as_array().unwrap().iter();
            let rules: Vec<String> = rules.map(|rule| text(&rule["name"])).collect();
            format!(
                "{}/{}:{}",
                text(&group["file"]),
                text(&group["name"]),
                rules.join(",")
            )
        });
        assert_eq!(texts.collect::<Vec<_>>().join(" "), want, "{query}");
    }
}

#[tokio::test]
async fn mistakes_are_told_as_loki_tells_them() {
    let narvi = Fixture::new("").await;
    for (tenant, target, status, want) in [
        ("", RULES, 401, "no org id\n"),
        ("a|b", RULES, 400, r#""error":"too many org ids found""#),
        ("a/b", ALERTS, 500, r#""error":"no valid org id found""#),
        (
            "t",
            "/prometheus/api/v1/rules?type=x",
            400,
            r#""error":"not supported value \"x\"""#,
        ),
        (
            "t",
            "/prometheus/api/v1/rules/x",
            404,
            "404 page not found\n",
        ),
    ] {
        let (got, kind, body) = get(&narvi, tenant, target).await;
        assert_eq!(got, status, "{target}: {body}");
        assert!(body.contains(want), "{target}: {body}");
        assert_eq!(kind, "text/plain; charset=utf-8", "{target}");
    }
    let post = Call::new(Method::POST, RULES).header("x-scope-orgid", "t");
    assert_eq!(narvi.call(post).await.0, 405);
}
