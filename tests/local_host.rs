//! The whole system through the local host: what is pushed comes back, to its tenant only, over
//! restarts and compaction; and what is no push is refused without a trace (`local_host/hostile`).
#![cfg(test)]

#[path = "local_host/credentials.rs"]
mod credentials;
#[path = "local_host/hostile.rs"]
mod hostile;

use narvi_tests::host::Narvi;
use narvi_tests::lines::{CONFIG, count, entries, stored};
use narvi_tests::push::{Body, Entry, Push};
use narvi_tests::{noise, now};
use serde_json::json;

/// Stored in its row of the catalog; a line of [`OBJECT`] bytes is not.
const INLINE: usize = 100;
const OBJECT: usize = 20_000;

/// A push of one line that snappy cannot make small.
fn one_line(app: &str, size: usize) -> (String, Push) {
    let line = noise::text(size as u64, size);
    let push = Push::of(&[("app", app)], vec![Entry::new(now(), line.as_str())]);
    (line, push)
}

#[test]
fn every_format_is_taken_and_found() {
    let data = tempfile::tempdir().unwrap();
    let narvi = Narvi::start_with(&data.path().join("data"), CONFIG);
    let time = now();
    type Format = fn(&Push) -> Body;
    let formats: [(&str, Format); 3] = [
        ("json", Push::json),
        ("gzip", Push::gzip_json),
        ("protobuf", Push::protobuf),
    ];
    for (name, encode) in formats {
        let lines = vec![
            Entry::new(time, format!("{name} \"one\" \u{1F980}")),
            Entry::new(time + 1, format!("{name} two")).with("trace_id", "4bf92f35"),
        ];
        let push = Push::of(&[("format", name), ("app", "a")], lines).and(
            &[("format", name), ("app", "b")],
            vec![Entry::new(time + 2, "")],
        );
        narvi.push("", &encode(&push));
        let found = entries(narvi.client(), &format!("{{format=\"{name}\"}}"));
        let texts: Vec<_> = found
            .iter()
            .map(|(_, time, line)| (time.as_str(), line.as_str()))
            .collect();
        let time = |n: i64| (time + n).to_string();
        let (first, second, third) = (time(0), time(1), time(2));
        let (one, two) = (format!("{name} \"one\" \u{1F980}"), format!("{name} two"));
        let mut want = vec![
            (first.as_str(), one.as_str()),
            (&second, &two),
            (&third, ""),
        ];
        want.sort_unstable();
        let mut sorted = texts.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, want, "{name}");
        let with_trace = found.iter().find(|(_, _, line)| *line == two).unwrap();
        assert!(
            with_trace.0.contains("\"trace_id\":\"4bf92f35\""),
            "{with_trace:?}"
        );
    }
    let answer = narvi
        .client()
        .get("/loki/api/v1/label/format/values", &[])
        .json();
    assert_eq!(answer["data"], json!(["gzip", "json", "protobuf"]));
    assert_eq!(count(narvi.client(), "{app=\"a\"}"), 6.0);
}

#[test]
fn tenants_never_meet() {
    let data = tempfile::tempdir().unwrap();
    let config = format!("auth_enabled: true\n{CONFIG}");
    let narvi = Narvi::start_with(&data.path().join("data"), &config);
    let tenants = ["team-a", "team-b", "team-a-b"];
    for tenant in tenants {
        let labels = [("app", "shared"), ("only", tenant)];
        let push = Push::of(&labels, vec![Entry::new(now(), format!("of {tenant}"))]);
        narvi.push(tenant, &push.json());
    }
    for tenant in tenants {
        let client = narvi.client().tenant(tenant);
        let lines = stored(&client, "{app=\"shared\"}");
        assert_eq!(
            lines.into_iter().collect::<Vec<_>>(),
            [(format!("of {tenant}"), 1)]
        );
        let answer = client.get("/loki/api/v1/label/only/values", &[]).json();
        assert_eq!(answer["data"], json!([tenant]));
        let series = client
            .get("/loki/api/v1/series", &[("match[]", "{app=~\".+\"}")])
            .json();
        assert_eq!(series["data"].as_array().unwrap().len(), 1);
    }
    assert!(stored(&narvi.client().tenant("nobody"), "{app=\"shared\"}").is_empty());
    for (tenant, status, text) in [
        ("", 401, "no org id"),
        (
            "a/b",
            400,
            "tenant ID 'a/b' contains unsupported character '/'",
        ),
        ("..", 400, "tenant ID is"),
    ] {
        let client = narvi.client().tenant(tenant);
        let push = Push::of(&[("app", "shared")], vec![Entry::new(now(), "x")]).json();
        for answer in [
            client.get("/loki/api/v1/labels", &[]),
            client.get("/loki/api/v1/query_range", &[("query", "{app=\"shared\"}")]),
            client.ask(&push.ask()),
        ] {
            assert_eq!(answer.status, status, "{tenant}: {}", answer.text());
            assert!(
                answer.text().starts_with(text),
                "{tenant}: {}",
                answer.text()
            );
        }
    }
}

