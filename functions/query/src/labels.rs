//! `/loki/api/v1/labels` and `/loki/api/v1/label/{name}/values` (spec `http-api.md` §6).

use std::collections::BTreeSet;

use narvi_engine::{OWN_TENANT_LABEL, Reach, TENANT_LABEL};
use narvi_gateway::Response;
use narvi_model::{Matcher, TimeRange};
use narvi_protocol::answer;
use narvi_protocol::params::closed_bounds;

use crate::handler::Read;
use crate::reply::Refusal;

/// The names of all labels.
pub(crate) async fn names(read: &Read<'_>) -> Response {
    reply(find_names(read).await)
}

/// The values of one label.
pub(crate) async fn values(read: &Read<'_>, name: &str) -> Response {
    reply(find_values(read, name).await)
}

fn reply(found: Result<Vec<String>, Refusal>) -> Response {
    match found {
        Ok(found) => Response::json(answer::labels(&found)),
        Err(refusal) => refusal.into_response(),
    }
}

/// The names of all labels, sorted.
pub(crate) async fn find_names(read: &Read<'_>) -> Result<Vec<String>, Refusal> {
    let Some((range, matchers)) = asked(read)? else {
        return Ok(Vec::new());
    };
    let reach = Reach::new(&read.tenants, &matchers)?;
    let mut found = BTreeSet::new();
    for tenant in &reach.tenants {
        let (engine, limits) = (read.engine, read.limits);
        found.extend(
            engine
                .labels(tenant, limits, range, &reach.matchers)
                .await?,
        );
    }
    if read.tenants.len() > 1 && !reach.tenants.is_empty() {
        found.insert(TENANT_LABEL.to_owned());
    }
    Ok(found.into_iter().collect())
}

/// The values of one label, sorted.
pub(crate) async fn find_values(read: &Read<'_>, name: &str) -> Result<Vec<String>, Refusal> {
    let Some((range, matchers)) = asked(read)? else {
        return Ok(Vec::new());
    };
    let reach = Reach::new(&read.tenants, &matchers)?;
    let name = match name {
        TENANT_LABEL if read.tenants.len() > 1 => {
            let ids = reach.tenants.iter();
            return Ok(ids.map(|id| id.as_str().to_owned()).collect());
        }
        OWN_TENANT_LABEL if read.tenants.len() > 1 => TENANT_LABEL,
        name => name,
    };
    let mut found = BTreeSet::new();
    for tenant in &reach.tenants {
        let where_ = (range, reach.matchers.as_slice());
        let values = read.engine.label_values(name, tenant, read.limits, where_);
        found.extend(values.await?);
    }
    Ok(found.into_iter().collect())
}

/// The time range, and the matchers of the optional `query`; `None` where the range is empty.
fn asked(read: &Read<'_>) -> Result<Option<(TimeRange, Vec<Matcher>)>, Refusal> {
    let matchers = match read.params.get("query").map(str::trim) {
        None | Some("" | "{}") => Vec::new(),
        Some(query) => selector(query)?,
    };
    Ok(range(read)?.map(|range| (range, matchers)))
}

/// The time range of labels and series; both ends count.
pub(crate) fn range(read: &Read<'_>) -> Result<Option<TimeRange>, Refusal> {
    let bounds = closed_bounds(|name| read.params.get(name), read.request.received)?;
    Ok(TimeRange::inclusive(bounds.start, bounds.end))
}

/// A plain selector that cannot match streams without any of its labels.
pub(crate) fn selector(text: &str) -> Result<Vec<Matcher>, Refusal> {
    let selector = narvi_logql::syntax::parse_selector(text)?;
    narvi_logql::syntax::require_matcher(&selector)?;
    Ok(selector.matchers)
}
