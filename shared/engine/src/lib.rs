//! Answers a query: plan, prune, fetch, scan, merge; labels and series.
//!
//! Reading order: [`Request`] and [`Answer`], [`Engine`] (what lives as long as the process), then
//! the path of a query: `checks` (limits), [`Reach`] (whose streams), `view` (and without which
//! lines), `days` (in order, planned ahead), `lookup` (catalog), `tail` (footers, cached),
//! `needles` (filters, cached), `candidates` (chunks that may hold what is looked for, and which of
//! them may repeat lines of others), `units` (cut by bytes), `fetch` (ranges), `damage` (what
//! cannot be read), `duplicates`, `workers` (one for each core), `scan` (decode and evaluate),
//! `search` (the whole of it), `log_query` and `metric_query`; `patience` ends it when the time is
//! up. What is answered without lines: `labels` (catalog), `stats` and `volume` (footers). What
//! lines look like: `detected` and `patterns`.
//!
//! Memory of a query: the units in flight ([`limits`]) with their chunks, the cache of tails, and
//! the result.

mod candidates;
mod checks;
mod damage;
mod days;
mod detected;
mod duplicates;
mod error;
mod extent;
mod fetch;
mod labels;
pub mod limits;
mod log_query;
mod lookup;
mod metric_query;
mod needles;
mod patience;
mod patterns;
mod reach;
mod request;
mod scan;
mod search;
mod slices;
mod stats;
mod tail;
mod units;
mod view;
mod volume;
mod workers;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use narvi_logql::plan::Plan;
use narvi_logql::running::Running;
use narvi_model::answer::{QueryResult, QueryStats};
use narvi_model::{Limits, TenantId, TimeRange};
use narvi_storage::{Catalog, Objects};

use damage::Damage;
use limits::{ANSWER_WITHIN, SEARCHES};
use scan::Worker;
use view::View;

pub use error::{EngineError, ErrorKind};
pub use reach::{OWN_TENANT_LABEL, Reach, TENANT_LABEL};
pub use request::{Answer, Caller, Client, IndexRequest, Request, Span};
pub use volume::{VolumeBy, VolumeRequest};

/// Answers queries out of a catalog and its objects. Keep one for the life of the process: it
/// caches footers, which never change.
pub struct Engine {
    objects: Arc<dyn Objects>,
    catalog: Catalog,
    tails: tail::TailCache,
    filters: needles::FilterCache,
    workers: workers::Workers,
    /// Damaged segments that answers met since they were last asked for.
    damaged: AtomicU64,
    heeds: Heeds,
}

/// Whose requests to delete are heeded; who may not delete costs no look for them.
pub type Heeds = Arc<dyn Fn(&TenantId) -> bool + Send + Sync>;

impl Engine {
    /// An engine that uses every core.
    #[must_use]
    pub fn new(objects: Arc<dyn Objects>, catalog: Catalog) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::with_threads(objects, catalog, cores)
    }

    /// An engine with so many threads of its own; with none it works where it is polled, one thing
    /// after the other.
    #[must_use]
    pub fn with_threads(objects: Arc<dyn Objects>, catalog: Catalog, threads: usize) -> Self {
        Self {
            objects,
            catalog,
            tails: tail::TailCache::new(limits::TAIL_CACHE_BYTES),
            filters: needles::FilterCache::new(limits::FILTER_CACHE_BYTES),
            workers: workers::Workers::new(threads),
            damaged: AtomicU64::new(0),
            heeds: Arc::new(|_| true),
        }
    }

    /// Heeds requests to delete of some tenants only, where by default it does of all.
    #[must_use]
    pub fn heeding(self, heeds: Heeds) -> Self {
        Self { heeds, ..self }
    }
}

/// Parses, plans and checks a query as [`Engine::query`] does first, and reads nothing.
///
/// # Errors
/// What is wrong with the query, or which limit it breaks.
pub fn check(request: &Request) -> Result<Plan, EngineError> {
    let plan = Plan::new(&narvi_logql::syntax::parse(&request.query)?)?;
    checks::check(request, &plan)?;
    Ok(plan)
}

