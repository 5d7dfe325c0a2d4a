//! [`Handler`]: a run: garbage first, then every partition that may have something that is expired,
//! then a part of the walk that looks for orphans; and the requests to delete.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use futures::future::join_all;
use narvi_gateway::{Config, Request, Response, Surface, telemetry};
use narvi_model::{NANOS_PER_SECOND, TenantId, Timestamp};
use narvi_storage::{Catalog, Objects, Partition, StorageError};
use tracing::Instrument as _;

use crate::api;
use crate::cutoff::Cutoff;
use crate::erase::Eraser;
use crate::error::RetentionError;
use crate::expire::{Expiry, Suspect};
use crate::garbage::{Collected, Collector};
use crate::sweep::Sweeper;
use crate::{Report, limits};

/// Drops what is expired, of all tenants, and deletes garbage.
pub struct Handler {
    objects: Arc<dyn Objects>,
    catalog: Catalog,
    config: Arc<Config>,
    owner: String,
    budget: Duration,
    in_place: bool,
}

impl Handler {
    /// Takes leases in the name of this process.
    #[must_use]
    pub fn new(objects: Arc<dyn Objects>, catalog: Catalog, config: Arc<Config>) -> Self {
        Self {
            objects,
            catalog,
            config,
            // In local mode compaction is in the same process, and must not share leases.
            owner: format!("retention process {}", std::process::id()),
            budget: limits::BUDGET,
            in_place: false,
        }
    }

    /// Writes segments on the thread that polls a run, and not beside it: for who has no other.
    #[must_use]
    pub fn in_place(self) -> Self {
        Self {
            in_place: true,
            ..self
        }
    }

    /// Takes leases in another name, which must be that of one process only.
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

    /// Answers a request to the delete API; an error is an answer too.
    pub async fn handle(&self, event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        let request = match Request::from_event(&event) {
            Ok(request) => request,
            Err(error) => return Response::refused(Surface::Write, &error).into_plain_event(),
        };
        let span = telemetry::request_span("retention", &request);
        let answer = api::answer(&self.config, &self.catalog, &request);
        let response = answer.instrument(span).await;
        response.into_event(&request)
    }

    /// One run. `now` must be the clock's time and not that of an event that may be late, because
    /// objects are deleted a fixed time after it.
    ///
    /// # Errors
    /// Where a list could not be read; the other part of the run is done all the same. What fails
    /// in one partition is counted in the report.
    pub async fn run(&self, now: Timestamp) -> Result<Report, RetentionError> {
        let started = Instant::now();
        // Each part of a run leaves time to those behind it, or one that never comes to its end
        // would be all that is ever done. What a part does not need is theirs.
        let until = |percent: u32| move || started.elapsed() < self.budget * percent / 100;
        let mut report = Report::default();
        let collector = Collector {
            objects: &*self.objects,
            catalog: &self.catalog,
        };
        let mut collected = collector.run(now, &until(40), &mut report).await;
        if self.config.compactor.retention_enabled {
            let expired = self.expire(now, &until(60), &mut report).await;
            expired.map_err(RetentionError::Partitions)?;
            let eraser = Eraser {
                objects: &*self.objects,
                catalog: &self.catalog,
                config: &self.config,
                owner: &self.owner,
                now,
                due: self.due(now),
                in_place: self.in_place,
            };
            let erased = eraser.run(&until(85), &mut report).await;
            erased.map_err(RetentionError::Deletes)?;
        }
        let sweeper = Sweeper {
            objects: &*self.objects,
            catalog: &self.catalog,
            now,
            due: self.due(now),
        };
        let swept = sweeper.run(&until(95), &mut report).await;
        if matches!(collected, Ok(Collected::Part)) {
            collected = collector.run(now, &until(100), &mut report).await;
        }
        let collected = collected.map_err(RetentionError::Garbage)?;
        report.put_off += u64::from(collected == Collected::Part);
        swept.map_err(RetentionError::Orphans)?;
        Ok(report)
    }

    /// When objects may be deleted whose rows go now.
    fn due(&self, now: Timestamp) -> Timestamp {
        let grace = limits::GRACE_SECONDS * NANOS_PER_SECOND;
        let delay = self.config.compactor.retention_delete_delay.nanos();
        now.plus(grace.max(delay))
    }

    async fn expire(
        &self,
        now: Timestamp,
        has_time: &(impl Fn() -> bool + Sync),
        report: &mut Report,
    ) -> Result<(), StorageError> {
        let expiry = Expiry {
            objects: &*self.objects,
            catalog: &self.catalog,
            owner: &self.owner,
            now,
            due: self.due(now),
            in_place: self.in_place,
        };
        let partitions = self.catalog.marked_partitions().await?;
        let mut suspects = self.suspects(partitions, now, report);
        // Where time is up before all are done, the same ones must not wait each time.
        in_turn(&mut suspects, now);
        for batch in suspects.chunks(limits::LOOKS) {
            if !has_time() {
                report.put_off += batch.len() as u64;
                continue;
            }
            let looks = batch.iter().map(|suspect| expiry.has_work(suspect));
            for (suspect, looked) in batch.iter().zip(join_all(looks).await) {
                let done = match looked {
                    Ok(false) => continue,
                    Ok(true) => expiry.run(suspect, has_time, report).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = done {
                    report.add_failure(&suspect.partition, &error);
                }
            }
        }
        Ok(())
    }

    /// Partitions that may have something that is expired.
    fn suspects(
        &self,
        partitions: Vec<(Partition, String)>,
        now: Timestamp,
        report: &mut Report,
    ) -> Vec<Suspect> {
        // Rules are compiled once for each tenant, not for each of its days.
        let mut cutoffs: HashMap<TenantId, Option<Arc<Cutoff>>> = HashMap::new();
        let mut suspects = Vec::new();
        for (partition, mark) in partitions {
            let tenant = partition.tenant.clone();
            let cutoff = cutoffs.entry(tenant).or_insert_with_key(|tenant| {
                let cutoff = Cutoff::new(self.config.limits.of(tenant), now);
                cutoff
                    .unwrap_or_else(|error| {
                        report.failed += 1;
                        tracing::error!(%tenant, %error, "rules of retention cannot be followed");
                        None
                    })
                    .map(Arc::new)
            });
            if let Some(cutoff) = cutoff {
                suspects.extend(Suspect::new(partition, &mark, cutoff));
            }
        }
        suspects
    }
}

/// Begins at another place with each hour's run.
pub(crate) fn in_turn<T>(all: &mut [T], now: Timestamp) {
    if !all.is_empty() {
        let turn = usize::try_from(now.seconds().div_euclid(3600)).unwrap_or(0);
        all.rotate_left(turn % all.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_comes_first_in_some_run() {
        let first = |hour: i64| {
            let mut all = ["a", "b", "c"];
            in_turn(
                &mut all,
                Timestamp::from_seconds(1_706_702_400 + 3600 * hour),
            );
            all[0]
        };
        let mut found = [first(0), first(1), first(2)];
        found.sort_unstable();
        assert_eq!(found, ["a", "b", "c"]);
        in_turn::<u8>(&mut [], Timestamp::MIN);
    }
}
