//! Metric queries: every scan of the plan to a matrix, then the tree over the matrices.

use std::sync::Arc;

use futures::stream::{self, StreamExt as _};
use narvi_logql::batch::Batch;
use narvi_logql::eval::{Form, evaluate};
use narvi_logql::logs::Arrival;
use narvi_logql::metric::{Grid, Matrix, Partial, SeriesKey, Window};
use narvi_logql::plan::{MetricPlan, Scan, ScanError, ScanState};
use narvi_logql::required::Required;
use narvi_logql::running::Running;
use narvi_model::answer::{QueryResult, QueryStats, Series};
use narvi_model::{Direction, Limits, TimeRange, Timestamp};

use crate::Engine;
use crate::candidates::Candidate;
use crate::damage::Damage;
use crate::days::{self, Budget, Days, Pace, Planned, Walk};
use crate::error::EngineError;
use crate::limits::UNITS_IN_FLIGHT;
use crate::reach::Reach;
use crate::request::{Client, Request, Span};
use crate::scan::{Needs, Scanner, Worker};
use crate::units::{self, Unit};
use crate::view::View;

struct MetricScanner {
    plan: Arc<MetricPlan>,
    /// The place of the scan in the plan.
    place: usize,
    window: Window,
    range: TimeRange,
    running: Running,
    damage: Damage,
}

impl MetricScanner {
    fn scan_plan(&self) -> &Scan {
        &self.plan.scans[self.place]
    }

    /// Whether structured metadata of a chunk can matter: to a stage, or as part of the key of a
    /// series.
    fn reads_metadata(&self, candidate: &Candidate) -> bool {
        let scan = self.scan_plan();
        let in_stream = |name: &String| candidate.labels.get(name).is_some();
        let in_key = match &scan.key {
            SeriesKey::All | SeriesKey::Without(_) => true,
            SeriesKey::By(names) => !names.iter().all(in_stream),
        };
        candidate.chunk().metadata.is_some() && (in_key || !scan.source.pipeline.only_filters())
    }
}

impl Scanner for MetricScanner {
    type Partial = Partial;
    type State = ScanState;

    fn start(&self) -> Partial {
        self.scan_plan().start(self.window, &self.running)
    }

    fn state(&self) -> ScanState {
        self.scan_plan().state(self.window, &self.running)
    }

    fn running(&self) -> &Running {
        &self.running
    }

    fn damage(&self) -> &Damage {
        &self.damage
    }

    fn required(&self) -> Required {
        self.scan_plan().source.pipeline.required()
    }

    fn reads_all_lines(&self) -> bool {
        !self.scan_plan().source.pipeline.is_empty()
    }

    fn needs(&self, candidate: &Candidate) -> Option<Needs> {
        let scan = self.scan_plan();
        let chunk = candidate.chunk();
        let metadata = self.reads_metadata(candidate);
        let whole = candidate.elders.is_empty()
            && candidate.hidden.is_empty()
            && scan.source.pipeline.is_empty()
            && !metadata
            && self.range.covers(chunk.first, chunk.last)
            && self.window.steps(chunk.first.nanos()) == self.window.steps(chunk.last.nanos());
        let lines = !scan.source.pipeline.is_empty();
        let lengths = scan.counts_bytes();
        (!whole).then_some(Needs {
            lines,
            lengths,
            metadata,
        })
    }

    fn count(&self, partial: &mut Partial, candidate: &Candidate) -> Result<(), EngineError> {
        let chunk = candidate.chunk();
        let times = (chunk.first.nanos(), chunk.last.nanos());
        let size = (u64::from(chunk.rows), chunk.line_bytes);
        let counted = self
            .scan_plan()
            .count(partial, &candidate.labels, times, size)?;
        match counted {
            true => Ok(()),
            false => Err(EngineError::Worker(format!(
                "a chunk of segment `{}` was taken for lying in one window",
                candidate.segment.row.summary.id
            ))),
        }
    }

    fn scan(
        &self,
        into: (&mut Partial, &mut ScanState),
        batch: &mut Batch,
        arrival: Arrival,
    ) -> Result<usize, EngineError> {
        Ok(self.scan_plan().run(into, batch, arrival)?)
    }
}

