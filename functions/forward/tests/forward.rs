//! Events of CloudWatch Logs, Kinesis and S3 to what is stored, with every request counted.
#![cfg(test)]

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use narvi_embedded::{Failing, Watched, gzip};
use narvi_forward::{Buckets, Handler, Options, Report};
use narvi_gateway::Config;
use narvi_model::{Day, Labels, TenantId, TimeRange, Timestamp};
use narvi_storage::{
    Catalog, CountingObjects, DirectoryObjects, Requests, SegmentRow, StorageError,
};
use serde_json::{Value, json};

/// 2026-01-15T12:00:00Z, when every event arrives.
const NOW: Timestamp = Timestamp::from_seconds(1_768_478_400);

struct Fixture {
    handler: Handler,
    catalog: Catalog,
    objects: Arc<Watched<Failing>>,
    requests: Requests,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn new(yaml: &str) -> Self {
        let requests = Requests::new();
        let catalog = narvi_embedded::catalog(1, &requests).await;
        let folder = tempfile::tempdir().unwrap();
        let directory = DirectoryObjects::open(folder.path()).unwrap();
        let counting = CountingObjects::new(Arc::new(directory), requests.clone());
        let objects = Arc::new(Watched::new(Arc::new(counting), Failing::default()));
        let config = Arc::new(Config::from_yaml(yaml).unwrap());
        let handler = Handler::new(objects.clone(), catalog.clone(), config);
        let options = Options {
            tenant: TenantId::parse("ops").unwrap(),
            labels: Labels::from_pairs([("env", "prod")]),
            ..Options::default()
        };
        let handler = handler.with_options(options);
        Self {
            handler: handler.with_buckets(Arc::new(Held)),
            catalog,
            objects,
            requests,
            _folder: folder,
        }
    }

    async fn stored(&self, event: &Value) -> Report {
        let outcome = self.handler.handle(event.clone(), NOW).await.unwrap();
        assert_eq!(outcome.answer, Value::Null);
        outcome.report
    }

    async fn segments(&self) -> Vec<SegmentRow> {
        let tenant = TenantId::parse("ops").unwrap();
        let range = TimeRange::new(Timestamp::MIN, Timestamp::MAX).unwrap();
        let segments = self.catalog.segments(&tenant, Day::of(NOW), range).await;
        segments.unwrap()
    }
}

/// An event with lines a millisecond apart, the last of them now.
fn event(lines: &[String]) -> Value {
    let first = NOW.millis() - lines.len() as i64;
    let event = |(n, line): (usize, &String)| {
        let time = first + 1 + n as i64;
        json!({"id": n.to_string(), "timestamp": time, "message": line})
    };
    let events: Vec<_> = lines.iter().enumerate().map(event).collect();
    let message = json!({
        "messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": "/aws/lambda/shop",
        "logStream": "2026/01/15/[$LATEST]ab", "subscriptionFilters": ["narvi"],
        "logEvents": events,
    });
    let data = base64_simd::STANDARD.encode_to_string(gzip(message.to_string().as_bytes()));
    json!({"awslogs": {"data": data}})
}

/// An event with records of these numbers and data.
fn kinesis(records: &[(&str, Vec<u8>)]) -> Value {
    let record = |(number, data): &(&str, Vec<u8>)| {
        json!({
            "eventSource": "aws:kinesis",
            "eventSourceARN": "arn:aws:kinesis:us-east-1:1:stream/shop",
            "kinesis": {
                "data": base64_simd::STANDARD.encode_to_string(data),
                "sequenceNumber": number,
                "approximateArrivalTimestamp": NOW.seconds(),
            },
        })
    };
    json!({"Records": records.iter().map(record).collect::<Vec<_>>()})
}

fn written(key: &str) -> Value {
    json!({"Records": [{
        "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "eventTime": "2026-01-15T11:59:00.000Z",
        "s3": {"bucket": {"name": "logs"}, "object": {"key": key, "size": 40}},
    }]})
}

/// A bucket with one object.
struct Held;

#[async_trait]
impl Buckets for Held {
    async fn get(&self, bucket: &str, key: &str, size: u64) -> Result<Bytes, StorageError> {
        assert_eq!((bucket, size), ("logs", 40));
        match key {
            "a b.gz" => Ok(gzip(b"same\nsame\nother\n").into()),
            _ => Err(StorageError::NotFound {
                key: key.to_owned(),
            }),
        }
    }
}

fn lines(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("order {n} placed")).collect()
}

#[tokio::test]
async fn a_batch_is_one_segment_of_one_stream() {
    let narvi = Fixture::new("").await;
    let want = Report {
        stored: 3,
        refused: 0,
    };
    assert_eq!(narvi.stored(&event(&lines(3))).await, want);
    let [row] = narvi.segments().await.try_into().unwrap();
    assert_eq!(row.summary.rows, 3);
    let tenant = TenantId::parse("ops").unwrap();
    let streams = narvi.catalog.streams(&tenant, Day::of(NOW)).await.unwrap();
    let labels: Vec<_> = streams.iter().map(|s| s.labels.to_string()).collect();
    let want = concat!(
        r#"{__aws_cloudwatch_log_group="/aws/lambda/shop", "#,
        r#"__aws_cloudwatch_owner="123456789012", __aws_log_type="cloudwatch", env="prod", "#,
        r#"service_name="unknown_service"}"#,
    );
    assert_eq!(labels, [want]);
    assert_eq!(narvi.requests.count_of("dynamodb.PutItem"), 1);
    assert_eq!(narvi.requests.count_of("s3.PutObject"), 0);
}

