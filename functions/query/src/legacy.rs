//! `/api/prom/query`, `/api/prom/label` and `/api/prom/label/{name}/values`: reads in the shapes of
//! Loki before version 1 (spec `http-api.md` §17). `/api/prom/series` never had another.

use narvi_gateway::Response;
use narvi_model::answer::QueryResult;
use narvi_model::write_quoted;
use narvi_protocol::answer::{encode_legacy, legacy_labels};

use crate::handler::Read;
use crate::labels;
use crate::query;
use crate::reply::Refusal;

/// A log query over a range of time; `regexp` is one more filter of its lines.
pub(crate) async fn query(read: &Read<'_>) -> Response {
    let found = async {
        let mut request = query::asked(read)?;
        let regexp = read.params.get("regexp").filter(|text| !text.is_empty());
        if let Some(regexp) = regexp {
            request.query.push_str(" |~ ");
            // Writing to a string cannot fail.
            let _ = write_quoted(&mut request.query, regexp);
        }
        if !matches!(
            narvi_logql::syntax::parse(&request.query)?,
            narvi_logql::syntax::ast::Query::Log(_)
        ) {
            return Err(Refusal::Text(ONLY_STREAMS.to_owned()));
        }
        let answer = read.engine.query(&request).await?;
        match answer.result {
            QueryResult::Streams(streams) => {
                Ok(encode_legacy(&streams, &answer.stats, request.direction))
            }
            _ => Err(Refusal::Text(ONLY_STREAMS.to_owned())),
        }
    };
    match found.await {
        Ok(body) => Response::json(body),
        Err(refusal) => refusal.into_response(),
    }
}

const ONLY_STREAMS: &str = "legacy endpoints only support streams result type";

/// The names of all labels.
pub(crate) async fn names(read: &Read<'_>) -> Response {
    match labels::find_names(read).await {
        Ok(found) => Response::json(legacy_labels(&found)),
        Err(refusal) => refusal.into_response(),
    }
}

/// The values of one label. Loki's frontend answers names here, which helps nobody.
pub(crate) async fn values(read: &Read<'_>, name: &str) -> Response {
    match labels::find_values(read, name).await {
        Ok(found) => Response::json(legacy_labels(&found)),
        Err(refusal) => refusal.into_response(),
    }
}
