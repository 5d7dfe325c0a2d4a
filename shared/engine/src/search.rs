//! [`Search`]: one selector over one time range, from the catalog to partial results.

use std::sync::Arc;
use std::time::Instant;

use futures::future::join_all;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use narvi_logql::required::Required;
use narvi_model::answer::QueryStats;
use narvi_model::{Day, Direction, Matcher, TenantId, TimeRange, Timestamp};
use narvi_storage::SegmentRow;

use crate::Engine;
use crate::candidates::{Candidate, Opened, candidates};
use crate::damage::Damage;
use crate::duplicates;
use crate::error::EngineError;
use crate::fetch::{Pieces, Wanted};
use crate::limits::{MERGED_NANOS, TAILS_IN_FLIGHT, WHOLE_BYTES};
use crate::lookup::{self, Found};
use crate::reach::Reach;
use crate::scan::{self, Scanner, Worker};
use crate::slices::slices;
use crate::tail::Portion;
use crate::units::Unit;
use crate::view::View;

/// What is looked for, and by whom.
pub(crate) struct Search<'a, S> {
    pub(crate) view: &'a View<'a>,
    pub(crate) tenant: &'a TenantId,
    pub(crate) reach: &'a Reach,
    pub(crate) range: TimeRange,
    /// Pushes that arrived then or later are passed over. Of a merged segment only its latest push
    /// is known: it is read whole where that is not much later.
    pub(crate) before: Timestamp,
    pub(crate) scanner: Arc<S>,
}

/// A day of a search, or a part of one, ready to be scanned.
#[derive(Debug)]
pub(crate) struct DayPlan {
    pub(crate) candidates: Arc<Vec<Candidate>>,
    pub(crate) stats: QueryStats,
}

/// The streams of one day and the rows of segments that may hold them.
pub(crate) struct Located {
    pub(crate) found: Found,
    pub(crate) stats: QueryStats,
}

impl Located {
    /// A part of the day, cut into slices of its segments.
    pub(crate) fn slices(&self, part: TimeRange, direction: Direction) -> Vec<TimeRange> {
        let rows = self.found.rows.iter();
        let times = rows.map(|row| (row.summary.first, row.summary.last));
        slices(times, part, direction)
    }
}

/// What the segments of a day are opened for.
#[derive(Clone, Copy)]
pub(crate) struct Opening<'a> {
    /// What a chunk must hold to matter.
    pub(crate) required: &'a Required,
    /// Where segments are noted that cannot be read.
    pub(crate) damage: &'a Damage,
    /// Whether all lines are read next.
    pub(crate) reads_all_lines: bool,
}

/// Looks up what matchers choose on a day of what arrived before a time.
pub(crate) async fn locate(
    view: &View<'_>,
    (tenant, matchers): (&TenantId, &[Matcher]),
    (range, before): (TimeRange, Timestamp),
    day: Day,
) -> Result<Located, EngineError> {
    let started = Instant::now();
    let mut found = lookup::find(view, tenant, matchers, range, day).await?;
    found.rows.retain(|row| {
        let merged = if row.level > 0 { MERGED_NANOS } else { 0 };
        before == Timestamp::MAX || row.created < before.plus(merged)
    });
    let stats = QueryStats {
        catalog_seconds: started.elapsed().as_secs_f64(),
        streams: found.streams.len() as u64,
        segments: found.rows.len() as u64,
        ..QueryStats::default()
    };
    Ok(Located { found, stats })
}

/// Opens the footers of segments, many at once, with their filters where anything is required.
/// Segments that are damaged are left out and noted.
pub(crate) async fn open_rows(
    engine: &Engine,
    rows: Vec<Arc<SegmentRow>>,
    opening: Opening<'_>,
) -> Result<(Vec<Opened>, QueryStats), EngineError> {
    let started = Instant::now();
    let (required, damage) = (opening.required, opening.damage);
    let mut left = WHOLE_BYTES;
    let rows = rows.into_iter().map(|row| {
        let size = row.summary.size;
        let is_wanted = opening.wants_whole(&row) && engine.tails.lacks_small(&row);
        match left.checked_sub(size).filter(|_| is_wanted) {
            Some(rest) => left = rest,
            None => return (row, Portion::Tail),
        }
        (row, Portion::Whole)
    });
    let opened = stream::iter(rows).map(async |(row, portion)| {
        let objects = engine.objects.as_ref();
        let fetched = match engine.tails.get(objects, &row, portion).await {
            Ok(fetched) => fetched,
            Err(error) => {
                damage.bear_of(&engine.catalog, &row, error).await?;
                return Ok(None);
            }
        };
        let filters = match required {
            Required::Anything => Ok(Default::default()),
            _ => engine.filters.get(objects, &row, &fetched.tail).await,
        };
        let (filters, bytes) = match filters {
            Ok(found) => found,
            // Without filters every chunk may hold what is looked for.
            Err(error) => {
                damage.bear_of(&engine.catalog, &row, error).await?;
                Default::default()
            }
        };
        let opened = Opened {
            row,
            tail: fetched.tail,
            filters,
        };
        Ok::<_, EngineError>(Some((opened, fetched.bytes + bytes)))
    });
    let opened: Vec<(Opened, u64)> = opened
        .buffer_unordered(TAILS_IN_FLIGHT)
        .try_filter_map(async |opened| Ok(opened))
        .try_collect()
        .await?;
    let stats = QueryStats {
        fetch_seconds: started.elapsed().as_secs_f64(),
        compressed_bytes: opened.iter().map(|(_, bytes)| bytes).sum(),
        ..QueryStats::default()
    };
    Ok((
        opened.into_iter().map(|(opened, _)| opened).collect(),
        stats,
    ))
}

