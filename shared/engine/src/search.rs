//! [`Search`]: one selector over one time range, from the catalog to partial results.

use std::sync::Arc;
use std::time::Instant;

use futures::future::try_join_all;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use narvi_model::answer::QueryStats;
use narvi_model::{Day, Matcher, TenantId, TimeRange};

use crate::Engine;
use crate::candidates::{Candidate, Opened, candidates};
use crate::duplicates;
use crate::error::EngineError;
use crate::limits::TAILS_IN_FLIGHT;
use crate::lookup;
use crate::scan::{self, Scanner, Worker};
use crate::units::Unit;

/// What is looked for, and by whom.
pub(crate) struct Search<'a, S> {
    pub(crate) engine: &'a Engine,
    pub(crate) tenant: &'a TenantId,
    pub(crate) matchers: &'a [Matcher],
    pub(crate) range: TimeRange,
    pub(crate) scanner: Arc<S>,
}

/// One day of a search, ready to be scanned.
#[derive(Debug)]
pub(crate) struct DayPlan {
    pub(crate) candidates: Arc<Vec<Candidate>>,
    pub(crate) stats: QueryStats,
}

impl<S: Scanner> Search<'_, S> {
    /// The days that may hold anything, ascending.
    pub(crate) async fn days(&self) -> Result<Vec<Day>, EngineError> {
        Ok(lookup::days(&self.engine.catalog, self.tenant, self.range).await?)
    }

    /// Looks up a day and opens the footers of its segments.
    pub(crate) async fn plan(&self, day: Day) -> Result<DayPlan, EngineError> {
        let started = Instant::now();
        let engine = self.engine;
        let mut found =
            lookup::find(&engine.catalog, self.tenant, self.matchers, self.range, day).await?;
        let mut stats = QueryStats {
            catalog_seconds: started.elapsed().as_secs_f64(),
            streams: found.streams.len() as u64,
            segments: found.rows.len() as u64,
            ..QueryStats::default()
        };
        let started = Instant::now();
        let rows = std::mem::take(&mut found.rows);
        let opened = stream::iter(rows).map(async |row| {
            let fetched = engine.tails.get(engine.objects.as_ref(), &row).await?;
            let opened = Opened {
                row: Arc::new(row),
                tail: fetched.tail,
            };
            Ok::<_, EngineError>((opened, fetched.bytes))
        });
        let opened: Vec<(Opened, u64)> = opened
            .buffer_unordered(TAILS_IN_FLIGHT)
            .try_collect()
            .await?;
        stats.fetch_seconds = started.elapsed().as_secs_f64();
        stats.compressed_bytes = opened.iter().map(|(_, bytes)| bytes).sum();
        let segments = opened.into_iter().map(|(opened, _)| opened).collect();
        let candidates = Arc::new(candidates(&found, segments, self.range));
        Ok(DayPlan { candidates, stats })
    }

    /// Fetches a unit and scans its parts side by side.
    pub(crate) async fn run(
        &self,
        candidates: &Arc<Vec<Candidate>>,
        unit: Unit,
    ) -> Result<Vec<(S::Partial, QueryStats)>, EngineError> {
        let unit = Arc::new(unit);
        let objects = self.engine.objects.as_ref();
        let (mut bytes, mut seconds) = (0, 0.0);
        let mut collisions = Vec::new();
        if duplicates::possible(candidates, &unit) {
            let pieces = duplicates::wanted(candidates, &unit).fetch(objects).await?;
            (bytes, seconds) = (pieces.bytes, pieces.seconds);
            let (candidates, unit) = (Arc::clone(candidates), Arc::clone(&unit));
            let find = move |worker: &mut Worker| {
                duplicates::collisions(&candidates, &unit, &pieces, &mut worker.scratch)
            };
            collisions = self.engine.workers.run(find).await?;
        }
        let wanted = scan::wanted(self.scanner.as_ref(), candidates, &unit, &collisions);
        let pieces = wanted.fetch(objects).await?;
        bytes += pieces.bytes;
        seconds += pieces.seconds;
        let shared = Arc::new((collisions, pieces));
        let parts = Unit::clone(&unit).parts(candidates).into_iter();
        let scans = parts.map(|part| {
            let (scanner, candidates) = (Arc::clone(&self.scanner), Arc::clone(candidates));
            let shared = Arc::clone(&shared);
            self.engine.workers.run(move |worker: &mut Worker| {
                let fetched = (shared.0.as_slice(), &shared.1);
                worker.evaluate(scanner.as_ref(), &candidates, &part, fetched)
            })
        });
        let mut results = try_join_all(scans).await?;
        if let Some((_, stats)) = results.first_mut() {
            stats.compressed_bytes += bytes;
            stats.fetch_seconds += seconds;
        }
        Ok(results)
    }
}
