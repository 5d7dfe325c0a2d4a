//! The local host behind a document of credentials, as the API on AWS behind the authorizer.

use narvi_tests::client::Ask;
use narvi_tests::host::Narvi;
use narvi_tests::lines::CONFIG;
use narvi_tests::now;
use narvi_tests::push::{Entry, Push};

/// `alloy` writes and `grafana` reads, both with the password "secret".
const CREDENTIALS: &str = "
users:
  alloy: {password: $apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/, write: [team-a]}
  grafana: {password: $apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/, read: [team-a, team-b]}
";

const ALLOY: (&str, &str) = ("Authorization", "Basic YWxsb3k6c2VjcmV0");
const GRAFANA: (&str, &str) = ("Authorization", "Basic Z3JhZmFuYTpzZWNyZXQ=");

#[test]
fn each_caller_may_what_the_document_says() {
    let data = tempfile::tempdir().unwrap();
    let config = format!("auth_enabled: true\n{CONFIG}");
    let narvi = Narvi::start_closed(&data.path().join("data"), &config, CREDENTIALS);
    let push = Push::of(&[("app", "a")], vec![Entry::new(now(), "x")]).json();
    let asked = |method, path, body, tenant, headers: &[(&str, &str)]| {
        let ask = Ask {
            method,
            path,
            headers,
            body,
            ..Ask::default()
        };
        narvi.client().tenant(tenant).ask(&ask).status
    };
    let json = ("Content-Type", "application/json");
    let pushed = |tenant, headers: &[(&str, &str)]| {
        let body = Some(push.bytes.as_slice());
        asked("POST", "/loki/api/v1/push", body, tenant, headers)
    };
    assert_eq!(pushed("team-a", &[json, ALLOY]), 204);
    assert_eq!(pushed("team-b", &[json, ALLOY]), 403);
    assert_eq!(pushed("team-a", &[json, GRAFANA]), 403);
    assert_eq!(pushed("team-a", &[json]), 401);
    assert_eq!(pushed("", &[json, ALLOY]), 401);
    let read = |tenant, headers: &[(&str, &str)]| {
        asked("GET", "/loki/api/v1/labels", None, tenant, headers)
    };
    assert_eq!(read("team-b", &[GRAFANA]), 200);
    assert_eq!(read("team-c", &[GRAFANA]), 403);
    assert_eq!(read("team-a", &[ALLOY]), 403);
    assert_eq!(read("team-a", &[]), 401);
    assert_eq!(
        asked("POST", "/narvi/run/compact", None, "team-a", &[]),
        401
    );
    assert_eq!(asked("GET", "/ready", None, "", &[]), 200);
    let log = narvi.log();
    assert!(!log.contains("secret") && !log.contains("YWxs"), "{log}");
}

/// Keys of Firehose: `key-of-a` may write one tenant, `key-of-many` two.
const KEYS: &str = "
users:
  grafana: {password: $apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/, read: ['*']}
tokens:
  one: {sha256: ee063bb3d7270fdf6148f09dde510a5cf346c4aa4dd2ff4b2caec5348d799043, write: [team-a]}
  many:
    sha256: dd7dd7aacb893c7324d1340eb6277e9ed58d66252bb5057b0301640c3e20251e
    write: [team-a, team-b]
";

