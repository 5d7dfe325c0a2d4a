//! [`Watched`]: a store of objects with whose calls a test meddles; [`Failing`] is down for a
//! while.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use narvi_storage::{ObjectInfo, Objects, Put, StorageError};

/// What a test does beside the calls of a store; nothing, where it does not say.
#[async_trait]
pub trait Meddle: Send + Sync + 'static {
    /// Before an object is written; an error is that of the call.
    async fn before_put(&self, _key: &str) -> Result<(), StorageError> {
        Ok(())
    }

    /// Before an object is read; an error is that of the call.
    async fn before_read(&self, _key: &str) -> Result<(), StorageError> {
        Ok(())
    }

    /// Before objects are deleted; an error is that of the call.
    async fn before_delete(&self, _keys: &[String]) -> Result<(), StorageError> {
        Ok(())
    }

    /// An object as a list shows it.
    fn listed(&self, object: ObjectInfo) -> ObjectInfo {
        object
    }
}

/// A store that passes on all calls, with what `M` does beside them.
pub struct Watched<M> {
    inner: Arc<dyn Objects>,
    meddler: M,
}

impl<M> Watched<M> {
    /// Over another store.
    #[must_use]
    pub fn new(inner: Arc<dyn Objects>, meddler: M) -> Self {
        Self { inner, meddler }
    }

    /// What meddles.
    #[must_use]
    pub fn meddler(&self) -> &M {
        &self.meddler
    }
}

#[async_trait]
impl<M: Meddle> Objects for Watched<M> {
    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StorageError> {
        self.meddler.before_put(key).await?;
        self.inner.put(key, bytes).await
    }

    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<Put, StorageError> {
        self.meddler.before_put(key).await?;
        self.inner.put_if_absent(key, bytes).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StorageError> {
        self.meddler.before_read(key).await?;
        self.inner.get_range(key, range).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<ObjectInfo>, StorageError> {
        let page = self.inner.list(prefix, after).await?;
        let page = page.into_iter().map(|object| self.meddler.listed(object));
        Ok(page.collect())
    }

    async fn delete(&self, keys: &[String]) -> Result<(), StorageError> {
        self.meddler.before_delete(keys).await?;
        self.inner.delete(keys).await
    }
}

/// Fails the next writes.
#[derive(Default)]
pub struct Failing {
    left: AtomicU32,
}

impl Watched<Failing> {
    /// Fails so many writes from now on.
    pub fn fail_next(&self, writes: u32) {
        self.meddler.left.store(writes, Ordering::SeqCst);
    }
}

#[async_trait]
impl Meddle for Failing {
    async fn before_put(&self, _key: &str) -> Result<(), StorageError> {
        let less = |left: u32| left.checked_sub(1);
        let order = Ordering::SeqCst;
        if self.left.fetch_update(order, order, less).is_err() {
            return Ok(());
        }
        Err(StorageError::Unavailable {
            what: "s3.PutObject".to_owned(),
            source: "SlowDown".into(),
        })
    }
}