#[tokio::test]
async fn a_fault_that_passes_is_an_error_and_a_repeat_stores_once() {
    let narvi = Fixture::new("ingester: {chunk_encoding: none}").await;
    let event = event(&lines(2_000));
    narvi.objects.fail_next(1);
    let error = narvi.handler.handle(event.clone(), NOW).await.unwrap_err();
    let want = "lines of log group `/aws/lambda/shop` are not stored: s3.PutObject is unavailable";
    assert!(error.to_string().starts_with(want), "{error}");
    assert!(narvi.segments().await.is_empty());
    for _ in 0..3 {
        assert_eq!(narvi.stored(&event).await.stored, 2_000);
    }
    let [row] = narvi.segments().await.try_into().unwrap();
    assert_eq!(row.summary.rows, 2_000);
}

#[tokio::test]
async fn what_limits_refuse_is_counted_and_not_repeated() {
    let narvi = Fixture::new("limits_config: {max_line_size: 30}").await;
    let mut all = lines(3);
    all[1] = "x".repeat(31);
    let want = Report {
        stored: 2,
        refused: 1,
    };
    assert_eq!(narvi.stored(&event(&all)).await, want);
    let narvi = Fixture::new("limits_config: {max_label_value_length: 5}").await;
    let want = Report {
        stored: 0,
        refused: 3,
    };
    assert_eq!(narvi.stored(&event(&lines(3))).await, want);
    assert!(narvi.segments().await.is_empty());
}

#[tokio::test]
async fn a_batch_above_the_burst_is_several_pushes() {
    let narvi = Fixture::new("limits_config: {ingestion_burst_size_mb: 0.01}").await;
    let want = Report {
        stored: 500,
        refused: 0,
    };
    assert_eq!(narvi.stored(&event(&lines(500))).await, want);
    assert_eq!(narvi.segments().await.len(), 3);
}

#[tokio::test]
async fn records_of_kinesis_are_one_segment_and_stored_once() {
    let narvi = Fixture::new("").await;
    let subscription = event(&lines(2))["awslogs"]["data"]
        .as_str()
        .unwrap()
        .to_owned();
    let subscription = base64_simd::STANDARD.decode_to_vec(subscription).unwrap();
    let event = kinesis(&[
        ("1", b"a\nb".to_vec()),
        ("2", subscription),
        ("3", b"a\nb".to_vec()),
    ]);
    for _ in 0..2 {
        let outcome = narvi.handler.handle(event.clone(), NOW).await.unwrap();
        assert_eq!(outcome.answer, json!({"batchItemFailures": []}));
        assert_eq!(outcome.report.stored, 6);
    }
    let [row] = narvi.segments().await.try_into().unwrap();
    assert_eq!((row.summary.rows, row.summary.streams.len()), (6, 2));
}

#[tokio::test]
async fn kinesis_sends_again_what_is_not_stored() {
    let narvi = Fixture::new("ingester: {chunk_encoding: none}").await;
    let broken = gzip(b"x")[..10].to_vec();
    let large = "x".repeat(20_000).into_bytes();
    let again = |number: &str| json!({"batchItemFailures": [{"itemIdentifier": number}]});
    let records = [("1", large), ("2", broken), ("3", b"c".to_vec())];
    // Storage fails: all of it. Then the second: it and what follows.
    for (fails, number, stored) in [(1, "1", 0), (0, "2", 1)] {
        narvi.objects.fail_next(fails);
        let outcome = narvi.handler.handle(kinesis(&records), NOW).await.unwrap();
        assert_eq!(
            (outcome.answer, outcome.report.stored),
            (again(number), stored)
        );
    }
    let outcome = narvi
        .handler
        .handle(kinesis(&records[1..]), NOW)
        .await
        .unwrap();
    assert_eq!(outcome.answer, again("2"));
    let outcome = narvi
        .handler
        .handle(kinesis(&records[2..]), NOW)
        .await
        .unwrap();
    assert_eq!(
        (outcome.answer, outcome.report.stored),
        (json!({"batchItemFailures": []}), 1)
    );
    assert_eq!(narvi.segments().await.len(), 2);
}

#[tokio::test]
async fn an_object_that_is_written_is_its_lines() {
    let narvi = Fixture::new("").await;
    for _ in 0..2 {
        assert_eq!(narvi.stored(&written("a+b.gz")).await.stored, 3);
    }
    let [row] = narvi.segments().await.try_into().unwrap();
    assert_eq!(row.summary.rows, 3, "lines that are alike are told apart");
    let error = narvi
        .handler
        .handle(written("gone"), NOW)
        .await
        .unwrap_err();
    let want = "object `gone` of bucket `logs`: ";
    assert!(error.to_string().starts_with(want), "{error}");
    let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "logs"});
    assert_eq!(narvi.stored(&test).await, Report::default());
}
