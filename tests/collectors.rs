//! Holds the ready configurations below `infra/` to what each of them promises: that it can be
//! read, that who calls and for which tenant comes from the environment, that pushes are few, and
//! that Narvi knows every query of the dashboard.
//!
//! What a collector itself says of its file is not asked here; `infra/README.md` has that.
#![cfg(test)]

use std::collections::BTreeSet;
use std::path::PathBuf;

use narvi_logql::syntax;
use serde_json::Value;

fn text(path: &str) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../infra");
    std::fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What is at a JSON pointer of a file in YAML.
#[track_caller]
fn check(path: &str, pointer: &str, want: &Value) {
    assert_eq!(yaml(path).pointer(pointer), Some(want), "{path} {pointer}");
}

/// The environment variables of Narvi that a text names, whatever the syntax around them.
fn variables(text: &str) -> BTreeSet<&str> {
    let is_name = |c: char| c.is_ascii_uppercase() || c == '_';
    let code = text.lines().filter(|line| {
        let line = line.trim_start();
        !line.starts_with('#') && !line.starts_with("//")
    });
    code.flat_map(|line| line.split(|c| !is_name(c)))
        .filter(|word| word.starts_with("NARVI_"))
        .collect()
}

#[test]
fn secrets_and_tenants_come_from_the_environment() {
    let with_url = ["NARVI_PASSWORD", "NARVI_TENANT", "NARVI_URL", "NARVI_USER"];
    let with_host = [
        "NARVI_HOST",
        "NARVI_PASSWORD",
        "NARVI_PORT",
        "NARVI_TENANT",
        "NARVI_USER",
    ];
    let cases: [(&str, &[&str]); 7] = [
        ("alloy/config.alloy", &with_url),
        ("fluent-bit/fluent-bit.yaml", &with_host),
        ("grafana/provisioning/datasources/narvi.yaml", &with_url),
        ("otel-collector/config.yaml", &with_url),
        ("promtail/promtail.yaml", &with_url),
        ("rsyslog/narvi.conf", &with_host),
        ("vector/vector.yaml", &with_url),
    ];
    for (path, want) in cases {
        let text = text(path);
        let found: Vec<&str> = variables(&text).into_iter().collect();
        assert_eq!(found, want, "{path}");
    }
}

#[test]
fn collectors_wait_before_they_push() {
    let (fluent_bit, vector) = ("fluent-bit/fluent-bit.yaml", "vector/vector.yaml");
    check(fluent_bit, "/service/flush", &10.into());
    check(fluent_bit, "/pipeline/outputs/0/name", &"loki".into());
    check(fluent_bit, "/pipeline/outputs/0/compress", &"gzip".into());
    check(vector, "/sinks/narvi/type", &"loki".into());
    check(vector, "/sinks/narvi/batch/timeout_secs", &10.into());
    check(vector, "/sinks/narvi/batch/max_bytes", &1_048_576.into());
    let promtail = "promtail/promtail.yaml";
    check(promtail, "/clients/0/batchwait", &"10s".into());
    check(promtail, "/clients/0/batchsize", &1_048_576.into());
    let (collector, queue) = ("otel-collector/config.yaml", "/exporters/otlphttp~1narvi");
    let batch = format!("{queue}/sending_queue/batch");
    check(collector, &format!("{batch}/flush_timeout"), &"10s".into());
    check(collector, &format!("{batch}/min_size"), &1_000_000.into());
    assert!(text("alloy/config.alloy").contains("batch_wait = \"10s\""));
    assert!(text("rsyslog/narvi.conf").contains("minDequeueBatchSize.timeout=\"10000\""));
}

#[test]
fn grafana_finds_the_data_source_and_the_dashboards() {
    let source = "grafana/provisioning/datasources/narvi.yaml";
    check(source, "/datasources/0/type", &"loki".into());
    check(source, "/datasources/0/uid", &"narvi".into());
    let header = "/datasources/0/jsonData/httpHeaderName1";
    check(source, header, &"X-Scope-OrgID".into());
    let provider = "grafana/provisioning/dashboards/narvi.yaml";
    check(provider, "/providers/0/type", &"file".into());
    let folder = "/providers/0/options/path";
    check(provider, folder, &"$NARVI_DASHBOARDS".into());
}

/// A query as Grafana sends it: variables replaced, those that it makes itself first.
fn sent(expr: &str) -> String {
    let values = [
        ("$__auto", "1m"),
        ("$__range", "3600s"),
        ("$service", "shop|front\\\\.end"),
        ("$level", ".*"),
        ("$search", r"order=\d+ "),
    ];
    values.iter().fold(expr.to_owned(), |expr, (name, value)| {
        expr.replace(name, value)
    })
}

#[test]
fn narvi_knows_every_query_of_the_dashboard() {
    let dashboard: Value = serde_json::from_str(&text("grafana/dashboards/logs.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}");
        assert_eq!(panel["datasource"]["uid"], "${source}", "{title}");
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{title}");
        for target in targets {
            let query = sent(target["expr"].as_str().unwrap());
            assert!(!query.contains('$'), "{title}: {query}");
            let parsed = syntax::parse(&query);
            assert!(parsed.is_ok(), "{title}: {query}: {:?}", parsed.err());
        }
    }
    assert!(ids.len() > 5, "{ids:?}");
    assert!(syntax::parse(&sent("{service_name=~$service}")).is_err());
}
