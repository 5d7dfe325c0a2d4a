//! Lines of a CloudWatch Logs subscription, from the event to the answer of a query.

use narvi_tests::cloud::Cloud;
use narvi_tests::events;
use narvi_tests::function::Function;
use narvi_tests::now;
use serde_json::json;

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
