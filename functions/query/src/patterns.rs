//! `/loki/api/v1/patterns` (spec `http-api.md` §9).

use narvi_engine::Reach;
use narvi_gateway::Response;
use narvi_protocol::answer;
use narvi_protocol::params::pattern_query;

use crate::handler::Read;
use crate::index::asked;
use crate::labels::selector;
use crate::reply::Refusal;

/// The forms that lines have, with their numbers over time.
pub(crate) async fn patterns(read: &Read<'_>) -> Response {
    match find(read).await {
        Ok(json) => Response::json(json),
        Err(refusal) => refusal.into_response(),
    }
}

async fn find(read: &Read<'_>) -> Result<Vec<u8>, Refusal> {
    let params = pattern_query(|name| read.params.get(name), read.request.received)?;
    let matchers = selector(read.params.get("query").unwrap_or_default())?;
    let reach = Reach::of_query(&read.tenants, &matchers)?;
    let request = asked(read, &reach, params.bounds);
    let found = read.engine.patterns(&request, params.step).await?;
    Ok(answer::patterns(&found))
}
