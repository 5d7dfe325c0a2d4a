//! [`Eraser`]: takes what tenants have asked to delete out of storage, when it can no longer be
//! taken back.
//!
//! A request goes through the partitions of its days in order. Of each, under its lease, segments
//! are written anew without the lines that it names; then the partition is looked at once more for
//! what was pushed meanwhile. How far it has come is in its row, so that a run that stops anywhere
//! is taken up by the next, and doing a partition twice changes nothing. Only when all partitions
//! are done the request is processed, and only a grace later it is heeded no more: by then no query
//! runs that may have read rows from before.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use narvi_gateway::Config;
use narvi_logql::deletion::{Deletion, DeletionError};
use narvi_model::{Day, DeletionMode, NANOS_PER_SECOND, TenantId, Timestamp};
use narvi_rewrite::Rewriter;
use narvi_segment::{Keep, SegmentId, Share};
use narvi_storage::{
    Catalog, Claim, DeleteRow, Lease, Objects, Partition, Progress, SegmentRow, StorageError,
    StreamRow,
};

use crate::handler::in_turn;
use crate::limits::{DAYS_LEFT, DELETES_KEPT, FORGET_SECONDS, GRACE_SECONDS, LEASE, SECOND_LOOKS};
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
    deletion: Arc<Deletion>,
    /// The last day that only has to be looked at again where it is left.
    through: Option<Day>,
    /// Days in which something could not be done.
    left: BTreeSet<Day>,
    /// Whether a day was not come to, so that the next run begins with it.
    is_cut: bool,
    /// Partitions of its that are done, those of earlier runs included, and all of them.
    done: usize,
    all: usize,
}

/// What has become of a partition.
#[derive(Clone, Copy, PartialEq)]
enum Done {
    /// Nothing is left in it.
    All,
    /// Something could not be done: somebody else was at it, or a segment cannot be read.
    Part,
    /// The time was up.
    Untried,
}

impl Active {
    fn new(row: DeleteRow, partitions: &[&Partition]) -> Result<Self, DeletionError> {
        let (through, left) = match &row.progress {
            Progress::Through { day, left, .. } => (Some(*day), left.clone()),
            _ => (None, Vec::new()),
        };
        let mut one = Self {
            deletion: Arc::new(Deletion::new(&row.query, row.start, row.end)?),
            row,
            through,
            left: left.into_iter().collect(),
            is_cut: false,
            done: 0,
            all: 0,
        };
        let days = partitions.iter().map(|partition| partition.day);
        let days: Vec<Day> = days.filter(|day| one.has(*day)).collect();
        one.all = days.len();
        one.done = days.iter().filter(|day| !one.is_about(**day)).count();
        // A day that is left may be forgotten since.
        one.left.retain(|day| days.contains(day));
        Ok(one)
    }

    fn has(&self, day: Day) -> bool {
        self.row.start < day.end() && self.row.end >= day.start()
    }

    /// Whether this run has to do something in a day, as far as earlier ones tell.
    fn is_about(&self, day: Day) -> bool {
        let (through, left) = match &self.row.progress {
            Progress::Through { day, left, .. } => (Some(*day), left.as_slice()),
            _ => (None, [].as_slice()),
        };
        self.has(day) && (through < Some(day) || left.contains(&day))
    }

    /// Notes what has become of a partition. They come in the order of days, `before` is that of
    /// the one before: a day may have several, and is left if one of them is.
    fn note(&mut self, day: Day, done: Done, before: Option<Day>) {
        if before != Some(day) {
            self.left.remove(&day);
        }
        self.done += usize::from(done == Done::All);
        let is_left = done == Done::Part || (done == Done::Untried && self.through >= Some(day));
        if is_left && self.left.len() < DAYS_LEFT {
            self.left.insert(day);
        } else if done != Done::All {
            self.is_cut = true;
            self.through = self.through.min(Some(Day::from_number(day.number() - 1)));
        }
        if !self.is_cut {
            self.through = self.through.max(Some(day));
        }
    }
}

