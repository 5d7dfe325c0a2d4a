//! [`Bucket`]: objects in memory, every call of which stops in the world.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use narvi_model::Timestamp;
use narvi_storage::{ObjectInfo, Objects, Put, StorageError};

use super::mistakes::Mistake;
use super::world::{Extent, Fault, Kind, World, call};

/// A bucket. Clones share what is in it.
#[derive(Clone)]
pub(crate) struct Bucket {
    world: Arc<World>,
    stored: Arc<Mutex<Stored>>,
    mistake: Option<Mistake>,
}

type Stored = BTreeMap<String, (Bytes, Timestamp)>;

impl Bucket {
    pub(crate) fn new(world: &Arc<World>, mistake: Option<Mistake>) -> Self {
        Self {
            world: Arc::clone(world),
            stored: Arc::default(),
            mistake,
        }
    }

    pub(crate) fn keys(&self) -> BTreeSet<String> {
        self.stored.lock().unwrap().keys().cloned().collect()
    }

    pub(crate) fn bytes(&self, key: &str) -> Option<Bytes> {
        let stored = self.stored.lock().unwrap();
        stored.get(key).map(|(bytes, _)| bytes.clone())
    }

    /// Takes objects away.
    pub(crate) fn remove(&self, keys: &[String]) {
        let mut stored = self.stored.lock().unwrap();
        stored.retain(|key, _| !keys.contains(key));
    }

    async fn call<T: Send + 'static>(
        &self,
        what: String,
        kind: Kind,
        mut effect: impl FnMut(&mut Stored, Extent) -> T + Send + Sync + 'static,
    ) -> Result<T, StorageError> {
        let stored = Arc::clone(&self.stored);
        let effect = move |extent| effect(&mut stored.lock().unwrap(), extent);
        let done = call(&self.world, what.clone(), kind, effect).await;
        done.map_err(|fault: Fault| StorageError::Unavailable {
            what,
            source: format!("{fault:?}").into(),
        })
    }
}

#[async_trait]
impl Objects for Bucket {
    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StorageError> {
        let (world, name) = (Arc::clone(&self.world), key.to_owned());
        let what = format!("put {key}");
        let write = move |stored: &mut Stored, _| {
            let now = world.now();
            stored.insert(name.clone(), (bytes.clone(), now));
        };
        if self.mistake == Some(Mistake::PutsLate) {
            let stored = Arc::clone(&self.stored);
            let write = write;
            let effect = move || write(&mut stored.lock().unwrap(), Extent::Whole);
            self.world.later(what, Box::new(effect));
            return Ok(());
        }
        self.call(what, Kind::Write, write).await
    }

    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<Put, StorageError> {
        let (world, name) = (Arc::clone(&self.world), key.to_owned());
        let write = move |stored: &mut Stored, _| {
            if stored.contains_key(&name) {
                return Put::Existed;
            }
            let now = world.now();
            stored.insert(name.clone(), (bytes.clone(), now));
            Put::Stored
        };
        self.call(format!("put if absent {key}"), Kind::Write, write)
            .await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, StorageError> {
        let name = key.to_owned();
        let read = move |stored: &mut Stored, _| {
            let (bytes, _) = stored.get(&name)?;
            let (start, end) = (range.start as usize, range.end as usize);
            Some(bytes.get(start..end).map(|part| bytes.slice_ref(part)))
        };
        let key = key.to_owned();
        let found = self.call(format!("get {key}"), Kind::Read, read).await?;
        self.world
            .count_if("a reader came for what was deleted", |state| {
                found.is_none() && state.is_in("read")
            });
        match found {
            None => Err(StorageError::NotFound { key }),
            Some(None) => Err(StorageError::Corrupt {
                what: key,
                reason: "it is too short".to_owned(),
            }),
            Some(Some(bytes)) => Ok(bytes),
        }
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<ObjectInfo>, StorageError> {
        let (start, past) = (prefix.to_owned(), after.map(str::to_owned));
        let read = move |stored: &mut Stored, _| {
            let chosen = stored.iter().filter(|(key, _)| {
                key.starts_with(&start) && past.as_ref().is_none_or(|past| *key > past)
            });
            let info = |(key, (bytes, modified)): (&String, &(Bytes, Timestamp))| ObjectInfo {
                key: key.clone(),
                size: bytes.len() as u64,
                modified: *modified,
            };
            chosen.take(1000).map(info).collect()
        };
        self.call(format!("list {prefix}"), Kind::Read, read).await
    }

    async fn delete(&self, keys: &[String]) -> Result<(), StorageError> {
        let names = keys.to_vec();
        self.world
            .count_if("objects were deleted beside a read", |state| {
                state.is_running("read") && !keys.is_empty()
            });
        let write = move |stored: &mut Stored, extent| {
            let count = match extent {
                Extent::Whole => names.len(),
                Extent::Half | Extent::Named => names.len() / 2,
            };
            for name in &names[..count] {
                stored.remove(name);
            }
        };
        self.call(format!("delete {}", keys.join(", ")), Kind::Writes, write)
            .await
    }
}
