//! `/loki/api/v1/series` (spec `http-api.md` §7).

use std::collections::BTreeSet;

use narvi_engine::{Reach, TENANT_LABEL};
use narvi_gateway::Response;
use narvi_model::{Labels, Matcher, TenantId};
use narvi_protocol::answer;

use crate::handler::Read;
use crate::labels::{range, selector};
use crate::reply::Refusal;

/// The labels of every stream that meets one of the groups of matchers.
pub(crate) async fn series(read: &Read<'_>) -> Response {
    match find(read).await {
        Ok(found) => Response::json(answer::series(&found)),
        Err(refusal) => refusal.into_response(),
    }
}

async fn find(read: &Read<'_>) -> Result<Vec<Labels>, Refusal> {
    let groups = groups(read)?;
    let Some(range) = range(read)? else {
        return Ok(Vec::new());
    };
    let reaches = groups.iter().map(|group| Reach::new(&read.tenants, group));
    let reaches: Vec<Reach> = reaches.collect::<Result<_, _>>()?;
    let mut found = BTreeSet::new();
    for tenant in &read.tenants {
        let chosen = reaches
            .iter()
            .filter(|reach| reach.tenants.contains(tenant));
        let groups: Vec<&[Matcher]> = chosen.map(|reach| reach.matchers.as_slice()).collect();
        if groups.is_empty() {
            continue;
        }
        let own = read
            .engine
            .series(tenant, read.limits, range, &groups)
            .await?;
        found.extend(own.into_iter().map(|labels| told(read, labels, tenant)));
    }
    Ok(found.into_iter().collect())
}

/// Of several tenants each series tells its own, unless it has that label itself.
fn told(read: &Read<'_>, labels: Labels, tenant: &TenantId) -> Labels {
    if read.tenants.len() == 1 || labels.get(TENANT_LABEL).is_some() {
        return labels;
    }
    labels.with(TENANT_LABEL, tenant.as_str())
}

/// The groups of `match` and `match[]`; none, or the single `{}`, means all series.
fn groups(read: &Read<'_>) -> Result<Vec<Vec<Matcher>>, Refusal> {
    let texts: Vec<&str> = read
        .params
        .all("match")
        .chain(read.params.all("match[]"))
        .collect();
    let is_open = |text: &str| text.split_whitespace().collect::<String>() == "{}";
    match texts.as_slice() {
        [] => return Ok(vec![Vec::new()]),
        [one] if is_open(one) => return Ok(vec![Vec::new()]),
        _ => {}
    }
    if texts.iter().any(|text| is_open(text)) {
        return Err(Refusal::Text("0 matchers in group: {}".to_owned()));
    }
    texts.into_iter().map(selector).collect()
}
