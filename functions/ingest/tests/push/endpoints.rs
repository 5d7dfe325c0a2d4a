//! The old JSON and OpenTelemetry: sample events are stored, errors have the form of the endpoint.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use aws_lambda_events::encodings::Body;
use http::Method;
use narvi_gateway::Call;

use crate::support::{Answer, Fixture, JSON, NOW, stored};

/// The day of the sample events, and their hour as seconds from [`NOW`].
const SAMPLE_DAY: &str = "2026-01-15";
const SAMPLE_HOUR: i64 = 1_768_471_200 - NOW.seconds();

async fn store_sample(name: &str) -> Vec<String> {
    let narvi = Fixture::new("").await;
    let path = format!("{}/../../events/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let event: ApiGatewayV2httpRequest = serde_json::from_str(&text).unwrap();
    let answer = narvi.handler.handle(event).await;
    assert_eq!(answer.status_code, 204, "{answer:?}");
    narvi.lines("demo", SAMPLE_DAY).await
}

#[tokio::test]
async fn sample_events_are_stored() {
    let legacy = r#"{app="checkout", env="prod", service_name="checkout"}"#;
    for (name, labels) in [
        ("ingest-push.json", legacy),
        ("ingest-legacy.json", legacy),
        ("ingest-otlp.json", r#"{service_name="checkout"}"#),
    ] {
        let lines = store_sample(name).await;
        assert_eq!(lines.len(), 2, "{name}");
        let start = format!("{labels} {SAMPLE_HOUR} ");
        assert!(
            lines.iter().all(|line| line.starts_with(&start)),
            "{name}: {lines:?}"
        );
    }
}

fn otlp(body: &str) -> Call {
    Call::new(Method::POST, "/otlp/v1/logs")
        .header("content-type", JSON)
        .header("x-scope-orgid", "t")
        .body(body)
}

/// An export of one record of a service.
fn export(attributes: &str, record: &str) -> String {
    format!(
        r#"{{"resourceLogs":[{{"resource":{{"attributes":[{attributes}]}},
            "scopeLogs":[{{"logRecords":[{{{record}}}]}}]}}]}}"#
    )
}

/// The status and the message of an answer that must be a `google.rpc.Status`.
async fn refused(narvi: &Fixture, call: Call) -> (i64, String) {
    let answer = narvi.handler.handle(call.at(NOW).into_event()).await;
    assert_eq!(answer.headers["content-type"], "application/octet-stream");
    let body = match answer.body.unwrap() {
        Body::Text(text) => text.into_bytes(),
        Body::Binary(bytes) => bytes,
        _ => Vec::new(),
    };
    assert_eq!(body[0], 0x12, "field 2, a text");
    let length_bytes = if body[1] < 0x80 { 1 } else { 2 };
    let message = String::from_utf8(body[1 + length_bytes..].to_vec()).unwrap();
    (answer.status_code, message)
}

#[tokio::test]
async fn exporters_are_told_as_they_expect() {
    let narvi = Fixture::new("").await;
    let name = |name: &str| format!(r#"{{"key":"{name}","value":{{"stringValue":"v"}}}}"#);
    let no_type = Call::new(Method::POST, "/otlp/v1/logs").header("x-scope-orgid", "t");
    for (call, status, text) in [
        (no_type, 400, "content type:  is not supported"),
        (
            otlp("{}"),
            422,
            "error at least one valid stream is required for ingestion",
        ),
        (
            otlp("{"),
            400,
            "invalid JSON push: EOF while parsing an object at line 1 column 1",
        ),
        (
            otlp(&export("", r#""timeUnixNano":"1""#)),
            400,
            "entry for stream '{service_name=\"unknown_service\"}' has timestamp too old: \
             1970-01-01T00:00:00Z, oldest acceptable timestamp is: 2024-01-03T12:00:00Z",
        ),
        (
            otlp(&export(&name("-"), "")),
            400,
            "attributes of a resource: normalization for label name \"-\" resulted in invalid \
             name \"_\"",
        ),
    ] {
        assert_eq!(refused(&narvi, call).await, (status, text.to_owned()));
    }
    let without_tenant = Call::new(Method::POST, "/otlp/v1/logs");
    let want = Answer {
        status: 401,
        text: "no org id\n".to_owned(),
        retry_after: None,
    };
    assert_eq!(narvi.call(without_tenant).await, want);
}

#[tokio::test]
async fn storage_that_fails_is_503_with_a_time() {
    let narvi = Fixture::new("").await;
    narvi.objects.fail_next(1);
    let noise: String = (0..4000_u32)
        .map(|n| format!("{:x}", n.wrapping_mul(2_654_435_761)))
        .collect();
    let body = export("", &format!(r#""body":{{"stringValue":"{noise}"}}"#));
    let answer = narvi.call(otlp(&body)).await;
    assert_eq!(
        (answer.status, answer.retry_after.as_deref()),
        (503, Some("1"))
    );
    assert_eq!(narvi.call(otlp(&body)).await, stored());
}

#[tokio::test]
async fn rules_for_attributes_are_the_tenants() {
    let rules = "
        overrides:
          t:
            otlp_config:
              resource_attributes:
                attributes_config:
                  - {action: index_label, attributes: [team]}
              severity_text_as_label: true
    ";
    let narvi = Fixture::new(rules).await;
    let team = r#"{"key":"team","value":{"stringValue":"red"}}"#;
    let body = export(team, r#""severityText":"WARN","body":{"stringValue":"x"}"#);
    assert_eq!(narvi.call(otlp(&body)).await, stored());
    assert_eq!(
        narvi.lines("t", "2024-01-10").await,
        [r#"{service_name="unknown_service", severity_text="WARN", team="red"} 0 x"#]
    );
}
