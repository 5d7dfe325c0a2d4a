//! The real binaries of the functions, under a Lambda Runtime API that the test serves, with a
//! DynamoDB and an S3 on loopback.
#![cfg(test)]

#[path = "lambda/authorization.rs"]
mod authorization;
#[path = "lambda/forwarding.rs"]
mod forwarding;
#[path = "lambda/tailing.rs"]
mod tailing;

use std::sync::{Arc, Mutex};

use narvi_tests::client::Ask;
use narvi_tests::cloud::Cloud;
use narvi_tests::function::Function;
use narvi_tests::push::{Body, Entry, Push};
use narvi_tests::server::{Reply, Server};
use narvi_tests::{events, noise, now};
use serde_json::{Value, json};

const FUNCTIONS: [&str; 8] = [
    "ingest",
    "query",
    "compact",
    "retention",
    "rules",
    "forward",
    "authorizer",
    "tail",
];
const TENANT: &str = "demo";
const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

/// An event of a schedule that fires now.
fn schedule() -> Value {
    let seconds = now() / SECOND;
    let samples = events::samples();
    let (_, mut event) = samples
        .into_iter()
        .find(|(name, _)| name == "compact-schedule")
        .expect("there is a sample");
    event["time"] = json!(rfc3339(seconds));
    event
}

