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
