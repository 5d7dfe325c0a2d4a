//! Tenants through the local host: they never meet (random deeds of two against a model of each),
//! unless a request names several and that is allowed.
#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};

use narvi_tests::client::{Ask, Client};
use narvi_tests::host::Narvi;
use narvi_tests::lines::{CONFIG, count, entries};
use narvi_tests::push::{Entry, Push};
use narvi_tests::{noise, now};
use serde_json::{Value, json};

/// Cases of random operations; each has tenants of its own on one host.
const CASES: u64 = 12;

/// Operations of a case.
const DEEDS: usize = 14;

/// What one of two tenants does; small numbers, so that they do the same things.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Push { app: u8, line: u8 },
    PutRule { group: u8 },
    DropRule { group: u8 },
    Look,
}

/// Who does what, out of two random letters.
fn deed(letters: &[u8]) -> (usize, Deed) {
    let (kind, detail) = (letters[0], letters[1]);
    let deed = match kind % 8 {
        0..4 => Deed::Push {
            app: detail % 3,
            line: detail / 3 % 4,
        },
        4 => Deed::PutRule { group: detail % 2 },
        5 => Deed::DropRule { group: detail % 2 },
        _ => Deed::Look,
    };
    (usize::from(kind / 8 % 2), deed)
}

/// What a tenant must see, and no more.
#[derive(Default)]
struct Model {
    lines: BTreeSet<(String, String)>,
    groups: BTreeSet<String>,
}

struct Tenant {
    client: Client,
    name: String,
    model: Model,
}

impl Tenant {
    fn does(&mut self, narvi: &Narvi, time: i64, deed: &Deed) {
        match deed {
            Deed::Push { app, line } => {
                let (app, line) = (format!("app{app}"), format!("line{line}"));
                let entry = Entry::new(time, line.as_str());
                narvi.push(
                    &self.name,
                    &Push::of(&[("app", &app)], vec![entry]).protobuf(),
                );
                self.model.lines.insert((app, line));
            }
            Deed::PutRule { group } => {
                let body = format!("name: g{group}\nrules: [{{alert: A, expr: vector(1) > 0}}]");
                let path = "/loki/api/v1/rules/ns";
                let answer = self.client.post(path, "application/yaml", body.as_bytes());
                assert_eq!(answer.status, 202, "{}", answer.text());
                self.model.groups.insert(format!("g{group}"));
            }
            Deed::DropRule { group } => {
                let answer = self.client.ask(&Ask {
                    method: "DELETE",
                    path: &format!("/loki/api/v1/rules/ns/g{group}"),
                    ..Ask::default()
                });
                let was_there = self.model.groups.remove(&format!("g{group}"));
                assert_eq!(answer.status, if was_there { 202 } else { 404 });
            }
            Deed::Look => self.looks(),
        }
    }

