//! Every recorded answer of Loki 3.7.6, asked of the local host.
//!
//! `conformance/*.json` are the data sets and the cases. Those of `own.json` were not recorded but
//! worked out by hand, where the recorded ones are few; each says of what part of the behaviour it
//! is (`why`), and anyone may add to them. `case` reads and asks cases, `normal` takes from an
//! answer what can be compared, `compare` compares, `strict` reads answers as Grafana does. Each
//! data set is pushed twice, since a repeated push must not be answered twice. Categories of
//! [`HELD`] must pass; of the others the number that passes is printed.
#![cfg(test)]

#[path = "conformance/case.rs"]
mod case;
#[path = "conformance/compare.rs"]
mod compare;
#[path = "conformance/normal.rs"]
mod normal;
#[path = "conformance/strict.rs"]
mod strict;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use narvi_tests::client::Client;
use narvi_tests::host::Narvi;
use serde_json::{Value, json};

use case::{Case, DataSet};

/// Categories whose every case must pass, but for [`DIFFERENT`].
const HELD: [&str; 34] = [
    "badmetric",
    "badpush",
    "badquery",
    "binop",
    "categorize",
    "decolorize",
    "deflabels",
    "detected",
    "format",
    "index",
    "instant",
    "json",
    "labels",
    "legacy",
    "level",
    "linefilter",
    "logfmt",
    "metadata",
    "otlp",
    "own",
    "params",
    "pattern",
    "range",
    "rinstant",
    "rlog",
    "rmetric",
    "selector",
    "series",
    "service",
    "step",
    "template",
    "unpack",
    "unwrap",
    "vector",
];

/// Cases that are answered otherwise on purpose, with the line of `docs/loki-differences.md`. Each
/// must still differ, so that the list stays true.
const DIFFERENT: [(&str, &str); 8] = [
    ("index-001", "index/stats of lines that were just pushed"),
    ("index-002", "index/stats of lines that were just pushed"),
    ("index-004", "index/stats of lines that were just pushed"),
    ("rlog-1212", "regular expressions of label filters"),
    ("rlog-1557", "regular expressions of label filters"),
    ("rmetric-0174", "avg is answered from two queries"),
    ("rmetric-0721", "avg is answered from two queries"),
    ("rmetric-1419", "avg is answered from two queries"),
];

/// Failures of the other categories that are printed with `NARVI_TEST_SHOW`, each.
const SHOWN: usize = 5;

/// Cases with what they are asked of.
struct Suite {
    config: &'static str,
    dataset: &'static str,
    cases: &'static [&'static str],
}

const PLAIN: Suite = Suite {
    config: "narvi.yaml",
    dataset: "dataset.json",
    cases: &["cases.json", "cases-random.json", "own.json"],
};

/// With the names of services and levels of lines found out, as is the default.
const DEFAULTS: Suite = Suite {
    config: "narvi-defaults.yaml",
    dataset: "dataset-defaults.json",
    cases: &["cases-defaults.json"],
};

/// How a category has done.
#[derive(Default)]
struct Tally {
    asked: usize,
    failures: Vec<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance")
}

fn read<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

impl Suite {
    fn cases(&self) -> Vec<Case> {
        self.cases
            .iter()
            .flat_map(|name| read::<Vec<Case>>(name))
            .collect()
    }

    fn check(&self) {
        let data = tempfile::tempdir().unwrap();
        let config = folder().join(self.config);
        let narvi = Narvi::start(&data.path().join("data"), Some(&config));
        let dataset: DataSet = read(self.dataset);
        let refused = [dataset.push(narvi.client()), dataset.push(narvi.client())].concat();
        let client = narvi.client().tenant(&dataset.tenant);
        let tallies = ask_all(&client, &self.cases());
        report(&tallies);
        let held = |name: &String| HELD.contains(&name.as_str());
        if tallies.keys().any(held) {
            assert_eq!(refused, Vec::<String>::new(), "pushes of the data set");
        }
        for reason in &refused {
            eprintln!("push refused: {reason}");
        }
        let failed: Vec<_> = tallies
            .iter()
            .filter(|(name, _)| held(name))
            .flat_map(|(_, tally)| &tally.failures)
            .map(String::as_str)
            .collect();
        assert!(
            failed.is_empty(),
            "{} failures\n{}",
            failed.len(),
            failed.join("\n")
        );
    }
}

