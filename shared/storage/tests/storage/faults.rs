//! Faults of S3 and DynamoDB: how often a request is repeated, and what the caller is told.

use std::time::{Duration, Instant};

use crate::support::stub::{Answer, Stub};
use crate::support::{partition, segment, stream};
use bytes::Bytes;
use narvi_embedded::settings;
use narvi_model::{Day, TenantId};
use narvi_storage::{
    Catalog, Connection, ErrorKind, Objects as _, Put, Requests, S3Objects, StorageError, limits,
};

async fn s3(answers: Vec<Answer>) -> (S3Objects, Requests, Stub) {
    let stub = Stub::start(answers).await;
    let requests = Requests::new();
    let connection = Connection::new(settings(&stub.endpoint(), 1), requests.clone()).unwrap();
    (connection.objects(), requests, stub)
}

async fn dynamodb(answers: Vec<Answer>) -> (Catalog, Requests, Stub) {
    let stub = Stub::start(answers).await;
    let requests = Requests::new();
    let connection = Connection::new(settings(&stub.endpoint(), 1), requests.clone()).unwrap();
    (connection.catalog(), requests, stub)
}

fn s3_error(status: u16, code: &str) -> Answer {
    let body = format!("<Error><Code>{code}</Code><Message>stub</Message></Error>");
    Answer::Status(status, body)
}

fn dynamodb_error(status: u16, code: &str) -> Answer {
    let body = format!(r#"{{"__type":"com.amazonaws.dynamodb#{code}","message":"stub"}}"#);
    Answer::Status(status, body)
}

fn ok(body: &str) -> Answer {
    Answer::Status(200, body.to_owned())
}

/// A put and a get under one fault: attempts and kind.
#[track_caller]
fn check_error(error: &StorageError, kind: ErrorKind, text: &str) {
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(text), "{error}");
}

#[tokio::test]
async fn s3_faults_that_pass_are_repeated_three_times() {
    for answer in [
        s3_error(503, "SlowDown"),
        s3_error(500, "InternalError"),
        s3_error(400, "RequestTimeout"),
        Answer::Hang,
    ] {
        let (objects, requests, stub) = s3(vec![answer]).await;
        let error = objects
            .put("k", Bytes::from_static(b"x"))
            .await
            .unwrap_err();
        check_error(
            &error,
            ErrorKind::Unavailable,
            "s3.PutObject `k` is unavailable, try again",
        );
        assert_eq!(requests.count_of("s3.PutObject"), 3, "{error}");
        assert!(stub.seen().len() >= 3);
    }
}

#[tokio::test]
async fn s3_faults_that_stay_are_not_repeated() {
    for (answer, text) in [
        (s3_error(403, "AccessDenied"), "AccessDenied"),
        (s3_error(404, "NoSuchBucket"), "NoSuchBucket"),
    ] {
        let (objects, requests, _stub) = s3(vec![answer]).await;
        let error = objects.get_range("k", 0..1).await.unwrap_err();
        check_error(&error, ErrorKind::Bug, "s3.GetObject `k` was refused");
        check_error(&error, ErrorKind::Bug, text);
        assert_eq!(requests.total(), 1);
    }
    let (objects, _, _stub) = s3(vec![s3_error(404, "NoSuchKey")]).await;
    let error = objects.get_range("k", 0..1).await.unwrap_err();
    check_error(&error, ErrorKind::NotFound, "object `k` does not exist");
}

#[tokio::test]
async fn an_s3_fault_that_passes_at_once_is_not_seen() {
    let (objects, requests, _stub) = s3(vec![s3_error(503, "SlowDown"), ok("")]).await;
    objects.put("k", Bytes::from_static(b"x")).await.unwrap();
    assert_eq!(
        requests.count_of("s3.PutObject"),
        2,
        "attempts are what is paid for"
    );
}

#[tokio::test]
async fn a_conditional_put_says_so_and_adds_no_trailer() {
    let (objects, requests, stub) = s3(vec![s3_error(412, "PreconditionFailed")]).await;
    let put = objects
        .put_if_absent("a/b", Bytes::from_static(b"x"))
        .await
        .unwrap();
    assert_eq!((put, requests.total()), (Put::Existed, 1));
    let head = stub.seen().remove(0);
    assert!(
        head.starts_with("put /narvi/a/b?x-id=putobject http/1.1"),
        "{head}"
    );
    assert!(head.contains("if-none-match: *\r\n"), "{head}");
    assert!(head.contains("content-length: 1\r\n"), "{head}");
    assert!(
        !head.contains("trailer") && !head.contains("aws-chunked"),
        "{head}"
    );
}

