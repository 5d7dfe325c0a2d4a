//! What Amazon Data Firehose delivers: stored under its tenant, once however often it is sent, and
//! answered in JSON whatever is wrong with it.

use std::collections::BTreeMap;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use http::Method;
use narvi_embedded::gzip;
use narvi_gateway::Call;
use narvi_model::TenantId;
use serde_json::{Value, json};

use crate::support::{Fixture, NOW};
use crate::{TODAY, requests};

const ID: &str = "ed4acda5-034f-9f42-bba1-f29aea6d7d8f";
const ARN: &str = "arn:aws:firehose:us-east-1:123456789012:deliverystream/shop";
const SUBSCRIPTION: &str = concat!(
    r#"{__aws_cloudwatch_log_group="g", __aws_cloudwatch_owner="1", "#,
    r#"__aws_log_type="cloudwatch", service_name="unknown_service"}"#
);
/// The labels of text.
const OWN: &str = concat!(
    r#"__aws_firehose_source_arn="arn:aws:firehose:us-east-1:123456789012:deliverystream/shop", "#,
    r#"__aws_log_type="firehose""#
);

/// A message of CloudWatch Logs with a line for each text, a second apart.
fn subscription(lines: &[&str]) -> Vec<u8> {
    let event = |(n, text): (i64, &&str)| {
        let time = NOW.millis() + 1000 * n;
        json!({"id": "", "timestamp": time, "message": text})
    };
    let events: Vec<Value> = (0..).zip(lines).map(event).collect();
    let message = json!({"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g",
        "logStream": "s", "subscriptionFilters": ["f"], "logEvents": events});
    gzip(message.to_string().as_bytes())
}

fn body(records: &[&[u8]]) -> String {
    let record = |data: &&[u8]| json!({"data": base64_simd::STANDARD.encode_to_string(data)});
    let records: Vec<Value> = records.iter().map(record).collect();
    json!({"requestId": ID, "timestamp": NOW.millis(), "records": records}).to_string()
}

/// A delivery for whom nobody has said a tenant.
fn anonymous(body: impl Into<Vec<u8>>) -> Call {
    Call::new(Method::POST, "/awsfirehose/api/v1/push")
        .header("content-type", "application/json")
        .header("x-amz-firehose-request-id", ID)
        .header("x-amz-firehose-source-arn", ARN)
        .body(body)
}

fn delivery(body: impl Into<Vec<u8>>) -> Call {
    anonymous(body).granted(TenantId::parse("t").unwrap())
}

/// The status and the message of an answer that must be what Firehose takes for one.
async fn answered(narvi: &Fixture, call: Call) -> (i64, String) {
    told(narvi, call.at(NOW).into_event()).await
}

async fn told(narvi: &Fixture, event: ApiGatewayV2httpRequest) -> (i64, String) {
    let answer = narvi.handler.handle(event).await;
    assert_eq!(answer.headers["content-type"], "application/json");
    let Some(aws_lambda_events::encodings::Body::Text(text)) = &answer.body else {
        panic!("no text: {answer:?}");
    };
    let json: BTreeMap<String, Value> = serde_json::from_str(text).unwrap();
    assert_eq!(json["requestId"], ID);
    assert_eq!(json["timestamp"], NOW.millis());
    let message = json.get("errorMessage").map(|text| text.as_str().unwrap());
    assert_eq!(message.is_some(), answer.status_code != 200, "{text}");
    assert_eq!(json.len(), 2 + message.iter().len());
    let message = message.unwrap_or_default();
    assert!(
        message.len() <= 8192 && !message.ends_with('\n'),
        "{message}"
    );
    (answer.status_code, message.to_owned())
}

fn stored() -> (i64, String) {
    (200, String::new())
}

