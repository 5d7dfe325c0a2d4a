//! [`CountingObjects`]: counts calls under the names that S3 requests have, for stores that are not
//! S3. (`S3Objects` counts attempts by itself; do not wrap it too.)

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::{ObjectInfo, Objects, Put};
use crate::{Requests, StorageError, limits};

/// A store and the counters of its calls.
#[derive(Clone)]
pub struct CountingObjects {
    inner: Arc<dyn Objects>,
    requests: Requests,
}

impl CountingObjects {
    /// Counts calls to `inner` into `requests`.
    #[must_use]
    pub fn new(inner: Arc<dyn Objects>, requests: Requests) -> Self {
        Self { inner, requests }
    }
}

#[async_trait]
impl Objects for CountingObjects {
    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StorageError> {
        self.requests.count("s3.PutObject");
        self.inner.put(key, bytes).await
    }

    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<Put, StorageError> {
        self.requests.count("s3.PutObject");
        self.inner.put_if_absent(key, bytes).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StorageError> {
        self.requests.count("s3.GetObject");
        self.inner.get_range(key, range).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<ObjectInfo>, StorageError> {
        self.requests.count("s3.ListObjectsV2");
        self.inner.list(prefix, after).await
    }

    async fn delete(&self, keys: &[String]) -> Result<(), StorageError> {
        for _ in keys.chunks(limits::S3_PAGE) {
            self.requests.count("s3.DeleteObjects");
        }
        self.inner.delete(keys).await
    }
}
