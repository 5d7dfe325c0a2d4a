//! `/loki/api/v1/query_range` and `/loki/api/v1/query` (spec `http-api.md` §4 and §5).

use narvi_engine::{Caller, Request, Span};
use narvi_gateway::Response;
use narvi_logql::syntax::ast::Query;
use narvi_logql::syntax::parse;
use narvi_model::answer::QueryResult;
use narvi_protocol::answer::{EncodeOptions, encode_query};
use narvi_protocol::params::{instant_query, range_query};

use crate::handler::Read;
use crate::per_query;
use crate::reply::Refusal;

/// The header in which a client asks for metadata and parsed labels apart.
const ENCODING_FLAGS: &str = "x-loki-response-encoding-flags";

/// Whether this asks for a number as `vector(1)`, which is in nobody's lines; a query that reads
/// any has a selector.
pub(crate) fn reads_nothing(request: &narvi_gateway::Request) -> bool {
    let is_query = ["/loki/api/v1/query", "/loki/api/v1/query_range"].contains(&&*request.path);
    let params = request.params();
    let query = params.get("query").filter(|text| !text.contains('{'));
    is_query && query.is_some_and(|text| matches!(parse(text), Ok(Query::Metric(_))))
}

/// Evaluates a query over a range of time.
pub(crate) async fn range(read: &Read<'_>) -> Response {
    evaluate(read, asked(read)).await
}

/// The query over a range of time that the parameters ask for.
pub(crate) fn asked(read: &Read<'_>) -> Result<Request, Refusal> {
    let asked = range_query(|name| read.params.get(name), read.request.received)?;
    let (start, end, step) = (asked.start, asked.end, asked.step);
    Ok(Request {
        interval: asked.interval,
        direction: asked.direction,
        limit: asked.limit,
        ..base(read, Span::Range { start, end, step })
    })
}

/// Evaluates a query at one instant.
pub(crate) async fn instant(read: &Read<'_>) -> Response {
    let asked = instant_query(|name| read.params.get(name), read.request.received);
    let answer = asked.map_err(Refusal::from).map(|asked| Request {
        direction: asked.direction,
        limit: asked.limit,
        ..base(read, Span::Instant(asked.time))
    });
    evaluate(read, answer).await
}

/// A request with the query of the caller and nothing else that a caller can choose.
pub(crate) fn base(read: &Read<'_>, span: Span) -> Request {
    Request {
        tenant: read.tenant.clone(),
        limits: read.limits.clone(),
        query: read.params.get("query").unwrap_or_default().to_owned(),
        span,
        direction: narvi_model::Direction::default(),
        limit: 0,
        interval: 0,
        now: read.request.received,
        caller: Caller {
            also: read.tenants.iter().skip(1).cloned().collect(),
            client: per_query::client(read.request),
            before: None,
        },
    }
}

async fn evaluate(read: &Read<'_>, request: Result<Request, Refusal>) -> Response {
    let request = match request {
        Ok(request) => request,
        Err(refusal) => return refusal.into_response(),
    };
    let answer = match read.engine.query(&request).await {
        Ok(answer) => answer,
        Err(error) => return Refusal::from(error).into_response(),
    };
    let mut options = EncodeOptions::from_flags(read.request.header(ENCODING_FLAGS));
    options.direction = request.direction;
    options.warnings.clone_from(&answer.warnings);
    if !matches!(answer.result, QueryResult::Streams(_)) {
        // Loki's frontend echoes the flags of log answers only.
        options.flags.clear();
    }
    Response::json(encode_query(&answer.result, &answer.stats, &options))
}