impl<'a> Opening<'a> {
    /// For who reads footers, and lines of some chunks at most.
    pub(crate) const fn for_footers(damage: &'a Damage) -> Self {
        Self {
            required: &Required::Anything,
            damage,
            reads_all_lines: false,
        }
    }

    /// Whether the lines of a segment are surely read: nothing may say beforehand that they do not
    /// hold what is required.
    fn wants_whole(&self, row: &SegmentRow) -> bool {
        let has_filters = row.level > 0 && !matches!(self.required, Required::Anything);
        self.reads_all_lines && !has_filters
    }
}

impl<S: Scanner> Search<'_, S> {
    /// The days that may hold anything, ascending.
    pub(crate) async fn days(&self) -> Result<Vec<Day>, EngineError> {
        Ok(lookup::days(&self.view.engine.catalog, self.tenant, self.range).await?)
    }

    /// Looks up a day.
    pub(crate) async fn locate(&self, day: Day) -> Result<Located, EngineError> {
        let of = (self.tenant, self.reach.matchers.as_slice());
        let mut located = locate(self.view, of, (self.range, self.before), day).await?;
        // What streams are called in the answer, which is what a pipeline asks about.
        for labels in located.found.streams.values_mut() {
            *labels = self.reach.shown(labels, self.tenant);
        }
        Ok(located)
    }

    /// Looks up a day and opens the footers of its segments.
    pub(crate) async fn plan_day(&self, day: Day) -> Result<DayPlan, EngineError> {
        let located = self.locate(day).await?;
        let mut plan = self.plan(&located.found, self.range).await?;
        plan.stats.add(&located.stats);
        Ok(plan)
    }

    /// Opens the footers of the segments of a part of a day.
    pub(crate) async fn plan(
        &self,
        found: &Found,
        range: TimeRange,
    ) -> Result<DayPlan, EngineError> {
        let required = self.scanner.required();
        let opening = Opening {
            required: &required,
            damage: self.scanner.damage(),
            reads_all_lines: self.scanner.reads_all_lines(),
        };
        let rows = found.rows.iter();
        let touched = rows.filter(|row| range.touches(row.summary.first, row.summary.last));
        let touched = touched.cloned().collect();
        let (segments, stats) = open_rows(self.view.engine, touched, opening).await?;
        Ok(DayPlan {
            candidates: Arc::new(candidates(found, segments, range, &required)?),
            stats,
        })
    }

    /// Fetches columns; of segments that are damaged there are none.
    async fn fetch(&self, wanted: Wanted) -> Result<Pieces, EngineError> {
        let mut pieces = wanted.fetch(self.view.engine.objects.as_ref()).await?;
        for (row, error) in std::mem::take(&mut pieces.lost) {
            let damage = self.scanner.damage();
            let catalog = &self.view.engine.catalog;
            damage.bear_of(catalog, &row, error.into()).await?;
        }
        Ok(pieces)
    }

    /// Fetches a unit and scans its parts side by side.
    pub(crate) async fn run(
        &self,
        candidates: &Arc<Vec<Candidate>>,
        unit: Unit,
    ) -> Result<Vec<(S::Partial, QueryStats)>, EngineError> {
        let unit = Arc::new(unit);
        let (mut bytes, mut seconds) = (0, 0.0);
        let mut collisions = Vec::new();
        if duplicates::possible(candidates, &unit) {
            let pieces = self.fetch(duplicates::wanted(candidates, &unit)).await?;
            (bytes, seconds) = (pieces.bytes, pieces.seconds);
            let (candidates, unit) = (Arc::clone(candidates), Arc::clone(&unit));
            let scanner = Arc::clone(&self.scanner);
            let find = move |worker: &mut Worker| {
                let buffers = (&mut worker.scratch, scanner.running());
                duplicates::collisions(&candidates, &unit, (&pieces, scanner.damage()), buffers)
            };
            collisions = self.view.engine.workers.run(find).await?;
        }
        let wanted = scan::wanted(self.scanner.as_ref(), candidates, &unit, &collisions);
        let pieces = self.fetch(wanted).await?;
        bytes += pieces.bytes;
        seconds += pieces.seconds;
        let shared = Arc::new((collisions, pieces));
        let parts = Unit::clone(&unit).parts(candidates).into_iter();
        let scans = parts.map(|part| {
            let (scanner, candidates) = (Arc::clone(&self.scanner), Arc::clone(candidates));
            let shared = Arc::clone(&shared);
            self.view.engine.workers.run(move |worker: &mut Worker| {
                let fetched = (shared.0.as_slice(), &shared.1);
                worker.evaluate(scanner.as_ref(), &candidates, &part, fetched)
            })
        });
        // All of them, whatever one of them says: a part that still runs holds memory, for want of
        // which others may be asked again.
        let results = join_all(scans).await.into_iter();
        let mut results = results.collect::<Result<Vec<_>, _>>()?;
        if let Some((_, stats)) = results.first_mut() {
            stats.compressed_bytes += bytes;
            stats.fetch_seconds += seconds;
        }
        Ok(results)
    }
}
