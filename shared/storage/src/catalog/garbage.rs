//! [`Garbage`]: objects that no row points to any more, and when they may be deleted.
//!
//! Rows of their own, because a list of the bucket costs a request for each 1,000 objects that are
//! *not* garbage, and because queries that run may still read an object for a while.

use std::collections::{BTreeSet, HashSet};

use narvi_model::Timestamp;

use super::Catalog;
use super::item::{self, Fields, Item, text};
use super::row::{from_sortable, sortable};
use super::traffic::Write;
use crate::{StorageError, limits};

/// Partition key of garbage, in the table of states.
const GARBAGE: &str = "garbage";

/// An object that is to be deleted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Garbage {
    /// When it may be deleted.
    pub due: Timestamp,
    /// Its key.
    pub key: String,
}

impl Garbage {
    fn sort_key(&self) -> String {
        format!("{:020}/{}", sortable(self.due), self.key)
    }
}

/// Garbage of object keys, each once.
pub(super) fn of<'a>(keys: impl Iterator<Item = &'a String>, due: Timestamp) -> BTreeSet<Garbage> {
    keys.map(|key| Garbage {
        due,
        key: key.clone(),
    })
    .collect()
}

impl Catalog {
    /// The oldest garbage behind `after` that is due before `before`, at most 10,000 objects.
    /// Delete the objects, then [`Catalog::forget_garbage`], then ask for what is behind the last.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    pub async fn garbage(
        &self,
        after: Option<&Garbage>,
        before: Timestamp,
    ) -> Result<Vec<Garbage>, StorageError> {
        let first = after.map_or_else(|| "0".to_owned(), Garbage::sort_key);
        let last = format!("{:020}", sortable(before));
        if first >= last {
            return Ok(Vec::new());
        }
        // What was forgotten this second may be seen again; to delete twice is fine. No sort key
        // is a time alone, so the end is not in it, and the beginning is left out below.
        let query = self
            .query(&self.tables.state, GARBAGE)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":first", text(first))
            .expression_attribute_values(":last", text(last))
            .consistent_read(false);
        let items = self.items(query, limits::GARBAGE_MAX + 1).await?;
        let mut found: Vec<Garbage> = items
            .into_iter()
            .map(|found| read(&self.tables.state, found))
            .collect::<Result<_, _>>()?;
        found.retain(|garbage| Some(garbage) != after);
        found.truncate(limits::GARBAGE_MAX);
        Ok(found)
    }

    /// The keys of all garbage, whenever it is due, as it is now; `None` where there is more than
    /// [`limits::GARBAGE_KEYS_MAX`].
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    pub async fn garbage_keys(&self) -> Result<Option<HashSet<String>>, StorageError> {
        let query = self.query(&self.tables.state, GARBAGE);
        let items = self.items(query, limits::GARBAGE_KEYS_MAX).await?;
        if items.len() >= limits::GARBAGE_KEYS_MAX {
            return Ok(None);
        }
        let keys = items
            .into_iter()
            .map(|found| Ok(read(&self.tables.state, found)?.key));
        keys.collect::<Result<_, _>>().map(Some)
    }

    /// Takes objects that are deleted off the list.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn forget_garbage(&self, garbage: &[Garbage]) -> Result<(), StorageError> {
        let unique: BTreeSet<&Garbage> = garbage.iter().collect();
        let table = &self.tables.state;
        let key = |garbage: &Garbage| item::key(GARBAGE, garbage.sort_key());
        let deletes = unique
            .into_iter()
            .map(|garbage| Write::delete(table, key(garbage)));
        self.write_all(deletes.collect::<Result<_, _>>()?).await
    }

    /// Puts objects on the list: those of rows that go, and those that were written for a row that
    /// turned out to exist.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn put_garbage(
        &self,
        garbage: impl IntoIterator<Item = Garbage>,
    ) -> Result<(), StorageError> {
        let unique: BTreeSet<Garbage> = garbage.into_iter().collect();
        let table = &self.tables.state;
        let item = |garbage: Garbage| item::key(GARBAGE, garbage.sort_key());
        let puts = unique
            .into_iter()
            .map(|garbage| Write::put(table, item(garbage)));
        self.write_all(puts.collect::<Result<_, _>>()?).await
    }
}

fn read(table: &str, found: Item) -> Result<Garbage, StorageError> {
    let fields = Fields::new(table, found);
    let parts = fields.sk.split_once('/');
    let read = parts.and_then(|(due, key)| {
        Some(Garbage {
            due: from_sortable(due.parse().ok()?),
            key: key.to_owned(),
        })
    });
    read.ok_or_else(|| fields.broken("sk", "is not `time/object key`"))
}
