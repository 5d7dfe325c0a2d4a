//! Packs: the streams of a partition in a few items, and how readers meet them.
//!
//! A stream has a row of its own (loose) until it is packed. The sort keys of a partition are those
//! of loose rows, then the head's, then those of bodies, and a pack is committed by its head before
//! any row goes that is in it. So one query in ascending order is enough: whoever does not meet a
//! row any more has yet to come to the head that names the pack which has it. Bodies have the name
//! of their pack in their key and never change; only what never changes is cached. `packing.rs`
//! writes packs. Why: `docs/decisions/0024-packed-stream-rows.md`.

use std::collections::BTreeMap;
use std::sync::Arc;

use narvi_model::{Matcher, matches_all};
use narvi_segment::StreamPack;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::item::{self, Fields, Item, number, text};
use super::{Catalog, Partition, StreamRow};
use crate::{StorageError, limits};

/// The sort key of the head. Ids of streams are hexadecimal, so it is behind all of them.
pub(super) const HEAD: &str = "pack";

/// What the sort keys of all bodies begin with, behind the head.
pub(super) const BODIES: &str = "pack/";

/// Which pack of a partition is the one that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Unique to one commit.
    pub(super) name: String,
    /// Number of bodies.
    pub(super) parts: usize,
    /// Number of streams in all of them.
    pub(super) streams: usize,
}

impl Head {
    pub(super) fn to_item(&self, pk: &str) -> Item {
        let mut item = item::key(pk, HEAD);
        item.insert("name".to_owned(), text(&self.name));
        item.insert("parts".to_owned(), number(self.parts as u64));
        item.insert("streams".to_owned(), number(self.streams as u64));
        item
    }

    fn from_item(table: &str, found: Item) -> Result<Self, StorageError> {
        let mut fields = Fields::new(table, found);
        let parts: usize = fields.number("parts")?;
        if parts > limits::PACK_PARTS {
            return Err(fields.broken("parts", &format!("is over {}", limits::PACK_PARTS)));
        }
        Ok(Self {
            name: fields.text("name")?,
            parts,
            streams: fields.number("streams")?,
        })
    }

    /// The sort key of a body.
    pub(super) fn body(&self, part: usize) -> String {
        format!("{BODIES}{}/{part:03}", self.name)
    }
}

/// The decoded bodies of a pack.
#[derive(Debug)]
pub(super) struct Pack(pub(super) Vec<StreamPack>);

/// Packs by partition and name, bounded in bytes.
#[derive(Debug)]
pub(super) struct PackCache(Cache<(String, String), Arc<Pack>, PackWeight>);

#[derive(Clone, Debug)]
struct PackWeight;

/// Bytes of a key of the cache and of what it is kept in, about.
const ENTRY_WEIGHT: usize = 256;

impl Weighter<(String, String), Arc<Pack>> for PackWeight {
    fn weight(&self, _: &(String, String), pack: &Arc<Pack>) -> u64 {
        let parts: usize = pack.0.iter().map(StreamPack::weight).sum();
        (parts + ENTRY_WEIGHT) as u64
    }
}

impl PackCache {
    pub(super) fn new(bytes: u64) -> Self {
        // The number of packs is only a hint for the first allocation.
        Self(Cache::with_weighter(64, bytes, PackWeight))
    }
}

/// The streams of a partition, as one reader has met them.
pub(super) struct Listed {
    loose: Vec<StreamRow>,
    pack: Option<Arc<Pack>>,
}

impl Listed {
    /// The streams that meet all matchers of any group. One that is loose and packed comes twice.
    fn meeting(self, groups: &[&[Matcher]]) -> Vec<StreamRow> {
        let is_met = |row: &StreamRow| groups.iter().any(|group| matches_all(group, &row.labels));
        let mut rows = self.loose;
        rows.retain(is_met);
        for part in self.pack.iter().flat_map(|pack| &pack.0) {
            rows.extend(part.meeting(groups).map(|(id, stream)| StreamRow {
                id,
                labels: stream.labels,
                is_emptied: stream.is_emptied,
            }));
        }
        rows
    }
}

