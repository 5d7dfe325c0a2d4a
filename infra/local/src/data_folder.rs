//! [`DataFolder`]: the folder that everything is kept in, held by one process at a time.
//!
//! ```text
//! narvi-data/narvi.lock    locked while a process runs; holds its id
//! narvi-data/catalog/      the embedded DynamoDB (SQLite)
//! narvi-data/objects/      the objects, one file each
//! ```

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use crate::HostError;

const LOCK_FILE: &str = "narvi.lock";

/// The folder; no other process has it while this value lives. The system ends the lock with the
/// process, however that ends.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Makes the folder where there is none, and takes it.
    ///
    /// # Errors
    /// [`HostError::InUse`] and [`HostError::DataFolder`].
    pub(crate) fn open(path: &Path) -> Result<Self, HostError> {
        let failed = |source| HostError::DataFolder {
            path: path.to_owned(),
            source,
        };
        std::fs::create_dir_all(path).map_err(failed)?;
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut lock = options.open(path.join(LOCK_FILE)).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The id only helps to find the other process; without it the answer is the same.
                let _ = lock.read_to_string(&mut holder);
                return Err(HostError::InUse {
                    path: path.to_owned(),
                    holder,
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        lock.set_len(0)
            .and_then(|()| lock.rewind())
            .map_err(failed)?;
        write!(lock, "process {}", std::process::id()).map_err(failed)?;
        flush_names(path).map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Where the embedded DynamoDB lives.
    pub(crate) fn catalog(&self) -> PathBuf {
        self.path.join("catalog")
    }

    /// Where the objects live.
    pub(crate) fn objects(&self) -> PathBuf {
        self.path.join("objects")
    }
}

/// Makes the names in the folder, and its own name, outlive a loss of power.
fn flush_names(path: &Path) -> std::io::Result<()> {
    if !cfg!(unix) {
        // Elsewhere a folder cannot be opened, and the file system sees to it.
        return Ok(());
    }
    let path = path.canonicalize()?;
    File::open(&path)?.sync_all()?;
    path.parent()
        .map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("a/b");
        let held = DataFolder::open(&path).unwrap();
        let error = DataFolder::open(&path).unwrap_err().to_string();
        let process = std::process::id();
        assert_eq!(
            error,
            format!(
                "data folder `{}` is in use by another narvi (process {process}); \
                 stop it or give another with --data",
                path.display()
            )
        );
        drop(held);
        assert_eq!(
            DataFolder::open(&path).unwrap().catalog(),
            path.join("catalog")
        );
    }
}
