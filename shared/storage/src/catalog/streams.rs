//! Stream rows, and the row that each partition has for those who walk through all of them.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use narvi_model::{Day, Matcher, StreamId, TenantId, Timestamp};

use super::item::{self, Fields, Item, text};
use super::packs::{HEAD, joined};
use super::traffic::Write;
use super::{Catalog, Partition, StreamRow};
use crate::StorageError;
use crate::failure::if_held;

/// Partition key of the rows of partitions, in the table of states.
const PARTITIONS: &str = "partitions";

impl Catalog {
    /// Writes stream rows and the partition's own row, 25 in a request: up to 24 streams are one
    /// request. Must be done before the segment row that needs them is written.
    ///
    /// # Errors
    /// `Unavailable`; some rows may be written then, which harms nobody.
    pub async fn put_streams(
        &self,
        partition: &Partition,
        streams: &[StreamRow],
    ) -> Result<(), StorageError> {
        if streams.is_empty() {
            return Ok(());
        }
        let pk = partition.to_string();
        // DynamoDB refuses a batch that names a key twice.
        let unique: BTreeMap<StreamId, &StreamRow> =
            streams.iter().map(|row| (row.id, row)).collect();
        let own_row = item::key(PARTITIONS, partition.by_day());
        let mut writes = vec![Write::put(&self.tables.state, own_row)?];
        for row in unique.into_values() {
            writes.push(Write::put(&self.tables.streams, item::of_stream(&pk, row))?);
        }
        self.write_all(writes).await
    }

    /// Every stream of a tenant's day, from all shards, in the order of ids, each once.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    pub async fn streams(
        &self,
        tenant: &TenantId,
        day: Day,
    ) -> Result<Vec<StreamRow>, StorageError> {
        self.streams_meeting(tenant, day, &[&[]]).await
    }

    /// As [`Catalog::streams`], those that meet all matchers of any group. One query for each
    /// shard, and another where streams are packed and this process has not read that pack yet.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    pub async fn streams_meeting(
        &self,
        tenant: &TenantId,
        day: Day,
        groups: &[&[Matcher]],
    ) -> Result<Vec<StreamRow>, StorageError> {
        let shards = self
            .partitions_of(tenant, day)
            .map(async |partition| self.listed(&partition, groups).await);
        Ok(joined(try_join_all(shards).await?))
    }

    /// Every partition that has streams, ordered by day.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    pub async fn partitions(&self) -> Result<Vec<Partition>, StorageError> {
        self.partitions_since(Day::of(Timestamp::MIN)).await
    }

    /// As [`Catalog::partitions`], from a day on: a schedule that runs each minute need not read
    /// the rows of all years.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    pub async fn partitions_since(&self, first: Day) -> Result<Vec<Partition>, StorageError> {
        // A partition that was made this second may be missing; the next run sees it.
        let query = self
            .query(&self.tables.state, PARTITIONS)
            .key_condition_expression("pk = :pk AND sk >= :first")
            .expression_attribute_values(":first", text(first.to_string()))
            .consistent_read(false);
        let items = self.items(query, usize::MAX).await?;
        items
            .into_iter()
            .map(|found| self.to_partition(found))
            .collect()
    }

    /// As [`Catalog::partitions`], each with the mark that [`Catalog::mark_partition`] has left;
    /// an empty text where there is none.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    pub async fn marked_partitions(&self) -> Result<Vec<(Partition, String)>, StorageError> {
        let query = self.query(&self.tables.state, PARTITIONS);
        let items = self.items(query.consistent_read(false), usize::MAX).await?;
        let marked = items.into_iter().map(|found| {
            let mut fields = Fields::new(&self.tables.state, found);
            let mark = fields.optional_text("mark")?.unwrap_or_default();
            Ok((Partition::from_by_day(&fields.sk)?, mark))
        });
        marked.collect()
    }

    /// Notes on a partition's own row how far retention has come, until a new stream of it is
    /// written. Where the partition is forgotten nothing is noted.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn mark_partition(
        &self,
        partition: &Partition,
        mark: &str,
    ) -> Result<(), StorageError> {
        let request = self
            .client
            .update_item()
            .table_name(&self.tables.state)
            .set_key(Some(item::key(PARTITIONS, partition.by_day())))
            .update_expression("SET #mark = :mark")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#mark", "mark")
            .expression_attribute_values(":mark", text(mark));
        if_held(
            || format!("dynamodb.UpdateItem `{partition}`"),
            request.send().await,
        )?;
        Ok(())
    }

    fn to_partition(&self, found: Item) -> Result<Partition, StorageError> {
        Partition::from_by_day(&Fields::new(&self.tables.state, found).sk)
    }

    /// Deletes the stream rows of a partition, loose and packed, and its own row. Only for days
    /// that are past retention and take no more pushes: a push in between would keep its segment
    /// and lose its streams.
    ///
    /// # Errors
    /// `Conflict` while the partition has segments, `Unavailable`.
    pub async fn forget_partition(&self, partition: &Partition) -> Result<(), StorageError> {
        let pk = partition.to_string();
        let segments = self.query(&self.tables.segments, &pk).limit(1);
        if !self.items(segments, 1).await?.is_empty() {
            let what = format!("partition `{pk}` still has segments; remove them first");
            return Err(StorageError::Conflict { what });
        }
        let table = &self.tables.streams;
        let keys = self.items(
            self.query(table, &pk).projection_expression("pk, sk"),
            usize::MAX,
        );
        let (heads, keys): (Vec<_>, Vec<_>) = keys
            .await?
            .into_iter()
            .partition(|key| item::sort_key(key) == HEAD);
        // A head without its bodies is an error to readers.
        let heads = heads.into_iter().map(|key| Write::delete(table, key));
        self.write_all(heads.collect::<Result<_, _>>()?).await?;
        let deletes = keys.into_iter().map(|key| Write::delete(table, key));
        self.write_all(deletes.collect::<Result<_, _>>()?).await?;
        // Its own row goes last, so that a run that stops half-way is taken up again.
        let own_row = item::key(PARTITIONS, partition.by_day());
        self.write_all(vec![Write::delete(&self.tables.state, own_row)?])
            .await
    }
}
