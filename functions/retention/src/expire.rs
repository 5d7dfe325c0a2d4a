//! [`Expiry`]: one partition against its tenant's periods.

use std::sync::Arc;

use narvi_model::Timestamp;
use narvi_rewrite::{Rewriter, share_of};
use narvi_segment::{Keep, Share};
use narvi_storage::{
    Catalog, Claim, Lease, Objects, Partition, SegmentRow, StorageError, StreamRow,
};

use crate::cutoff::Cutoff;
use crate::limits::LEASE;
use crate::report::Report;

/// What is needed to drop what is expired.
pub(crate) struct Expiry<'a> {
    pub(crate) objects: &'a dyn Objects,
    pub(crate) catalog: &'a Catalog,
    pub(crate) owner: &'a str,
    pub(crate) now: Timestamp,
    /// When objects of removed rows may be deleted.
    pub(crate) due: Timestamp,
    pub(crate) in_place: bool,
}

/// A partition that may have something that is expired.
pub(crate) struct Suspect {
    pub(crate) partition: Partition,
    pub(crate) cutoff: Arc<Cutoff>,
    /// What it will be marked with when the streams are gone of which the whole day is expired;
    /// none where it has that mark, or no such stream.
    pub(crate) mark: Option<String>,
}

impl Suspect {
    /// `None` where nothing can be expired that was not before.
    pub(crate) fn new(partition: Partition, mark: &str, cutoff: &Arc<Cutoff>) -> Option<Self> {
        let wanted = cutoff.mark(partition.day);
        let mark = wanted.filter(|wanted| wanted != mark);
        let is_suspect = mark.is_some() || cutoff.touches(partition.day);
        is_suspect.then(|| Self {
            partition,
            cutoff: Arc::clone(cutoff),
            mark,
        })
    }
}

impl Expiry<'_> {
    /// Whether something is to do in a partition; reads without the lease, which costs writes. A
    /// partition in which only the mark is missing gets it here.
    pub(crate) async fn has_work(&self, suspect: &Suspect) -> Result<bool, StorageError> {
        let Suspect {
            partition,
            cutoff,
            mark,
        } = suspect;
        let rows = self.catalog.partition_segments(partition).await?;
        if rows.is_empty() && cutoff.is_closed(partition.day) {
            return Ok(true);
        }
        let gone = cutoff.gone(rows);
        if !gone.expired.is_empty() {
            return Ok(true);
        }
        let Some(mark) = mark else {
            return Ok(false);
        };
        let streams = self.streams(partition).await?;
        let keep = cutoff.of_day(partition.day);
        let stays = |row: &SegmentRow| share_of(row, &streams, &keep) == Share::All;
        let forgets = cutoff.is_sealed(partition.day)
            && streams.iter().any(|stream| keep.is_expired(&stream.labels));
        if forgets || !gone.kept.iter().all(stays) {
            return Ok(true);
        }
        self.catalog.mark_partition(partition, mark).await?;
        Ok(false)
    }

    /// Works under the lease of the partition, which keeps compactors from committing to a day that
    /// is being forgotten.
    pub(crate) async fn run(
        &self,
        suspect: &Suspect,
        has_time: &(impl Fn() -> bool + Sync),
        report: &mut Report,
    ) -> Result<(), StorageError> {
        let claim = Claim {
            owner: self.owner,
            now: self.now,
            ttl: LEASE,
        };
        let work = async |lease: &Lease| self.run_alone(lease, suspect, has_time, report).await;
        let done = self.catalog.alone(&suspect.partition, claim, work).await?;
        report.busy += u64::from(done.is_none());
        Ok(())
    }

    async fn run_alone(
        &self,
        lease: &Lease,
        suspect: &Suspect,
        has_time: &(impl Fn() -> bool + Sync),
        report: &mut Report,
    ) -> Result<(), StorageError> {
        let (partition, cutoff) = (&suspect.partition, &suspect.cutoff);
        // Read under the lease: what was seen before it may be merged by now.
        let rows = self.catalog.partition_segments(partition).await?;
        let gone = cutoff.gone(rows);
        for rows in [&gone.hidden, &gone.expired] {
            if !rows.is_empty() {
                self.catalog.remove_segments(rows, self.due).await?;
            }
        }
        report.expired += gone.expired.len() as u64;
        if gone.kept.is_empty() && cutoff.is_closed(partition.day) {
            // Nothing checks a lease in these deletes, so it must still be ours when they start.
            self.catalog.renew(lease, self.now, LEASE).await?;
            self.catalog.forget_partition(partition).await?;
            report.forgotten += 1;
            return Ok(());
        }
        match &suspect.mark {
            Some(mark) => {
                let rewriter = Rewriter {
                    objects: self.objects,
                    catalog: self.catalog,
                    lease,
                    now: self.now,
                    due: self.due,
                    in_place: self.in_place,
                };
                let day = Streams {
                    suspect,
                    mark,
                    rewriter,
                };
                self.drop_streams(day, gone.kept, has_time, report).await
            }
            None => Ok(()),
        }
    }

    /// Rewrites rows without the streams of which the whole day is expired, forgets those streams
    /// when the day takes no more lines of them, and marks the partition.
    async fn drop_streams(
        &self,
        day: Streams<'_>,
        rows: Vec<SegmentRow>,
        has_time: &(impl Fn() -> bool + Sync),
        report: &mut Report,
    ) -> Result<(), StorageError> {
        let (partition, cutoff) = (&day.suspect.partition, &day.suspect.cutoff);
        let streams = self.streams(partition).await?;
        let whole_day = Arc::new(cutoff.of_day(partition.day));
        let keep: Arc<dyn Keep> = Arc::<crate::cutoff::WholeDay>::clone(&whole_day);
        let done = day.rewriter.run(rows, &streams, &keep, has_time).await?;
        let is_done = done.put_off == 0;
        let is_clean = is_done && done.stuck.is_empty();
        report.add_rewritten(&done);
        if is_clean && cutoff.is_sealed(partition.day) {
            let expired = streams
                .iter()
                .filter(|stream| whole_day.is_expired(&stream.labels));
            let expired: Vec<_> = expired.map(|stream| stream.id).collect();
            if !expired.is_empty() {
                self.catalog
                    .renew(day.rewriter.lease, self.now, LEASE)
                    .await?;
                report.streams += expired.len() as u64;
                self.catalog
                    .forget_streams(day.rewriter.lease, partition, expired)
                    .await?;
            }
        }
        // What is stuck is tried again when more is expired, or tomorrow while the day is open.
        if is_done {
            self.catalog.mark_partition(partition, day.mark).await?;
        }
        Ok(())
    }

    async fn streams(&self, partition: &Partition) -> Result<Vec<StreamRow>, StorageError> {
        self.catalog.streams(&partition.tenant, partition.day).await
    }
}

/// A partition whose streams are looked at one by one.
struct Streams<'a> {
    suspect: &'a Suspect,
    mark: &'a str,
    rewriter: Rewriter<'a>,
}