#[test]
fn a_key_of_firehose_names_its_tenant() {
    let data = tempfile::tempdir().unwrap();
    let config = format!("auth_enabled: true\n{CONFIG}");
    let narvi = Narvi::start_closed(&data.path().join("data"), &config, KEYS);
    let line = base64_simd::STANDARD.encode_to_string("hello");
    let body = format!(
        r#"{{"requestId":"r","timestamp":{},"records":[{{"data":"{line}"}}]}}"#,
        now() / 1_000_000
    );
    let deliver = |key: (&str, &str), tenant| {
        let headers = [("Content-Type", "application/json"), key];
        let ask = Ask {
            method: "POST",
            path: "/awsfirehose/api/v1/push",
            headers: &headers,
            body: Some(body.as_bytes()),
            ..Ask::default()
        };
        narvi.client().tenant(tenant).ask(&ask).status
    };
    let key = |key| ("X-Amz-Firehose-Access-Key", key);
    for (key, tenant, status) in [
        (key("key-of-a"), "", 200),
        (key("key-of-a"), "team-a", 200),
        (key("key-of-a"), "team-b", 403),
        (key("key-of-many"), "", 401),
        (key("key-of-many"), "team-b", 200),
        (key("key-of-b"), "", 401),
        (("Authorization", "Bearer key-of-a"), "team-a", 401),
        (GRAFANA, "team-a", 401),
    ] {
        assert_eq!(deliver(key, tenant), status, "{key:?} {tenant}");
    }
    for (tenant, count) in [("team-a", 1), ("team-b", 1), ("team-c", 0)] {
        let ask = Ask {
            path: "/loki/api/v1/query_range",
            params: &[("query", r#"{__aws_log_type="firehose"}"#)],
            headers: &[GRAFANA],
            ..Ask::default()
        };
        let answer = narvi.client().tenant(tenant).ask(&ask);
        assert_eq!(answer.text().matches("hello").count(), count, "{tenant}");
    }
}

/// Lines of the log that tell of somebody who was not let in.
fn refusals(narvi: &Narvi) -> usize {
    narvi.log().matches("refused: ").count()
}

fn basic(pair: &str) -> String {
    format!("Basic {}", base64_simd::STANDARD.encode_to_string(pair))
}

/// What nobody gets in with, and what a client makes of it: 401 and 403 are final, 400 as well.
/// Each is logged once, and no secret with it.
#[test]
fn what_does_not_open_the_door() {
    let data = tempfile::tempdir().unwrap();
    let config = format!("auth_enabled: true\n{CONFIG}");
    let narvi = Narvi::start_closed(&data.path().join("data"), &config, CREDENTIALS);
    let (wrong, right) = (basic("grafana:hunter2"), basic("grafana:secret"));
    let long = basic(&format!("grafana:{}", "hunter2".repeat(1_500)));
    let (query, push) = ("/loki/api/v1/labels", "/loki/api/v1/push");
    let rows: [(&str, &str, &str, &str, u16); 16] = [
        ("GET", query, &wrong, "team-a", 401),
        ("GET", query, "Bearer hunter2", "team-a", 401),
        ("GET", query, "Basic hunter2", "team-a", 401),
        ("GET", query, &long, "team-a", 401),
        ("GET", query, &right, "team-c", 403),
        ("GET", query, &right, "team-a|team-c", 403),
        ("GET", query, &right, "", 401),
        ("GET", query, &right, "..", 400),
        ("GET", query, &right, "a/b", 400),
        ("POST", push, &right, "team-a", 403),
        ("POST", push, ALLOY.1, "team-a|team-b", 403),
        // Paths are decoded once, and never walked.
        ("POST", "/loki/api/v1/%70ush", &right, "team-a", 403),
        ("POST", "/loki/api/v1/x/%2e%2e/push", &right, "team-a", 403),
        ("POST", "//loki/api/v1/push", &right, "team-a", 403),
        ("POST", "/loki/api/v1/%2570ush", &right, "team-a", 403),
        ("DELETE", "/loki/api/v1/rules/ns", &right, "team-a", 403),
    ];
    for (method, path, authorization, tenant, status) in rows {
        let before = refusals(&narvi);
        let ask = Ask {
            method,
            path,
            headers: &[
                ("Authorization", authorization),
                ("Content-Type", "application/json"),
            ],
            body: (method == "POST").then_some(&b"{}"[..]),
            ..Ask::default()
        };
        let answer = narvi.client().tenant(tenant).ask(&ask);
        assert_eq!(
            answer.status,
            status,
            "{method} {path} {tenant}: {}",
            answer.text()
        );
        assert!(!answer.text().contains("hunter2"), "{}", answer.text());
        // The line is written before the answer, and read by a thread of this test.
        while refusals(&narvi) == before {
            std::thread::yield_now();
        }
        assert_eq!(refusals(&narvi), before + 1, "{method} {path}");
    }
    let log = narvi.log();
    for secret in ["hunter2", "secret", &wrong[6..], &right[6..]] {
        assert!(!log.contains(secret), "{log}");
    }
}

/// Paths are decoded once and never walked, so that no other spelling leads anywhere.
#[test]
fn a_known_caller_finds_no_way_around() {
    let data = tempfile::tempdir().unwrap();
    let config = format!("auth_enabled: true\n{CONFIG}");
    let narvi = Narvi::start_closed(&data.path().join("data"), &config, CREDENTIALS);
    for path in [
        "//loki/api/v1/labels",
        "/loki/api/v1/x/%2e%2e/labels",
        "/loki/api/v1/%256cabels",
    ] {
        let ask = Ask {
            path,
            headers: &[GRAFANA],
            ..Ask::default()
        };
        assert_eq!(
            narvi.client().tenant("team-a").ask(&ask).status,
            404,
            "{path}"
        );
    }
}