#[tokio::test]
async fn a_put_that_meets_another_one_is_repeated() {
    let conflict = || s3_error(409, "ConditionalRequestConflict");
    let (objects, _, stub) = s3(vec![conflict(), conflict(), ok("")]).await;
    let put = objects
        .put_if_absent("k", Bytes::from_static(b"x"))
        .await
        .unwrap();
    assert_eq!((put, stub.seen().len()), (Put::Stored, 3));

    let (objects, _, stub) = s3(vec![conflict()]).await;
    let error = objects
        .put_if_absent("k", Bytes::from_static(b"x"))
        .await
        .unwrap_err();
    check_error(&error, ErrorKind::Unavailable, "s3.PutObject");
    assert_eq!(stub.seen().len(), 3);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_fetched_again() {
    let (objects, requests, _stub) = s3(vec![
        Answer::Cut,
        Answer::Status(206, "0123456789".to_owned()),
    ])
    .await;
    assert_eq!(objects.get_range("k", 0..10).await.unwrap(), "0123456789");
    assert_eq!(requests.count_of("s3.GetObject"), 2);

    let (objects, requests, _stub) = s3(vec![Answer::Cut]).await;
    let error = objects.get_range("k", 0..10).await.unwrap_err();
    check_error(&error, ErrorKind::Unavailable, "the body broke off");
    assert_eq!(requests.count_of("s3.GetObject"), 3);
}

#[tokio::test]
async fn an_object_that_is_shorter_than_its_row_says_is_corrupt() {
    let (objects, _, _stub) = s3(vec![Answer::Status(206, "012".to_owned())]).await;
    let error = objects.get_range("k", 5..15).await.unwrap_err();
    check_error(
        &error,
        ErrorKind::Corrupt,
        "object `k`, bytes 5..15 is corrupt: only 3 bytes",
    );
    let (objects, _, stub) = s3(vec![s3_error(416, "InvalidRange")]).await;
    let error = objects.get_range("k", 5..15).await.unwrap_err();
    check_error(&error, ErrorKind::Corrupt, "object `k`, bytes 5..15");
    assert!(stub.seen()[0].contains("range: bytes=5-14\r\n"));
}

#[tokio::test]
async fn keys_that_s3_did_not_delete_are_reported() {
    for (code, kind) in [
        ("InternalError", ErrorKind::Unavailable),
        ("SlowDown", ErrorKind::Unavailable),
        ("AccessDenied", ErrorKind::Bug),
    ] {
        let body = format!(
            "<DeleteResult><Error><Key>b</Key><Code>{code}</Code><Message>no</Message></Error>\
             </DeleteResult>"
        );
        let (objects, _, _stub) = s3(vec![ok(&body)]).await;
        let error = objects
            .delete(&["a".to_owned(), "b".to_owned()])
            .await
            .unwrap_err();
        check_error(&error, kind, &format!("`b`: {code}: no"));
    }
}

#[tokio::test]
async fn throttling_of_dynamodb_is_unavailable() {
    for answer in [
        dynamodb_error(400, "ProvisionedThroughputExceededException"),
        dynamodb_error(400, "ThrottlingException"),
        dynamodb_error(400, "RequestLimitExceeded"),
        dynamodb_error(500, "InternalServerError"),
        Answer::Hang,
    ] {
        let (catalog, requests, _stub) = dynamodb(vec![answer]).await;
        let row = segment(&partition("a/2026-01-31/0"), 1, 0, 9);
        let error = catalog.put_segment(&row).await.unwrap_err();
        check_error(
            &error,
            ErrorKind::Unavailable,
            "dynamodb.PutItem `a/2026-01-31/0`",
        );
        assert_eq!(requests.count_of("dynamodb.PutItem"), 3, "{error}");
    }
}

#[tokio::test]
async fn mistakes_are_not_called_unavailable() {
    for code in [
        "ResourceNotFoundException",
        "AccessDeniedException",
        "ValidationException",
    ] {
        let (catalog, requests, _stub) = dynamodb(vec![dynamodb_error(400, code)]).await;
        let tenant = TenantId::parse("a").unwrap();
        let error = catalog
            .streams(&tenant, Day::from_number(1))
            .await
            .unwrap_err();
        check_error(&error, ErrorKind::Bug, code);
        assert_eq!(requests.total(), 1);
    }
}

#[tokio::test]
async fn a_transaction_that_meets_another_one_is_unavailable() {
    let body = r#"{"__type":"com.amazonaws.dynamodb#TransactionCanceledException",
        "message":"stub",
        "CancellationReasons":[{"Code":"None"},{"Code":"TransactionConflict"}]}"#;
    let lease = r#"{"Attributes":{"token":{"N":"7"}}}"#;
    let (catalog, _, _stub) = dynamodb(vec![ok(lease), Answer::Status(400, body.to_owned())]).await;
    let now = Day::from_number(1).start();
    let lease = catalog
        .acquire("c", "x", now, Duration::from_secs(60))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(lease.token, 7);
    let mut row = segment(&partition("a/2026-01-31/0"), 1, 0, 9);
    row.level = 1;
    let error = catalog.commit_merge(&lease, &row).await.unwrap_err();
    check_error(
        &error,
        ErrorKind::Unavailable,
        "TransactWriteItems `a/2026-01-31/0`",
    );
}

