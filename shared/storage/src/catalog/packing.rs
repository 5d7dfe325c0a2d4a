//! Writes packs of streams, under the lease of their partition: bodies, then the head (the commit,
//! which checks the lease), then the rows and bodies that it makes needless go.
//!
//! A run may end after any of these. Before the commit its bodies are known to nobody, and the next
//! pack of the partition removes them; after it, what was to go is there twice, which readers bear.
//! A stream is in the pack or loose at every moment; only [`Catalog::forget_streams`] drops one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, Put};
use narvi_model::StreamId;
use narvi_segment::{PackedStream, may_pack, pack};
use sha2::{Digest, Sha256};

use super::item::{self, text};
use super::packs::{BODIES, Head};
use super::traffic::Write;
use super::{Catalog, Lease, Partition, StreamRow};
use crate::{StorageError, limits};

/// A pack that is about to be written.
struct Draft {
    pk: String,
    /// The head that it replaces.
    head: Option<Head>,
    streams: BTreeMap<StreamId, PackedStream>,
    /// Sort keys of the bodies that are there. They were read under the lease, so all of them are
    /// of the pack that is replaced, or of runs that can commit no more.
    bodies: Vec<String>,
}

impl Draft {
    /// Adds rows; whether that changes anything.
    fn add(&mut self, rows: &[StreamRow]) -> bool {
        let mut is_changed = false;
        for row in rows {
            let is_emptied = row.is_emptied;
            match self.streams.get_mut(&row.id) {
                // Where one of them knows of lines there are some.
                Some(known) if known.is_emptied && !is_emptied => known.is_emptied = false,
                Some(_) => continue,
                None => {
                    let labels = row.labels.clone();
                    let stream = PackedStream { labels, is_emptied };
                    self.streams.insert(row.id, stream);
                }
            }
            is_changed = true;
        }
        is_changed
    }

    /// A name that no other commit has: no other lease has the token, and under one lease no two
    /// commits follow on the same head.
    fn name(&self, lease: &Lease, bodies: &[Vec<u8>]) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.pk.as_bytes());
        hasher.update([0xFF]);
        hasher.update(lease.token.to_be_bytes());
        if let Some(head) = &self.head {
            hasher.update(head.name.as_bytes());
        }
        for body in bodies {
            hasher.update([0xFF]);
            hasher.update(body);
        }
        let digest: [u8; 32] = hasher.finalize().into();
        digest[..16].iter().fold(String::new(), |mut name, byte| {
            // Writing to a text does not fail.
            let _ = write!(name, "{byte:02x}");
            name
        })
    }
}

impl Catalog {
    /// Packs the loose streams of a partition with those that are packed already, where there are
    /// `least` of them and a share of those; how many were packed. One query where there are not.
    ///
    /// # Errors
    /// `LostLease`, `Unavailable`, `Corrupt`; the streams are all there whatever happens.
    pub async fn pack_streams(
        &self,
        lease: &Lease,
        partition: &Partition,
        least: usize,
    ) -> Result<usize, StorageError> {
        let pk = partition.to_string();
        let (mut loose, head) = self.loose(&pk).await?;
        loose.retain(|row| row.labels.stream_id() == row.id && may_pack(&row.labels));
        let packed = head.as_ref().map_or(0, |head| head.streams);
        let is_worth = loose.len() >= least.max(packed / limits::PACK_SHARE).max(1);
        if !is_worth || packed + loose.len() > limits::PACK_STREAMS {
            return Ok(0);
        }
        let mut draft = self.draft(lease, pk, head).await?;
        // Where that changes nothing a run was cut short when all were packed.
        if draft.add(&loose) && !self.commit_pack(lease, &draft).await? {
            return Ok(0);
        }
        let ids = loose.iter().map(|row| row.id);
        self.delete_loose(&draft.pk, ids).await?;
        Ok(loose.len())
    }

    /// Deletes streams of a partition, loose or packed. Only such as no segment holds, on a day
    /// that takes no more lines of them.
    ///
    /// # Errors
    /// `LostLease`, `Unavailable`, `Corrupt`; repeat the call.
    pub async fn forget_streams(
        &self,
        lease: &Lease,
        partition: &Partition,
        streams: impl IntoIterator<Item = StreamId>,
    ) -> Result<(), StorageError> {
        let gone: BTreeSet<StreamId> = streams.into_iter().collect();
        let pk = partition.to_string();
        let (loose, head) = self.loose(&pk).await?;
        if head.is_some() {
            let mut draft = self.draft(lease, pk.clone(), head).await?;
            let before = draft.streams.len();
            draft.streams.retain(|id, _| !gone.contains(id));
            if draft.streams.len() < before {
                self.commit_pack(lease, &draft).await?;
            }
        }
        let ids = loose.iter().map(|row| row.id);
        self.delete_loose(&pk, ids.filter(|id| gone.contains(id)))
            .await
    }