fn ask_all(client: &Client, cases: &[Case]) -> BTreeMap<String, Tally> {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for case in cases {
        let tally = tallies.entry(case.category().to_owned()).or_default();
        tally.asked += 1;
        let answer = case.ask(client);
        let (id, what) = (&case.id, case.what());
        let judged = compare::judge(case, answer.status, &answer.body);
        let read = match is_query(case) && answer.status == 200 {
            true => strict::read_query(&answer.body, strict::Order::Kept),
            false => Ok(()),
        };
        assert_eq!(
            read,
            Ok(()),
            "Grafana cannot read the answer to {id} {what}"
        );
        let different = DIFFERENT.iter().find(|(other, _)| other == id);
        let judged = match (judged, different) {
            (judged, None) => judged,
            (Err(_), Some(_)) => Ok(()),
            (Ok(()), Some((_, why))) => Err(format!("no longer differs: {why}")),
        };
        if let Err(reason) = judged {
            tally
                .failures
                .push(format!("FAIL {id} {what}\n     {reason}"));
        }
    }
    tallies
}

/// Whether the answer is one that Grafana reads as a stream.
fn is_query(case: &Case) -> bool {
    matches!(
        case.path.as_str(),
        "/loki/api/v1/query" | "/loki/api/v1/query_range"
    )
}

fn report(tallies: &BTreeMap<String, Tally>) {
    let shown = match std::env::var_os("NARVI_TEST_SHOW") {
        Some(_) => SHOWN,
        None => 0,
    };
    let (mut asked, mut passed) = (0, 0);
    for (name, tally) in tallies {
        let passes = tally.asked - tally.failures.len();
        let is_held = HELD.contains(&name.as_str());
        eprintln!(
            "{name:<12} {passes}/{}{}",
            tally.asked,
            if is_held { " held" } else { "" }
        );
        if !is_held {
            tally
                .failures
                .iter()
                .take(shown)
                .for_each(|failure| eprintln!("{failure}"));
        }
        asked += tally.asked;
        passed += passes;
    }
    eprintln!("{passed} of {asked} passed");
}

#[test]
fn answers_are_those_of_loki() {
    PLAIN.check();
}

#[test]
fn answers_with_services_and_levels_are_those_of_loki() {
    DEFAULTS.check();
}

/// The strict reader would be worth nothing if Loki's own answers did not pass.
#[test]
fn recorded_answers_can_be_read_strictly() {
    let mut read = 0;
    for case in [PLAIN.cases(), DEFAULTS.cases()].concat() {
        if !is_query(&case) || case.want.status != 200 {
            continue;
        }
        let body = case.want.body.to_string();
        let outcome = strict::read_query(body.as_bytes(), strict::Order::Lost);
        assert_eq!(outcome, Ok(()), "{}", case.id);
        read += 1;
    }
    assert!(read > 1000, "only {read} answers");
}

#[test]
fn every_category_that_is_held_exists() {
    let cases = [PLAIN.cases(), DEFAULTS.cases()].concat();
    for held in HELD {
        assert!(cases.iter().any(|case| case.category() == held), "{held}");
    }
}

/// The recorded answer itself passes; the status, the text or one value changed does not.
#[test]
fn a_changed_expectation_fails() {
    let mut changed = 0;
    for case in [PLAIN.cases(), DEFAULTS.cases()].concat() {
        let status = case.want.status;
        let body = match &case.want.body {
            Value::String(text) => text.clone(),
            json => json.to_string(),
        };
        let judge = |case: &Case, status| compare::judge(case, status, body.as_bytes());
        assert_eq!(judge(&case, status), Ok(()), "{}", case.id);
        assert!(judge(&case, status + 1).is_err(), "{}", case.id);
        let mut other = case.clone();
        if !other.approx && alter(&mut other.want.body) {
            changed += 1;
            assert!(
                judge(&other, status).is_err(),
                "{}: {}",
                case.id,
                other.want.body
            );
        }
    }
    assert!(changed > 1000, "only {changed} cases could be changed");
}

/// Changes the last value of an answer, or adds one to an empty one.
fn alter(body: &mut Value) -> bool {
    let series = json!({
        "metric": {"z": "1"}, "stream": {"z": "1"},
        "value": [1, "1"], "values": [[1, "1"]],
    });
    if !body.is_object() {
        return false;
    }
    let data = &mut body["data"];
    if data.get("resultType").is_some_and(|kind| kind == "scalar") {
        data["result"][1] = json!("1e99");
        return true;
    }
    let list = if data.get("resultType").is_some() {
        &mut data["result"]
    } else {
        data
    };
    let Some(list) = list.as_array_mut() else {
        return false;
    };
    let Some(last) = list.last_mut() else {
        list.push(series);
        return true;
    };
    if let Some(value) = last.get_mut("value") {
        value[1] = json!("1e99");
    } else if let Some(values) = last.get_mut("values").and_then(Value::as_array_mut) {
        values.last_mut().unwrap()[1] = json!("1e99");
    } else {
        list.push(json!("another"));
    }
    true
}
