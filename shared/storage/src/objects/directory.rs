//! [`DirectoryObjects`]: objects as files below a directory, through the crate `object_store`.
//!
//! `object_store` writes a file under another name and then renames it (put) or links it (put if
//! absent), so a key never shows half an object and of two writers one wins. By itself it leaves
//! the bytes in the page cache; `with_fsync` makes it flush the file before and the directory after
//! the new name appears, which is what "durable when it answers" needs.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use narvi_model::Timestamp;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode};

use super::{ObjectInfo, Objects, Put, check_key, check_range, too_short};
use crate::{StorageError, limits};

/// Objects below one directory. Several processes may use the same one.
#[derive(Debug)]
pub struct DirectoryObjects {
    files: LocalFileSystem,
}

impl DirectoryObjects {
    /// Uses `root`, which is made where it does not exist.
    ///
    /// # Errors
    /// `Unavailable` where the directory cannot be made or opened.
    pub fn open(root: &FilePath) -> Result<Self, StorageError> {
        let what = || format!("directory `{}`", root.display());
        std::fs::create_dir_all(root).map_err(|e| StorageError::Unavailable {
            what: what(),
            source: Box::new(e),
        })?;
        let files = LocalFileSystem::new_with_prefix(root).map_err(|e| failure(what(), e))?;
        Ok(Self {
            files: files.with_fsync(true),
        })
    }

    /// Flushes the directory of an object that another writer has just put there and may not have
    /// flushed yet.
    async fn flush_directory(&self, key: &str, path: &Path) -> Result<(), StorageError> {
        let what = format!("directory of `{key}`");
        let file = self
            .files
            .path_to_filesystem(path)
            .map_err(|e| failure(what.clone(), e))?;
        let flushed = tokio::task::spawn_blocking(move || flush_parent(file)).await;
        match flushed {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(StorageError::Unavailable {
                what,
                source: Box::new(error),
            }),
            Err(error) => Err(StorageError::Unavailable {
                what,
                source: Box::new(error),
            }),
        }
    }
}

fn flush_parent(mut file: PathBuf) -> io::Result<()> {
    file.pop();
    // A directory can be opened and flushed on Unix only; elsewhere the file system does it.
    if cfg!(unix) {
        File::open(file)?.sync_all()
    } else {
        Ok(())
    }
}

#[async_trait]
impl Objects for DirectoryObjects {
    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StorageError> {
        let path = path(key)?;
        let put = self.files.put(&path, bytes.into()).await;
        put.map(drop)
            .map_err(|e| failure(format!("write of `{key}`"), e))
    }

    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<Put, StorageError> {
        let path = path(key)?;
        match self
            .files
            .put_opts(&path, bytes.into(), PutMode::Create.into())
            .await
        {
            Ok(_) => Ok(Put::Stored),
            Err(Error::AlreadyExists { .. }) => {
                self.flush_directory(key, &path).await?;
                Ok(Put::Existed)
            }
            Err(error) => Err(failure(format!("write of `{key}`"), error)),
        }
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StorageError> {
        check_range(key, &range)?;
        let path = path(key)?;
        let bytes = match self.files.get_range(&path, range.clone()).await {
            Ok(bytes) => bytes,
            Err(error) if is_absent(&error) => {
                return Err(StorageError::NotFound {
                    key: key.to_owned(),
                });
            }
            Err(error) => {
                // A range from beyond the end is an error of its own here, and of no special type.
                let size = self.files.head(&path).await.map(|meta| meta.size);
                return Err(match size {
                    Ok(size) if size < range.end => ends_early(key, &range, size),
                    _ => failure(format!("read of `{key}`"), error),
                });
            }
        };
        if bytes.len() as u64 == range.end - range.start {
            return Ok(bytes);
        }
        Err(ends_early(key, &range, range.start + bytes.len() as u64))
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<ObjectInfo>, StorageError> {
        // `object_store` knows prefixes of whole parts and no order; S3 has texts and the order of
        // keys. So: everything below the last whole part, filtered and sorted here.
        let folder = prefix
            .rsplit_once('/')
            .map(|(folder, _)| path(folder))
            .transpose()?;
        let all = self.files.list(folder.as_ref()).filter(|found| {
            let keep = found.as_ref().map_or(true, |meta| {
                let key = meta.location.as_ref();
                key.starts_with(prefix) && after.is_none_or(|after| key > after)
            });
            std::future::ready(keep)
        });
        let mut page: Vec<ObjectMeta> = all
            .try_collect()
            .await
            .map_err(|e| failure(format!("list of `{prefix}`"), e))?;
        page.sort_unstable_by(|a, b| a.location.as_ref().cmp(b.location.as_ref()));
        page.truncate(limits::S3_PAGE);
        Ok(page.into_iter().map(info).collect())
    }

    async fn delete(&self, keys: &[String]) -> Result<(), StorageError> {
        for key in keys {
            match self.files.delete(&path(key)?).await {
                Ok(()) => {}
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(failure(format!("deletion of `{key}`"), error)),
            }
        }
        Ok(())
    }
}

fn path(key: &str) -> Result<Path, StorageError> {
    check_key(key)?;
    Path::parse(key)
        .map_err(|e| StorageError::invalid(format!("object key `{key}`"), e.to_string()))
}

/// Whether a key has no file, also because a part of it is one or because it is a directory.
fn is_absent(error: &Error) -> bool {
    if matches!(error, Error::NotFound { .. }) {
        return true;
    }
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            use io::ErrorKind::{IsADirectory, NotADirectory};
            return matches!(error.kind(), IsADirectory | NotADirectory);
        }
        cause = error.source();
    }
    false
}

fn info(meta: ObjectMeta) -> ObjectInfo {
    // Beyond the year 2262 there is no `Timestamp`, and no file either.
    let nanos = meta.last_modified.timestamp_nanos_opt().unwrap_or(i64::MAX);
    let (key, size) = (meta.location.into(), meta.size);
    ObjectInfo {
        key,
        size,
        modified: Timestamp::from_nanos(nanos),
    }
}

fn ends_early(key: &str, range: &Range<u64>, size: u64) -> StorageError {
    too_short(key, range, &format!("the object ends at {size}"))
}

fn failure(what: String, error: Error) -> StorageError {
    StorageError::Unavailable {
        what,
        source: Box::new(error),
    }
}
