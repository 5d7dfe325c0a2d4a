//! [`Eraser`]: takes what tenants have asked to delete out of storage, when it can no longer be
//! taken back.
//!
//! A request goes through the partitions of its days in order. Of each, under its lease, segments
//! are written anew without the lines that it names; then the partition is looked at once more for
//! what was pushed meanwhile. How far it has come is in its row, so that a run that stops anywhere
//! is taken up by the next, and doing a partition twice changes nothing. Only when all partitions
//! are done the request is processed, and only a grace later it is heeded no more: by then no query
//! runs that may have read rows from before.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use narvi_gateway::Config;
use narvi_logql::deletion::Deletion;
use narvi_model::{Day, DeletionMode, NANOS_PER_SECOND, TenantId, Timestamp};
use narvi_rewrite::Rewriter;
use narvi_segment::{Keep, SegmentId, Share};
use narvi_storage::{
    Catalog, Claim, DeleteRow, Lease, Objects, Partition, Progress, SegmentRow, StorageError,
    StreamRow,
};

use crate::limits::{DELETES_KEPT, FORGET_SECONDS, GRACE_SECONDS, LEASE, SECOND_LOOKS};
use crate::report::Report;
use crate::struck::Struck;

/// Seconds after the time to take a request back in which nothing happens yet.
const MARGIN_SECONDS: i64 = 60;

/// What is needed to erase.
pub(crate) struct Eraser<'a> {
    pub(crate) objects: &'a dyn Objects,
    pub(crate) catalog: &'a Catalog,
    pub(crate) config: &'a Config,
    pub(crate) owner: &'a str,
    pub(crate) now: Timestamp,
    /// When objects of removed rows may be deleted.
    pub(crate) due: Timestamp,
    /// Whether segments are written on the thread that polls the run.
    pub(crate) in_place: bool,
}

/// A request that is being processed.
struct Active {
    row: DeleteRow,
    /// Whether every partition of its so far is done.
    is_whole: bool,
    /// The last day of which all partitions are done, with those before it.
    through: Option<Day>,
    /// Partitions of its that are done, those of earlier runs included, and all of them.
    done: usize,
    all: usize,
}

impl Active {
    fn is_about(&self, day: Day) -> bool {
        let has_day = self.row.start < day.end() && self.row.end >= day.start();
        has_day && !self.is_past(day)
    }

    /// Whether a day was done in an earlier run.
    fn is_past(&self, day: Day) -> bool {
        matches!(self.row.progress, Progress::Through { day: through, .. } if day <= through)
    }
}