impl Engine {
    /// Answers a metric query.
    pub(crate) async fn metrics(
        &self,
        (request, running, (view, damage)): (&Request, &Running, (&View<'_>, &Damage)),
        plan: MetricPlan,
        span: Span,
        stats: &mut QueryStats,
    ) -> Result<(QueryResult, Option<String>), EngineError> {
        let (grid, form) = grid(&request.limits, span)?;
        let plan = Arc::new(plan);
        let mut budget = Budget::new(request);
        let mut matrices = Vec::with_capacity(plan.scans.len());
        for (place, scan) in plan.scans.iter().enumerate() {
            let window = grid.window(scan.range, scan.offset);
            let Some(range) = window.times() else {
                matrices.push(Matrix {
                    grid,
                    series: Vec::new(),
                });
                continue;
            };
            let scanner = MetricScanner {
                plan: Arc::clone(&plan),
                place,
                window,
                range,
                running: running.clone(),
                damage: damage.clone(),
            };
            let costs = (&mut *stats, &mut budget);
            matrices.push(self.scan((request, view), scanner, costs).await?);
            Matrix::check_together(&matrices).map_err(ScanError::from)?;
        }
        let running = running.clone();
        let evaluated = move |_: &mut Worker| Ok(evaluate(&plan, matrices, grid, form, &running)?);
        let mut result = self.workers.run(evaluated).await?;
        let warning = match &mut result {
            QueryResult::Matrix(series) | QueryResult::Vector(series) => {
                check_series(request, series)?
            }
            QueryResult::Streams(_) | QueryResult::Scalar(_) => None,
        };
        Ok((result, warning))
    }

    async fn scan(
        &self,
        (request, view): (&Request, &View<'_>),
        scanner: MetricScanner,
        (stats, budget): (&mut QueryStats, &mut Budget),
    ) -> Result<Matrix, EngineError> {
        let mut total = scanner.start();
        let range = scanner.range;
        let most = certain_limit(request, &scanner.plan);
        let scanner = Arc::new(scanner);
        let matchers = &scanner.scan_plan().source.matchers;
        let reach = Reach::of_query(&days::tenants(request), matchers)?;
        let days = Days::new(view, request, &reach, range, &scanner);
        let walk = Walk {
            direction: Direction::Forward,
            pace: Pace::Days,
        };
        let mut plans = days.plans(walk, budget).await?;
        while let Some(planned) = plans.next().await {
            let Planned { search, plan, .. } = planned?;
            stats.add(&plan.stats);
            let units = units::by_segment(&plan.candidates);
            let mut add = |parts: Vec<(Partial, QueryStats)>| {
                for (partial, cost) in parts {
                    total.merge(partial)?;
                    stats.add(&cost);
                }
                match most.is_some_and(|most| total.exceeds(most)) {
                    true => Err(too_many_series(&request.limits)),
                    false => Ok(()),
                }
            };
            let mut crowded = Vec::new();
            {
                let run =
                    async |unit: Unit| (search.run(&plan.candidates, unit.clone()).await, unit);
                let runs = stream::iter(units)
                    .map(run)
                    .buffer_unordered(UNITS_IN_FLIGHT);
                let mut runs = std::pin::pin!(runs);
                while let Some((result, unit)) = runs.next().await {
                    match result {
                        Err(error) if error.is_crowded() => crowded.push(unit),
                        result => add(result?)?,
                    }
                }
            }
            // What does not fit beside the others may fit beside the total, a part at a time.
            let parts = |unit: Unit| unit.parts(&plan.candidates);
            for part in crowded.into_iter().flat_map(parts) {
                add(search.run(&plan.candidates, part).await?)?;
            }
        }
        self.workers.run(move |_| Ok(total.finish())).await
    }
}

/// The steps of a query. Loki's frontend splits range queries by time and moves start and end out
/// to multiples of the step where that makes more than one piece; a query within one piece keeps
/// the start that was asked for, as recorded answers show.
fn grid(limits: &Limits, span: Span) -> Result<(Grid, Form), EngineError> {
    let (start, end, step) = match span {
        Span::Instant(time) => return Ok((Grid::instant(time), Form::Instant)),
        Span::Range { start, end, step } => (start, end, step),
    };
    let refused = || {
        EngineError::Refused(
            "zero or negative query resolution step widths are not accepted. Try a positive integer"
                .to_owned(),
        )
    };
    if step <= 0 {
        return Err(refused());
    }
    let (mut start, mut end) = (start, end);
    let piece = limits.split_queries_by_interval.nanos();
    let piece_of = |time: Timestamp| time.nanos().div_euclid(piece);
    if piece > 0 && end > start && piece_of(start) != piece_of(end.minus(1)) {
        start = start.minus(start.nanos().rem_euclid(step));
        end = end.plus((step - end.nanos().rem_euclid(step)) % step);
    }
    let grid = Grid::range(start, end, step).ok_or_else(refused)?;
    Ok((grid, Form::Range))
}

/// Holds the series of a result to the limit. Drilldown gets as many as it may have, and is warned.
fn check_series(
    request: &Request,
    series: &mut Vec<Series>,
) -> Result<Option<String>, EngineError> {
    let most = request.limits.max_query_series;
    if most == 0 || series.len() <= most {
        return Ok(None);
    }
    if request.caller.client == Client::Drilldown {
        series.truncate(most);
        return Ok(Some(format!(
            "maximum number of series ({most}) reached for a single query; returning partial \
             results"
        )));
    }
    Err(too_many_series(&request.limits))
}

/// The number of series beyond which the answer is sure to be refused, whatever else is found.
fn certain_limit(request: &Request, plan: &MetricPlan) -> Option<usize> {
    let most = request.limits.max_query_series;
    let is_sure = plan.root.keeps_series() && request.caller.client != Client::Drilldown;
    (most > 0 && is_sure).then_some(most)
}

fn too_many_series(limits: &Limits) -> EngineError {
    let most = limits.max_query_series;
    EngineError::Refused(format!(
        "maximum number of series ({most}) reached for a single query; consider reducing query \
         cardinality by adding more specific stream selectors, reducing the time range, or \
         aggregating results with functions like sum(), count() or topk()"
    ))
}
