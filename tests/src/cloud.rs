//! [`Cloud`]: a DynamoDB and an S3 of its own for each test, and the environment that points a
//! function at them.
//!
//! DynamoDB is the embedded one. S3 is the server that `NARVI_TEST_S3_ENDPOINT` names (for example
//! `moto_server -p 9000`), else one in memory.

use std::sync::atomic::{AtomicU32, Ordering};

use narvi_storage::{AccessKeys, Connection, Objects as _, Requests, Settings};
use tokio::runtime::{Builder, Runtime};

use crate::s3;

const REGION: &str = "us-east-1";

/// Buckets of one process are told apart by a number.
static BUCKETS: AtomicU32 = AtomicU32::new(0);

/// Tables and a bucket, both empty at the start.
pub struct Cloud {
    dynamodb: String,
    s3: String,
    bucket: String,
    runtime: Runtime,
    connection: Connection,
}

impl Cloud {
    /// Starts both, and makes the tables and the bucket.
    ///
    /// # Panics
    /// Where one of them does not come up.
    #[must_use]
    pub fn start() -> Self {
        let dynamodb = narvi_embedded::dynamodb();
        let s3 = std::env::var("NARVI_TEST_S3_ENDPOINT").unwrap_or_else(|_| s3::start().url());
        let number = BUCKETS.fetch_add(1, Ordering::Relaxed);
        let bucket = format!("narvi-{}-{number}", std::process::id());
        let settings = Settings {
            region: REGION.to_owned(),
            s3_endpoint: Some(s3.clone()),
            dynamodb_endpoint: Some(dynamodb.clone()),
            bucket: bucket.clone(),
            table_prefix: "narvi".to_owned(),
            shards: 1,
            access_keys: AccessKeys::for_local_services(),
        };
        let connection = Connection::new(settings, Requests::new()).expect("TLS can be set up");
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime starts");
        runtime.block_on(async {
            let tables = connection.catalog().create_tables().await;
            tables.expect("tables can be made");
            let made = connection.objects().create_bucket().await;
            made.expect("the bucket can be made");
        });
        Self {
            dynamodb,
            s3,
            bucket,
            runtime,
            connection,
        }
    }

    /// Keys of all objects, sorted.
    ///
    /// # Panics
    /// Where S3 does not answer.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let objects = self.connection.objects();
        let page = self.runtime.block_on(objects.list("", None));
        let page = page.expect("S3 lists objects");
        page.into_iter().map(|object| object.key).collect()
    }

    /// The name of the bucket.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Writes an object.
    ///
    /// # Panics
    /// Where S3 does not take it.
    pub fn put(&self, key: &str, bytes: &'static [u8]) {
        let objects = self.connection.objects();
        let put = objects.put(key, bytes.into());
        self.runtime.block_on(put).expect("S3 takes objects");
    }

    /// What a stack on AWS sets for its functions.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("NARVI_BUCKET", self.bucket.clone()),
            ("NARVI_S3_ENDPOINT", self.s3.clone()),
            ("NARVI_DYNAMODB_ENDPOINT", self.dynamodb.clone()),
        ]
    }
}