impl Catalog {
    /// The streams of a partition that meet all matchers of any group.
    pub(super) async fn listed(
        &self,
        partition: &Partition,
        groups: &[&[Matcher]],
    ) -> Result<Vec<StreamRow>, StorageError> {
        let pk = partition.to_string();
        let mut gone = None;
        for _ in 0..limits::PACK_READS {
            let (loose, head) = self.loose(&pk).await?;
            let Some(head) = head else {
                return Ok(Listed { loose, pack: None }.meeting(groups));
            };
            match self.pack_of(&pk, &head).await? {
                Some(pack) => {
                    let pack = Some(pack);
                    return Ok(Listed { loose, pack }.meeting(groups));
                }
                // Replaced by a newer one, whose head is there now.
                None if gone.as_ref() != Some(&head) => gone = Some(head),
                None => return Err(self.incomplete(&pk, &head)),
            }
        }
        Err(StorageError::Unavailable {
            what: format!("streams of `{pk}`"),
            source: "they are packed again and again".into(),
        })
    }

    pub(super) fn incomplete(&self, pk: &str, head: &Head) -> StorageError {
        let what = format!(
            "pack `{}` of `{pk}` in table `{}`",
            head.name, self.tables.streams
        );
        StorageError::corrupt(what, format!("does not have its {} parts", head.parts))
    }

    /// The loose rows of a partition, and the head of its pack. One query.
    pub(super) async fn loose(
        &self,
        pk: &str,
    ) -> Result<(Vec<StreamRow>, Option<Head>), StorageError> {
        let table = &self.tables.streams;
        let query = self
            .query(table, pk)
            .key_condition_expression("pk = :pk AND sk <= :head")
            .expression_attribute_values(":head", text(HEAD));
        let items = self.items(query, usize::MAX).await?;
        let mut rows = Vec::with_capacity(items.len());
        let mut head = None;
        for found in items {
            match item::sort_key(&found) {
                HEAD => head = Some(Head::from_item(table, found)?),
                _ => rows.push(item::to_stream(table, found)?),
            }
        }
        Ok((rows, head))
    }

    /// The bodies of a pack; `None` where not all of them are there.
    async fn pack_of(&self, pk: &str, head: &Head) -> Result<Option<Arc<Pack>>, StorageError> {
        if head.parts == 0 {
            return Ok(Some(Arc::new(Pack(Vec::new()))));
        }
        let key = (pk.to_owned(), head.name.clone());
        if let Some(pack) = self.packs.0.get(&key) {
            return Ok(Some(pack));
        }
        let prefix = format!("{BODIES}{}/", head.name);
        let bodies = self.bodies(pk, &prefix).await?;
        let Some(pack) = self.decode(head, bodies)? else {
            return Ok(None);
        };
        let pack = Arc::new(pack);
        self.packs.0.insert(key, Arc::clone(&pack));
        Ok(Some(pack))
    }

    /// The bodies whose sort keys begin with a text, by these keys. One query.
    pub(super) async fn bodies(
        &self,
        pk: &str,
        prefix: &str,
    ) -> Result<BTreeMap<String, Item>, StorageError> {
        let query = self
            .query(&self.tables.streams, pk)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":prefix", text(prefix));
        let items = self.items(query, usize::MAX).await?.into_iter();
        Ok(items
            .map(|found| (item::sort_key(&found).to_owned(), found))
            .collect())
    }

    /// The pack that `head` names out of bodies; `None` where not all of it is among them.
    pub(super) fn decode(
        &self,
        head: &Head,
        mut bodies: BTreeMap<String, Item>,
    ) -> Result<Option<Pack>, StorageError> {
        let found: Option<Vec<Item>> = (0..head.parts)
            .map(|part| bodies.remove(&head.body(part)))
            .collect();
        let Some(found) = found else {
            return Ok(None);
        };
        let mut parts = Vec::with_capacity(head.parts);
        for body in found {
            let mut fields = Fields::new(&self.tables.streams, body);
            let decoded = StreamPack::decode(&fields.binary("body")?);
            parts.push(decoded.map_err(|error| fields.broken("body", &error.to_string()))?);
        }
        Ok(Some(Pack(parts)))
    }
}

/// The streams of several lists, in the order of ids, each once. One that any list has with lines
/// has some.
pub(super) fn joined(lists: Vec<Vec<StreamRow>>) -> Vec<StreamRow> {
    let mut rows: Vec<StreamRow> = lists.into_iter().flatten().collect();
    rows.sort_by_key(|row| (row.id, row.is_emptied));
    rows.dedup_by_key(|row| row.id);
    rows
}