    /// Everything that a tenant can ask is as its model says.
    fn looks(&self) {
        let lines: BTreeSet<(String, String)> = entries(&self.client, "{app=~\".+\"}")
            .into_iter()
            .map(|(labels, _, line)| {
                let labels: Value = serde_json::from_str(&labels).unwrap();
                (labels["app"].as_str().unwrap().to_owned(), line)
            })
            .collect();
        assert_eq!(lines, self.model.lines);
        let apps: BTreeSet<&String> = self.model.lines.iter().map(|(app, _)| app).collect();
        let values = self.client.get("/loki/api/v1/label/app/values", &[]).json();
        let names = self.client.get("/loki/api/v1/labels", &[]).json();
        if apps.is_empty() {
            assert_eq!((values.get("data"), names.get("data")), (None, None));
        } else {
            assert_eq!(values["data"], json!(apps));
            assert_eq!(names["data"], json!(["app", "service_name"]));
            assert_eq!(
                count(&self.client, "{app=~\".+\"}"),
                self.model.lines.len() as f64
            );
        }
        let series = self.client.get("/loki/api/v1/series", &[]).json();
        assert_eq!(series["data"].as_array().unwrap().len(), apps.len());
        let rules = self.client.get("/prometheus/api/v1/rules", &[]).json();
        let groups = rules["data"]["groups"].as_array().unwrap().iter();
        let groups: BTreeSet<_> = groups
            .map(|g| g["name"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(groups, self.model.groups);
    }
}

#[test]
fn whatever_two_tenants_do_they_never_meet() {
    let data = tempfile::tempdir().unwrap();
    let config = format!("auth_enabled: true\n{CONFIG}");
    let narvi = Narvi::start_with(&data.path().join("data"), &config);
    let time = now();
    for case in 0..CASES {
        // One name begins with the other: a key that were cut short would mix them.
        let mut tenants = ["t", "t-"].map(|start| {
            let name = format!("{start}{case}");
            Tenant {
                client: narvi.client().tenant(&name),
                name,
                model: Model::default(),
            }
        });
        let letters = noise::text(case, 2 * DEEDS);
        let deeds: Vec<_> = letters.as_bytes().chunks_exact(2).map(deed).collect();
        eprintln!("case {case}: {deeds:?}");
        for (who, deed) in &deeds {
            tenants[*who].does(&narvi, time, deed);
        }
        tenants.iter().for_each(Tenant::looks);
    }
}

/// Two tenants with a stream of the same labels each, and one that has the tenant's label itself.
fn several(enabled: &str) -> (tempfile::TempDir, Narvi) {
    let data = tempfile::tempdir().unwrap();
    let config = format!(
        "auth_enabled: true\n{CONFIG}overrides: {{b: {{max_query_series: 2}}}}\n\
         querier: {{multi_tenant_queries_enabled: {enabled}}}\n"
    );
    let narvi = Narvi::start_with(&data.path().join("data"), &config);
    let time = now();
    for tenant in ["a", "b", "c"] {
        let same = Push::of(&[("app", "x")], vec![Entry::new(time, "same")]);
        narvi.push(tenant, &same.json());
    }
    let own = [("app", "own"), ("__tenant_id__", "mine")];
    narvi.push("b", &Push::of(&own, vec![Entry::new(time, "own")]).json());
    (data, narvi)
}

/// `tenant line` of every entry of a query, sorted.
fn told(client: &Client, query: &str) -> Vec<String> {
    let line = |(labels, _, line): (String, String, String)| {
        let labels: Value = serde_json::from_str(&labels).unwrap();
        let tenant = labels["__tenant_id__"].as_str().unwrap_or("-");
        let own = labels["original___tenant_id__"]
            .as_str()
            .unwrap_or_default();
        format!("{tenant} {line} {own}").trim_end().to_owned()
    };
    entries(client, query).into_iter().map(line).collect()
}

#[test]
fn several_tenants_are_read_at_once_where_that_is_allowed() {
    let (_data, narvi) = several("true");
    let client = narvi.client().tenant("b|a");
    for (query, want) in [
        (r#"{app="x"}"#, &["a same", "b same"][..]),
        (r#"{app="x", __tenant_id__="b"}"#, &["b same"]),
        (r#"{app="x", __tenant_id__!~"a|b"}"#, &[]),
        (r#"{app="own"}"#, &["b own mine"]),
        (r#"{original___tenant_id__="mine"}"#, &["b own mine"]),
        (r#"{app="x"} | __tenant_id__="a""#, &["a same"]),
    ] {
        assert_eq!(told(&client, query), want, "{query}");
    }
    let data = |path: &str, params: &[(&str, &str)]| client.get(path, params).json()["data"].take();
    let time = (now() + 1_000_000_000).to_string();
    let query = r#"sum by (__tenant_id__) (count_over_time({app="x"}[1h]))"#;
    let vector = data("/loki/api/v1/query", &[("query", query), ("time", &time)]);
    let sums: BTreeMap<&str, &str> = vector["result"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let tenant = one["metric"]["__tenant_id__"].as_str().unwrap();
            (tenant, one["value"][1].as_str().unwrap())
        })
        .collect();
    assert_eq!(sums, BTreeMap::from([("a", "1"), ("b", "1")]));
    let names = json!(["__tenant_id__", "app", "service_name"]);
    assert_eq!(data("/loki/api/v1/labels", &[]), names);
    let values = |name: &str| data(&format!("/loki/api/v1/label/{name}/values"), &[]);
    assert_eq!(values("__tenant_id__"), json!(["a", "b"]));
    assert_eq!(values("original___tenant_id__"), json!(["mine"]));
    assert_eq!(values("app"), json!(["own", "x"]));
    let series = data("/loki/api/v1/series", &[("match[]", r#"{app=~".+"}"#)]);
    let tenants: BTreeSet<&str> = series
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["__tenant_id__"].as_str().unwrap())
        .collect();
    assert_eq!(tenants, BTreeSet::from(["a", "b", "mine"]));
    index_of_several(&client);
    let only = client.get(
        "/loki/api/v1/query_range",
        &[("query", r#"{__tenant_id__="a"}"#)],
    );
    assert_eq!(only.status, 400);
    assert!(
        only.text()
            .starts_with("log selector is invalid after matcher update: parse error")
    );
    // The smallest limit of any is that of all.
    let query = r#"count_over_time({app=~".+"}[1h])"#;
    let many = client.get("/loki/api/v1/query", &[("query", query), ("time", &time)]);
    assert!(
        many.text().contains("maximum number of series (2) reached"),
        "{}",
        many.text()
    );
    // One tenant is read as ever.
    assert_eq!(
        told(&narvi.client().tenant("a|a"), r#"{app="x"}"#),
        ["- same"]
    );
}

/// What there is of streams is added up.
fn index_of_several(client: &Client) {
    let (from, to) = (now() - 1_000_000_000, now() + 1_000_000_000);
    let (from, to) = (from.to_string(), to.to_string());
    let ask = |path: &str, query: &str| {
        let times = [("query", query), ("start", &from), ("end", &to)];
        client.get(&format!("/loki/api/v1/{path}"), &times).json()
    };
    let bytes = |query: &str| {
        let volume = ask("index/volume", query);
        let bytes = volume["data"]["result"][0]["value"][1].as_str().unwrap();
        bytes.parse::<u64>().unwrap()
    };
    let (both, one) = (r#"{app="x"}"#, r#"{app="x", __tenant_id__="a"}"#);
    for (query, count) in [(both, 2), (one, 1)] {
        let stats = ask("index/stats", query);
        let counts = (stats["streams"].as_u64(), stats["entries"].as_u64());
        assert_eq!(counts, (Some(count), Some(count)), "{query}");
    }
    assert_eq!(bytes(both), 2 * bytes(one));
    let labels = ask("detected_labels", "");
    let labels = labels["detectedLabels"].as_array().unwrap();
    let tenants = labels.iter().find(|one| one["label"] == "__tenant_id__");
    assert_eq!(tenants.unwrap()["cardinality"], json!(2));
    let fields = ask("detected_fields", both);
    assert_eq!(fields["fields"][0]["label"], "detected_level", "{fields}");
    assert_eq!(ask("patterns", both)["data"], json!([]));
}

#[test]
fn several_tenants_are_refused_where_one_is_needed() {
    let one = [
        ("/prometheus/api/v1/rules", 400),
        ("/loki/api/v1/rules", 500),
    ];
    let reads = [
        ("/loki/api/v1/query_range", 500),
        ("/loki/api/v1/labels", 500),
        ("/loki/api/v1/series", 500),
        ("/config/tenant/v1/limits", 500),
    ];
    for (enabled, refused) in [
        ("true", one.to_vec()),
        ("false", [&reads[..], &one[..]].concat()),
    ] {
        let (_data, narvi) = several(enabled);
        let client = narvi.client().tenant("a|b");
        for (path, status) in refused {
            let answer = client.get(path, &[("query", "{app=\"x\"}")]);
            assert_eq!(answer.status, status, "{path}: {}", answer.text());
        }
        let (read, wrong) = match enabled {
            "true" => (200, 400),
            _ => (500, 500),
        };
        for (path, query, status) in [
            ("/loki/api/v1/query", "vector(1)", 200),
            ("/loki/api/v1/query", "1 + 1", 200),
            ("/loki/api/v1/query_range", "vector(1) > 0", 200),
            ("/loki/api/v1/labels", "vector(1)", wrong),
            ("/loki/api/v1/query", "vector(", wrong),
            ("/loki/api/v1/query", "sum(rate({app=\"x\"}[1m]))", read),
        ] {
            let answer = client.get(path, &[("query", query)]);
            assert_eq!(answer.status, status, "{path} {query}: {}", answer.text());
            assert!(!answer.text().contains("__tenant_id__"));
        }
        let push = Push::of(&[("app", "x")], vec![Entry::new(now(), "x")]).json();
        let answer = client.ask(&push.ask());
        assert_eq!(answer.status, 400);
        assert!(
            answer.text().starts_with("multiple org IDs present"),
            "{}",
            answer.text()
        );
    }
}
