//! Log queries: walk time in the asked direction and stop when no later line can matter.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::stream::{self, StreamExt as _};
use narvi_logql::batch::Batch;
use narvi_logql::logs::{Arrival, LogPartial, head};
use narvi_logql::plan::LogPlan;
use narvi_logql::required::Required;
use narvi_logql::running::{Halt, Running};
use narvi_logql::stage::Machine;
use narvi_model::answer::{LogStream, QueryStats};
use narvi_model::{Direction, TimeRange, Timestamp};

use crate::Engine;
use crate::candidates::Candidate;
use crate::damage::Damage;
use crate::days::{self, Budget, Days, Pace, Planned, Walk};
use crate::error::EngineError;
use crate::limits::{DAYS_AHEAD, INTERVAL_ENTRIES, UNITS_IN_FLIGHT};
use crate::reach::Reach;
use crate::request::Request;
use crate::scan::{Needs, Scanner};
use crate::search::Search;
use crate::units::{self, Unit};
use crate::view::View;

struct LogScanner {
    plan: Arc<LogPlan>,
    direction: Direction,
    /// Entries that a partial keeps.
    keep: usize,
    running: Running,
    damage: Damage,
}

impl Scanner for LogScanner {
    type Partial = LogPartial;
    type State = Machine;

    fn start(&self) -> LogPartial {
        LogPartial::new(self.direction, self.keep, &self.running)
    }

    fn state(&self) -> Machine {
        self.plan.pipeline.machine(&self.running)
    }

    fn running(&self) -> &Running {
        &self.running
    }

    fn damage(&self) -> &Damage {
        &self.damage
    }

    fn required(&self) -> Required {
        self.plan.pipeline.required()
    }

    fn reads_all_lines(&self) -> bool {
        // The first lines are often enough.
        false
    }

    fn needs(&self, _: &Candidate) -> Option<Needs> {
        Some(Needs {
            lines: true,
            lengths: false,
            metadata: true,
        })
    }

    fn count(&self, _: &mut LogPartial, candidate: &Candidate) -> Result<(), EngineError> {
        let segment = candidate.segment.row.summary.id;
        Err(EngineError::Worker(format!(
            "a log query counted segment `{segment}`"
        )))
    }

    fn scan(
        &self,
        (partial, machine): (&mut LogPartial, &mut Machine),
        batch: &mut Batch,
        arrival: Arrival,
    ) -> Result<usize, EngineError> {
        let pipeline = &self.plan.pipeline;
        if pipeline.is_empty() {
            head(&mut batch.selection, self.direction, self.keep);
        }
        pipeline.filter(batch, &self.running)?;
        if !pipeline.only_filters() {
            return Ok(partial.add_rows((pipeline, machine), batch, arrival)?);
        }
        partial.add_batch(batch, arrival)?;
        Ok(batch.selection.len())
    }
}

