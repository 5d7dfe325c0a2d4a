//! [`Handler`]: walks through the partitions that may have work, newest day first, several side by
//! side.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use narvi_gateway::Config;
use narvi_model::{Day, NANOS_PER_SECOND, Timestamp};
use narvi_storage::{Catalog, Objects, Partition, StorageError};

use crate::error::{CompactError, WorkError};
use crate::memory::Memory;
use crate::packing::Packing;
use crate::partition::Work;
use crate::plan::Plan;
use crate::sizes::Sizes;
use crate::{Report, limits};

/// Merges small segments of all tenants.
pub struct Handler {
    objects: Arc<dyn Objects>,
    catalog: Catalog,
    config: Arc<Config>,
    owner: String,
    budget: Duration,
    sizes: Sizes,
    packing: Packing,
    memory: Memory,
    push_pages: usize,
    in_place: bool,
    /// The minute of the last run.
    last: AtomicI64,
}

/// Before every minute.
const NEVER: i64 = i64::MIN;

impl Handler {
    /// Takes leases in the name of this process.
    #[must_use]
    pub fn new(objects: Arc<dyn Objects>, catalog: Catalog, config: Arc<Config>) -> Self {
        Self {
            objects,
            catalog,
            config,
            owner: format!("process {}", std::process::id()),
            budget: limits::BUDGET,
            sizes: Sizes::default(),
            packing: Packing::default(),
            memory: Memory::new(limits::MEMORY),
            push_pages: limits::PUSH_PAGES,
            in_place: false,
            last: AtomicI64::new(NEVER),
        }
    }

    /// Looks at all days in its first run: for who runs now and then, and maybe never at midnight.
    #[must_use]
    pub fn looking_back(self) -> Self {
        let last = AtomicI64::new(NEVER + 1);
        Self { last, ..self }
    }

    /// Merges on the thread that polls a run, and not beside it: for who has no other.
    #[must_use]
    pub fn in_place(self) -> Self {
        Self {
            in_place: true,
            ..self
        }
    }

    /// Takes leases in another name, which must be that of one process only: a run takes over the
    /// leases that an earlier run under the same name has left.
    #[must_use]
    pub fn with_owner(self, owner: impl Into<String>) -> Self {
        let owner = owner.into();
        Self { owner, ..self }
    }

    /// Stops taking up work after another time than [`limits::BUDGET`].
    #[must_use]
    pub fn with_budget(self, budget: Duration) -> Self {
        Self { budget, ..self }
    }

    /// Makes segments of another size.
    #[must_use]
    pub fn with_sizes(self, sizes: Sizes) -> Self {
        Self { sizes, ..self }
    }

    /// Packs other numbers of stream rows.
    #[must_use]
    pub fn with_packing(self, packing: Packing) -> Self {
        Self { packing, ..self }
    }

    /// Reads pushes by other portions than [`limits::PUSH_PAGES`].
    #[must_use]
    pub fn with_push_pages(self, push_pages: usize) -> Self {
        Self { push_pages, ..self }
    }

    /// One run. `now` must be the clock's time and not that of an event that may be late, because
    /// objects are deleted a fixed time after it.
    ///
    /// # Errors
    /// Where partitions cannot be listed; other failures are counted in the report, and do not keep
    /// other partitions from being merged.
    pub async fn run(&self, now: Timestamp) -> Result<Report, CompactError> {
        let started = Instant::now();
        let has_time = || started.elapsed() < self.budget;
        let mut partitions = self
            .partitions(now)
            .await
            .map_err(CompactError::Partitions)?;
        in_turn(&mut partitions, now);
        let has_time = &has_time;
        let reports = futures::stream::iter(partitions)
            .map(|partition| async move { self.visit(&partition, now, has_time).await })
            .buffer_unordered(limits::WORKERS);
        let report = reports.fold(Report::default(), async |sum, report| sum.and(report));
        Ok(report.await)
    }

    /// Today and yesterday each minute, days with late lines each hour, all days once a day: a look
    /// is a request, and almost nothing happens on old days. An hour begins with its first minute,
    /// and for who has slept through that with the first run in it.
    async fn partitions(&self, now: Timestamp) -> Result<Vec<Partition>, StorageError> {
        let minute = now.seconds().div_euclid(60);
        let last = self.last.swap(minute, Ordering::Relaxed);
        let begins = |length: i64| {
            let has_missed = last != NEVER && last.div_euclid(length) < minute.div_euclid(length);
            minute % length == 0 || has_missed
        };
        let days = match (begins(24 * 60), begins(60)) {
            (true, _) => return self.catalog.partitions().await,
            (_, true) => limits::LATE_DAYS,
            _ => 1,
        };
        let first = Day::from_number(Day::of(now).number().saturating_sub(days));
        self.catalog.partitions_since(first).await
    }

