//! [`Objects`]: bytes under keys, written once and read in ranges; the one seam between AWS and a
//! directory. `tests/storage/objects.rs` holds every implementation to the same behaviour.
//!
//! [`S3Objects`] is what runs on AWS, `DirectoryObjects` (feature `directory`) what runs locally,
//! [`CountingObjects`] wraps either. Does not know segments or the catalog.

mod counting;
#[cfg(feature = "directory")]
mod directory;
mod s3;

use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use narvi_model::Timestamp;

use crate::{StorageError, limits};

pub use counting::CountingObjects;
#[cfg(feature = "directory")]
pub use directory::DirectoryObjects;
pub use s3::S3Objects;

/// What a conditional write found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// Nothing was there; it is stored now.
    Stored,
    /// Something was there and was left as it is.
    Existed,
}

/// One object of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written, by the store's clock, to the precision that the store has.
    pub modified: Timestamp,
}

/// A store of objects. Every method may be repeated after an error.
///
/// Keys are 1 to 1024 bytes of printable ASCII, parts separated by `/`, no part empty, `.` or `..`,
/// none with a `#`; others are [`StorageError::Invalid`].
#[async_trait]
pub trait Objects: Send + Sync + 'static {
    /// Writes an object, whatever is there. Durable when it answers.
    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StorageError>;

    /// Writes an object if the key is free; of several at once exactly one is `Stored`. Durable
    /// when it answers, also where it answers `Existed`.
    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<Put, StorageError>;

    /// Reads exactly `range`.
    ///
    /// # Errors
    /// `NotFound` without the object, `Invalid` for an empty range, `Corrupt` where the object ends
    /// before the range does.
    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StorageError>;

    /// A page of at most 1000 objects whose keys start with the text `prefix` and come after
    /// `after`, in the order of keys. Only an empty page is the end: go on after the last key.
    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<ObjectInfo>, StorageError>;

    /// Deletes objects; absent keys are fine.
    async fn delete(&self, keys: &[String]) -> Result<(), StorageError>;
}

/// Holds keys to what every implementation can store, so that a test in a directory tells about S3.
fn check_key(key: &str) -> Result<(), StorageError> {
    let refused =
        |reason: String| Err(StorageError::invalid(format!("object key `{key}`"), reason));
    if key.is_empty() || key.len() > limits::OBJECT_KEY_MAX {
        return refused(format!(
            "has {} bytes, not 1 to {}",
            key.len(),
            limits::OBJECT_KEY_MAX
        ));
    }
    if key
        .split('/')
        .any(|part| part.is_empty() || part == "." || part == "..")
    {
        return refused("has a part that is empty, `.` or `..`".to_owned());
    }
    match key.chars().find(|c| !c.is_ascii_graphic() || *c == '#') {
        Some(c) => refused(format!("has the character {c:?}, which is not allowed")),
        None => Ok(()),
    }
}

/// Refuses ranges without bytes, for which S3 has no request.
fn check_range(key: &str, range: &Range<u64>) -> Result<(), StorageError> {
    if range.start < range.end {
        return Ok(());
    }
    Err(StorageError::invalid(
        format!("range {range:?} of object `{key}`"),
        "is empty",
    ))
}

/// What was asked for and what came, where the object is shorter.
fn too_short(key: &str, range: &Range<u64>, reason: &str) -> StorageError {
    StorageError::corrupt(
        format!("object `{key}`, bytes {}..{}", range.start, range.end),
        reason,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_every_store_takes() {
        for good in [
            "a",
            "a/b",
            "segments/a!b_c.d*e'f(g)/2026-01-31/0/ab-1",
            &"k".repeat(1024),
        ] {
            assert!(check_key(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/a",
            "a/",
            "a//b",
            "a/./b",
            "..",
            "a b",
            "a#1",
            "é",
            &"k".repeat(1025),
        ] {
            assert!(check_key(bad).is_err(), "{bad}");
        }
    }
}