impl Engine {
    /// Answers a log query.
    pub(crate) async fn logs(
        &self,
        (request, running, (view, damage)): (&Request, &Running, (&View<'_>, &Damage)),
        plan: LogPlan,
        range: TimeRange,
        stats: &mut QueryStats,
    ) -> Result<Vec<LogStream>, EngineError> {
        let (direction, plan) = (request.direction, Arc::new(plan));
        let keep = if request.interval > 0 {
            INTERVAL_ENTRIES
        } else {
            request.limit
        };
        let scanner = Arc::new(LogScanner {
            plan: Arc::clone(&plan),
            direction,
            keep,
            running: running.clone(),
            damage: damage.clone(),
        });
        let reach = Reach::of_query(&days::tenants(request), &plan.matchers)?;
        let days = Days::new(view, request, &reach, range, &scanner);
        let mut partial = LogPartial::new(direction, keep, running);
        // Without a filter the first lines are the answer, and what is opened ahead is in vain.
        let ahead = match plan.pipeline.is_empty() {
            true => 1,
            false => DAYS_AHEAD,
        };
        let walk = Walk {
            direction,
            pace: Pace::Slices(ahead),
        };
        let mut plans = days.plans(walk, &mut Budget::new(request)).await?;
        while let Some(planned) = plans.next().await {
            let Planned {
                range,
                search,
                plan,
                behind,
            } = planned?;
            if is_settled(&mut partial, direction, Some(edge(range, direction))) {
                break;
            }
            stats.add(&plan.stats);
            let units = units::by_time(&plan.candidates, direction);
            self.walk(search, &plan.candidates, units, (&mut partial, stats))
                .await?;
            if is_settled(&mut partial, direction, behind) {
                break;
            }
        }
        if request.interval > 0 && partial.len() >= INTERVAL_ENTRIES {
            return Err(EngineError::Refused(format!(
                "a query with an interval may look at {INTERVAL_ENTRIES} entries at most; narrow \
                 the time range or the stream selector"
            )));
        }
        Ok(partial.finish(request.interval, request.limit))
    }

    /// Scans the units of a day in order, several at once, until the rest cannot matter.
    async fn walk(
        &self,
        search: &Search<'_, LogScanner>,
        candidates: &Arc<Vec<Candidate>>,
        units: Vec<Unit>,
        (partial, stats): (&mut LogPartial, &mut QueryStats),
    ) -> Result<(), EngineError> {
        // Without a filter the first lines are the answer; more units at once would be in vain.
        let ahead = match search.scanner.plan.pipeline.is_empty() {
            true => self.workers.count(),
            false => UNITS_IN_FLIGHT,
        };
        let into = (&mut *partial, &mut *stats);
        let done = match self.pass(search, candidates, (&units, ahead), into).await? {
            Pass::Whole => return Ok(()),
            Pass::Crowded { done } => done,
        };
        // What does not fit side by side may fit one after the other.
        let rest = units.into_iter().skip(done);
        let parts: Vec<Unit> = rest.flat_map(|unit| unit.parts(candidates)).collect();
        match self
            .pass(search, candidates, (&parts, 1), (partial, stats))
            .await?
        {
            Pass::Whole => Ok(()),
            Pass::Crowded { .. } => Err(Halt::Crowded.into()),
        }
    }

    /// Scans units in order, so many at once, until the rest cannot matter or memory is short.
    async fn pass(
        &self,
        search: &Search<'_, LogScanner>,
        candidates: &Arc<Vec<Candidate>>,
        (units, ahead): (&[Unit], usize),
        (partial, stats): (&mut LogPartial, &mut QueryStats),
    ) -> Result<Pass, EngineError> {
        let direction = search.scanner.direction;
        let crowded = AtomicBool::new(false);
        let runs = stream::iter(units.to_vec())
            .take_while(|_| ready(!crowded.load(Ordering::Relaxed)))
            .map(|unit| search.run(candidates, unit))
            .buffered(ahead);
        let mut runs = std::pin::pin!(runs);
        let mut done = 0;
        while let Some(result) = runs.next().await {
            let parts = match result {
                Err(error) if error.is_crowded() => {
                    // What is being scanned holds its memory until it is done.
                    crowded.store(true, Ordering::Relaxed);
                    while runs.next().await.is_some() {}
                    return Ok(Pass::Crowded { done });
                }
                result => result?,
            };
            for (found, cost) in parts {
                partial.merge(found)?;
                stats.add(&cost);
            }
            done += 1;
            let next = units.get(done);
            let bound = next.and_then(|unit| units::bound(candidates, unit, direction));
            if is_settled(partial, direction, bound) {
                break;
            }
        }
        Ok(Pass::Whole)
    }
}

/// How far a pass over units came.
enum Pass {
    /// To where the rest cannot matter.
    Whole,
    /// To the unit that found no room, behind so many others.
    Crowded { done: usize },
}

/// Whether nothing from `bound` on, in the asked direction, can be among the entries kept.
fn is_settled(partial: &mut LogPartial, direction: Direction, bound: Option<Timestamp>) -> bool {
    match (partial.worst(), bound) {
        (Some(worst), Some(bound)) => match direction {
            Direction::Forward => bound > worst,
            Direction::Backward => bound < worst,
        },
        _ => false,
    }
}

/// The first time of a range in the asked direction.
fn edge(range: TimeRange, direction: Direction) -> Timestamp {
    match direction {
        Direction::Forward => range.start(),
        Direction::Backward => range.end().minus(1),
    }
}
