//! Endpoints beside the queries: the shapes of old, limits as tenants see them, and what is asked
//! without a tenant.

#![cfg(test)]

mod support;

use http::Method;
use narvi_gateway::Call;
use serde_json::{Value, json};
use support::{Fixture, Stored};

async fn filled(yaml: &str) -> Fixture {
    let mut narvi = Fixture::new(yaml).await;
    let lines = [(-30, "first <a>"), (-20, "second"), (-10, "third")];
    narvi.store(Stored::InRow, "shop", &lines).await;
    narvi.store(Stored::InRow, "mail", &[(-15, "other")]).await;
    narvi
}

async fn json_of(narvi: &Fixture, path: &str, params: &[(&str, &str)]) -> Value {
    let (status, body) = narvi.get(path, params).await;
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn the_old_query_answers_in_its_old_shape() {
    let narvi = filled("").await;
    let ask = async |params: &[(&str, &str)]| json_of(&narvi, "/api/prom/query", params).await;
    let query = ("query", "{app=\"shop\"}");
    let answer = ask(&[query, ("regexp", "st.*<")]).await;
    let stream = json!({
        "labels": "{app=\"shop\"}",
        "entries": [{"ts": "2026-01-15T11:59:30Z", "line": "first <a>"}],
    });
    assert_eq!(answer["streams"], json!([stream]));
    assert!(answer["stats"]["summary"]["totalLinesProcessed"].is_number());
    assert!(answer.get("status").is_none());
    let answer = ask(&[query, ("limit", "1"), ("direction", "forward")]).await;
    assert_eq!(answer["streams"][0]["entries"][0]["line"], "first <a>");
    assert_eq!(
        ask(&[("query", "{app=\"none\"}")]).await["streams"],
        json!([])
    );
    for (query, want) in [
        (
            "rate({app=\"shop\"}[1m])",
            "legacy endpoints only support streams result type",
        ),
        ("", "parse error : syntax error: unexpected $end"),
        ("{", "parse error"),
    ] {
        let (status, body) = narvi.get("/api/prom/query", &[("query", query)]).await;
        assert_eq!(status, 400, "{query}: {body}");
        assert!(body.starts_with(want), "{query}: {body}");
    }
}

#[tokio::test]
async fn old_labels_are_values() {
    let narvi = filled("").await;
    for (path, want) in [
        ("/api/prom/label", json!({"values": ["app"]})),
        (
            "/api/prom/label/app/values",
            json!({"values": ["mail", "shop"]}),
        ),
        ("/api/prom/label/none/values", json!({"values": []})),
    ] {
        assert_eq!(json_of(&narvi, path, &[]).await, want, "{path}");
    }
    let series = json_of(&narvi, "/api/prom/series", &[("match", "{app=\"shop\"}")]).await;
    assert_eq!(
        series,
        json!({"status": "success", "data": [{"app": "shop"}]})
    );
}

#[tokio::test]
async fn tenants_see_their_limits() {
    let yaml = "overrides: {t: {max_query_series: 7, retention_period: 30d}}";
    let narvi = Fixture::new(yaml).await;
    let answer = json_of(&narvi, "/loki/api/v1/drilldown-limits", &[]).await;
    for (name, want) in [
        ("max_query_series", json!(7)),
        ("retention_period", json!("30d")),
        ("max_query_length", json!("30d1h")),
        ("volume_enabled", json!(true)),
    ] {
        assert_eq!(answer["limits"][name], want, "{name}");
    }
    assert_eq!(answer["pattern_ingester_enabled"], true);
    assert_eq!(answer["version"], "3.7.6");
    let (status, text) = narvi.get("/config/tenant/v1/limits", &[]).await;
    assert_eq!(status, 200);
    assert!(text.contains("max_query_series: 7\n"), "{text}");
    let (status, text) = narvi
        .get("/loki/api/v1/cache/generation_numbers", &[])
        .await;
    assert_eq!((status, text.as_str()), (200, "\"\"\n"));
}

#[tokio::test]
async fn who_needs_a_tenant() {
    let open = Fixture::new("auth_enabled: false").await;
    let closed = Fixture::new("").await;
    for (path, when_open, when_closed) in [
        ("/ready", 200, 200),
        ("/metrics", 200, 200),
        ("/config", 200, 200),
        ("/services", 200, 200),
        ("/log_level", 200, 200),
        ("/loki/api/v1/status/buildinfo", 200, 200),
        ("/loki/api/v1/format_query?query=1", 200, 200),
        ("/loki/api/v1/labels", 200, 401),
        ("/config/tenant/v1/limits", 200, 401),
        // As in Loki, which asks for the header even where it means nothing.
        ("/loki/api/v1/drilldown-limits", 401, 401),
        ("/api/prom/label", 200, 401),
        ("/api/prom/nothing", 404, 404),
        ("/nothing", 404, 404),
    ] {
        let status = open.call(Call::new(Method::GET, path)).await.0;
        assert_eq!(status, when_open, "{path}");
        let status = closed.call(Call::new(Method::GET, path)).await.0;
        assert_eq!(status, when_closed, "{path}");
    }
}
