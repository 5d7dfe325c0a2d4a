//! Patterns: which forms lines have, found when it is asked for (spec `http-api.md` §9).
//!
//! Up to [`PATTERN_BYTES`] of lines are read, and then counts are exact. Of more every nth chunk is
//! read, evenly over time, and counts are scaled up: they are estimates then.

use std::sync::Arc;

use futures::stream::{self, StreamExt as _};
use narvi_logql::batch::Batch;
use narvi_logql::logs::Arrival;
use narvi_logql::patterns::Patterns;
use narvi_logql::required::Required;
use narvi_logql::running::Running;
use narvi_model::answer::LinePattern;
use narvi_model::{NANOS_PER_SECOND, Timestamp};

use crate::candidates::Candidate;
use crate::damage::Damage;
use crate::error::EngineError;
use crate::limits::{DAYS_AHEAD, MAX_PATTERN_SAMPLES, PATTERN_BYTES, UNITS_IN_FLIGHT};
use crate::reach::Reach;
use crate::request::IndexRequest;
use crate::scan::{Needs, Scanner};
use crate::search::{DayPlan, Search};
use crate::view::View;
use crate::{Engine, checks, units};

/// Most patterns of an answer, Loki's number.
const MOST: usize = 300;

/// Lines that a pattern must have to be listed, Loki's number.
const LEAST: u64 = 30;

/// The metadata that has a line's level.
const LEVEL: &str = "detected_level";

struct PatternScanner {
    /// Nanoseconds between samples.
    step: i64,
    running: Running,
    damage: Damage,
}

impl Scanner for PatternScanner {
    type Partial = Patterns;
    type State = ();

    fn start(&self) -> Patterns {
        Patterns::default()
    }

    fn state(&self) {}

    fn running(&self) -> &Running {
        &self.running
    }

    fn damage(&self) -> &Damage {
        &self.damage
    }

    fn required(&self) -> Required {
        Required::Anything
    }

    fn reads_all_lines(&self) -> bool {
        // Of much it takes a sample.
        false
    }

    fn needs(&self, _: &Candidate) -> Option<Needs> {
        Some(Needs {
            lines: true,
            lengths: false,
            metadata: true,
        })
    }

    fn count(&self, _: &mut Patterns, candidate: &Candidate) -> Result<(), EngineError> {
        let segment = candidate.segment.row.summary.id;
        Err(EngineError::Worker(format!(
            "patterns counted segment `{segment}` without its lines"
        )))
    }

    fn scan(
        &self,
        (patterns, ()): (&mut Patterns, &mut ()),
        batch: &mut Batch,
        _: Arrival,
    ) -> Result<usize, EngineError> {
        let level = batch.metadata.iter().find(|column| &*column.name == LEVEL);
        for row in batch.selection.iter() {
            self.running.check()?;
            let level = level
                .and_then(|column| column.value(row))
                .unwrap_or_default();
            let time = batch.timestamps[row as usize];
            let time = time.saturating_sub(time.rem_euclid(self.step));
            patterns.add(batch.lines.line(row), level, time);
        }
        Ok(batch.selection.len())
    }
}

impl Engine {
    /// The forms that lines have, those of most lines first, counted each `step` nanoseconds. A
    /// step that would make more than [`MAX_PATTERN_SAMPLES`] samples is made longer.
    ///
    /// # Errors
    /// Over a limit, the time was up, or the catalog or an object failed.
    pub async fn patterns(
        &self,
        request: &IndexRequest<'_>,
        step: i64,
    ) -> Result<Vec<LinePattern>, EngineError> {
        let running = Running::default();
        let found = self.settled(|| Box::pin(self.find_patterns(request, &running, step)));
        self.within(request.limits, &running, found).await
    }

    async fn find_patterns(
        &self,
        request: &IndexRequest<'_>,
        running: &Running,
        step: i64,
    ) -> Result<Vec<LinePattern>, EngineError> {
        let Some(range) = checks::index(request)? else {
            return Ok(Vec::new());
        };
        let step = step.max(1);
        let longest = range.nanos() / step / MAX_PATTERN_SAMPLES + 1;
        let step = step.saturating_mul(longest);
        // Who asks has taken the tenants out of the matchers already, as for one tenant.
        let one = request.tenants.get(..1).unwrap_or_default();
        let reach = Reach::new(one, request.matchers)?;
        let damage = Damage::default();
        let scanner = Arc::new(PatternScanner {
            step,
            running: running.clone(),
            damage: damage.clone(),
        });
        let view = View::new(self, request.tenants);
        let searches = request.tenants.iter().map(|tenant| Search {
            view: &view,
            tenant,
            reach: &reach,
            range,
            before: Timestamp::MAX,
            scanner: Arc::clone(&scanner),
        });
        let searches: Vec<_> = searches.collect();
        let (mut planned, mut searched) = (Vec::new(), Vec::new());
        for search in &searches {
            let days = search.days().await?;
            let plans = stream::iter(days)
                .map(|day| search.plan_day(day))
                .buffered(DAYS_AHEAD);
            let mut plans = std::pin::pin!(plans);
            while let Some(plan) = plans.next().await {
                planned.push(plan?);
                searched.push(search);
            }
        }
        let sample = Sample::of(&planned);
        let mut total = Patterns::default();
        for ((plan, search), chosen) in planned.iter().zip(searched).zip(sample.chosen) {
            let units = units::of_chosen(&plan.candidates, chosen);
            let runs = stream::iter(units).map(|unit| search.run(&plan.candidates, unit));
            let mut runs = std::pin::pin!(runs.buffer_unordered(UNITS_IN_FLIGHT));
            while let Some(result) = runs.next().await {
                for (partial, _) in result? {
                    total.merge(partial);
                }
            }
        }
        if let Some(tenant) = request.tenants.first() {
            self.warn(tenant, &damage);
        }
        Ok(listed(total, sample.scale))
    }
}

