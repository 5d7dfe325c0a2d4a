//! [`Store`]: makes a push durable and visible, in the order that keeps a crash harmless.
//!
//! For each day one segment: its bytes and the rows of new streams are written side by side, then
//! the segment's row, which is the commit. What a crash leaves behind (an object without a row, a
//! stream without lines) is found by nobody or does no harm. Knows no limits.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::try_join_all;
use narvi_model::{StreamId, TenantId, Timestamp};
use narvi_protocol::push::PushStream;
use narvi_segment::{Encoded, Summary, WriteError, Writer, WriterOptions};
use narvi_storage::{Catalog, Objects, Partition, Place, SegmentRow, StorageError, StreamRow};
use quick_cache::sync::Cache;

use crate::IntakeError;
use crate::by_day::{Streams, by_day};
use crate::limits::{INLINE_BYTES, KNOWN_STREAMS};

/// Where pushes go.
pub(crate) struct Store {
    objects: Arc<dyn Objects>,
    catalog: Catalog,
    options: WriterOptions,
    /// Streams whose rows this container has written. Rows of a day go only when the day is past
    /// its retention, so what is known stays true.
    known: Cache<(Partition, StreamId), ()>,
}

impl Store {
    pub(crate) fn new(objects: Arc<dyn Objects>, catalog: Catalog, options: WriterOptions) -> Self {
        let known = Cache::new(KNOWN_STREAMS);
        Self {
            objects,
            catalog,
            options,
            known,
        }
    }

    /// Stores streams. When it answers, every line is durable, and a query that starts later finds
    /// it. After an error some days may be stored; the same push sent again completes the rest and
    /// repeats nothing, since its segments have the same ids.
    pub(crate) async fn write(
        &self,
        tenant: &TenantId,
        streams: Vec<PushStream>,
        now: Timestamp,
    ) -> Result<(), IntakeError> {
        let mut segments = Vec::new();
        for (day, streams) in by_day(streams) {
            let encoded = encode(self.options, tenant, &streams)?;
            let shard = self.catalog.shard_of(&encoded.summary.id);
            let partition = Partition {
                tenant: tenant.clone(),
                day,
                shard,
            };
            let rows = streams
                .into_iter()
                .map(|(id, (labels, _))| StreamRow::new(id, labels));
            segments.push(self.write_segment(partition, encoded, rows.collect(), now));
        }
        try_join_all(segments).await?;
        Ok(())
    }

    async fn write_segment(
        &self,
        partition: Partition,
        encoded: Encoded,
        streams: Vec<StreamRow>,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let Encoded { bytes, summary } = encoded;
        let (place, ()) = tokio::try_join!(
            self.write_bytes(&partition, &summary, bytes, now),
            self.write_streams(&partition, streams),
        )?;
        let replaces = Vec::new();
        let row = SegmentRow {
            partition,
            level: 0,
            summary,
            place,
            replaces,
            created: now,
        };
        // `Existed` is a push that is sent again: its lines are stored, which is all that is asked.
        self.catalog.put_segment(&row).await?;
        Ok(())
    }

    async fn write_bytes(
        &self,
        partition: &Partition,
        summary: &Summary,
        bytes: Bytes,
        now: Timestamp,
    ) -> Result<Place, StorageError> {
        if bytes.len() <= INLINE_BYTES {
            return Ok(Place::Inline(bytes));
        }
        let key = SegmentRow::object_key(partition, 0, &summary.id, now);
        // Not "if absent": an object that an earlier attempt left without a row may be about to be
        // collected by its age, and writing the same bytes again makes it young.
        self.objects.put(&key, bytes).await?;
        Ok(Place::Object(key))
    }

    async fn write_streams(
        &self,
        partition: &Partition,
        streams: Vec<StreamRow>,
    ) -> Result<(), StorageError> {
        let key = |stream: &StreamRow| (partition.clone(), stream.id);
        let is_new = |stream: &StreamRow| self.known.get(&key(stream)).is_none();
        let new: Vec<_> = streams.into_iter().filter(is_new).collect();
        if new.is_empty() {
            return Ok(());
        }
        self.catalog.put_streams(partition, &new).await?;
        // Remembered only now: what failed half-way is written again.
        new.iter()
            .for_each(|stream| self.known.insert(key(stream), ()));
        Ok(())
    }
}

fn encode(
    options: WriterOptions,
    tenant: &TenantId,
    streams: &Streams,
) -> Result<Encoded, WriteError> {
    let mut writer = Writer::new(options);
    for (labels, entries) in streams.values() {
        writer.push_entries(labels, entries)?;
    }
    writer.finish(tenant)
}
