//! Log queries: walk time in the asked direction and stop when no later line can matter.

use std::sync::Arc;

use futures::stream::{self, StreamExt as _};
use narvi_logql::batch::Batch;
use narvi_logql::logs::{Arrival, LogPartial, head};
use narvi_logql::plan::LogPlan;
use narvi_logql::stage::Machine;
use narvi_model::answer::{LogStream, QueryStats};
use narvi_model::{Day, Direction, TimeRange, Timestamp};

use crate::Engine;
use crate::candidates::Candidate;
use crate::days::{self, Budget, Days, PlannedDay};
use crate::error::EngineError;
use crate::limits::{INTERVAL_ENTRIES, LOG_UNITS_IN_FLIGHT};
use crate::reach::Reach;
use crate::request::Request;
use crate::scan::{Needs, Scanner};
use crate::search::Search;
use crate::units::{self, Unit};

struct LogScanner {
    plan: Arc<LogPlan>,
    range: TimeRange,
    direction: Direction,
    /// Entries that a partial keeps.
    keep: usize,
    now: Timestamp,
}

impl Scanner for LogScanner {
    type Partial = LogPartial;
    type State = Machine;

    fn start(&self) -> LogPartial {
        LogPartial::new(self.direction, self.keep)
    }

    fn state(&self) -> Machine {
        self.plan.pipeline.machine(self.now.nanos())
    }

    fn range(&self) -> TimeRange {
        self.range
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
        pipeline.filter(batch);
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
        request: &Request,
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
            range,
            direction,
            keep,
            now: request.now,
        });
        let reach = Reach::of_query(&days::tenants(request), &plan.matchers)?;
        let days = Days::new(self, request, &reach, range, &scanner);
        let mut partial = LogPartial::new(direction, keep);
        let mut plans = days.plans(direction, &mut Budget::new(request)).await?;
        while let Some(planned) = plans.next().await {
            let PlannedDay { day, search, plan } = planned?;
            if is_settled(&mut partial, direction, Some(edge(day, direction))) {
                break;
            }
            stats.add(&plan.stats);
            let units = units::by_time(&plan.candidates, direction);
            self.walk(search, &plan.candidates, units, (&mut partial, stats))
                .await?;
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
        let direction = search.scanner.direction;
        // Without a filter the first lines are the answer; more units at once would be in vain.
        let ahead = match search.scanner.plan.pipeline.is_empty() {
            true => self.workers.count(),
            false => LOG_UNITS_IN_FLIGHT,
        };
        let bounds: Vec<Option<Timestamp>> = units
            .iter()
            .map(|unit| units::bound(candidates, unit, direction))
            .collect();
        let runs = stream::iter(units)
            .map(|unit| search.run(candidates, unit))
            .buffered(ahead);
        let mut runs = std::pin::pin!(runs);
        let mut done = 0;
        while let Some(result) = runs.next().await {
            for (found, cost) in result? {
                partial.merge(found)?;
                stats.add(&cost);
            }
            done += 1;
            if is_settled(partial, direction, bounds.get(done).copied().flatten()) {
                break;
            }
        }
        Ok(())
    }
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

/// The first time of a day in the asked direction.
fn edge(day: Day, direction: Direction) -> Timestamp {
    match direction {
        Direction::Forward => day.start(),
        Direction::Backward => day.end().minus(1),
    }
}
