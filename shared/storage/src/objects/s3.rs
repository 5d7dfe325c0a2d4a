//! [`S3Objects`]: objects in one bucket of S3 or of what speaks its protocol.
//!
//! Retries inside the SDK end when the head of an answer is there; the body of a GET is read here,
//! with its own time-out and attempts. Does not know what the keys mean.

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, CreateBucketConfiguration, Delete, Object, ObjectIdentifier,
};
use aws_smithy_types::timeout::TimeoutConfig;
use bytes::Bytes;
use narvi_model::Timestamp;

use super::{ObjectInfo, Objects, Put, check_key, check_range, too_short};
use crate::failure::{failure, passes, status};
use crate::{StorageError, limits};

/// One bucket.
#[derive(Clone, Debug)]
pub struct S3Objects {
    client: Client,
    bucket: String,
}

impl S3Objects {
    /// Uses `client` as it is set up; `Connection::objects` makes one with the right time-outs.
    #[must_use]
    pub fn new(client: Client, bucket: &str) -> Self {
        Self {
            client,
            bucket: bucket.to_owned(),
        }
    }

    /// A range of an object that others wrote, whatever its key looks like; otherwise as
    /// `get_range`.
    ///
    /// # Errors
    /// As `get_range`.
    pub async fn get_foreign(&self, key: &str, range: Range<u64>) -> Result<Bytes, StorageError> {
        check_range(key, &range)?;
        let mut attempt = 1;
        loop {
            match self.get_once(key, &range).await {
                // only a broken body is repeated here: the SDK has repeated all else
                Err(StorageError::Unavailable { source, .. })
                    if source.is::<BrokenBody>() && attempt < limits::ATTEMPTS =>
                {
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }

    /// Makes the bucket where it is missing: for tests and for servers other than AWS.
    ///
    /// # Errors
    /// `Unavailable` or `Refused`.
    pub async fn create_bucket(&self) -> Result<(), StorageError> {
        // Outside its first region S3 wants the region to be named.
        let region = self.client.config().region().map(AsRef::as_ref);
        let place = region.filter(|name| *name != "us-east-1").map(|name| {
            let constraint = BucketLocationConstraint::from(name);
            CreateBucketConfiguration::builder()
                .location_constraint(constraint)
                .build()
        });
        let request = self.client.create_bucket().bucket(&self.bucket);
        match request.set_create_bucket_configuration(place).send().await {
            Ok(_) => Ok(()),
            Err(e) if e.code() == Some("BucketAlreadyOwnedByYou") => Ok(()),
            Err(e) => Err(failure(format!("s3.CreateBucket `{}`", self.bucket), e)),
        }
    }

    fn put_request(&self, key: &str, bytes: Bytes) -> PutObjectFluentBuilder {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .body(ByteStream::from(bytes))
    }

    async fn get_once(&self, key: &str, range: &Range<u64>) -> Result<Bytes, StorageError> {
        let what = || format!("s3.GetObject `{key}`");
        let header = format!("bytes={}-{}", range.start, range.end - 1);
        let request = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .range(header);
        let found = match request.send().await {
            Ok(found) => found,
            // 404 also stands for a missing bucket, which is another fault
            Err(e) if e.code() == Some("NoSuchKey") => {
                return Err(StorageError::NotFound {
                    key: key.to_owned(),
                });
            }
            Err(e) if status(&e) == Some(416) => {
                return Err(too_short(key, range, "the object ends before"));
            }
            Err(e) => return Err(failure(what(), e)),
        };
        let bytes = read_body(what(), found, transfer_time(range.end - range.start)).await?;
        if bytes.len() as u64 == range.end - range.start {
            return Ok(bytes);
        }
        Err(too_short(
            key,
            range,
            &format!("only {} bytes came", bytes.len()),
        ))
    }
}

#[async_trait]
impl Objects for S3Objects {
    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StorageError> {
        check_key(key)?;
        let time = put_timeouts(bytes.len() as u64);
        let request = self
            .put_request(key, bytes)
            .customize()
            .config_override(time)
            .send();
        request
            .await
            .map(drop)
            .map_err(|e| failure(format!("s3.PutObject `{key}`"), e))
    }

    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<Put, StorageError> {
        check_key(key)?;
        let mut attempt = 1;
        loop {
            let time = put_timeouts(bytes.len() as u64);
            let request = self.put_request(key, bytes.clone()).if_none_match("*");
            match request.customize().config_override(time).send().await {
                Ok(_) => return Ok(Put::Stored),
                Err(e) if status(&e) == Some(412) => return Ok(Put::Existed),
                // S3: another conditional write or a delete of this key is under way, try again
                Err(e) if status(&e) == Some(409) && attempt < limits::ATTEMPTS => {
                    tokio::time::sleep(limits::FIRST_BACKOFF * attempt).await;
                    attempt += 1;
                }
                Err(e) if status(&e) == Some(409) => {
                    let what = format!("s3.PutObject `{key}`");
                    return Err(StorageError::Unavailable {
                        what,
                        source: Box::new(e),
                    });
                }
                Err(e) => return Err(failure(format!("s3.PutObject `{key}`"), e)),
            }
        }
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StorageError> {
        check_key(key)?;
        self.get_foreign(key, range).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<ObjectInfo>, StorageError> {
        let what = || format!("s3.ListObjectsV2 `{prefix}`");
        let request = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(prefix);
        let request = request.set_start_after(after.map(str::to_owned));
        let page = request.send().await.map_err(|e| failure(what(), e))?;
        page.contents
            .unwrap_or_default()
            .into_iter()
            .map(|found| info(&what(), found))
            .collect()
    }

    async fn delete(&self, keys: &[String]) -> Result<(), StorageError> {
        for page in keys.chunks(limits::S3_PAGE) {
            let what = || format!("s3.DeleteObjects of {} from `{}`", page.len(), page[0]);
            let bug = |e| StorageError::Refused {
                what: what(),
                source: Box::new(e),
            };
            let mut delete = Delete::builder().quiet(true);
            for key in page {
                check_key(key)?;
                delete = delete.objects(ObjectIdentifier::builder().key(key).build().map_err(bug)?);
            }
            let delete = delete.build().map_err(bug)?;
            let request = self
                .client
                .delete_objects()
                .bucket(&self.bucket)
                .delete(delete);
            let answer = request.send().await.map_err(|e| failure(what(), e))?;
            if let Some(error) = answer.errors().first() {
                return Err(undeleted(what(), error));
            }
        }
        Ok(())
    }
}

/// The body of a GET broke off or stalled; the SDK does not repeat that.
#[derive(Debug, thiserror::Error)]
#[error("the body broke off: {0}")]
struct BrokenBody(String);

async fn read_body(
    what: String,
    found: GetObjectOutput,
    time: Duration,
) -> Result<Bytes, StorageError> {
    let broken = match tokio::time::timeout(time, found.body.collect()).await {
        Ok(Ok(body)) => return Ok(body.into_bytes()),
        Ok(Err(error)) => BrokenBody(error.to_string()),
        Err(_) => BrokenBody(format!("no end after {} s", time.as_secs())),
    };
    Err(StorageError::Unavailable {
        what,
        source: Box::new(broken),
    })
}

/// Answers come at once, bodies at the pace of the network.
fn transfer_time(bytes: u64) -> Duration {
    limits::S3_ATTEMPT_TIMEOUT + Duration::from_secs(bytes / limits::S3_BYTES_PER_SECOND)
}

fn put_timeouts(bytes: u64) -> aws_sdk_s3::config::Builder {
    let attempt = TimeoutConfig::builder()
        .connect_timeout(limits::CONNECT_TIMEOUT)
        .operation_attempt_timeout(transfer_time(bytes));
    aws_sdk_s3::Config::builder().timeout_config(attempt.build())
}

fn info(what: &str, found: Object) -> Result<ObjectInfo, StorageError> {
    let missing = |field: &str| StorageError::corrupt(what, format!("an entry without {field}"));
    let modified = found.last_modified.ok_or_else(|| missing("LastModified"))?;
    let size = found.size.and_then(|size| u64::try_from(size).ok());
    Ok(ObjectInfo {
        key: found.key.ok_or_else(|| missing("Key"))?,
        size: size.ok_or_else(|| missing("Size"))?,
        modified: Timestamp::from_seconds(modified.secs()).plus(i64::from(modified.subsec_nanos())),
    })
}

fn undeleted(what: String, error: &aws_sdk_s3::types::Error) -> StorageError {
    let code = error.code().unwrap_or("without a code");
    let key = error.key().unwrap_or("without a key");
    let source = format!("`{key}`: {code}: {}", error.message().unwrap_or_default()).into();
    if passes(code) {
        StorageError::Unavailable { what, source }
    } else {
        StorageError::Refused { what, source }
    }
}
