//! Traps of Grafana's Loki data source.

use serde_json::json;

use super::*;

#[test]
fn grafana_adds_a_data_source() {
    let shop = shop();
    let test = [
        ("direction", "backward"),
        ("query", "vector(1)+vector(1)"),
        ("time", "4000000000"),
    ];
    let one = json!([{"metric": {}, "value": [4_000_000_000_u64, "2"]}]);
    for row in [
        trap(
            "Save & test: year 2096",
            get(QUERY, &test),
            &[],
            At("/data/result", one),
        ),
        trap(
            "features go by the version",
            get("/loki/api/v1/status/buildinfo", &[]),
            &[],
            Has("\"version\":\"3."),
        ),
        trap(
            "alerting: no rules is an empty list",
            get("/prometheus/api/v1/rules", &[]),
            &[],
            At("/data/groups", json!([])),
        ),
        trap(
            "alerting: no alerts either",
            get("/prometheus/api/v1/alerts", &[]),
            &[],
            At("/data/alerts", json!([])),
        ),
        refused(
            "alerting: there is a ruler",
            get("/api/prom/rules/test/test", &[]),
            404,
            Has("group does not exist"),
        ),
        trap(
            "labels: none is no `data`",
            get("/loki/api/v1/label/nothing/values", &[]),
            &[],
            Is("{\"status\":\"success\"}\n"),
        ),
        refused(
            "mistakes are a bare text",
            get(RANGE, &[("query", "{")]),
            400,
            Has("parse error"),
        ),
    ] {
        spring(shop.narvi.client(), &row);
    }
}