/// `2026-01-15T10:00:00Z` (days of civil time after Howard Hinnant's algorithm).
fn rfc3339(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let z = days + 719_468;
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest % 3_600 / 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

fn push(ingest: &mut Function, body: &Body, time: i64) {
    let answer = events::answer(ingest.send(&events::http(TENANT, &body.ask(), time)));
    assert_eq!(answer.status, 204, "{}", answer.text);
}

/// Lines of a selector in the last two hours, sorted.
fn lines(query: &mut Function, selector: &str) -> Vec<String> {
    let (start, end) = ((now() - 7_200 * SECOND).to_string(), now().to_string());
    let params = [("query", selector), ("start", &start), ("end", &end)];
    let ask = Ask {
        path: "/loki/api/v1/query_range",
        params: &params,
        ..Ask::default()
    };
    let answer = events::answer(query.send(&events::http(TENANT, &ask, now())));
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answer: Value = serde_json::from_str(&answer.text).unwrap();
    let streams = answer["data"]["result"].as_array().unwrap().iter();
    let mut lines: Vec<String> = streams
        .flat_map(|stream| stream["values"].as_array().unwrap())
        .map(|value| value[1].as_str().unwrap().to_owned())
        .collect();
    lines.sort();
    lines
}

#[test]
fn every_sample_is_accepted_by_its_function() {
    let cloud = Cloud::start();
    let mut samples = events::samples();
    let lambda = Server::start(|_| Reply::new(202, ""));
    for name in FUNCTIONS {
        let variables = [
            ("NARVI_CONFIG", "compactor: {retention_enabled: true}"),
            ("NARVI_CREDENTIALS", authorization::CREDENTIALS),
            ("NARVI_LAMBDA_ENDPOINT", &lambda.url()),
            (
                "NARVI_TAIL_ENDPOINT",
                if name == "tail" {
                    "http://127.0.0.1:9"
                } else {
                    ""
                },
            ),
        ];
        let mut function = Function::start_with(name, &cloud, &variables);
        let prefix = format!("{name}-");
        let own = samples.extract_if(.., |(sample, _)| sample.starts_with(&prefix));
        for (sample, event) in own {
            accept(&mut function, &sample, &event);
        }
        let time = function.first_answer.expect("every function has a sample");
        let time = time.as_millis();
        eprintln!("{name}: first event answered {time} ms after the start");
    }
    assert_eq!(samples, [], "samples of no function");
}

/// Sends a sample and looks at the answer; the sample of ingest comes first.
#[track_caller]
fn accept(function: &mut Function, sample: &str, event: &Value) {
    if sample.ends_with("-schedule") || sample.starts_with("forward-") {
        function.run(event);
        return;
    }
    if sample == "authorizer-tail" {
        let policy = function.run(event);
        assert_eq!(
            policy["policyDocument"]["Statement"][0]["Effect"], "Allow",
            "{policy}"
        );
        return;
    }
    if sample.starts_with("authorizer-") {
        assert_eq!(function.run(event)["isAuthorized"], true, "{sample}");
        return;
    }
    let answer = events::answer(function.send(event));
    assert!((200..300).contains(&answer.status), "{sample}: {answer:?}");
    let wanted: &[&str] = match sample {
        "query-range" => &["order placed", "payment refused"],
        "query-labels" | "query-volume" => &["\"checkout\""],
        "query-patterns" => &["\"success\""],
        _ => &[],
    };
    for text in wanted {
        assert!(answer.text.contains(text), "{sample}: {}", answer.text);
    }
}

#[test]
fn lines_outlive_compaction_until_their_time_is_over() {
    let cloud = Cloud::start();
    let config = "limits_config: {retention_period: 30d, reject_old_samples: false}\n\
                  compactor: {retention_enabled: true}\n";
    let mut ingest = Function::start("ingest", &cloud, config);
    let mut query = Function::start("query", &cloud, config);
    // Older than a push waits for others; small enough for its row, and not.
    let time = now() - 600 * SECOND;
    let (small, large) = ("small".to_owned(), noise::text(1, 20_000));
    for (n, line) in [&small, &large].into_iter().enumerate() {
        let entry = Entry::new(time + n as i64, line.as_str());
        push(
            &mut ingest,
            &Push::of(&[("app", "kept")], vec![entry]).protobuf(),
            time,
        );
    }
    let old = Entry::new(now() - 40 * DAY, "old");
    push(
        &mut ingest,
        &Push::of(&[("app", "old")], vec![old]).json(),
        now() - 40 * DAY,
    );
    let mut want = vec![small, large];
    want.sort();
    assert_eq!(lines(&mut query, "{app=\"kept\"}"), want);
    let level = |cloud: &Cloud, level: &str| {
        let keys = cloud.keys();
        keys.iter()
            .filter(|key| key.split('/').nth(3) == Some(level))
            .count()
    };
    assert_eq!(
        (level(&cloud, "0"), level(&cloud, "1")),
        (1, 0),
        "{:?}",
        cloud.keys()
    );

    let mut compact = Function::start("compact", &cloud, config);
    compact.run(&schedule());
    assert_eq!(
        (level(&cloud, "0"), level(&cloud, "1")),
        (1, 1),
        "{}",
        compact.log()
    );
    assert_eq!(lines(&mut query, "{app=\"kept\"}"), want);

    let mut retention = Function::start("retention", &cloud, config);
    retention.run(&schedule());
    let log = retention.log();
    assert!(log.contains("\"expired\":1"), "{log}");
    assert_eq!(lines(&mut query, "{app=\"kept\"}"), want);
    // A container that has been there all along, and one that starts now, see the same.
    let mut query = Function::start("query", &cloud, config);
    assert_eq!(lines(&mut query, "{app=\"kept\"}"), want);
}

#[test]
fn an_alert_reaches_the_alertmanager() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (hears, cloud) = (Arc::clone(&heard), Cloud::start());
    let alertmanager = Server::start(move |request| {
        let alerts: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        hears.lock().unwrap().push((request.path.clone(), alerts));
        Reply::new(200, "")
    });
    let config = format!("ruler: {{alertmanager_url: \"{}\"}}\n", alertmanager.url());
    let mut ingest = Function::start("ingest", &cloud, &config);
    let mut rules = Function::start("rules", &cloud, &config);
    let group = "name: g\ninterval: 1m\nrules:\n- alert: Refused\n  \
                 expr: count_over_time({app=\"shop\"} |= \"refused\" [1h]) > 1\n  \
                 labels: {severity: page}\n";
    let set = Ask {
        method: "POST",
        path: "/loki/api/v1/rules/shop",
        headers: &[("Content-Type", "application/yaml")],
        body: Some(group.as_bytes()),
        ..Ask::default()
    };
    let answer = events::answer(rules.send(&events::http(TENANT, &set, now())));
    assert_eq!(answer.status, 202, "{}", answer.text);
    let entries = (0..3).map(|n| Entry::new(now() - 60 * SECOND + n, format!("refused {n}")));
    let body = Push::of(&[("app", "shop")], entries.collect()).protobuf();
    push(&mut ingest, &body, now());
    rules.run(&schedule());
    let heard = heard.lock().unwrap();
    let (path, alerts) = heard
        .first()
        .unwrap_or_else(|| panic!("no alert: {}", rules.log()));
    assert_eq!(path, "/api/v2/alerts");
    let labels = &alerts[0]["labels"];
    assert_eq!(
        (&labels["alertname"], &labels["severity"]),
        (&json!("Refused"), &json!("page"))
    );
}

#[test]
fn what_is_no_request_is_refused_and_the_function_goes_on() {
    let cloud = Cloud::start();
    for name in ["ingest", "query"] {
        let mut function = Function::start(name, &cloud, "");
        let path = if name == "ingest" {
            "/loki/api/v1/push"
        } else {
            "/loki/api/v1/labels"
        };
        let method = if name == "ingest" { "POST" } else { "GET" };
        let ask = Ask {
            method,
            path,
            ..Ask::default()
        };
        let answer = events::answer(function.send(&events::http("", &ask, now())));
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (401, "no org id\n"),
            "{name}"
        );
        let mut broken = events::http(TENANT, &ask, now());
        broken["body"] = json!("no base64!");
        let answer = events::answer(function.send(&broken));
        assert_eq!(answer.status, 400, "{name}: {}", answer.text);
        let answer = events::answer(function.send(&events::http("a/b", &ask, now())));
        assert_eq!(answer.status, 400, "{name}: {}", answer.text);
    }
}
