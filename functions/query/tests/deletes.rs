//! Lines that somebody has asked to delete: no endpoint shows them from then on, and what it costs
//! to know.

#![cfg(test)]
// As in the binary: a query is a future in a future in a future.
#![recursion_limit = "256"]

mod support;

use narvi_model::{TenantId, Timestamp};
use narvi_storage::{DeleteRow, Progress, Put};
use serde_json::{Value, json};

use support::{Fixture, NOW, Stored};

const ON: &str = "compactor: {retention_enabled: true}";

/// Seconds from [`NOW`], both included.
type Seconds = (i64, i64);

fn row(id: &str, query: &str, (start, end): Seconds) -> DeleteRow {
    let at = |second| Timestamp::from_seconds(NOW + second);
    DeleteRow {
        id: id.to_owned(),
        query: query.to_owned(),
        start: at(start),
        end: at(end),
        created: at(100),
        progress: Progress::Received,
    }
}

async fn delete(fixture: &Fixture, tenant: &str, id: &str, query: &str, range: Seconds) {
    let tenant = TenantId::parse(tenant).unwrap();
    let row = row(id, query, range);
    let put = fixture.catalog.put_delete(&tenant, &row).await;
    assert_eq!(put.unwrap(), Put::Stored);
}

/// Two streams, in a row, in an object and in a merged segment.
async fn filled(yaml: &str) -> Fixture {
    let mut fixture = Fixture::new(yaml).await;
    let lines = [(0, "a=1"), (10, "a=2 card"), (20, "a=3"), (30, "a=4 card")];
    fixture.store(Stored::InRow, "x", &lines).await;
    fixture.store(Stored::Merged, "y", &lines).await;
    let more = [(10, "a=2 card"), (40, "a=5"), (50, "a=6 card")];
    fixture.store(Stored::AsObject, "x", &more).await;
    fixture
}

const FROM: (&str, &str) = ("start", "1768478300");
const TO: (&str, &str) = ("end", "1768478600");

async fn get(fixture: &Fixture, path: &str, more: &[(&str, &str)]) -> Value {
    let mut params = vec![FROM, TO];
    params.extend_from_slice(more);
    fixture.data(path, &params).await
}

/// The lines of a query, by time, as `app text`.
async fn lines(fixture: &Fixture, query: &str) -> Vec<String> {
    let more = [("query", query), ("direction", "forward")];
    let data = get(fixture, "/loki/api/v1/query_range", &more).await;
    let mut found = Vec::new();
    for stream in data["result"].as_array().unwrap() {
        for value in stream["values"].as_array().unwrap() {
            let (time, line) = (value[0].as_str().unwrap(), value[1].as_str().unwrap());
            let app = stream["stream"]["app"].as_str().unwrap();
            found.push((time.to_owned(), format!("{app} {line}")));
        }
    }
    found.sort();
    found.into_iter().map(|(_, line)| line).collect()
}

/// A number of each app at the end of all lines.
async fn numbers(fixture: &Fixture, query: &str) -> Value {
    let params = [("query", query), ("time", "1768478500")];
    let data = fixture.data("/loki/api/v1/query", &params).await;
    let mut found = serde_json::Map::new();
    for series in data["result"].as_array().unwrap() {
        let app = series["metric"]["app"].as_str().unwrap().to_owned();
        found.insert(app, series["value"][1].clone());
    }
    Value::Object(found)
}

const ALL: [&str; 6] = ["a=1", "a=2 card", "a=3", "a=4 card", "a=5", "a=6 card"];

