//! The index endpoints through the handler, with the requests that they cost.

use std::collections::BTreeMap;

use http::Method;
use narvi_gateway::Call;
use serde_json::{Value, json};

use crate::support::{Fixture, NOW, Stored};

const STATS: &str = "/loki/api/v1/index/stats";
const VOLUME: &str = "/loki/api/v1/index/volume";
const VOLUME_RANGE: &str = "/loki/api/v1/index/volume_range";
const SHARDS: &str = "/loki/api/v1/index/shards";

async fn ask(fixture: &Fixture, path: &str, params: &[(&str, &str)]) -> Value {
    let (status, body) = fixture.get(path, params).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// Parameters from and to seconds around [`NOW`].
fn over(from: i64, to: i64) -> [(&'static str, String); 2] {
    [
        ("start", (NOW + from).to_string()),
        ("end", (NOW + to).to_string()),
    ]
}

async fn stats(fixture: &Fixture, query: &str, (from, to): (i64, i64)) -> Value {
    let [start, end] = over(from, to);
    let params = [("query", query), (start.0, &*start.1), (end.0, &*end.1)];
    ask(fixture, STATS, &params).await
}

/// `labels: stamp in seconds after NOW=bytes …` of each series, in the order of the answer.
async fn volumes(fixture: &Fixture, path: &str, more: &[(&str, &str)]) -> Vec<String> {
    let [start, end] = over(-100, 100);
    let mut params = vec![(start.0, &*start.1), (end.0, &*end.1)];
    params.extend_from_slice(more);
    let data = ask(fixture, path, &params).await["data"].take();
    let is_matrix = data["resultType"] == "matrix";
    assert!(is_matrix || data["resultType"] == "vector");
    assert!(data["stats"]["summary"].is_object());
    let point = |point: &Value| {
        let millis = (point[0].as_f64().unwrap() * 1000.0).round() as i64 - NOW * 1000;
        format!(" {millis}={}", point[1].as_str().unwrap())
    };
    let series = data["result"].as_array().unwrap().iter().map(|series| {
        let points: String = match is_matrix {
            true => series["values"]
                .as_array()
                .unwrap()
                .iter()
                .map(point)
                .collect(),
            false => point(&series["value"]),
        };
        format!("{}{points}", series["metric"])
    });
    series.collect()
}

fn of(streams: u64, chunks: u64, bytes: u64, entries: u64) -> Value {
    json!({"streams": streams, "chunks": chunks, "bytes": bytes, "entries": entries})
}

#[tokio::test]
async fn statistics_come_from_rows_and_footers() {
    let mut fixture = Fixture::new("").await;
    fixture
        .store(Stored::InRow, "a", &[(1, "xx"), (3, "yy")])
        .await;
    fixture
        .store(Stored::AsObject, "a", &[(10, "zzz"), (20, "zzz")])
        .await;
    fixture.store(Stored::AsObject, "b", &[(5, "w")]).await;
    let one_query_each = BTreeMap::from([("dynamodb.Query".to_owned(), 2)]);
    let before = fixture.counted();
    assert_eq!(
        stats(&fixture, r#"{app="a"}"#, (-60, 60)).await,
        of(1, 2, 10, 4)
    );
    assert_eq!(
        stats(&fixture, r#"{app=~"a|b"}"#, (-60, 60)).await,
        of(2, 3, 11, 5)
    );
    let since = fixture.since(&before);
    let twice = BTreeMap::from([("dynamodb.Query".to_owned(), 4)]);
    assert_eq!(since, twice, "whole segments need no footer");
    let before = fixture.counted();
    let half = stats(&fixture, r#"{app="a"}"#, (15, 60)).await;
    assert_eq!(half, of(1, 1, 3, 1));
    let mut with_footer = one_query_each.clone();
    with_footer.insert("s3.GetObject".to_owned(), 1);
    assert_eq!(fixture.since(&before), with_footer);
    let before = fixture.counted();
    assert_eq!(
        stats(&fixture, r#"{app="a"}"#, (0, 15)).await,
        of(1, 2, 7, 3)
    );
    assert_eq!(
        fixture.since(&before),
        one_query_each,
        "the footer is cached"
    );
    assert_eq!(
        stats(&fixture, r#"{app="c"}"#, (-60, 60)).await,
        of(0, 0, 0, 0)
    );
}

#[tokio::test]
async fn volumes_are_grouped_cut_and_sorted() {
    let mut fixture = Fixture::new("").await;
    fixture
        .store(Stored::InRow, "a", &[(10, "xxxx"), (30, "yyyy")])
        .await;
    fixture.store(Stored::AsObject, "a", &[(80, "zz")]).await;
    fixture
        .store(Stored::AsObject, "b", &[(50, "wwwwwwwwwwww")])
        .await;
    fixture
        .store(Stored::InRow, "c", &[(-100, "at the start")])
        .await;
    let all = ("query", "{}");
    let (a, b, c) = (
        r#"{"app":"a"} 100000=10"#,
        r#"{"app":"b"} 100000=12"#,
        r#"{"app":"c"} 100000=0"#,
    );
    assert_eq!(volumes(&fixture, VOLUME, &[all]).await, [b, a, c]);
    assert_eq!(volumes(&fixture, VOLUME, &[all, ("limit", "1")]).await, [b]);
    let none = [("query", r#"{app="nothing"}"#)];
    assert_eq!(volumes(&fixture, VOLUME, &none).await, [""; 0]);
    let by_label = [all, ("aggregateBy", "labels")];
    assert_eq!(
        volumes(&fixture, VOLUME, &by_label).await,
        [r#"{"app":""} 100000=22"#]
    );
    let absent = [all, ("targetLabels", "app,env")];
    assert_eq!(
        volumes(&fixture, VOLUME, &absent).await,
        [""; 0],
        "none has an env"
    );
    let target = [("query", r#"{app=~"a|b"}"#), ("targetLabels", "app")];
    assert_eq!(volumes(&fixture, VOLUME, &target).await, [b, a]);
}

#[tokio::test]
async fn volumes_count_lines_once_that_small_segments_repeat() {
    let mut fixture = Fixture::new("").await;
    let lines = [(1, "same"), (1, "other"), (2, "more")];
    fixture.store(Stored::InRow, "a", &lines).await;
    fixture.store(Stored::AsObject, "a", &lines[1..]).await;
    fixture.store(Stored::InRow, "a", &[(2, "less")]).await;
    let before = fixture.counted();
    let all = [("query", "{}")];
    let got = volumes(&fixture, VOLUME, &all).await;
    assert_eq!(got, [r#"{"app":"a"} 100000=17"#]);
    let since = fixture.since(&before);
    assert_eq!(since.get("s3.GetObject"), Some(&1), "{since:?}");
}

#[tokio::test]
async fn volumes_over_time() {
    let mut fixture = Fixture::new("").await;
    fixture
        .store(Stored::InRow, "a", &[(10, "xxxx"), (30, "yyyy")])
        .await;
    fixture
        .store(Stored::AsObject, "b", &[(50, "wwwwwwwwwwww")])
        .await;
    let steps = [("query", r#"{app=~".+"}"#), ("step", "20")];
    let before = fixture.counted();
    let (a, b) = (r#"{"app":"a"} 19999=4 39999=4"#, r#"{"app":"b"} 59999=12"#);
    assert_eq!(volumes(&fixture, VOLUME_RANGE, &steps).await, [b, a]);
    let cost = fixture.since(&before);
    assert_eq!(
        cost.get("s3.GetObject"),
        Some(&1),
        "a footer and nothing else"
    );
    let one = [("query", r#"{app="b"}"#), ("step", "20")];
    assert_eq!(volumes(&fixture, VOLUME_RANGE, &one).await, [b], "a vector");
}

#[tokio::test]
async fn one_shard_has_everything() {
    let mut fixture = Fixture::new("").await;
    fixture.store(Stored::InRow, "a", &[(-5, "x")]).await;
    let params = [("query", r#"{app="a"}"#), ("targetBytesPerShard", "600MB")];
    let answer = ask(&fixture, SHARDS, &params).await;
    let shards = answer["shards"].as_array().unwrap();
    assert_eq!(shards.len(), 1);
    assert_eq!(shards[0]["bounds"], json!({"min": 0, "max": u64::MAX}));
    assert_eq!(shards[0]["stats"]["entries"], 1);
    assert_eq!(answer["chunkGroups"], Value::Null);
}

#[tokio::test]
async fn refusals_in_lokis_words() {
    let mut fixture = Fixture::new("limits_config: {volume_max_series: 1}").await;
    fixture.store(Stored::InRow, "a", &[(-5, "x")]).await;
    fixture.store(Stored::InRow, "b", &[(-5, "x")]).await;
    let range = "the query time range exceeds the limit (query length: 961h0m0s, limit: 30d1h)";
    let long = [("query", r#"{app="a"}"#), ("since", "961h")];
    for (path, params, status, want) in [
        (
            STATS,
            &[][..],
            400,
            "parse error : syntax error: unexpected $end",
        ),
        (
            VOLUME,
            &[],
            400,
            "parse error : syntax error: unexpected $end",
        ),
        (
            STATS,
            &[("query", r#"{app="a"} |= "x""#)],
            400,
            "only label matchers are supported",
        ),
        (
            VOLUME,
            &[("query", r#"rate({app="a"}[1m])"#)],
            400,
            "only label matchers are supported",
        ),
        (
            STATS,
            &[("query", "{}")],
            400,
            "parse error : queries require at least one regexp or equality matcher that does not \
             have an empty-compatible value. For instance, app=~\".*\" does not meet this \
             requirement, but app=~\".+\" will",
        ),
        (STATS, &long, 400, range),
        (VOLUME, &long, 400, range),
        (
            SHARDS,
            &long[..1],
            400,
            "targetBytesPerShard must be a positive value",
        ),
        (
            VOLUME,
            &[("query", "{}"), ("aggregateBy", "x")],
            400,
            "invalid aggregation option",
        ),
        (
            VOLUME,
            &[("query", "{}")],
            500,
            "the query hit the max number of series limit (limit: 1 series)",
        ),
    ] {
        let (got, body) = fixture.get(path, params).await;
        assert_eq!((got, body.as_str()), (status, want), "{path} {params:?}");
    }
    let fixture = Fixture::new("limits_config: {volume_enabled: false}").await;
    let (status, body) = fixture.get(VOLUME, &[("query", "{}")]).await;
    assert_eq!((status, body.as_str()), (404, "not found"));
}

#[tokio::test]
async fn forms_and_look_back() {
    let mut fixture = Fixture::new("limits_config: {max_query_lookback: 1h}").await;
    fixture
        .store(Stored::InRow, "a", &[(-7200, "old"), (-7100, "old")])
        .await;
    fixture
        .store(Stored::InRow, "a", &[(-60, "new"), (-50, "new")])
        .await;
    let call = Call::new(Method::POST, STATS)
        .header("x-scope-orgid", "t")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(b"query=%7Bapp%3D%22a%22%7D&since=3h");
    let (status, body) = fixture.call(call).await;
    assert_eq!(
        (status, body.as_str()),
        (
            200,
            "{\"streams\":1,\"chunks\":1,\"bytes\":6,\"entries\":2}\n"
        )
    );
    let [start, end] = over(-8000, -7000);
    let params = [("query", "{}"), (start.0, &*start.1), (end.0, &*end.1)];
    let data = fixture.data(VOLUME, &params).await;
    assert_eq!(data["result"], json!([]));
    let (status, body) = fixture.call(Call::new(Method::GET, STATS)).await;
    assert_eq!((status, body.as_str()), (401, "no org id\n"));
}
