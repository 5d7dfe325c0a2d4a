//! Detected labels and fields.

use http::Method;
use narvi_gateway::Call;
use serde_json::{Value, json};

use crate::support::{Fixture, Stored};

const LABELS: &str = "/loki/api/v1/detected_labels";
const FIELDS: &str = "/loki/api/v1/detected_fields";
const VALUES: &str = "/loki/api/v1/detected_field/size/values";

async fn ask(fixture: &Fixture, path: &str, params: &[(&str, &str)]) -> Value {
    let (status, body) = fixture.get(path, params).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

fn of(count: u64) -> Value {
    json!({"detectedLabels": [{"label": "app", "cardinality": count}]})
}

fn field(name: &str, kind: &str, count: u64) -> Value {
    json!({"label": name, "type": kind, "cardinality": count, "parsers": ["logfmt"]})
}

#[tokio::test]
async fn labels_need_no_query() {
    let mut fixture = Fixture::new("").await;
    assert_eq!(ask(&fixture, LABELS, &[]).await, json!({}));
    fixture.store(Stored::InRow, "a", &[(-5, "x")]).await;
    fixture.store(Stored::InRow, "b", &[(-5, "x")]).await;
    let before = fixture.counted();
    assert_eq!(ask(&fixture, LABELS, &[("query", "")]).await, of(2));
    assert_eq!(
        fixture.since(&before).get("s3.GetObject"),
        None,
        "no object"
    );
    assert_eq!(ask(&fixture, LABELS, &[("query", "{}")]).await, of(2));
    assert_eq!(
        ask(&fixture, LABELS, &[("query", r#"{app="a"}"#)]).await,
        of(1)
    );
    let (status, body) = fixture.get(LABELS, &[("since", "961h")]).await;
    let want = "the query time range exceeds the limit (query length: 961h0m0s, limit: 30d1h)";
    assert_eq!((status, body.as_str()), (400, want));
}

#[tokio::test]
async fn fields_of_the_newest_lines() {
    let mut fixture = Fixture::new("").await;
    let lines = [
        (-30, r#"{"old":1}"#),
        (-20, "size=1500B n=1"),
        (-10, "size=2kB n=2 app=z"),
    ];
    fixture.store(Stored::AsObject, "a", &lines).await;
    let query = ("query", r#"{app="a"}"#);
    let two = [query, ("line_limit", "2")];
    let (app, n) = (field("app_extracted", "string", 1), field("n", "int", 2));
    let size = field("size", "bytes", 2);
    assert_eq!(
        ask(&fixture, FIELDS, &two).await,
        json!({"fields": [app, n, size], "limit": 1000})
    );
    assert_eq!(
        ask(&fixture, FIELDS, &[query, ("limit", "1")]).await["limit"],
        1
    );
    let all = ask(&fixture, FIELDS, &[query]).await;
    assert_eq!(all["fields"][2]["jsonPath"], json!(["old"]));
    assert_eq!(
        ask(&fixture, VALUES, &two).await,
        json!({"values": ["1.5kB", "2.0kB"], "limit": 1000})
    );
    let filtered = [("query", r#"{app="a"} | logfmt | n=2"#)];
    assert_eq!(
        ask(&fixture, VALUES, &filtered).await["values"],
        json!(["2.0kB"])
    );
    assert_eq!(
        ask(&fixture, VALUES, &[("query", r#"{app="b"}"#)]).await,
        json!({})
    );
}

#[tokio::test]
async fn fields_are_refused_as_log_queries_are() {
    let fixture = Fixture::new("").await;
    let app = ("query", r#"{app="a"}"#);
    for (params, want) in [
        (&[][..], "parse error : syntax error: unexpected $end"),
        (
            &[app, ("line_limit", "6000")],
            "max entries limit per query exceeded, limit > max_entries_limit_per_query \
             (6000 > 5000)",
        ),
        (&[app, ("limit", "-1")], "limit must be a positive value"),
        (
            &[app, ("step", "x")],
            r#"cannot parse "x" to a valid duration"#,
        ),
        (
            &[("query", r#"rate({app="a"}[1m])"#)],
            "parse error : only log selector is supported",
        ),
    ] {
        for path in [FIELDS, VALUES] {
            let (status, body) = fixture.get(path, params).await;
            assert_eq!((status, body.as_str()), (400, want), "{params:?}");
        }
    }
    let form = Call::new(Method::POST, FIELDS)
        .header("x-scope-orgid", "t")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(b"query=%7Bapp%3D%22a%22%7D");
    assert_eq!(fixture.call(form).await, (200, "{}\n".to_owned()));
}
