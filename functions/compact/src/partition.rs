//! [`Work`]: one partition under its lease.
//!
//! The order of writes is what keeps lines: object, merged row (the commit), then the replaced
//! rows, with their objects on the list of garbage. Each step may be the last one of a run.

use std::collections::HashSet;

use narvi_model::{ChunkEncoding, Timestamp};
use narvi_segment::{Encoded, MergeOptions, SegmentId, WriteError, WriterOptions};
use narvi_storage::{Catalog, Claim, Lease, Objects, Partition, Place, SegmentRow};

use crate::error::WorkError;
use crate::input::fetch_all;
use crate::limits::{self, LEASE};
use crate::memory::Memory;
use crate::merge::merge;
use crate::packing::Packing;
use crate::plan::Plan;
use crate::report::Report;
use crate::sizes::{Sizes, memory};

/// What there is to do in one partition.
pub(crate) struct Work<'a> {
    pub(crate) objects: &'a dyn Objects,
    pub(crate) catalog: &'a Catalog,
    pub(crate) codec: ChunkEncoding,
    pub(crate) sizes: Sizes,
    pub(crate) packing: Packing,
    pub(crate) memory: &'a Memory,
    /// Pages of pushes that are read at once.
    pub(crate) push_pages: usize,
    pub(crate) in_place: bool,
    pub(crate) partition: &'a Partition,
    pub(crate) now: Timestamp,
    /// When objects of removed rows may be deleted.
    pub(crate) due: Timestamp,
}

/// What a merge has made.
#[derive(Clone, Copy)]
pub(crate) struct Stored {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    /// How many rows of streams are worth a pack now.
    pub(crate) least: Option<usize>,
}