impl Eraser<'_> {
    /// Goes on with the requests of all tenants.
    pub(crate) async fn run(
        &self,
        has_time: &(impl Fn() -> bool + Sync),
        report: &mut Report,
    ) -> Result<(), StorageError> {
        let mut tenants = self.catalog.delete_tenants().await?;
        if tenants.is_empty() {
            return Ok(());
        }
        let partitions = self.catalog.partitions().await?;
        // Where time is up before all are done, the same ones must not wait each time.
        in_turn(&mut tenants, self.now);
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
        let mut active = self.due(rows, (tenant, partitions), report);
        let mut last = None;
        for partition in partitions {
            let day = partition.day;
            let about: Vec<usize> = (0..active.len())
                .filter(|place| active[*place].is_about(day))
                .collect();
            if about.is_empty() {
                continue;
            }
            let named = about.iter().map(|place| &active[*place].deletion);
            let named = Struck(named.map(Arc::clone).collect());
            let done = match has_time() {
                true => self.partition(partition, named, has_time, report).await,
                false => Ok(Done::Untried),
            };
            let done = done.unwrap_or_else(|error| {
                report.add_failure(partition, &error);
                Done::Part
            });
            report.put_off += u64::from(done != Done::All);
            for place in about {
                active[place].note(day, done, last);
            }
            last = Some(day);
        }
        self.advance(tenant, active, report).await
    }

    /// The requests that can no longer be taken back.
    fn due(
        &self,
        rows: Vec<DeleteRow>,
        (tenant, partitions): (&TenantId, &[&Partition]),
        report: &mut Report,
    ) -> Vec<Active> {
        let period = self.config.compactor.delete_request_cancel_period.nanos();
        let wait = period.saturating_add(MARGIN_SECONDS * NANOS_PER_SECOND);
        let is_due = |row: &DeleteRow| {
            !matches!(row.progress, Progress::Processed(_)) && row.created.plus(wait) <= self.now
        };
        let active = rows.into_iter().filter(is_due).filter_map(|row| {
            let id = row.id.clone();
            let active = Active::new(row, partitions);
            // It was read when it was taken; the others do not wait for it.
            active
                .inspect_err(|error| {
                    report.failed += 1;
                    tracing::error!(%tenant, id, %error, "a request to delete cannot be read");
                })
                .ok()
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
            let is_whole = !one.is_cut && one.left.is_empty();
            let progress = match (is_whole, one.through) {
                (true, _) => Progress::Processed(self.now),
                (false, Some(day)) => Progress::Through {
                    day,
                    percent: (one.done * 100 / one.all.max(1)).min(99) as u8,
                    left: one.left.into_iter().collect(),
                },
                (false, None) => continue,
            };
            let is_there = self.catalog.advance_delete(tenant, &one.row.id, &progress);
            let is_there = is_there.await?;
            report.processed += u64::from(is_whole && is_there);
        }
        Ok(())
    }

    /// Does one partition under its lease.
    async fn partition(
        &self,
        partition: &Partition,
        named: Struck,
        has_time: &(impl Fn() -> bool + Sync),
        report: &mut Report,
    ) -> Result<Done, StorageError> {
        let keep: Arc<dyn Keep> = Arc::new(named);
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
        Ok(done.unwrap_or(Done::Part))
    }

    async fn run_alone(
        &self,
        lease: &Lease,
        partition: &Partition,
        keep: &Arc<dyn Keep>,
        (has_time, report): (&(impl Fn() -> bool + Sync), &mut Report),
    ) -> Result<Done, StorageError> {
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
                return Ok(Done::All);
            }
            seen.extend(new.iter().map(|row| row.summary.id));
            let done = rewriter.run(new, &streams, keep, has_time).await?;
            report.add_rewritten(&done);
            report.erased += done.lines;
            if done.put_off > 0 {
                return Ok(Done::Untried);
            }
            if !done.stuck.is_empty() {
                return Ok(Done::Part);
            }
        }
        // Somebody pushes into it all the time; the next run looks again.
        Ok(Done::Part)
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