/// Which chunks are read.
struct Sample {
    /// For each day the places of its candidates.
    chosen: Vec<Vec<usize>>,
    /// Lines of all chunks for each line of those that are read; 1 where all are.
    scale: f64,
}

impl Sample {
    /// Every chunk, or as many as make [`PATTERN_BYTES`], evenly over time.
    fn of(days: &[DayPlan]) -> Self {
        let sizes = days.iter().map(|day| {
            let chunks = day.candidates.iter().map(Candidate::chunk);
            let size = |chunk: &narvi_segment::ChunkMeta| (chunk.line_bytes, chunk.rows);
            let mut sizes: Vec<_> = chunks.map(size).enumerate().collect();
            sizes.sort_by_key(|(place, _)| day.candidates[*place].chunk().first);
            sizes
        });
        let sizes: Vec<_> = sizes.collect();
        pick(&sizes, PATTERN_BYTES)
    }
}

/// Takes chunks, given as place, bytes and rows in the order of time, so that each byte has the
/// same chance and no more than about `budget` are taken.
fn pick(days: &[Vec<(usize, (u64, u32))>], budget: u64) -> Sample {
    let all = days.iter().flatten();
    let bytes: u64 = all.clone().map(|(_, (bytes, _))| bytes).sum();
    let rows: u64 = all.map(|(_, (_, rows))| u64::from(*rows)).sum();
    let every = bytes.div_ceil(budget.max(1)).max(1);
    // A chunk that is read stands for as many bytes as `every` of its size.
    let (mut owed, mut taken_rows) = (0_i128, 0);
    let chosen = days.iter().map(|day| {
        let taken = day.iter().filter(|(_, (bytes, rows))| {
            owed += i128::from(*bytes);
            let takes = every == 1 || owed > 0;
            if takes {
                owed -= i128::from(*bytes) * i128::from(every);
                taken_rows += u64::from(*rows);
            }
            takes
        });
        taken.map(|(place, _)| *place).collect()
    });
    let chosen = chosen.collect();
    let scale = match every {
        1 => 1.0,
        _ => rows as f64 / taken_rows.max(1) as f64,
    };
    Sample { chosen, scale }
}

/// The patterns of an answer.
fn listed(patterns: Patterns, scale: f64) -> Vec<LinePattern> {
    let scaled = |count: u64| match scale > 1.0 {
        true => (count as f64 * scale).round() as u64,
        false => count,
    };
    let found = patterns.finish().into_iter();
    let enough = found.filter(|found| scaled(found.total()) >= LEAST);
    let listed = enough.take(MOST).map(|found| LinePattern {
        pattern: found.pattern,
        level: found.level,
        samples: found
            .counts
            .into_iter()
            .map(|(time, count)| (time.div_euclid(NANOS_PER_SECOND), scaled(count)))
            .collect(),
    });
    listed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_read_within_the_budget() {
        let sample = pick(&[vec![(1, (10, 1)), (0, (20, 2))], vec![(0, (70, 3))]], 100);
        assert_eq!(sample.chosen, [vec![1, 0], vec![0]]);
        assert!((sample.scale - 1.0).abs() < 1e-12);
    }

    #[test]
    fn samples_are_even_and_scaled() {
        let days: Vec<Vec<_>> = (0..10)
            .map(|_| (0..100).map(|place| (place, (10, 5))).collect())
            .collect();
        let sample = pick(&days, 2000);
        let chosen: Vec<usize> = sample.chosen.iter().map(Vec::len).collect();
        assert!(chosen.iter().all(|count| *count == 20), "{chosen:?}");
        assert!((sample.scale - 5.0).abs() < 0.1, "{}", sample.scale);
        // One that is larger than all others together is not read alone.
        let uneven = pick(&[vec![(0, (1000, 50)), (1, (10, 1)), (2, (1000, 50))]], 500);
        assert_eq!(uneven.chosen, [vec![0]]);
        assert!((uneven.scale - 101.0 / 50.0).abs() < 1e-9);
        assert!(pick(&[], 500).chosen.is_empty());
    }

    #[test]
    fn rare_patterns_are_not_listed() {
        let mut patterns = Patterns::default();
        for n in 0..40 {
            patterns.add(b"often seen", "info", (n / 20) * 10_000_000_000);
        }
        for _ in 0..10 {
            patterns.add(b"seldom met", "", 0);
        }
        let found = listed(patterns, 1.0);
        let want = LinePattern {
            pattern: "often seen".to_owned(),
            level: "info".to_owned(),
            samples: vec![(0, 20), (10, 20)],
        };
        assert_eq!(found, [want]);
    }
}