impl Work<'_> {
    /// Works under the lease of the partition, as long as there is time.
    pub(crate) async fn run(
        &self,
        owner: &str,
        has_time: &(impl Fn() -> bool + Sync),
        report: &mut Report,
    ) -> Result<(), WorkError> {
        let claim = Claim {
            owner,
            now: self.now,
            ttl: LEASE,
        };
        let work = async |lease: &Lease| self.run_alone(lease, has_time, report).await;
        let done = self.catalog.alone(self.partition, claim, work).await?;
        report.busy += u64::from(done.is_none());
        Ok(())
    }

    async fn run_alone(
        &self,
        lease: &Lease,
        has_time: &(impl Fn() -> bool + Sync),
        report: &mut Report,
    ) -> Result<(), WorkError> {
        loop {
            // Read under the lease: what was seen before it may be merged by now.
            let rows = self
                .catalog
                .mergeable_segments(self.partition, self.push_pages);
            let (rows, is_whole) = rows.await?;
            let merges = report.merges;
            self.apply(
                Plan::new(rows, self.now, self.sizes),
                lease,
                (has_time, report),
            )
            .await?;
            // Of a backlog, what comes behind it; where nothing was merged that would be the same.
            if is_whole || report.merges == merges || !has_time() {
                return Ok(());
            }
        }
    }

    async fn apply(
        &self,
        plan: Plan,
        lease: &Lease,
        (has_time, report): (&(impl Fn() -> bool + Sync), &mut Report),
    ) -> Result<(), WorkError> {
        let Plan {
            left,
            mut merges,
            mut known,
        } = plan;
        if !left.is_empty() {
            self.catalog.remove_segments(&left, self.due).await?;
            report.left_behind += left.len() as u64;
        }
        let mut least: Option<usize> = None;
        while let Some(mut rows) = merges.pop() {
            let room = self.memory.take(memory(&rows)).await;
            // Asked when there is room, since others may have had it for long.
            if !has_time() {
                report.put_off += 1;
                break;
            }
            let merged = self.merge(lease, &mut rows, &mut known).await;
            drop(room);
            match merged {
                Ok(stored) => {
                    report.add_merge(&rows, stored);
                    least = least.into_iter().chain(stored.least).min();
                }
                Err(WorkError::Input { id, reason }) => {
                    tracing::error!(partition = %self.partition, %id, reason, "left out");
                    report.corrupt.push(format!("{} {id}", self.partition));
                    known.remove(&id);
                    rows.retain(|row| row.summary.id != id);
                    merges.extend((rows.len() >= 2).then_some(rows));
                }
                // More names of metadata or labels than one segment can have. Two pushes that do
                // not fit together stay as they are.
                Err(WorkError::Write(WriteError::TooLarge { .. })) => {
                    let later = rows.split_off(rows.len() / 2);
                    merges.extend([later, rows].into_iter().filter(|rows| rows.len() >= 2));
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(least) = least
            && has_time()
        {
            let packed = self.catalog.pack_streams(lease, self.partition, least);
            report.packed += packed.await? as u64;
        }
        Ok(())
    }

    /// One merge, from its inputs to its commit.
    async fn merge(
        &self,
        lease: &Lease,
        rows: &mut [SegmentRow],
        known: &mut HashSet<SegmentId>,
    ) -> Result<Stored, WorkError> {
        let encoded = self.encode(rows).await?;
        self.store(lease, rows, encoded, known).await
    }

    /// Merges rows in memory, in the order of arrival.
    async fn encode(&self, rows: &mut [SegmentRow]) -> Result<Encoded, WorkError> {
        rows.sort_by_key(|row| (row.created, row.summary.id));
        let inputs = fetch_all(self.objects, rows).await?;
        let tenant = self.partition.tenant.clone();
        let options = MergeOptions {
            writer: WriterOptions {
                codec: self.codec.into(),
                filters: true,
                ..WriterOptions::default()
            },
            max_bytes: limits::MAX_BYTES,
            max_open_bytes: limits::MAX_OPEN_BYTES,
        };
        if self.in_place {
            return merge(&tenant, &options, &inputs);
        }
        // In local mode pushes and queries run on the same threads.
        tokio::task::spawn_blocking(move || merge(&tenant, &options, &inputs)).await?
    }

    /// Commits a merged segment and removes what it replaces.
    async fn store(
        &self,
        lease: &Lease,
        rows: &[SegmentRow],
        encoded: Encoded,
        known: &mut HashSet<SegmentId>,
    ) -> Result<Stored, WorkError> {
        let Encoded { bytes, summary } = encoded;
        let id = summary.id;
        // Above all inputs, so that a reader that has not met one of them comes to this row yet.
        let level = rows.iter().map(|row| row.level).max().unwrap_or(0) + 1;
        let merged = (level, summary.streams.len());
        let stored = Stored {
            rows: summary.rows,
            bytes: summary.size,
            least: self.packing.least(self.partition, self.now, merged),
        };
        // An input that holds all lines of the others may be the result, one level higher. But of
        // another segment with the very content a second row would be a repetition.
        let is_input = rows.iter().any(|row| row.summary.id == id);
        if !known.insert(id) && !is_input {
            self.catalog.remove_segments(rows, self.due).await?;
            return Ok(stored);
        }
        // The bucket in the key is that of the clock, so that it is never the key of garbage.
        let key = SegmentRow::object_key(self.partition, level, &id, self.now);
        self.objects.put(&key, bytes).await?;
        let merged = SegmentRow {
            partition: self.partition.clone(),
            level,
            summary,
            place: Place::Object(key),
            replaces: rows.iter().map(|row| row.summary.id).collect(),
            // Not `now`: lines of equal time keep their order against pushes that came after these.
            created: rows.iter().map(|row| row.created).max().unwrap_or(self.now),
        };
        // Where the lease is lost the object stays without a row and is no garbage: the new holder
        // may commit the same merge under the same key. `Existed` can only be this very commit,
        // sent twice: of other rows `known` would have told.
        self.catalog.commit_merge(lease, &merged).await?;
        self.catalog.remove_segments(rows, self.due).await?;
        Ok(stored)
    }
}