impl Engine {
    /// Answers a query.
    ///
    /// # Errors
    /// What is wrong with the query, which limit it breaks, or what failed; see
    /// [`EngineError::kind`].
    pub async fn query(&self, request: &Request) -> Result<Answer, EngineError> {
        let running = Running::new(request.now.nanos());
        // The work of a query is a large future, which those around it need not hold themselves.
        let answer = self.settled(|| Box::pin(self.answer(request, &running)));
        self.within(&request.limits, &running, answer).await
    }

    /// Damaged segments that answers had to do without since this was asked last, for a metric.
    pub fn take_damaged(&self) -> u64 {
        self.damaged.swap(0, Ordering::Relaxed)
    }

    /// Seeks an answer again where segments went while they were read.
    pub(crate) async fn settled<T, W>(&self, work: impl Fn() -> W) -> Result<T, EngineError>
    where
        W: Future<Output = Result<T, EngineError>>,
    {
        for _ in 1..SEARCHES {
            match work().await {
                Err(EngineError::Moved) => {}
                done => return done,
            }
        }
        work().await
    }

    /// Counts and logs the segments that an answer has to do without; the warnings about them.
    pub(crate) fn warn(&self, tenant: &TenantId, damage: &Damage) -> Vec<String> {
        self.damaged.fetch_add(damage.len(), Ordering::Relaxed);
        let warnings = damage.warnings();
        for warning in &warnings {
            tracing::error!(%tenant, "{warning}");
        }
        warnings
    }

    /// Gives work up when the time of the tenant, or of the gateway, is over.
    pub(crate) async fn within<T>(
        &self,
        limits: &Limits,
        running: &Running,
        work: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        let patience = Duration::from_nanos(limits.query_timeout.nanos().unsigned_abs());
        let patience = if patience.is_zero() {
            ANSWER_WITHIN
        } else {
            patience.min(ANSWER_WITHIN)
        };
        patience::within(patience, running, work).await
    }

    async fn answer(&self, request: &Request, running: &Running) -> Result<Answer, EngineError> {
        let started = Instant::now();
        let text = request.query.clone();
        let planned = move |_: &mut Worker| Ok(Plan::new(&narvi_logql::syntax::parse(&text)?)?);
        let plan = self.workers.run(planned).await?;
        let damage = Damage::default();
        let tenants = days::tenants(request);
        let view = View::new(self, &tenants);
        let asked = (request, running, (&view, &damage));
        let mut stats = QueryStats::default();
        let mut warnings = Vec::new();
        let Some(span) = checks::check(request, &plan)? else {
            return Ok(Answer {
                result: nothing(&plan),
                stats,
                warnings,
            });
        };
        let result = match plan {
            Plan::Metric(plan) => {
                let (result, warning) = self.metrics(asked, plan, span, &mut stats).await?;
                warnings.extend(warning);
                result
            }
            Plan::Log(plan) => match span {
                Span::Instant(_) => return Err(EngineError::Refused(NO_INSTANT_LOGS.to_owned())),
                Span::Range { start, end, .. } => match TimeRange::new(start, end) {
                    Some(range) => {
                        QueryResult::Streams(self.logs(asked, *plan, range, &mut stats).await?)
                    }
                    None => QueryResult::Streams(Vec::new()),
                },
            },
        };
        warnings.extend(self.warn(&request.tenant, &damage));
        stats.entries_returned = entries(&result);
        stats.exec_seconds = started.elapsed().as_secs_f64();
        Ok(Answer {
            result,
            stats,
            warnings,
        })
    }
}

const NO_INSTANT_LOGS: &str = "log queries are not supported as an instant query type, please \
                               change your query to a range query type";

/// The answer about times that nobody may look at.
const fn nothing(plan: &Plan) -> QueryResult {
    match plan {
        Plan::Metric(_) => QueryResult::Matrix(Vec::new()),
        Plan::Log(_) => QueryResult::Streams(Vec::new()),
    }
}

/// Lines of a log answer, series of a metric one.
fn entries(result: &QueryResult) -> u64 {
    let count = match result {
        QueryResult::Streams(streams) => streams.iter().map(|stream| stream.entries.len()).sum(),
        QueryResult::Matrix(series) | QueryResult::Vector(series) => series.len(),
        QueryResult::Scalar(_) => 1,
    };
    count as u64
}