#[test]
fn a_restart_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let narvi = Narvi::start_with(&data, CONFIG);
    for (app, size) in [("small", INLINE), ("large", OBJECT)] {
        narvi.push("", &one_line(app, size).1.protobuf());
    }
    let entry = Entry::new(now(), "with metadata")
        .with("user", "u1")
        .with("trace", "t1");
    narvi.push("", &Push::of(&[("app", "metadata")], vec![entry]).json());
    let before = entries(narvi.client(), "{app=~\".+\"}");
    assert_eq!(before.len(), 3);
    assert!(narvi.stop().success());
    let narvi = Narvi::start_with(&data, CONFIG);
    assert_eq!(entries(narvi.client(), "{app=~\".+\"}"), before);
    narvi.kill();
    let narvi = Narvi::start_with(&data, CONFIG);
    assert_eq!(entries(narvi.client(), "{app=~\".+\"}"), before);
    let answer = narvi
        .client()
        .get("/loki/api/v1/label/app/values", &[])
        .json();
    assert_eq!(answer["data"], json!(["large", "metadata", "small"]));
}

#[test]
fn small_pushes_need_no_object_and_large_ones_one() {
    let data = tempfile::tempdir().unwrap();
    let narvi = Narvi::start_with(&data.path().join("data"), CONFIG);
    let puts = || {
        let counts = narvi.client().get("/narvi/requests", &[]).json();
        counts["s3.PutObject"].as_u64().unwrap_or(0)
    };
    for (app, size, objects) in [("small", INLINE, 0), ("large", OBJECT, 1)] {
        let before = puts();
        let (line, push) = one_line(app, size);
        narvi.push("", &push.protobuf());
        assert_eq!(puts() - before, objects, "{app}");
        let lines = stored(narvi.client(), &format!("{{app=\"{app}\"}}"));
        assert_eq!(lines.into_iter().collect::<Vec<_>>(), [(line, 1)]);
    }
}

#[test]
fn compaction_changes_no_answer() {
    let data = tempfile::tempdir().unwrap();
    let narvi = Narvi::start_with(&data.path().join("data"), CONFIG);
    let start = now();
    // Enough pushes to be merged at once, two of them repeated, some as objects.
    for n in 0..80_i64 {
        let size = if n % 10 == 0 { OBJECT } else { INLINE };
        let (line, _) = one_line("a", size);
        let app = if n % 3 == 0 { "a" } else { "b" };
        let entry = Entry::new(start + n, format!("{n} {line}")).with("n", &n.to_string());
        let push = Push::of(&[("app", app)], vec![entry]).protobuf();
        narvi.push("", &push);
        if n < 2 {
            narvi.push("", &push);
        }
    }
    let ask = || {
        let lines = entries(narvi.client(), "{app=~\"a|b\"}");
        let found = entries(narvi.client(), "{app=\"a\"} |= \"7\" != \"zzz\"");
        let counted = count(narvi.client(), "{app=\"b\"}");
        let labels = narvi.client().get("/loki/api/v1/labels", &[]).json();
        (lines, found, counted.to_string(), labels["data"].clone())
    };
    let before = ask();
    assert_eq!(before.0.len(), 80);
    let merges = narvi.compact();
    assert!(merges > 0, "nothing was merged: {}", narvi.log());
    assert_eq!(ask(), before);
    assert_eq!(narvi.compact(), 0);
    assert_eq!(ask(), before);
}