#[test]
fn grafana_parses_answers_as_they_come() {
    let shop = shop();
    let logs = shop.range(r#"{app="shop"}"#);
    let flags = (
        "X-Loki-Response-Encoding-Flags",
        "categorize-labels, new-flag",
    );
    let tags = ("X-Query-Tags", "Source=a b/c;(x),Foo");
    let context = ("X-Loki-Query-Limits-Context", "{\"expr\":\"x\",\"from\":1}");
    let wrappers = ("X-Loki-Disable-Pipeline-Wrappers", "true");
    let protobuf = ("Accept", "application/vnd.google.protobuf");
    let success = || At("/status", json!("success"));
    let third = "/data/result/0/values/3/2/structuredMetadata/trace_id";
    let lines = "/data/stats/summary/totalLinesProcessed";
    let both = json!(["categorize-labels", "new-flag"]);
    let streams = || At("/data/resultType", json!("streams"));
    for (from, header, want) in [
        ("queries: step as `1000ms`, also of logs", None, streams()),
        (
            "parser: a third element everywhere",
            Some(CATEGORIZE),
            At(third, json!("t1")),
        ),
        (
            "parser: flags are echoed",
            Some(flags),
            At("/data/encodingFlags", both),
        ),
        (
            "parser: Go's escapes of HTML",
            None,
            Has(r"\u003ca\u0026b\u003e"),
        ),
        ("panel: statistics", None, At(lines, json!(4))),
        ("tags of queries hold anything", Some(tags), success()),
        ("the context of limits is none", Some(context), success()),
        (
            "pipeline wrappers may be unwanted",
            Some(wrappers),
            success(),
        ),
        (
            "protobuf is asked for, JSON is read",
            Some(protobuf),
            success(),
        ),
    ] {
        let row = trap(from, get(RANGE, &logs), header.as_slice(), want);
        spring(shop.narvi.client(), &row);
    }
}

#[test]
fn grafana_splits_and_shards() {
    let shop = shop();
    let inside = (shop.first + SECOND).to_string();
    let outside = (shop.first + 3 * SECOND).to_string();
    let shard = r#"sum(count_over_time({app="shop", __stream_shard__=""}[1m]))"#;
    let sharded = [("query", shard), ("time", &*shop.end)];
    let window = r#"sum(count_over_time({app="shop"}[2s]))"#;
    let piece = [("query", window), ("time", &*outside)];
    let edge = [
        (
            "query",
            r#"{app="shop"} | json | line_format "{{.n}}" | drop n"#,
        ),
        ("start", &inside),
        ("end", &outside),
        ("direction", "forward"),
    ];
    let volume = shop.range(
        r#"sum by (level, detected_level) (count_over_time({app="shop"} | drop __error__[1s]))"#,
    );
    let values = "/loki/api/v1/label/__stream_shard__/values";
    let four = json!([shop.first / SECOND + 10, "4"]);
    let two = json!([[inside, "1"], [(shop.first + 2 * SECOND).to_string(), "2"]]);
    let matrix = At("/data/resultType", json!("matrix"));
    for row in [
        trap(
            "no shards",
            get(values, &[]),
            &[],
            Is("{\"status\":\"success\"}\n"),
        ),
        trap(
            "an empty shard is every stream",
            get(QUERY, &sharded),
            &[],
            At("/data/result/0/value", four),
        ),
        trap("volume of logs", get(RANGE, &volume), &[], matrix),
        trap(
            "the start counts, the end does not",
            get(RANGE, &edge),
            &[],
            At("/data/result/0/values", two),
        ),
        trap(
            "windows exclude their start",
            get(QUERY, &piece),
            &[],
            At("/data/result/0/value/1", json!("2")),
        ),
    ] {
        spring(shop.narvi.client(), &row);
    }
}

#[test]
fn grafana_looks_around_a_line() {
    let shop = shop();
    let hours = 2 * 3600 * SECOND;
    let at = shop.first + SECOND;
    let (line, after, before) = (
        at.to_string(),
        (at + hours).to_string(),
        (at - hours).to_string(),
    );
    let exact = r#"{app="shop", service_name="shop"} | json | line_format "{{.n}}" | drop n"#;
    let context = |start, end, direction| {
        [
            ("query", exact),
            ("start", start),
            ("end", end),
            ("direction", direction),
            ("limit", "1"),
        ]
    };
    let forward = context(&*line, &*after, "forward");
    let backward = context(&*before, &*line, "backward");
    let stats = shop.range(r#"{app="shop"}"#);
    let bare = shop.range(r#"{app="x"} | drop detected_level"#);
    let path = "/loki/api/v1/index/stats";
    let first = "/data/result/0/values/0/1";
    for row in [
        trap(
            "context: what follows, with the line itself",
            get(RANGE, &forward),
            &[],
            At(first, json!("1")),
        ),
        trap(
            "context: what was before, without it",
            get(RANGE, &backward),
            &[],
            At(first, json!("0")),
        ),
        trap(
            "statistics of an index are four numbers",
            get(path, &stats),
            &[],
            At("/entries", json!(4)),
        ),
        trap(
            "parser: `{}` where there is nothing",
            get(RANGE, &bare),
            &[CATEGORIZE],
            At("/data/result/0/values/0/2", json!({})),
        ),
        trap(
            "panel: what was stored and what was in memory",
            get(RANGE, &stats),
            &[],
            At("/data/stats/ingester/totalLinesSent", json!(0)),
        ),
        trap(
            "headers of a data source that nobody asked for",
            get(RANGE, &stats),
            &[("X-Scope-OrgID", "a|b"), ("Authorization", "Basic YTpi")],
            At("/data/stats/summary/totalLinesProcessed", json!(4)),
        ),
    ] {
        spring(shop.narvi.client(), &row);
    }
}

#[test]
fn grafana_stops_at_a_query_that_is_too_large() {
    let data = tempfile::tempdir().unwrap();
    let yaml = "limits_config: {max_query_bytes_read: 1B}\ncompactor: {compaction_interval: 24h}\n";
    let narvi = Narvi::start_with(&data.path().join("data"), yaml);
    let start = filled(&narvi).to_string();
    let params = [("query", r#"{app="shop"}"#), ("start", &*start)];
    let ask = get(RANGE, &params);
    let text = Has("the query would read too many bytes (query: ");
    spring(narvi.client(), &refused("bytes", ask, 400, text));
}