/// What is left of [`ALL`] in `x`, by place, where `query` is deleted.
async fn check(query: &str, range: Seconds, left: &[usize]) {
    let fixture = filled(ON).await;
    delete(&fixture, "t", "01", query, range).await;
    let want: Vec<String> = left.iter().map(|n| format!("x {}", ALL[*n])).collect();
    let cards: Vec<String> = want
        .iter()
        .filter(|l| l.ends_with("card"))
        .cloned()
        .collect();
    let bytes: usize = left.iter().map(|n| ALL[*n].len()).sum();
    assert_eq!(lines(&fixture, r#"{app="x"}"#).await, want, "{query}");
    assert_eq!(
        lines(&fixture, r#"{app="x"} |= "card""#).await,
        cards,
        "{query}"
    );
    // By timestamps, by lengths, by lines.
    for (function, want) in [
        (r#"count_over_time({app="x"}[10m])"#, left.len()),
        (r#"bytes_over_time({app="x"}[10m])"#, bytes),
        (r#"count_over_time({app="x"} |= "card" [10m])"#, cards.len()),
    ] {
        let got = numbers(&fixture, &format!("sum by (app) ({function})")).await;
        let want = match want {
            0 => json!({}),
            n => json!({"x": n.to_string()}),
        };
        assert_eq!(got, want, "{query}: {function}");
    }
    // The other stream has lost what the request names of it, and nothing else.
    let other = if query == "{}" { 1 } else { 4 };
    assert_eq!(
        lines(&fixture, r#"{app="y"}"#).await.len(),
        other,
        "{query}"
    );
}

#[tokio::test]
async fn lines_and_numbers_lack_what_is_deleted() {
    // Of a whole stream in part, by time alone.
    check(r#"{app="x"}"#, (10, 40), &[0, 5]).await;
    check(r#"{app=~"x|z"} | logfmt"#, (0, 50), &[]).await;
    check("{}", (0, 29), &[3, 4, 5]).await;
    // By what is in a line.
    check(r#"{app="x"} |= "card""#, (0, 50), &[0, 2, 4]).await;
    check(r#"{app="x"} |= "card""#, (20, 49), &[0, 1, 2, 4, 5]).await;
    check(r#"{app="x"} | logfmt | a>=3"#, (0, 50), &[0, 1]).await;
    check(
        r#"{app="x"} | detected_level="info""#,
        (0, 50),
        &[0, 1, 2, 3, 4, 5],
    )
    .await;
}

#[tokio::test]
async fn requests_add_up_and_are_of_one_tenant() {
    let fixture = filled(ON).await;
    delete(&fixture, "t", "01", r#"{app="x"} |= "card""#, (0, 20)).await;
    delete(&fixture, "t", "02", r#"{app="x"}"#, (40, 50)).await;
    delete(&fixture, "u", "03", "{}", (0, 50)).await;
    let want = ["x a=1", "x a=3", "x a=4 card"];
    assert_eq!(lines(&fixture, r#"{app="x"}"#).await, want);
    assert_eq!(lines(&fixture, r#"{app="y"}"#).await.len(), 4);
    // One that is taken back hides no more.
    let tenant = TenantId::parse("t").unwrap();
    let rows = fixture.catalog.deletes(&tenant).await.unwrap();
    assert!(
        fixture
            .catalog
            .cancel_delete(&tenant, &rows[0])
            .await
            .unwrap()
    );
    assert_eq!(lines(&fixture, r#"{app="x"}"#).await.len(), 4);
}

#[tokio::test]
async fn what_is_off_is_neither_read_nor_heeded() {
    for yaml in [
        "",
        "{compactor: {retention_enabled: true}, overrides: {t: {deletion_mode: disabled}}}",
    ] {
        let fixture = filled(yaml).await;
        delete(&fixture, "t", "01", "{}", (0, 50)).await;
        let before = fixture.counted();
        assert_eq!(lines(&fixture, r#"{app="x"}"#).await.len(), 6);
        assert_eq!(fixture.since(&before)["dynamodb.Query"], 2, "{yaml}");
    }
}

#[tokio::test]
async fn a_query_asks_once_for_requests() {
    let fixture = filled(
        "{compactor: {retention_enabled: true}, limits_config: {deletion_mode: filter-only}}",
    )
    .await;
    let two_days = [("start", "1768400000"), ("end", "1768490000")];
    let sums = r#"sum(count_over_time({app="x"}[5m])) / sum(count_over_time({app="y"}[5m]))"#;
    for (path, query, queries) in [
        ("/loki/api/v1/query_range", r#"{app="x"}"#, 4),
        ("/loki/api/v1/query_range", sums, 7),
        ("/loki/api/v1/labels", "", 3),
        ("/loki/api/v1/index/stats", r#"{app="x"}"#, 4),
        ("/loki/api/v1/index/volume", r#"{app="x"}"#, 4),
        ("/loki/api/v1/patterns", r#"{app="x"}"#, 4),
    ] {
        let before = fixture.counted();
        let mut params = vec![("query", query)];
        params.extend(two_days);
        fixture.data(path, &params).await;
        let counted = fixture.since(&before)["dynamodb.Query"];
        assert!(counted <= queries, "{path} {query}: {counted}");
    }
}

#[tokio::test]
async fn streams_without_a_line_left_are_not_listed() {
    let fixture = filled(ON).await;
    delete(&fixture, "t", "01", r#"{app="x"}"#, (0, 50)).await;
    let values = get(&fixture, "/loki/api/v1/label/app/values", &[]).await;
    assert_eq!(values, json!(["y"]));
    let series = get(&fixture, "/loki/api/v1/series", &[]).await;
    assert_eq!(series, json!([{"app": "y"}]));
    let more = [("query", r#"{app=~".+"}"#)];
    let volume = get(&fixture, "/loki/api/v1/index/volume", &more).await;
    let volumes = volume["result"].as_array().unwrap();
    assert_eq!(volumes.len(), 1, "{volume}");
    let mut params = vec![FROM, TO];
    params.extend(more);
    let (_, stats) = fixture.get("/loki/api/v1/index/stats", &params).await;
    let stats: Value = serde_json::from_str(&stats).unwrap();
    assert_eq!(
        (&stats["streams"], &stats["entries"]),
        (&json!(1), &json!(4))
    );
    // What needs lines to be decided stays listed.
    delete(&fixture, "t", "02", r#"{app="y"} |= "a""#, (0, 50)).await;
    let values = get(&fixture, "/loki/api/v1/label/app/values", &[]).await;
    assert_eq!(values, json!(["y"]));
    assert!(lines(&fixture, r#"{app=~".+"}"#).await.is_empty());
}

#[tokio::test]
async fn what_is_found_out_from_lines_lacks_them_too() {
    let mut fixture = Fixture::new(ON).await;
    let texts: Vec<String> = (0..80).map(|n| format!("card={n} paid")).collect();
    let timed: Vec<(i64, &str)> = (0..).zip(texts.iter().map(String::as_str)).collect();
    fixture.store(Stored::AsObject, "x", &timed).await;
    let more = [("query", r#"{app="x"}"#)];
    let patterns = get(&fixture, "/loki/api/v1/patterns", &more).await;
    assert_eq!(patterns.as_array().unwrap().len(), 1, "{patterns}");
    let fields = |body: String| body.contains("\"card\"");
    let mut params = vec![FROM, TO];
    params.extend(more);
    assert!(fields(
        fixture.get("/loki/api/v1/detected_fields", &params).await.1
    ));
    delete(&fixture, "t", "01", r#"{app="x"} |= "card=""#, (0, 90)).await;
    let patterns = get(&fixture, "/loki/api/v1/patterns", &more).await;
    assert!(patterns.as_array().unwrap().is_empty(), "{patterns}");
    assert!(!fields(
        fixture.get("/loki/api/v1/detected_fields", &params).await.1
    ));
}

#[tokio::test]
async fn a_request_that_cannot_be_read_lets_nothing_through() {
    let fixture = filled(ON).await;
    delete(&fixture, "t", "01", "{app=", (0, 50)).await;
    let params = [("query", r#"{app="x"}"#), FROM, TO];
    let (status, body) = fixture.get("/loki/api/v1/query_range", &params).await;
    assert_eq!(status, 500, "{body}");
    assert!(body.contains("delete request `01`"), "{body}");
}

#[tokio::test]
async fn several_tenants_have_each_their_own() {
    let yaml = "{compactor: {retention_enabled: true}, \
                querier: {multi_tenant_queries_enabled: true}}";
    let fixture = filled(yaml).await;
    // The label that tells tenants apart is none that the stream was stored with.
    delete(
        &fixture,
        "t",
        "01",
        r#"{app="x", __tenant_id__=""} |= "card""#,
        (0, 50),
    )
    .await;
    let seen = |query: &'static str| {
        let fixture = &fixture;
        async move {
            let target =
                format!("/loki/api/v1/query_range?query={query}&start=1768478300&end=1768478600");
            let call = narvi_gateway::Call::new(http::Method::GET, &target);
            let (status, body) = fixture.call(call.header("x-scope-orgid", "t|u")).await;
            assert_eq!(status, 200, "{body}");
            body
        }
    };
    let body = seen("%7Bapp%3D%22x%22%7D").await;
    assert!(body.contains("a=5") && !body.contains("card"), "{body}");
    assert!(body.contains(r#""__tenant_id__":"t""#), "{body}");
}
