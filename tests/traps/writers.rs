//! Traps of collectors, of command lines and of whoever writes rules.

use narvi_tests::push::{Entry, Push};
use serde_json::{Value, json};

use super::*;

#[test]
fn what_collectors_and_rule_writers_send() {
    let shop = shop();
    let push = Push::of(&[("app", "new")], vec![Entry::new(now(), "x")]).json();
    let form = Ask {
        method: "POST",
        path: QUERY,
        headers: &[("Content-Type", "application/x-www-form-urlencoded")],
        body: Some(b"query=vector(2)&time=5"),
        ..Ask::default()
    };
    let group = Ask {
        method: "POST",
        path: "/api/prom/rules/ns",
        headers: &[("Content-Type", "application/yaml")],
        body: Some(b"name: g\nrules: [{alert: A, expr: vector(1) > 0}]"),
        ..Ask::default()
    };
    let dropped = Ask {
        method: "DELETE",
        path: "/api/prom/rules/ns/g",
        ..Ask::default()
    };
    let (sample, none) = (json!([5, "2"]), "404 page not found\n");
    for row in [
        trap("Vector: health", get("/ready", &[]), &[], Is("ready\n")),
        refused("all: 204 and nothing else", push.ask(), 204, Is("")),
        trap(
            "forms",
            form.clone(),
            form.headers,
            At("/data/result/0/value", sample),
        ),
        refused(
            "Grafana: a group is accepted",
            group,
            202,
            Has("\"status\":\"success\""),
        ),
        trap(
            "a group is YAML",
            get("/api/prom/rules/ns/g", &[]),
            &[],
            Has("name: g\n"),
        ),
        trap(
            "a namespace is YAML",
            get("/api/prom/rules/ns", &[]),
            &[],
            Has("ns:\n"),
        ),
        refused(
            "Grafana: a group is dropped",
            dropped,
            202,
            Has("\"status\":\"success\""),
        ),
        refused(
            "all: what does not exist",
            get("/nothing", &[]),
            404,
            Is(none),
        ),
    ] {
        spring(shop.narvi.client(), &row);
    }
}

#[test]
fn what_command_lines_ask() {
    let shop = shop();
    let series = |name| [(name, r#"{app="shop"}"#)];
    let (plain, brackets) = (series("match"), series("match[]"));
    let own = json!([{"app": "shop", "service_name": "shop"}]);
    let canary = [
        ("query", r#"sum(count_over_time({app="shop"}[1m]))"#),
        ("time", &*shop.end),
    ];
    let upper = [
        (
            "query",
            r#"{app="shop"} | json | line_format "{{.n}}" | drop n"#,
        ),
        ("start", &shop.start),
        ("end", &shop.end),
        ("direction", "BACKWARD"),
        ("step", "0.5"),
        ("interval", "0"),
    ];
    let path = "/loki/api/v1/series";
    let (first, value) = ("/data/result/0/values/0/1", "/data/result/0/value/1");
    for row in [
        trap(
            "logcli: match",
            get(path, &plain),
            &[],
            At("/data", own.clone()),
        ),
        trap(
            "Grafana: match[]",
            get(path, &brackets),
            &[],
            At("/data", own),
        ),
        trap(
            "logcli: capitals, no interval",
            get(RANGE, &upper),
            &[],
            At(first, json!("3")),
        ),
        trap(
            "loki-canary: one count",
            get(QUERY, &canary),
            &[],
            At(value, json!("4")),
        ),
    ] {
        spring(shop.narvi.client(), &row);
    }
}

#[test]
fn what_command_lines_ask_of_the_data() {
    let shop = shop();
    let volume = [
        ("query", r#"{app="shop"}"#),
        ("start", &*shop.start),
        ("end", &*shop.end),
        ("step", "10"),
        ("targetLabels", "app"),
        ("aggregateBy", "series"),
    ];
    let fields = [
        ("query", r#"{app="shop"}"#),
        ("start", &*shop.start),
        ("end", &*shop.end),
        ("limit", "10"),
        ("line_limit", "10"),
        ("step", "10s"),
    ];
    for row in [
        trap(
            "logcli: volume_range",
            get("/loki/api/v1/index/volume_range", &volume),
            &[],
            At("/data/result/0/metric", json!({"app": "shop"})),
        ),
        trap(
            "logcli: detected-fields",
            get("/loki/api/v1/detected_fields", &fields),
            &[],
            Has("\"label\":\"n\""),
        ),
    ] {
        spring(shop.narvi.client(), &row);
    }
}

/// logcli asks for batches: backward the next one ends a nanosecond after the last entry, forward
/// it starts at it, and what overlaps is dropped.
#[test]
fn logcli_pages_through_everything_once() {
    let data = tempfile::tempdir().unwrap();
    let narvi = Narvi::start_with(&data.path().join("data"), LIMITS);
    let first = now() - 60 * SECOND;
    for (app, step) in [("a", 3), ("b", 5)] {
        let lines = (0..20).map(|n| Entry::new(first + n * step, format!("{app}{n}")));
        let push = Push::of(&[("app", app), ("set", "paged")], lines.collect());
        narvi.push("", &push.protobuf());
    }
    let mut want = Vec::new();
    for (app, step) in [("a", 3), ("b", 5)] {
        want.extend((0..20).map(|n| (first + n * step, format!("{app}{n}"))));
    }
    want.sort();
    for direction in ["BACKWARD", "FORWARD"] {
        let (mut start, mut end) = (first, first + SECOND);
        let mut seen: Vec<(i64, String)> = Vec::new();
        for _ in 0..40 {
            let batch = page(narvi.client(), (start, end), direction);
            let fresh: Vec<_> = batch
                .into_iter()
                .filter(|one| !seen.contains(one))
                .collect();
            let times = fresh.iter().map(|(time, _)| *time);
            match direction {
                "BACKWARD" => end = times.min().map_or(end, |time| time + 1),
                _ => start = times.max().unwrap_or(start),
            }
            if fresh.is_empty() {
                break;
            }
            seen.extend(fresh);
        }
        seen.sort();
        assert_eq!(seen, want, "{direction}");
    }
}

fn page(client: &Client, (start, end): (i64, i64), direction: &str) -> Vec<(i64, String)> {
    let (start, end) = (start.to_string(), end.to_string());
    let params = [
        ("query", r#"{set="paged"}"#),
        ("start", &start),
        ("end", &end),
        ("limit", "7"),
        ("direction", direction),
    ];
    let answer = client.get(RANGE, &params);
    assert_eq!(
        strict::read_query(&answer.body, strict::Order::Kept),
        Ok(())
    );
    let answer = answer.json();
    let streams = answer["data"]["result"].as_array().unwrap().iter();
    let values = streams.flat_map(|stream| stream["values"].as_array().unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    values
        .map(|value| (text(&value[0]).parse().unwrap(), text(&value[1])))
        .collect()
}
