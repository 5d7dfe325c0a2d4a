//! Patterns of lines.

use serde_json::{Value, json};

use crate::support::{Fixture, NOW, Stored};

const PATTERNS: &str = "/loki/api/v1/patterns";

async fn patterns(fixture: &Fixture, more: &[(&str, &str)]) -> Value {
    let mut params = vec![("query", r#"{app="a"}"#)];
    params.extend_from_slice(more);
    fixture.data(PATTERNS, &params).await
}

#[tokio::test]
async fn patterns_are_counted_over_time_and_segments() {
    let mut fixture = Fixture::new("").await;
    let texts: Vec<String> = (0..40).map(|n| format!("job id={n} took {n}ms")).collect();
    let all: Vec<(i64, &str)> = texts
        .iter()
        .enumerate()
        .map(|(n, text)| (n as i64 - 60, text.as_str()))
        .collect();
    assert_eq!(patterns(&fixture, &[]).await, json!([]));
    fixture.store(Stored::AsObject, "a", &all[..25]).await;
    // Lines that are stored twice count once.
    fixture.store(Stored::InRow, "a", &all[20..]).await;
    fixture
        .store(Stored::InRow, "a", &[(-5, "seldom seen")])
        .await;
    let samples: Vec<Value> = [-60, -50, -40, -30]
        .iter()
        .map(|at| json!([NOW + at, 10]))
        .collect();
    let found = patterns(&fixture, &[("step", "5s")]).await;
    assert_eq!(
        found,
        json!([{"pattern": "job id=<_> took <_>", "samples": samples}])
    );
    let pattern = r#"{app="a"} |> "job id=<_> took <_>""#;
    let (start, end) = ((NOW - 100).to_string(), NOW.to_string());
    let params = [("query", pattern), ("start", &*start), ("end", &*end)];
    let streams = fixture.data("/loki/api/v1/query_range", &params).await;
    let values = streams["result"][0]["values"].as_array().unwrap();
    assert_eq!(
        values.len(),
        40,
        "what the pattern finds is what it counted"
    );
}

#[tokio::test]
async fn refusals() {
    let fixture = Fixture::new("").await;
    for (params, want) in [
        (&[][..], "parse error : syntax error: unexpected $end"),
        (
            &[("query", r#"{app="a"} |= "x""#)],
            "only label matchers are supported",
        ),
        (
            &[("query", r#"{app="a"}"#), ("since", "961h")],
            "the query time range exceeds the limit (query length: 961h0m0s, limit: 30d1h)",
        ),
    ] {
        let (status, body) = fixture.get(PATTERNS, params).await;
        assert_eq!((status, body.as_str()), (400, want), "{params:?}");
    }
}
