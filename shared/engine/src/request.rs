//! [`Request`]: what is asked; [`Answer`]: what comes back.

use narvi_model::Direction;
use narvi_model::answer::{QueryResult, QueryStats};
use narvi_model::{Limits, Matcher, TenantId, Timestamp};

/// The time that a query is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// One instant, for metric queries.
    Instant(Timestamp),
    /// From `start` to `end`. Log queries: `end` is excluded. Metric queries: at `start`, `start +
    /// step`, … as long as that is not after `end`.
    Range {
        /// The beginning.
        start: Timestamp,
        /// The end.
        end: Timestamp,
        /// Nanoseconds between two evaluations; of no meaning for log queries.
        step: i64,
    },
}

/// One query of one tenant.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whose data.
    pub tenant: TenantId,
    /// What the tenant may do.
    pub limits: Limits,
    /// The query as written.
    pub query: String,
    /// When.
    pub span: Span,
    /// Which entries of a log query come first.
    pub direction: Direction,
    /// Most entries of a log query.
    pub limit: usize,
    /// Nanoseconds that must lie between two entries of a log query; 0 for all.
    pub interval: i64,
    /// The time at which the request arrived.
    pub now: Timestamp,
    /// Who asks.
    pub caller: Caller,
}

/// Who asks, beside the tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// Further tenants that are read as well; all that is read then tells its tenant.
    pub also: Vec<TenantId>,
    /// The program.
    pub client: Client,
    /// What arrived then or later is passed over, for who hears of it in another way. Segments that
    /// were merged meanwhile may add what arrived within [`crate::limits::MERGED_NANOS`] after it,
    /// and lack what was merged with still later pushes.
    pub before: Option<Timestamp>,
}

/// The programs that are answered in their own way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Client {
    /// Any.
    #[default]
    Any,
    /// Logs Drilldown: it gets what there is in the place of an error for too many series, and may
    /// read the streams that Loki writes for it.
    Drilldown,
}

/// The result and what it cost.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The result.
    pub result: QueryResult,
    /// What it cost.
    pub stats: QueryStats,
    /// What whoever asked should know of it.
    pub warnings: Vec<String>,
}

/// A question about the index: which streams, and when.
#[derive(Clone, Copy, Debug)]
pub struct IndexRequest<'a> {
    /// Whose streams; those of several tenants are added up.
    pub tenants: &'a [TenantId],
    /// What the tenants may do.
    pub limits: &'a Limits,
    /// Which streams; all of them where empty.
    pub matchers: &'a [Matcher],
    /// The first instant.
    pub start: Timestamp,
    /// The last instant, not before `start`.
    pub end: Timestamp,
    /// The time at which the request arrived.
    pub now: Timestamp,
}