#[tokio::test]
async fn the_rest_of_a_batch_is_sent_again() {
    let rest = r#"{"UnprocessedItems":{"test-state":[{"PutRequest":{"Item":
        {"pk":{"S":"partitions"},"sk":{"S":"x"}}}}]}}"#;
    let (catalog, requests, _stub) = dynamodb(vec![ok(rest), ok(rest), ok("{}")]).await;
    catalog
        .put_streams(&partition("a/2026-01-31/0"), &[stream("x")])
        .await
        .unwrap();
    assert_eq!(requests.count_of("dynamodb.BatchWriteItem"), 3);
}

#[tokio::test]
async fn a_batch_that_never_ends_is_unavailable() {
    let rest = r#"{"UnprocessedItems":{"test-state":[{"PutRequest":{"Item":
        {"pk":{"S":"partitions"},"sk":{"S":"x"}}}}]}}"#;
    let (catalog, requests, _stub) = dynamodb(vec![ok(rest)]).await;
    let put = catalog
        .put_streams(&partition("a/2026-01-31/0"), &[stream("x")])
        .await;
    check_error(
        &put.unwrap_err(),
        ErrorKind::Unavailable,
        "1 items left after 8 attempts",
    );
    assert_eq!(requests.count_of("dynamodb.BatchWriteItem"), 8);
}

#[tokio::test]
async fn silence_ends_in_time_for_an_answer() {
    let (catalog, _, _stub) = dynamodb(vec![Answer::Silence]).await;
    let start = Instant::now();
    let row = segment(&partition("a/2026-01-31/0"), 1, 0, 9);
    let error = catalog.put_segment(&row).await.unwrap_err();
    check_error(&error, ErrorKind::Unavailable, "timeout");
    let took = start.elapsed();
    assert!(
        took < limits::DYNAMODB_TIMEOUT + Duration::from_secs(1),
        "{took:?}"
    );
}

#[test]
fn a_push_is_answered_before_the_gateway_gives_up() {
    // stream rows and the object are written side by side, then the segment row
    let pauses = limits::MAX_BACKOFF * (limits::ATTEMPTS - 1);
    let s3 = limits::S3_ATTEMPT_TIMEOUT * limits::ATTEMPTS + pauses;
    assert!(s3 + limits::DYNAMODB_TIMEOUT < Duration::from_secs(28));
}

#[tokio::test]
async fn clients_are_made_in_milliseconds() {
    let mut settings = settings("http://127.0.0.1:1", 1);
    (settings.s3_endpoint, settings.dynamodb_endpoint) = (None, None);
    let start = Instant::now();
    let connection = Connection::new(settings, Requests::new()).unwrap();
    let clients = (connection.objects(), connection.catalog());
    let took = start.elapsed();
    drop(clients);
    eprintln!("two clients with the roots of this machine: {took:?}");
    // unoptimised and on a busy machine it is some 20 ms; a file read per client would show
    assert!(took < Duration::from_millis(500), "{took:?}");
}
