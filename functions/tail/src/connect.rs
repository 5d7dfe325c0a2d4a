//! [`connect`]: whether a live tail is let in (spec `http-api.md` §11).

use narvi_engine::Span;
use narvi_gateway::{Config, Request, Response, Surface, now};
use narvi_logql::syntax;
use narvi_model::{Direction, Limits, TenantError, TenantId};
use narvi_protocol::params::{TailParams, tail_query};
use narvi_storage::{Catalog, ErrorKind, StorageError, TailRow};

use crate::Past;
use crate::limits::{ATTEMPTS, FLAGS_BYTES, LIFE_NANOS, SLACK_NANOS};

/// The header in which a client asks for metadata and parsed labels apart.
const ENCODING_FLAGS: &str = "x-loki-response-encoding-flags";

/// What the endpoint of old clients is called.
const LEGACY: &str = "/api/prom/tail";

/// Writes a connection down as a tail of its tenant, from `handover` nanoseconds later on.
///
/// # Errors
/// The answer to what cannot be a tail, or is one too many.
pub(crate) async fn connect(
    catalog: &Catalog,
    config: &Config,
    (connection, handover): (String, i64),
    request: &Request,
) -> Result<Past, Response> {
    let tenant = request.tenant(config).map_err(|e| tenant_error(&e))?;
    let limits = config.limits.of(&tenant);
    let (mut row, asked) = row(connection, &tenant, limits, request)?;
    make_room(catalog, &tenant, limits, &row).await?;
    for _ in 0..ATTEMPTS {
        let begun = now();
        row.live = begun.max(row.opened).plus(handover);
        let put = catalog.put_tail(&tenant, &row).await;
        put.map_err(|error| storage_error(&error))?;
        if now().since(begun) < SLACK_NANOS {
            return Ok(Past::new(&tenant, &row, asked.start, asked.limit));
        }
    }
    Err(Response::read_error(
        503,
        "a live tail takes too long to be written down; try again",
    ))
}

/// What is written down of a request that asks for what a tail can have.
fn row(
    connection: String,
    tenant: &TenantId,
    limits: &Limits,
    request: &Request,
) -> Result<(TailRow, TailParams), Response> {
    let params = request.params();
    let query = params.get("query").unwrap_or_default();
    syntax::parse_log(query).map_err(|e| refused(&e))?;
    let now = request.received;
    let asked = tail_query(|name| params.get(name), now).map_err(|e| refused(&e))?;
    let as_query = narvi_engine::Request {
        tenant: tenant.clone(),
        limits: limits.clone(),
        query: query.to_owned(),
        span: Span::Range {
            start: asked.start,
            end: now,
            step: 1,
        },
        direction: Direction::Forward,
        limit: asked.limit,
        interval: 0,
        now,
        caller: narvi_engine::Caller::default(),
    };
    narvi_engine::check(&as_query).map_err(|e| refused(&e))?;
    let flags = request.header(ENCODING_FLAGS).unwrap_or_default();
    if flags.len() > FLAGS_BYTES {
        return Err(refused(&format!(
            "the header {ENCODING_FLAGS} has {} bytes, at most {FLAGS_BYTES} are taken",
            flags.len()
        )));
    }
    let row = TailRow {
        connection,
        query: query.to_owned(),
        flags: flags.to_owned(),
        is_legacy: request.path == LEGACY,
        opened: now,
        live: now,
        expires: now.plus(LIFE_NANOS),
    };
    Ok((row, asked))
}

/// Refuses a tail that is one too many. Two that come at once may both be let in: the limit keeps
/// pushes cheap, and one more does not matter.
async fn make_room(
    catalog: &Catalog,
    tenant: &TenantId,
    limits: &Limits,
    row: &TailRow,
) -> Result<(), Response> {
    let most = limits.max_concurrent_tail_requests;
    if most == 0 {
        return Ok(());
    }
    let open = catalog.tails(tenant, row.opened).await;
    let open = open.map_err(|error| storage_error(&error))?.len();
    if open < most {
        return Ok(());
    }
    let count = open + 1;
    let text =
        format!("max concurrent tail requests limit exceeded, count > limit ({count} > {most})");
    Err(Response::read_error(429, &text))
}

fn refused(error: &impl ToString) -> Response {
    Response::read_error(400, &error.to_string())
}

/// Loki answers several tenants on this read with 400, on others with 500.
fn tenant_error(error: &TenantError) -> Response {
    match error {
        TenantError::Several => refused(error),
        _ => Response::tenant_error(Surface::Read, error),
    }
}

fn storage_error(error: &StorageError) -> Response {
    let status = match error.kind() {
        ErrorKind::Invalid | ErrorKind::TooMuch => 400,
        ErrorKind::Unavailable => 503,
        _ => 500,
    };
    if status >= 500 {
        tracing::error!(status, %error, "a tail is not let in");
    }
    Response::read_error(status, &error.to_string())
}
