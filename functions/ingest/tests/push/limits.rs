//! Limits of tenants: what is answered, and what is stored beside what is refused.

use http::Method;
use narvi_gateway::Call;

use crate::support::{Answer, Fixture, JSON, NOW, PROTOBUF, bulk, protobuf, stored};

const TODAY: &str = "2024-01-10";

/// A push of a line for each stream.
fn lines(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let lines: Vec<_> = streams.iter().map(|(_, line)| [(0, *line)]).collect();
    let streams: Vec<_> = streams
        .iter()
        .zip(&lines)
        .map(|((labels, _), lines)| (*labels, lines.as_slice()))
        .collect();
    protobuf(&streams)
}

#[track_caller]
fn check(answer: &Answer, status: i64, text: &str, retry_after: Option<&str>) {
    assert_eq!(
        (answer.status, answer.retry_after.as_deref()),
        (status, retry_after),
        "{answer:?}"
    );
    assert!(answer.text.starts_with(text), "{answer:?}");
}

#[tokio::test]
async fn a_tenant_that_pushes_too_fast_is_told_when_to_come_back() {
    let narvi = Fixture::new("").await;
    let first = bulk(12, 5 << 20);
    assert_eq!(narvi.push(PROTOBUF, first.as_slice()).await, stored());
    let before = narvi.requests.snapshot();
    let text = "ingestion rate limit exceeded for user t (limit: 4194304 bytes/sec) while";
    let again = narvi.push(PROTOBUF, first.as_slice()).await;
    check(&again, 429, text, Some("1"));
    let export = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{}]}}]}}]}}"#,
        vec![format!(r#"{{"body":{{"stringValue":"{}"}}}}"#, "x".repeat(200_000)); 10].join(",")
    );
    let call = Call::new(Method::POST, "/otlp/v1/logs").header("content-type", JSON);
    let call = call.header("x-scope-orgid", "t").body(export);
    let otlp = narvi.call(call).await;
    assert_eq!((otlp.status, otlp.retry_after.as_deref()), (429, Some("1")));
    assert_eq!(narvi.requests.snapshot(), before, "a refusal costs nothing");
    assert_eq!(narvi.segments("t", TODAY).await.len(), 1);
}

#[tokio::test]
async fn other_streams_are_stored() {
    let burst = "limits_config: {per_stream_rate_limit: 10B, per_stream_rate_limit_burst: 20B}";
    let count = "limits_config: {max_global_streams_per_user: 1}";
    let push = lines(&[
        (r#"{app="a"}"#, b"short"),
        (r#"{app="b"}"#, b"a line of more than twenty bytes"),
    ]);
    for (config, text) in [
        (
            burst,
            "entry with timestamp 2024-01-10 12:00:00 +0000 UTC ignored, reason: 'Per stream rate \
             limit exceeded (limit: 10B/sec) while attempting to ingest for stream '{app=\"b\", \
             service_name=\"b\"}' totaling ",
        ),
        (
            count,
            "maximum active stream limit exceeded when trying to create stream {app=\"b\", \
             service_name=\"b\"}, reduce",
        ),
    ] {
        let narvi = Fixture::new(config).await;
        let answer = narvi.push(PROTOBUF, push.as_slice()).await;
        check(&answer, 429, text, None);
        let want = [r#"{app="a", service_name="a"} 0 short"#];
        assert_eq!(narvi.lines("t", TODAY).await, want);
    }
}

#[tokio::test]
async fn errors_that_pass_go_before_errors_that_stay() {
    let narvi = Fixture::new("limits_config: {max_global_streams_per_user: 1}").await;
    let old = protobuf(&[
        (r#"{app="a"}"#, &[(0, b"good"), (700, b"too new")]),
        (r#"{app="b"}"#, &[(0, b"one too many")]),
    ]);
    let answer = narvi.push(PROTOBUF, old).await;
    check(&answer, 429, "maximum active stream limit", None);
    let want = [r#"{app="a", service_name="a"} 0 good"#];
    assert_eq!(narvi.lines("t", TODAY).await, want);
}

#[tokio::test]
async fn pushes_can_be_blocked() {
    let good = || lines(&[(r#"{app="a"}"#, b"x")]);
    let until = "block_ingestion_until: 2024-01-10T12:00:01Z";
    let text = "ingestion blocked for user 't' until '2024-01-10T12:00:01Z' with status code ";
    for (rest, status, text) in [
        ("", 260, format!("{text}'260'\n")),
        (
            ", block_ingestion_status_code: 456",
            456,
            format!("{text}'456'\n"),
        ),
        (", block_ingestion_status_code: 200", 204, String::new()),
    ] {
        let narvi = Fixture::new(&format!("limits_config: {{{until}{rest}}}")).await;
        let answer = narvi.push(PROTOBUF, good()).await;
        assert_eq!((answer.status, answer.text), (status, text));
        let call = Call::new(Method::POST, "/otlp/v1/logs").header("content-type", JSON);
        let body = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}"#;
        let call = call.header("x-scope-orgid", "t").body(body);
        assert_eq!(narvi.call(call).await.status, status);
        assert!(narvi.segments("t", TODAY).await.is_empty());
    }
    let enforced = format!("limits_config: {{{until}, enforced_labels: [team]}}");
    let narvi = Fixture::new(&enforced).await;
    let answer = narvi.push(PROTOBUF, good()).await;
    check(
        &answer,
        400,
        "missing required labels 'team' for user 't'",
        None,
    );
    let over = format!(
        "limits_config: {{block_ingestion_until: {}}}",
        NOW.rfc3339()
    );
    let narvi = Fixture::new(&over).await;
    assert_eq!(narvi.push(PROTOBUF, good()).await, stored());
}
