//! [`Failing`]: a store of objects that is down for a while.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use narvi_storage::{ObjectInfo, Objects, Put, StorageError};

/// A store that fails its next calls to `put`, and passes on everything else.
pub struct Failing {
    inner: Arc<dyn Objects>,
    left: AtomicU32,
}

impl Failing {
    /// Over another store; fails nothing yet.
    #[must_use]
    pub fn new(inner: Arc<dyn Objects>) -> Self {
        let left = AtomicU32::new(0);
        Self { inner, left }
    }

    /// Fails so many calls from now on.
    pub fn fail_next(&self, calls: u32) {
        self.left.store(calls, Ordering::SeqCst);
    }
}

#[async_trait]
impl Objects for Failing {
    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StorageError> {
        let less = |left: u32| left.checked_sub(1);
        let order = Ordering::SeqCst;
        if self.left.fetch_update(order, order, less).is_ok() {
            let source = "SlowDown".into();
            let what = "s3.PutObject".to_owned();
            return Err(StorageError::Unavailable { what, source });
        }
        self.inner.put(key, bytes).await
    }

    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<Put, StorageError> {
        self.inner.put_if_absent(key, bytes).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StorageError> {
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
