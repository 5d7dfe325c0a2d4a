//! Segment rows: written once, read in the order of levels, removed after a merge.
//!
//! Why one query in ascending order is enough: a merged row has a higher level than all that it
//! replaces and is there before any of them goes. A reader that does not meet a replaced row any
//! more has yet to come to the row that replaces it.

use std::collections::BTreeSet;

use futures::future::try_join_all;
use narvi_model::{Day, TenantId, TimeRange, Timestamp};

use super::item::{self, number};
use super::traffic::Write;
use super::{Catalog, Partition, Place, SegmentRow, garbage, visible};
use crate::failure::if_held;
use crate::{Put, StorageError};

/// What every row of a time range passes, and every row that may hide another one.
const TOUCHES: &str = "(#first < :end AND #last >= :start) OR attribute_exists(#replaces)";

/// Before the sort keys of all rows above level 0, and behind those of pushes.
const FIRST_MERGED: &str = "01";

impl Catalog {
    /// Commits a segment, in one request. `Existed` means that the same push has been stored
    /// before: a success for the client, and an object that this attempt wrote under another key is
    /// garbage.
    ///
    /// # Errors
    /// `Invalid`, `TooMuch`, `Unavailable`.
    pub async fn put_segment(&self, row: &SegmentRow) -> Result<Put, StorageError> {
        let request = self
            .client
            .put_item()
            .table_name(&self.tables.segments)
            .set_item(Some(item::of_segment(row)?))
            .condition_expression("attribute_not_exists(pk)");
        let held = if_held(
            || format!("dynamodb.PutItem `{}`", row.partition),
            request.send().await,
        )?;
        Ok(held.map_or(Put::Existed, |_| Put::Stored))
    }

    /// The segments of a tenant's day that touch `range`, from all shards, in ascending order of
    /// level, first time and id, without those that another one replaces.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`, `TooMuch`.
    pub async fn segments(
        &self,
        tenant: &TenantId,
        day: Day,
        range: TimeRange,
    ) -> Result<Vec<SegmentRow>, StorageError> {
        let shards = self.partitions_of(tenant, day).map(async |partition| {
            let query = self
                .query(&self.tables.segments, &partition.to_string())
                .filter_expression(TOUCHES)
                .expression_attribute_names("#first", "first")
                .expression_attribute_names("#last", "last")
                .expression_attribute_names("#replaces", "replaces")
                .expression_attribute_values(":start", number(range.start().nanos()))
                .expression_attribute_values(":end", number(range.end().nanos()));
            self.items(query, usize::MAX).await
        });
        let items = try_join_all(shards).await?.into_iter().flatten();
        let rows = items.map(|found| item::to_segment(&self.tables.segments, found));
        let mut rows = visible(rows.collect::<Result<Vec<_>, _>>()?, range);
        if self.shards > 1 {
            rows.sort_by_key(|row| (row.level, row.summary.first, row.summary.id));
        }
        Ok(rows)
    }

    /// Whether a row that was read before is still there.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn has_segment(&self, row: &SegmentRow) -> Result<bool, StorageError> {
        // A query, since whoever reads may do nothing else.
        let query = self
            .query(&self.tables.segments, &row.partition.to_string())
            .key_condition_expression("pk = :pk AND sk = :sk")
            .expression_attribute_values(":sk", item::text(row.sort_key()))
            .projection_expression("pk, sk");
        Ok(!self.items(query, 1).await?.is_empty())
    }

    /// Every row of a partition, also those that are replaced: for compaction and retention.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`, `TooMuch`.
    pub async fn partition_segments(&self, p: &Partition) -> Result<Vec<SegmentRow>, StorageError> {
        let query = self.query(&self.tables.segments, &p.to_string());
        let items = self.items(query, usize::MAX).await?.into_iter();
        items
            .map(|found| item::to_segment(&self.tables.segments, found))
            .collect()
    }

    /// The rows of a partition that can be merged now, in bounded memory whatever there is: all
    /// that merges have made, also where they are replaced, and pushes in the order of their first
    /// lines, as many as `pages` of 1 MB have. One request where that is all, which the answer also
    /// says.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`, `TooMuch`.
    pub async fn mergeable_segments(
        &self,
        p: &Partition,
        pages: usize,
    ) -> Result<(Vec<SegmentRow>, bool), StorageError> {
        let table = &self.tables.segments;
        let (mut items, next) = self.pages(self.query(table, &p.to_string()), pages).await?;
        let mut is_whole = true;
        if let Some(next) = next {
            let last = item::Fields::new(table, next).sk;
            is_whole = last.as_str() >= FIRST_MERGED;
            let above = self
                .query(table, &p.to_string())
                .key_condition_expression("pk = :pk AND sk > :last")
                .expression_attribute_values(
                    ":last",
                    item::text(last.max(FIRST_MERGED.to_owned())),
                );
            items.extend(self.items(above, usize::MAX).await?);
        }
        let rows = items
            .into_iter()
            .map(|found| item::to_segment(table, found));
        Ok((rows.collect::<Result<_, _>>()?, is_whole))
    }

    /// Every row of a tenant's day, from all shards, also those that are replaced.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`, `TooMuch`.
    pub async fn all_segments(
        &self,
        tenant: &TenantId,
        day: Day,
    ) -> Result<Vec<SegmentRow>, StorageError> {
        let shards = self
            .partitions_of(tenant, day)
            .map(async |partition| self.partition_segments(&partition).await);
        Ok(try_join_all(shards).await?.into_iter().flatten().collect())
    }

    /// Removes rows of segments that are merged or expired. Writes garbage rows for their objects
    /// first, which are due to be deleted at `due`, so that a run that stops half-way leaks
    /// nothing.
    ///
    /// # Errors
    /// `Unavailable`; repeat the call with the same rows.
    pub async fn remove_segments(
        &self,
        rows: &[SegmentRow],
        due: Timestamp,
    ) -> Result<(), StorageError> {
        let objects = rows.iter().filter_map(|row| match &row.place {
            Place::Object(key) => Some(key),
            Place::Inline(_) => None,
        });
        self.put_garbage(garbage::of(objects, due)).await?;
        let keys: BTreeSet<_> = rows
            .iter()
            .map(|row| (row.partition.to_string(), row.sort_key()))
            .collect();
        let deletes = keys
            .into_iter()
            .map(|(pk, sk)| Write::delete(&self.tables.segments, item::key(pk, sk)));
        self.write_all(deletes.collect::<Result<_, _>>()?).await
    }
}