#[tokio::test]
async fn the_sample_event_is_stored() {
    let narvi = Fixture::new("").await;
    let event: ApiGatewayV2httpRequest =
        serde_json::from_str(include_str!("../../../../events/ingest-firehose.json")).unwrap();
    let answer = narvi.handler.handle(event).await;
    assert_eq!(answer.status_code, 200, "{answer:?}");
    let second = 1_768_471_200 - NOW.seconds();
    let group = SUBSCRIPTION
        .replace("\"g\"", "\"/aws/lambda/checkout\"")
        .replace("\"1\"", "\"123456789012\"")
        .replace("service_name", "env=\"prod\", service_name");
    let text = r#"{"level":"error","msg":"payment refused"}"#;
    let want = [
        format!(r#"{group} {second} level=info msg="order placed" order=1041"#),
        format!(r#"{{{OWN}, env="prod", service_name="unknown_service"}} {second} {text}"#),
    ];
    assert_eq!(narvi.lines("demo", "2026-01-15").await, want);
}

#[tokio::test]
async fn records_become_lines_and_requests_are_the_bill() {
    let narvi = Fixture::new("").await;
    let control = gzip(br#"{"messageType":"CONTROL_MESSAGE","logEvents":[]}"#);
    let records: [&[u8]; 5] = [
        &subscription(&["a", "b"]),
        &control,
        b"one\r\n\ntwo\n",
        br#"{"n":1}"#,
        br#"{"n":1}"#,
    ];
    let label = r#"{"commonAttributes":{"lbl_app":"shop","other":"x"}}"#;
    let call = || delivery(body(&records)).header("x-amz-firehose-common-attributes", label);
    let before = narvi.requests.snapshot();
    assert_eq!(answered(&narvi, call()).await, stored());
    let want = [("dynamodb.BatchWriteItem", 1), ("dynamodb.PutItem", 1)];
    assert_eq!(narvi.since(before), requests(&want), "a small delivery");
    let own = format!(r#"{{{OWN}, app="shop", service_name="shop"}}"#);
    let group = SUBSCRIPTION.replace(
        "service_name=\"unknown_service\"",
        "app=\"shop\", service_name=\"shop\"",
    );
    let lines = [
        format!("{group} 0 a"),
        format!("{group} 1 b"),
        format!("{own} 0 one"),
        format!("{own} 0 two"),
        format!(r#"{own} 0 {{"n":1}}"#),
        format!(r#"{own} 0 {{"n":1}}"#),
    ];
    let mut want = lines.to_vec();
    want.sort();
    assert_eq!(narvi.lines("t", TODAY).await, want);
    // Sent again, later and compressed.
    for encoding in ["", "gzip"] {
        let mut again = call().at(NOW);
        if encoding == "gzip" {
            again.body = gzip(&again.body);
            again = again.header("content-encoding", encoding);
        }
        assert_eq!(answered(&narvi, again).await, stored());
    }
    assert_eq!(narvi.segments("t", TODAY).await.len(), 1);
    assert_eq!(narvi.requests.count_of("dynamodb.BatchWriteItem"), 1);
}

#[tokio::test]
async fn deliveries_without_lines_are_taken() {
    let narvi = Fixture::new("").await;
    let control = gzip(br#"{"messageType":"CONTROL_MESSAGE"}"#);
    let before = narvi.requests.snapshot();
    for records in [&[][..], &[&control[..]], &[b"", b"\n"]] {
        let call = delivery(body(records));
        assert_eq!(answered(&narvi, call).await, stored());
    }
    assert_eq!(narvi.since(before), requests(&[]));
}

#[tokio::test]
async fn the_tenant_is_the_one_that_is_named_or_granted() {
    let good = body(&[b"x"]);
    for (yaml, call, tenant) in [
        ("", delivery(&*good), "t"),
        (
            "",
            delivery(&*good).header("x-scope-orgid", "other"),
            "other",
        ),
        (
            "",
            anonymous(&*good).header("x-scope-orgid", "other"),
            "other",
        ),
        ("auth_enabled: false", anonymous(&*good), "fake"),
        ("auth_enabled: false", delivery(&*good), "fake"),
    ] {
        let narvi = Fixture::new(yaml).await;
        assert_eq!(answered(&narvi, call).await, stored());
        assert_eq!(narvi.lines(tenant, TODAY).await.len(), 1, "{tenant}");
    }
    let narvi = Fixture::new("").await;
    let refused = answered(&narvi, anonymous(&*good)).await;
    assert_eq!(refused, (401, "no org id".to_owned()));
    let several = delivery(&*good).header("x-scope-orgid", "a|b");
    let refused = answered(&narvi, several).await;
    assert_eq!(refused, (400, "multiple org IDs present".to_owned()));
}

/// What is sent, the status and how the message begins.
type Hostile = (Call, i64, &'static str);

fn bodies_of_another_form() -> Vec<Hostile> {
    let form = "the body is not what Firehose sends, {requestId,timestamp,records}: ";
    let good = body(&[b"x"]);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let long = json!({"requestId": "x".repeat(257), "timestamp": 1, "records": []}).to_string();
    let time = |value: &str| good.replace("timestamp\":", &format!("timestamp\":{value},\"x\":"));
    let texts = [
        "",
        "null",
        &deep,
        "{\"requestId\":\"a\"}",
        &good[..good.len() - 1],
        &good.replace("records", "record"),
        &time("-1e400"),
        &time("1.5"),
        &time("\"1\""),
    ];
    let refused = |text: &&str| (delivery(*text), 400, form);
    let mut all: Vec<Hostile> = texts.iter().map(refused).collect();
    all.push((delivery(&b"\xff"[..]), 400, form));
    all.push((delivery(&*long), 400, "requestId has more than 256 bytes"));
    all
}

fn hostile() -> Vec<Hostile> {
    let good = body(&[b"x"]);
    let bomb = gzip(&vec![b' '; (64 << 20) + 1]);
    let inner = "record 0: the data has more than 67108864 bytes after decompression";
    let newlines = "\n".repeat(2_000_000);
    let gzipped = |bytes: &[u8]| delivery(bytes).header("content-encoding", "gzip");
    let attribute = |text| delivery(&*good).header("x-amz-firehose-common-attributes", text);
    let data = |data: &str| {
        let records = json!([{"data": data}]);
        delivery(json!({"requestId": ID, "timestamp": 1, "records": records}).to_string())
    };
    vec![
        (gzipped(&bomb), 413, "body: the data has more than 67108864"),
        (gzipped(b"x"), 400, "body: the data is not valid gzip: "),
        (
            delivery(&*good).header("content-encoding", "br"),
            400,
            "Content-Encoding \"br\" not supported; Firehose has GZIP and none",
        ),
        (data("?"), 400, "record 0: the data is not valid base64"),
        (data("H4sI"), 400, "record 0: the data is not valid gzip: "),
        (delivery(body(&[&bomb])), 413, inner),
        (
            delivery(body(&[newlines.as_bytes()])),
            413,
            "record 0: more than 1000000 lines",
        ),
        (
            attribute("x"),
            400,
            "X-Amz-Firehose-Common-Attributes is not ",
        ),
        (
            attribute(r#"{"commonAttributes":{"lbl_a-b":"x"}}"#),
            400,
            "the common attribute `lbl_a-b` is no label: ",
        ),
    ]
}

#[tokio::test]
async fn hostile_deliveries_are_refused_and_nothing_is_stored() {
    let narvi = Fixture::new("").await;
    let before = narvi.requests.snapshot();
    for (call, status, message) in bodies_of_another_form().into_iter().chain(hostile()) {
        let got = answered(&narvi, call).await;
        assert_eq!(got.0, status, "{message}: {got:?}");
        assert!(got.1.starts_with(message), "{message}: {got:?}");
    }
    assert_eq!(narvi.since(before), requests(&[]));
    let call = Call::new(Method::GET, "/awsfirehose/api/v1/push");
    assert_eq!(narvi.call(call).await.status, 405);
    let call = Call::new(Method::POST, "/awsfirehose/api/v1/push/x");
    assert_eq!(narvi.call(call).await.status, 404);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_413() {
    let mut narvi = Fixture::new("").await;
    narvi.handler = narvi.handler.with_max_body_bytes(10);
    let (status, message) = answered(&narvi, delivery(body(&[b"x"]))).await;
    assert_eq!(status, 413);
    assert!(
        message.ends_with("the buffer size in Firehose"),
        "{message}"
    );
}

#[tokio::test]
async fn an_event_that_is_no_request_is_answered_in_the_form_of_firehose() {
    let narvi = Fixture::new("").await;
    let mut event = delivery(body(&[b"x"])).at(NOW).into_event();
    event.body = Some("?".to_owned());
    let want = (400, "body is not valid base64".to_owned());
    assert_eq!(told(&narvi, event).await, want);
}

#[tokio::test]
async fn what_is_good_is_stored_beside_what_is_not() {
    let narvi = Fixture::new("").await;
    let broken = subscription(&["x"]);
    let records: [&[u8]; 3] = [&subscription(&["good"]), &broken[..30], b"good too"];
    let (status, message) = answered(&narvi, delivery(body(&records))).await;
    assert_eq!(status, 400);
    assert!(
        message.starts_with("record 1: the data is not valid gzip: "),
        "{message}"
    );
    let own = format!(r#"{{{OWN}, service_name="unknown_service"}}"#);
    let want = [
        format!("{SUBSCRIPTION} 0 good"),
        format!("{own} 0 good too"),
    ];
    assert_eq!(narvi.lines("t", TODAY).await, want);
    let old = body(&[b"x"]).replace(&NOW.millis().to_string(), "1000");
    let (status, message) = answered(&narvi, delivery(old)).await;
    assert_eq!(status, 400);
    assert!(
        message.contains("has timestamp too old: 1970-01-01T00:00:01Z"),
        "{message}"
    );
}

#[tokio::test]
async fn faults_that_pass_are_503_and_blocks_are_heeded() {
    let narvi = Fixture::new("").await;
    // Pushes of up to 8 KiB make no object, and these lines do not shrink.
    let lines: Vec<String> = (0..4000_u64)
        .map(|n| format!("{:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    let large = body(&[lines.join("\n").as_bytes()]);
    narvi.objects.fail_next(1);
    let unavailable = (503, "storage is unavailable, try again".to_owned());
    assert_eq!(answered(&narvi, delivery(&*large)).await, unavailable);
    assert!(narvi.segments("t", TODAY).await.is_empty());
    assert_eq!(answered(&narvi, delivery(&*large)).await, stored());
    assert_eq!(narvi.requests.count_of("s3.PutObject"), 1);
    let until = "{block_ingestion_until: 2100-01-01T00:00:00Z, block_ingestion_status_code: ";
    for (code, want) in [(260, 260), (200, 200)] {
        let yaml = format!("limits_config: {until}{code}}}");
        let narvi = Fixture::new(&yaml).await;
        assert_eq!(answered(&narvi, delivery(body(&[b"x"]))).await.0, want);
        assert!(narvi.segments("t", TODAY).await.is_empty());
    }
}

#[tokio::test]
async fn more_than_the_burst_is_stored_in_parts() {
    let yaml = "limits_config: {ingestion_rate_mb: 0.01, ingestion_burst_size_mb: 0.01}";
    let narvi = Fixture::new(yaml).await;
    let line = "x".repeat(1000);
    let records = vec![line.as_bytes(); 25];
    assert_eq!(answered(&narvi, delivery(body(&records))).await, stored());
    assert_eq!(narvi.lines("t", TODAY).await.len(), 25);
    assert_eq!(narvi.segments("t", TODAY).await.len(), 3);
}