    /// Notes of streams of a partition, loose or packed, that all their lines are erased. What is
    /// pushed to them from now on need not take the note back: it only says that who lists streams
    /// must look for segments.
    ///
    /// # Errors
    /// `LostLease`, `Unavailable`, `Corrupt`; repeat the call.
    pub async fn mark_emptied(
        &self,
        lease: &Lease,
        partition: &Partition,
        streams: impl IntoIterator<Item = StreamId>,
    ) -> Result<(), StorageError> {
        let emptied: BTreeSet<StreamId> = streams.into_iter().collect();
        let pk = partition.to_string();
        let (mut loose, head) = self.loose(&pk).await?;
        loose.retain(|row| emptied.contains(&row.id) && !row.is_emptied);
        let mut puts = Vec::with_capacity(loose.len());
        for row in &mut loose {
            row.is_emptied = true;
            puts.push(Write::put(&self.tables.streams, item::of_stream(&pk, row))?);
        }
        self.write_all(puts).await?;
        if head.is_none() {
            return Ok(());
        }
        let mut draft = self.draft(lease, pk, head).await?;
        let packed = draft.streams.iter_mut();
        let mut is_changed = false;
        for (_, stream) in packed.filter(|(id, _)| emptied.contains(id)) {
            is_changed |= !stream.is_emptied;
            stream.is_emptied = true;
        }
        if is_changed {
            self.commit_pack(lease, &draft).await?;
        }
        Ok(())
    }

    async fn delete_loose(
        &self,
        pk: &str,
        ids: impl Iterator<Item = StreamId>,
    ) -> Result<(), StorageError> {
        let key = |id: StreamId| item::key(pk, id.to_string());
        let deletes = ids.map(|id| Write::delete(&self.tables.streams, key(id)));
        self.write_all(deletes.collect::<Result<_, _>>()?).await
    }

    /// What is packed of a partition, read under its lease.
    async fn draft(
        &self,
        lease: &Lease,
        pk: String,
        head: Option<Head>,
    ) -> Result<Draft, StorageError> {
        let bodies = self.bodies(&pk, BODIES).await?;
        let mut draft = Draft {
            bodies: bodies.keys().cloned().collect(),
            streams: BTreeMap::new(),
            pk,
            head,
        };
        let Some(head) = &draft.head else {
            return Ok(draft);
        };
        let Some(found) = self.decode(head, bodies)? else {
            // Another holder of the lease has written a newer one, or it is broken.
            let (_, now) = self.loose(&draft.pk).await?;
            return Err(match now.as_ref() == Some(head) {
                true => self.incomplete(&draft.pk, head),
                false => lease.lost(),
            });
        };
        for part in &found.0 {
            draft.streams.extend(part.iter());
        }
        Ok(draft)
    }

    /// Writes a pack, and removes what it replaces; does nothing where it had too many parts.
    async fn commit_pack(&self, lease: &Lease, draft: &Draft) -> Result<bool, StorageError> {
        let (table, pk) = (&self.tables.streams, &draft.pk);
        let streams: Vec<PackedStream> = draft.streams.values().cloned().collect();
        let bodies = pack(&streams).map_err(|error| {
            let what = format!("pack of streams of `{pk}`");
            StorageError::invalid(what, error.to_string())
        })?;
        if bodies.len() > limits::PACK_PARTS {
            return Ok(false);
        }
        let head = Head {
            name: draft.name(lease, &bodies),
            parts: bodies.len(),
            streams: streams.len(),
        };
        let mut writes = Vec::with_capacity(bodies.len());
        for (part, body) in bodies.into_iter().enumerate() {
            let mut item = item::key(pk, head.body(part));
            item.insert("body".to_owned(), AttributeValue::B(Blob::new(body)));
            writes.push(item);
        }
        for items in writes.chunks(limits::PACK_PARTS_AT_ONCE) {
            let puts = items.iter().map(|item| Write::put(table, item.clone()));
            self.write_all(puts.collect::<Result<_, _>>()?).await?;
        }
        self.commit_head(lease, draft, &head).await?;
        let own: BTreeSet<String> = (0..head.parts).map(|part| head.body(part)).collect();
        let needless = draft.bodies.iter().filter(|key| !own.contains(*key));
        let deletes = needless.map(|key| Write::delete(table, item::key(pk, key)));
        self.write_all(deletes.collect::<Result<_, _>>()?).await?;
        Ok(true)
    }

    /// The commit: from here on readers take the new pack.
    async fn commit_head(
        &self,
        lease: &Lease,
        draft: &Draft,
        head: &Head,
    ) -> Result<(), StorageError> {
        let mut put = Put::builder()
            .table_name(&self.tables.streams)
            .set_item(Some(head.to_item(&draft.pk)))
            .expression_attribute_names("#name", "name")
            .expression_attribute_values(":new", text(&head.name));
        // A commit that is sent twice finds itself.
        put = match &draft.head {
            None => put.condition_expression("attribute_not_exists(pk) OR #name = :new"),
            Some(old) => put
                .condition_expression("#name = :old OR #name = :new")
                .expression_attribute_values(":old", text(&old.name)),
        };
        match self.put_held(lease, put, &draft.pk).await? {
            true => Ok(()),
            // Only who holds the lease writes heads.
            false => Err(lease.lost()),
        }
    }
}
