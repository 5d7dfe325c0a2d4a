//! Events from the subscription to what is stored, with every request to S3 and DynamoDB counted.
#![cfg(test)]

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use narvi_forward::{Handler, Options, Report};
use narvi_gateway::Config;
use narvi_model::{Day, Labels, TenantId, TimeRange, Timestamp};
use narvi_storage::{
    Catalog, CountingObjects, DirectoryObjects, ObjectInfo, Objects, Put, Requests, SegmentRow,
    StorageError,
};
use serde_json::{Value, json};

/// 2026-01-15T12:00:00Z, when every event arrives.
const NOW: Timestamp = Timestamp::from_seconds(1_768_478_400);

struct Fixture {
    handler: Handler,
    catalog: Catalog,
    objects: Arc<Faulty>,
    requests: Requests,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn new(yaml: &str) -> Self {
        let requests = Requests::new();
        let catalog = narvi_embedded::catalog(1, &requests).await;
        let folder = tempfile::tempdir().unwrap();
        let directory = DirectoryObjects::open(folder.path()).unwrap();
        let objects = Arc::new(Faulty {
            inner: CountingObjects::new(Arc::new(directory), requests.clone()),
            is_down: AtomicBool::new(false),
        });
        let config = Arc::new(Config::from_yaml(yaml).unwrap());
        let handler = Handler::new(objects.clone(), catalog.clone(), config);
        let options = Options {
            tenant: TenantId::parse("ops").unwrap(),
            labels: Labels::from_pairs([("env", "prod")]),
        };
        Self {
            handler: handler.with_options(options),
            catalog,
            objects,
            requests,
            _folder: folder,
        }
    }

    async fn stored(&self, event: &Value) -> Report {
        self.handler.handle(event, NOW).await.unwrap()
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
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(message.to_string().as_bytes()).unwrap();
    let data = base64_simd::STANDARD.encode_to_string(gzip.finish().unwrap());
    json!({"awslogs": {"data": data}})
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
    narvi.objects.is_down.store(true, Ordering::SeqCst);
    let error = narvi.handler.handle(&event, NOW).await.unwrap_err();
    let want = "lines of log group `/aws/lambda/shop` are not stored: s3.PutObject is unavailable";
    assert!(error.to_string().starts_with(want), "{error}");
    assert!(narvi.segments().await.is_empty());
    narvi.objects.is_down.store(false, Ordering::SeqCst);
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

/// A store that can be down.
struct Faulty {
    inner: CountingObjects,
    is_down: AtomicBool,
}

#[async_trait]
impl Objects for Faulty {
    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StorageError> {
        if self.is_down.load(Ordering::SeqCst) {
            let source = "SlowDown".into();
            let what = "s3.PutObject".to_owned();
            return Err(StorageError::Unavailable { what, source });
        }
        self.inner.put(key, bytes).await
    }

    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<Put, StorageError> {
        self.inner.put_if_absent(key, bytes).await
    }

    async fn get_range(
        &self,
        key: &str,
        range: std::ops::Range<u64>,
    ) -> Result<Bytes, StorageError> {
        self.inner.get_range(key, range).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<ObjectInfo>, StorageError> {
        self.inner.list(prefix, after).await
    }

    async fn delete(&self, keys: &[String]) -> Result<(), StorageError> {
        self.inner.delete(keys).await
    }
}