    /// Looks at a partition, and does what there is to do.
    async fn visit(
        &self,
        partition: &Partition,
        now: Timestamp,
        has_time: &(impl Fn() -> bool + Sync),
    ) -> Report {
        let mut report = Report::default();
        if !has_time() {
            report.put_off = 1;
            return report;
        }
        report.partitions = 1;
        let done = match self.look(partition, now, &mut report).await {
            Ok(Look::Nothing) => Ok(()),
            Ok(Look::Work) if !has_time() => {
                report.put_off = 1;
                Ok(())
            }
            Ok(Look::Work) => {
                let work = self.work(partition, now);
                work.run(&self.owner, has_time, &mut report).await
            }
            Err(error) => Err(WorkError::from(error)),
        };
        if let Err(error) = done {
            report.add_failure(partition, &error);
        }
        report
    }

    /// Reads without the lease, which would be two writes for each partition and minute. Whoever
    /// then takes the lease reads again.
    async fn look(
        &self,
        partition: &Partition,
        now: Timestamp,
        report: &mut Report,
    ) -> Result<Look, StorageError> {
        let rows = self.catalog.mergeable_segments(partition, self.push_pages);
        let (rows, _) = rows.await?;
        let plan = Plan::new(rows, now, self.sizes);
        report.add_due(&plan.merges, now);
        Ok(if plan.is_empty() {
            Look::Nothing
        } else {
            Look::Work
        })
    }

    fn work<'a>(&'a self, partition: &'a Partition, now: Timestamp) -> Work<'a> {
        let compactor = &self.config.compactor;
        let grace = limits::GRACE_SECONDS * NANOS_PER_SECOND;
        Work {
            objects: &*self.objects,
            catalog: &self.catalog,
            codec: compactor.chunk_encoding,
            sizes: self.sizes,
            packing: self.packing,
            memory: &self.memory,
            push_pages: self.push_pages,
            in_place: self.in_place,
            partition,
            now,
            due: now.plus(grace.max(compactor.retention_delete_delay.nanos())),
        }
    }
}

/// Newest day first, since today is what is asked for. Which tenants of a day come first, and which
/// of the days that are looked at once a day, changes from run to run: where time is up before all
/// are done, the same ones must not wait each time.
fn in_turn(partitions: &mut [Partition], now: Timestamp) {
    partitions.reverse();
    let place = |turn: i64, of: usize| usize::try_from(turn).unwrap_or(0) % of;
    // Hours count too, since some days are looked at by the runs of full hours only.
    let minute = now.seconds().div_euclid(60);
    let turn = minute + minute.div_euclid(60);
    let late = Day::of(now).number().saturating_sub(limits::LATE_DAYS);
    let old = partitions.partition_point(|one| one.day.number() >= late);
    let (young, old) = partitions.split_at_mut(old);
    for day in young.chunk_by_mut(|a, b| a.day == b.day) {
        day.rotate_left(place(turn, day.len()));
    }
    if !old.is_empty() {
        // A prime of steps, so that each day's run begins far from where the last one began.
        let turn = i64::from(Day::of(now).number()).saturating_mul(2_654_435_761);
        old.rotate_left(place(turn, old.len()));
    }
}

enum Look {
    Nothing,
    Work,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_comes_first_in_some_run() {
        let names = |now: i64| {
            let days = ["2023-11-05", "2023-11-06", "2024-01-09", "2024-01-10"];
            let one = |day: &&str| ["a", "b", "c"].map(|tenant| format!("{tenant}/{day}/0"));
            let all = days.iter().flat_map(one);
            let mut all: Vec<Partition> = all.map(|text| text.parse().unwrap()).collect();
            in_turn(&mut all, Timestamp::from_seconds(now));
            all.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let midnight = 1_704_844_800;
        let found = names(midnight);
        let days = |places: std::ops::Range<usize>, day: &str| {
            found[places].iter().all(|one| one.contains(day))
        };
        assert!(
            days(0..3, "2024-01-10") && days(3..6, "2024-01-09"),
            "{found:?}"
        );
        // Today's in the runs of each minute, yesterday's in those of full hours, old ones daily.
        for (step, place, want) in [(60, 0, 3), (3600, 3, 3), (86_400, 6, 6)] {
            let first = (0..want).map(|run| names(midnight + step * run).remove(place));
            let first: std::collections::BTreeSet<String> = first.collect();
            assert_eq!(first.len() as i64, want, "{step} {first:?}");
        }
    }
}
