//! Reads through the handler, as API Gateway brings them.

#![cfg(test)]

mod support;

use std::collections::BTreeMap;

use http::Method;
use narvi_gateway::Call;
use support::{Fixture, NOW, Stored};

const RANGE: &str = "/loki/api/v1/query_range";

fn span(from: i64, to: i64) -> [(&'static str, String); 2] {
    [
        ("start", (NOW + from).to_string()),
        ("end", (NOW + to).to_string()),
    ]
}

/// Parameters of a query over the last `seconds`.
async fn lines(fixture: &Fixture, query: &str, more: &[(&str, &str)]) -> Vec<String> {
    let [start, end] = span(-3600, 3600);
    let mut params = vec![("query", query), (start.0, &*start.1), (end.0, &*end.1)];
    params.extend_from_slice(more);
    answered(fixture, &params).await
}

/// The lines of an answer, in order, one stream after the other.
async fn answered(fixture: &Fixture, params: &[(&str, &str)]) -> Vec<String> {
    let data = fixture.data(RANGE, params).await;
    let streams = data["result"].as_array().unwrap().iter();
    let values = streams.flat_map(|stream| stream["values"].as_array().unwrap());
    values
        .map(|value| value[1].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn lines_come_in_the_asked_order_and_number() {
    let mut fixture = Fixture::new("").await;
    fixture
        .store(Stored::InRow, "a", &[(1, "a1"), (3, "a3")])
        .await;
    fixture
        .store(Stored::AsObject, "a", &[(2, "a2"), (4, "error a4")])
        .await;
    fixture.store(Stored::InRow, "b", &[(5, "b5")]).await;
    let query = r#"{app="a"}"#;
    assert_eq!(
        lines(&fixture, query, &[]).await,
        ["error a4", "a3", "a2", "a1"]
    );
    let forward = ("direction", "FORWARD");
    assert_eq!(
        lines(&fixture, query, &[forward]).await,
        ["a1", "a2", "a3", "error a4"]
    );
    assert_eq!(
        lines(&fixture, query, &[forward, ("limit", "2")]).await,
        ["a1", "a2"]
    );
    assert_eq!(
        lines(&fixture, query, &[("limit", "1")]).await,
        ["error a4"]
    );
    assert_eq!(
        lines(&fixture, query, &[forward, ("interval", "2s")]).await,
        ["a1", "a3"]
    );
    assert_eq!(
        lines(&fixture, r#"{app=~".+"} |= "error""#, &[]).await,
        ["error a4"]
    );
    assert_eq!(lines(&fixture, r#"{app="c"}"#, &[]).await, [""; 0]);
}

#[tokio::test]
async fn what_was_pushed_twice_is_answered_and_counted_once() {
    let mut fixture = Fixture::new("").await;
    fixture
        .store(Stored::InRow, "a", &[(1, "x"), (2, "y"), (2, "z")])
        .await;
    // The same lines in another segment, with a new one among them.
    fixture
        .store(
            Stored::AsObject,
            "a",
            &[(1, "x"), (2, "y"), (2, "new"), (9, "q")],
        )
        .await;
    fixture
        .store(Stored::InRow, "a", &[(2, "new"), (2, "z")])
        .await;
    let forward = ("direction", "forward");
    let got = lines(&fixture, r#"{app="a"}"#, &[forward]).await;
    assert_eq!(got, ["x", "y", "z", "new", "q"]);
    let time = (NOW + 10).to_string();
    for (query, want) in [
        (r#"count_over_time({app="a"}[1h])"#, "5"),
        (r#"sum(bytes_over_time({app="a"}[1h]))"#, "7"),
        (
            r#"sum by (app) (count_over_time({app="a"} |= "e" [1h]))"#,
            "1",
        ),
        (r#"count_over_time({app="a"}[5s] offset 5s)"#, "4"),
    ] {
        let params = [("query", query), ("time", &*time)];
        let data = fixture.data("/loki/api/v1/query", &params).await;
        assert_eq!(data["result"][0]["value"][1], want, "{query}");
    }
}

#[tokio::test]
async fn counts_need_no_lines_and_few_requests() {
    let mut fixture = Fixture::new("").await;
    // Large enough that lines and tail are not fetched together.
    let texts: Vec<String> = (0..8000_u64)
        .map(|n| {
            format!(
                "{:x}",
                n.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_pow(2)
            )
            .repeat(2)
        })
        .collect();
    let entries: Vec<(i64, &str)> = texts.iter().map(|text| (1, text.as_str())).collect();
    fixture.store(Stored::AsObject, "a", &entries).await;
    let time = (NOW + 10).to_string();
    let count = [
        ("query", r#"count_over_time({app="a"}[1h])"#),
        ("time", &*time),
    ];
    let expected = |gets: u64| {
        let mut requests = BTreeMap::from([("dynamodb.Query".to_owned(), 2)]);
        if gets > 0 {
            requests.insert("s3.GetObject".to_owned(), gets);
        }
        requests
    };
    let before = fixture.counted();
    let data = fixture.data("/loki/api/v1/query", &count).await;
    assert_eq!(data["result"][0]["value"][1], "8000");
    assert_eq!(
        fixture.since(&before),
        expected(1),
        "streams, segments, one tail"
    );
    let before = fixture.counted();
    fixture.data("/loki/api/v1/query", &count).await;
    assert_eq!(fixture.since(&before), expected(0), "the tail is cached");
    let before = fixture.counted();
    assert_eq!(lines(&fixture, r#"{app="a"} |= "zzz""#, &[]).await, [""; 0]);
    assert_eq!(
        fixture.since(&before),
        expected(1),
        "the lines, in one piece"
    );
    let before = fixture.counted();
    assert_eq!(lines(&fixture, r#"{app="nope"}"#, &[]).await, [""; 0]);
    let streams = BTreeMap::from([("dynamodb.Query".to_owned(), 1)]);
    assert_eq!(fixture.since(&before), streams, "no stream, no segments");
    // Who counts what lines say reads all of them: a small segment comes in one piece.
    fixture.forget();
    let named = [
        ("query", r#"count_over_time({app="a"} |~ "[0-9a-f]" [1h])"#),
        ("time", &*time),
    ];
    let whole = "footer and lines at once";
    for (query, gets, why) in [(named, 1, whole), (count, 0, "of which the tail is kept")] {
        let before = fixture.counted();
        let data = fixture.data("/loki/api/v1/query", &query).await;
        assert_eq!(data["result"][0]["value"][1], "8000");
        assert_eq!(fixture.since(&before), expected(gets), "{why}");
    }
}

#[tokio::test]
async fn a_range_over_days_finds_each() {
    let mut fixture = Fixture::new("").await;
    for day in 0..4 {
        fixture
            .store(
                Stored::InRow,
                "a",
                &[(-day * 86_400, &format!("day {day}"))],
            )
            .await;
    }
    let [start, end] = span(-5 * 86_400, 60);
    let params = [
        ("query", r#"{app="a"}"#),
        (start.0, &*start.1),
        (end.0, &*end.1),
        ("limit", "3"),
    ];
    assert_eq!(
        answered(&fixture, &params).await,
        ["day 0", "day 1", "day 2"]
    );
    let step = ("step", "86400");
    let query = ("query", r#"sum(count_over_time({app="a"}[1d]))"#);
    let params = [query, (start.0, &*start.1), (end.0, &*end.1), step];
    let data = fixture.data(RANGE, &params).await;
    let values = data["result"][0]["values"].as_array().unwrap();
    let total: u64 = values
        .iter()
        .map(|v| v[1].as_str().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(total, 4);
}

#[tokio::test]
async fn labels_values_and_series() {
    let mut fixture = Fixture::new("").await;
    fixture.store(Stored::InRow, "b", &[(1, "x")]).await;
    fixture.store(Stored::InRow, "a", &[(1, "x")]).await;
    let [start, end] = span(-60, 60);
    let times = [(start.0, &*start.1), (end.0, &*end.1)];
    let data = fixture.data("/loki/api/v1/labels", &times).await;
    assert_eq!(data, serde_json::json!(["app"]));
    let data = fixture.data("/loki/api/v1/label/app/values", &times).await;
    assert_eq!(data, serde_json::json!(["a", "b"]));
    let matching = [times[0], times[1], ("match[]", r#"{app=~"b|c"}"#)];
    let data = fixture.data("/loki/api/v1/series", &matching).await;
    assert_eq!(data, serde_json::json!([{"app": "b"}]));
    let (status, body) = fixture.get("/loki/api/v1/label/nope/values", &times).await;
    assert_eq!((status, body.trim()), (200, r#"{"status":"success"}"#));
}

#[tokio::test]
async fn grafana_is_content() {
    let fixture = Fixture::new("auth_enabled: false").await;
    let health = [("query", "vector(1)+vector(1)"), ("time", "4000000000")];
    let data = fixture.data("/loki/api/v1/query", &health).await;
    assert_eq!(data["resultType"], "vector");
    assert_eq!(
        data["result"],
        serde_json::json!([{"metric": {}, "value": [4_000_000_000_u64, "2"]}])
    );
    assert_eq!(
        fixture.get("/ready", &[]).await,
        (200, "ready\n".to_owned())
    );
    for (query, status, want) in [
        (r#"{a="b"}|json"#, 200, r#""data":"{a=\"b\"} | json""#),
        (r#"{a="b"} |"#, 400, r#""status":"invalid-query""#),
    ] {
        let path = "/loki/api/v1/format_query";
        let (got, body) = fixture.get(path, &[("query", query)]).await;
        assert!(got == status && body.contains(want), "{body}");
    }
    let (status, body) = fixture.get("/loki/api/v1/status/buildinfo", &[]).await;
    assert!(status == 200 && body.contains("\"version\":\"3."), "{body}");
}

#[tokio::test]
async fn refusals_have_loki_s_status_and_text() {
    let fixture = Fixture::new("limits_config: {max_query_length: 1h}").await;
    for (path, params, status, text) in [
        ("/nope", &[][..], 404, "404 page not found"),
        (
            RANGE,
            &[("query", "{")],
            400,
            "parse error at line 1, col 2",
        ),
        (
            RANGE,
            &[("query", r#"{a="b"}"#), ("since", "2h")],
            400,
            "the query time range exceeds",
        ),
        (
            RANGE,
            &[("query", r#"variants(rate({a="b"}[1m])) of ({a="b"}[1m])"#)],
            400,
            "multi variant queries are disabled",
        ),
        (
            "/loki/api/v1/query",
            &[("query", r#"{a="b"}"#)],
            400,
            "log queries are not supported as an instant query type",
        ),
        (
            "/loki/api/v1/labels",
            &[("start", "x")],
            400,
            "could not parse 'start' parameter",
        ),
        (
            "/loki/api/v1/series",
            &[("match[]", r#"{a=~".*"}"#)],
            400,
            "parse error : queries require at least one",
        ),
        (
            "/loki/api/v1/series",
            &[("match[]", r#"{a="b"} |= "x""#)],
            400,
            "only label matchers are supported",
        ),
    ] {
        let (got, body) = fixture.get(path, params).await;
        assert_eq!(got, status, "{path} {params:?} {body}");
        assert!(body.contains(text), "{path} {params:?} {body}");
    }
    let bare = Call::new(Method::GET, "/loki/api/v1/labels");
    assert_eq!(fixture.call(bare).await, (401, "no org id\n".to_owned()));
    let delete = Call::new(Method::DELETE, RANGE).header("x-scope-orgid", "t");
    assert_eq!(
        fixture.call(delete).await,
        (404, "404 page not found\n".to_owned())
    );
}
