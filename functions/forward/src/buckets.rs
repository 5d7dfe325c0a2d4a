//! [`Buckets`]: fetches objects of any bucket, which are the users' own.

use async_trait::async_trait;
use bytes::Bytes;
use narvi_storage::{Connection, StorageError};

/// Fetches objects.
#[async_trait]
pub trait Buckets: Send + Sync {
    /// The first `size` bytes of an object, or what it has. One request.
    ///
    /// # Errors
    /// `NotFound`, `Refused`, `Unavailable`.
    async fn get(&self, bucket: &str, key: &str, size: u64) -> Result<Bytes, StorageError>;
}

/// Those of S3.
#[async_trait]
impl Buckets for Connection {
    async fn get(&self, bucket: &str, key: &str, size: u64) -> Result<Bytes, StorageError> {
        self.objects_of(bucket).get_foreign(key, 0..size).await
    }
}
