//! `/loki/api/v1/series` (spec `http-api.md` §7).

use narvi_gateway::Response;
use narvi_model::{Labels, Matcher};
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
    let groups: Vec<&[Matcher]> = groups.iter().map(Vec::as_slice).collect();
    let found = read
        .engine
        .series(&read.tenant, read.limits, range, &groups)
        .await?;
    Ok(found.into_iter().collect())
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
