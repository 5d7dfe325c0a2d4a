//! `/loki/api/v1/detected_labels`, `/detected_fields` and `/detected_field/{name}/values` (spec
//! `http-api.md` §10).

use narvi_engine::{OWN_TENANT_LABEL, Reach, Request, Span, TENANT_LABEL};
use narvi_gateway::Response;
use narvi_model::answer::DetectedLabel;
use narvi_protocol::answer;
use narvi_protocol::params::{closed_bounds, field_query};

use crate::handler::Read;
use crate::index::{asked, open_selector};
use crate::query::base;
use crate::reply::Refusal;

/// The labels that are worth grouping by.
pub(crate) async fn labels(read: &Read<'_>) -> Response {
    respond(find_labels(read).await)
}

async fn find_labels(read: &Read<'_>) -> Result<Vec<u8>, Refusal> {
    let bounds = closed_bounds(|name| read.params.get(name), read.request.received)?;
    let matchers = match read.params.get("query").map(str::trim) {
        None | Some("") => Vec::new(),
        Some(query) => open_selector(query)?,
    };
    let reach = Reach::new(&read.tenants, &matchers)?;
    let mut found = read
        .engine
        .detected_labels(&asked(read, &reach, bounds))
        .await?;
    if read.tenants.len() > 1 && !found.is_empty() {
        for own in found.iter_mut().filter(|label| label.name == TENANT_LABEL) {
            OWN_TENANT_LABEL.clone_into(&mut own.name);
        }
        found.push(DetectedLabel {
            name: TENANT_LABEL.to_owned(),
            cardinality: reach.tenants.len() as u64,
        });
    }
    Ok(answer::detected_labels(&found))
}

/// The fields of lines.
pub(crate) async fn fields(read: &Read<'_>) -> Response {
    respond(find_fields(read).await)
}

async fn find_fields(read: &Read<'_>) -> Result<Vec<u8>, Refusal> {
    let (request, limit) = sample(read)?;
    let found = read.engine.detected_fields(&request, limit).await?;
    Ok(answer::detected_fields(&found, limit))
}

/// The values of one field.
pub(crate) async fn values(read: &Read<'_>, name: &str) -> Response {
    respond(find_values(read, name).await)
}

async fn find_values(read: &Read<'_>, name: &str) -> Result<Vec<u8>, Refusal> {
    let (request, limit) = sample(read)?;
    let found = read.engine.detected_values(&request, name, limit).await?;
    Ok(answer::detected_values(&found, limit))
}

/// The log query whose lines are looked at, and how many fields or values are asked for.
fn sample(read: &Read<'_>) -> Result<(Request, usize), Refusal> {
    let params = field_query(|name| read.params.get(name), read.request.received)?;
    let span = Span::Range {
        start: params.bounds.start,
        end: params.bounds.end,
        step: 1,
    };
    let request = Request {
        limit: params.lines,
        ..base(read, span)
    };
    Ok((request, params.limit))
}

fn respond(found: Result<Vec<u8>, Refusal>) -> Response {
    match found {
        Ok(json) => Response::json(json),
        Err(refusal) => refusal.into_response(),
    }
}
