//! Lines of CloudWatch Logs, of Kinesis and of objects in S3, from the event to the answer of a
//! query.

use narvi_tests::cloud::Cloud;
use narvi_tests::events;
use narvi_tests::function::Function;
use narvi_tests::now;
use serde_json::{Value, json};

use super::{SECOND, TENANT, lines};

const GROUP: &str = "/aws/lambda/shop";

#[test]
fn lines_of_a_log_group_are_found_under_its_labels() {
    let cloud = Cloud::start();
    let variables = [
        ("NARVI_FORWARD_TENANT", TENANT),
        ("NARVI_FORWARD_LABELS", "env=prod, service_name=shop"),
    ];
    let mut forward = Function::start_with("forward", &cloud, &variables);
    let time = now() - 10 * SECOND;
    let some = events::cloudwatch(GROUP, "a", &["order placed", "payment refused"], time);
    let other = events::cloudwatch("/aws/lambda/other", "a", &["nothing"], time);
    // Lambda may send an event twice.
    for event in [&some, &some, &other] {
        forward.run(event);
    }
    let mut query = Function::start("query", &cloud, "");
    let group = format!("__aws_cloudwatch_log_group=\"{GROUP}\"");
    let both = ["order placed", "payment refused"];
    assert_eq!(lines(&mut query, &format!("{{{group}}}")), both);
    let all = "{env=\"prod\", service_name=\"shop\", __aws_log_type=\"cloudwatch\"}";
    assert_eq!(lines(&mut query, all).len(), 3);
    let log = forward.log();
    assert!(log.contains("\"StoredLines\":2.0"), "{log}");
}

#[test]
fn what_cannot_be_read_is_an_error_and_what_is_refused_is_none() {
    let cloud = Cloud::start();
    let mut forward = Function::start("forward", &cloud, "");
    let error = forward.send(&json!({"Records": []})).unwrap_err();
    let text = error["errorMessage"].as_str().unwrap();
    assert!(text.contains("`awslogs.data`"), "{text}");
    let old = now() - 30 * super::DAY;
    forward.run(&events::cloudwatch(GROUP, "a", &["old", "older"], old));
    let log = forward.log();
    assert!(log.contains("timestamp too old"), "{log}");
    assert!(log.contains("\"RefusedLines\":2.0"), "{log}");
}

#[test]
fn records_of_a_kinesis_stream_are_found_and_broken_ones_sent_again() {
    let cloud = Cloud::start();
    let mut forward = Function::start_with("forward", &cloud, &[("NARVI_FORWARD_TENANT", TENANT)]);
    let mut event = sample("forward-kinesis");
    event["Records"][0]["kinesis"]["approximateArrivalTimestamp"] = json!(now() / SECOND - 10);
    let mut broken = event["Records"][0].clone();
    broken["kinesis"]["data"] = json!("H4sIAAAA");
    broken["kinesis"]["sequenceNumber"] = json!("7");
    assert_eq!(forward.run(&event), json!({"batchItemFailures": []}));
    event["Records"].as_array_mut().unwrap().push(broken);
    let want = json!({"batchItemFailures": [{"itemIdentifier": "7"}]});
    assert_eq!(forward.run(&event), want);
    let mut query = Function::start("query", &cloud, "");
    let found = lines(
        &mut query,
        "{__aws_kinesis_event_source_arn=~\".*:stream/shop\"}",
    );
    assert_eq!(found, ["order placed", "payment refused"]);
}

#[test]
fn objects_are_found_under_the_labels_of_their_bucket() {
    let cloud = Cloud::start();
    let variables = [
        ("NARVI_FORWARD_TENANT", TENANT),
        (
            "NARVI_FORWARD_S3",
            &format!("{}/alb/ app=shop", cloud.bucket()),
        ),
    ];
    let mut forward = Function::start_with("forward", &cloud, &variables);
    cloud.put("alb/2026/01/15/access.txt", b"GET /a\nGET /a\nGET /b\n");
    let mut event = sample("forward-s3");
    let record = &mut event["Records"][0];
    record["eventTime"] = json!(super::rfc3339(now() / SECOND - 10));
    record["s3"]["bucket"]["name"] = json!(cloud.bucket());
    record["s3"]["object"]["key"] = json!("alb/2026/01/15/acces%73.txt");
    record["s3"]["object"]["size"] = json!(21);
    forward.run(&event);
    let mut query = Function::start("query", &cloud, "");
    let found = lines(&mut query, "{app=\"shop\", __aws_log_type=\"s3\"}");
    assert_eq!(found, ["GET /a", "GET /a", "GET /b"]);
    event["Records"][0]["s3"]["object"]["key"] = json!("alb/gone");
    let error = forward.send(&event).unwrap_err();
    let text = error["errorMessage"].as_str().unwrap();
    assert!(text.starts_with("object `alb/gone` of bucket"), "{text}");
}

/// The sample of that name.
fn sample(name: &str) -> Value {
    let mut samples = events::samples().into_iter();
    samples
        .find(|one| one.0 == name)
        .expect("there is a sample")
        .1
}

#[test]
fn a_mistake_in_the_variables_ends_the_start() {
    let cloud = Cloud::start();
    let variables = [("NARVI_FORWARD_LABELS", "env")];
    let mut forward = Function::start_with("forward", &cloud, &variables);
    let log = forward.log_at_end();
    assert!(
        log.contains("NARVI_FORWARD_LABELS: `env`: there is no `=`"),
        "{log}"
    );
}