impl Eraser<'_> {
    /// Goes on with the requests of all tenants.
    pub(crate) async fn run(
        &self,
        has_time: &(impl Fn() -> bool + Sync),
        report: &mut Report,
    ) -> Result<(), StorageError> {
        let tenants = self.catalog.delete_tenants().await?;
        if tenants.is_empty() {
            return Ok(());
        }
        let partitions = self.catalog.partitions().await?;
        for tenant in tenants {
            let own = partitions.iter().filter(|one| one.tenant == tenant);
            let own: Vec<&Partition> = own.collect();
            if let Err(error) = self.tenant(&tenant, &own, has_time, report).await {
                report.failed += 1;
                tracing::error!(%tenant, %error, "requests to delete are not processed");
            }
        }
        Ok(())
    }

    async fn tenant(
        &self,
        tenant: &TenantId,
        partitions: &[&Partition],
        has_time: &(impl Fn() -> bool + Sync),
        report: &mut Report,
    ) -> Result<(), StorageError> {
        let rows = self.catalog.deletes(tenant).await?;
        let grace = GRACE_SECONDS * NANOS_PER_SECOND;
        for row in &rows {
            if let Progress::Processed(at) = row.progress
                && at.plus(grace) <= self.now
            {
                let kept = Duration::from_secs(DELETES_KEPT);
                self.catalog.retire_delete(tenant, row, kept).await?;
            }
        }
        if self.config.deletion_mode(tenant) != DeletionMode::FilterAndDelete {
            return Ok(());
        }
        let mut active = self.due(rows, partitions);
        for partition in partitions {
            let about: Vec<usize> = (0..active.len())
                .filter(|place| active[*place].is_about(partition.day))
                .collect();
            if about.is_empty() {
                continue;
            }
            let requests = about.iter().map(|place| &active[*place].row);
            let done = match has_time() {
                true => self.partition(partition, requests, has_time, report).await,
                false => Ok(false),
            };
            let is_done = done.unwrap_or_else(|error| {
                report.add_failure(partition, &error);
                false
            });
            report.put_off += u64::from(!is_done);
            for place in about {
                let one = &mut active[place];
                // A day may have several partitions, so a day is done when the next one is met.
                one.is_whole &= is_done;
                if one.is_whole {
                    one.done += 1;
                    one.through = Some(partition.day);
                } else if one.through == Some(partition.day) {
                    one.through = Some(Day::from_number(partition.day.number() - 1));
                }
            }
        }
        self.advance(tenant, active, report).await
    }

    /// The requests that can no longer be taken back.
    fn due(&self, rows: Vec<DeleteRow>, partitions: &[&Partition]) -> Vec<Active> {
        let period = self.config.compactor.delete_request_cancel_period.nanos();
        let wait = period.saturating_add(MARGIN_SECONDS * NANOS_PER_SECOND);
        let is_due = |row: &DeleteRow| {
            !matches!(row.progress, Progress::Processed(_)) && row.created.plus(wait) <= self.now
        };
        let active = rows.into_iter().filter(is_due).map(|row| {
            let mut one = Active {
                row,
                is_whole: true,
                through: None,
                done: 0,
                all: 0,
            };
            let days = || partitions.iter().map(|partition| partition.day);
            one.done = days().filter(|day| one.is_past(*day)).count();
            one.all = one.done + days().filter(|day| one.is_about(*day)).count();
            one
        });
        active.collect()
    }

    /// Writes down how far requests have come.
    async fn advance(
        &self,
        tenant: &TenantId,
        active: Vec<Active>,
        report: &mut Report,
    ) -> Result<(), StorageError> {
        for one in active {
            let progress = match (one.is_whole, one.through) {
                (true, _) => Progress::Processed(self.now),
                (false, Some(day)) => Progress::Through {
                    day,
                    percent: (one.done * 100 / one.all.max(1)).min(99) as u8,
                },
                (false, None) => continue,
            };
            let is_there = self.catalog.advance_delete(tenant, &one.row.id, progress);
            let is_there = is_there.await?;
            report.processed += u64::from(one.is_whole && is_there);
        }
        Ok(())
    }

    /// Does one partition under its lease; answers whether nothing is left in it.
    async fn partition(
        &self,
        partition: &Partition,
        requests: impl Iterator<Item = &DeleteRow>,
        has_time: &(impl Fn() -> bool + Sync),
        report: &mut Report,
    ) -> Result<bool, StorageError> {
        let compiled = requests.map(|row| {
            let compiled = Deletion::new(&row.query, row.start, row.end);
            compiled.map_err(|error| StorageError::Corrupt {
                what: format!("delete request `{}`", row.id),
                reason: error.to_string(),
            })
        });
        let keep: Arc<dyn Keep> = Arc::new(Struck(compiled.collect::<Result<_, _>>()?));
        let claim = Claim {
            owner: self.owner,
            now: self.now,
            ttl: LEASE,
        };
        let work = async |lease: &Lease| {
            let and = (has_time, &mut *report);
            self.run_alone(lease, partition, &keep, and).await
        };
        let done = self.catalog.alone(partition, claim, work).await?;
        report.busy += u64::from(done.is_none());
        Ok(done.unwrap_or(false))
    }

    async fn run_alone(
        &self,
        lease: &Lease,
        partition: &Partition,
        keep: &Arc<dyn Keep>,
        (has_time, report): (&(impl Fn() -> bool + Sync), &mut Report),
    ) -> Result<bool, StorageError> {
        let rewriter = Rewriter {
            objects: self.objects,
            catalog: self.catalog,
            lease,
            now: self.now,
            due: self.due,
            in_place: self.in_place,
        };
        let mut seen: HashSet<SegmentId> = HashSet::new();
        for _ in 0..=SECOND_LOOKS {
            let rows = self.catalog.partition_segments(partition).await?;
            let (tenant, day) = (&partition.tenant, partition.day);
            let streams = self.catalog.streams(tenant, day).await?;
            let is_new = |row: &SegmentRow| {
                let known = |id: &SegmentId| seen.contains(id);
                !known(&row.summary.id) && !row.replaces.iter().any(known)
            };
            let new: Vec<SegmentRow> = rows.iter().filter(|row| is_new(row)).cloned().collect();
            if new.is_empty() {
                let (first, last) = (day.start(), day.end().minus(1));
                let gone = streams.iter().filter(|stream| {
                    let is_named = keep.share(&stream.labels, first, last) != Share::All;
                    is_named && !rows.iter().any(|row| row.may_hold(&stream.id))
                });
                let gone: Vec<&StreamRow> = gone.collect();
                report.streams += self.unlist(lease, partition, gone).await?;
                return Ok(true);
            }
            seen.extend(new.iter().map(|row| row.summary.id));
            let done = rewriter.run(new, &streams, keep, has_time).await?;
            report.add_rewritten(&done);
            report.erased += done.lines;
            if done.put_off > 0 || !done.stuck.is_empty() {
                return Ok(false);
            }
        }
        // Somebody pushes into it all the time; the next run looks again.
        Ok(false)
    }

    /// Takes streams without lines off the labels of a partition: their rows go where nobody counts
    /// on them, or else they get a note. How many there were of either.
    async fn unlist(
        &self,
        lease: &Lease,
        partition: &Partition,
        mut gone: Vec<&StreamRow>,
    ) -> Result<u64, StorageError> {
        let is_sealed = self.is_sealed(&partition.tenant, partition.day);
        gone.retain(|stream| is_sealed || !stream.is_emptied);
        if gone.is_empty() {
            return Ok(0);
        }
        let ids = gone.iter().map(|stream| stream.id);
        if is_sealed {
            // Nothing checks a lease where rows are deleted, so it must be ours when that starts.
            self.catalog.renew(lease, self.now, LEASE).await?;
            self.catalog.forget_streams(lease, partition, ids).await?;
        } else {
            self.catalog.mark_emptied(lease, partition, ids).await?;
        }
        Ok(gone.len() as u64)
    }

    /// Whether a day takes no more pushes, and no container is left that has pushed to it and would
    /// not write the rows of its streams again.
    fn is_sealed(&self, tenant: &TenantId, day: Day) -> bool {
        let limits = self.config.limits.of(tenant);
        let accepted = limits.reject_old_samples_max_age.nanos();
        let open = accepted.saturating_add(FORGET_SECONDS * NANOS_PER_SECOND);
        limits.reject_old_samples && day.end() <= self.now.minus(open)
    }
}
