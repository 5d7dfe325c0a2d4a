//! `/loki/api/v1/index/stats`, `/index/volume`, `/index/volume_range` and `/index/shards` (spec
//! `http-api.md` §8).

use narvi_engine::{IndexRequest, Reach, VolumeBy, VolumeRequest};
use narvi_gateway::Response;
use narvi_model::Matcher;
use narvi_model::answer::IndexStats;
use narvi_protocol::answer::{self, EncodeOptions, encode_query};
use narvi_protocol::params::{self, Bounds, ParamError, VolumeParams};

use crate::handler::Read;
use crate::labels::selector;
use crate::reply::Refusal;

/// How much streams have in a time range.
pub(crate) async fn stats(read: &Read<'_>) -> Response {
    match count(read).await {
        Ok(stats) => Response::json(answer::index_stats(&stats)),
        Err(refusal) => refusal.into_response(),
    }
}

/// The same as one shard: there is nothing that clients would have to spread.
pub(crate) async fn shards(read: &Read<'_>) -> Response {
    let counted = async {
        params::shard_bytes(read.params.get("targetBytesPerShard"))?;
        count(read).await
    };
    match counted.await {
        Ok(stats) => Response::json(answer::one_shard(&stats)),
        Err(refusal) => refusal.into_response(),
    }
}

async fn count(read: &Read<'_>) -> Result<IndexStats, Refusal> {
    let bounds = params::closed_bounds(|name| read.params.get(name), read.request.received)?;
    let matchers = selector(read.params.get("query").unwrap_or_default())?;
    let reach = Reach::of_query(&read.tenants, &matchers)?;
    Ok(read.engine.stats(&asked(read, &reach, bounds)).await?)
}

/// Bytes in all.
pub(crate) async fn volume(read: &Read<'_>) -> Response {
    let params = params::volume_query(|name| read.params.get(name), read.request.received);
    answer_volume(read, params).await
}

/// Bytes over time.
pub(crate) async fn volume_range(read: &Read<'_>) -> Response {
    let params = params::volume_range_query(|name| read.params.get(name), read.request.received);
    answer_volume(read, params).await
}

async fn answer_volume(read: &Read<'_>, params: Result<VolumeParams, ParamError>) -> Response {
    if !read.limits.volume_enabled {
        return Response::read_error(404, "not found");
    }
    match measure(read, params).await {
        Ok(answer) => Response::json(answer),
        Err(refusal) => refusal.into_response(),
    }
}

async fn measure(
    read: &Read<'_>,
    params: Result<VolumeParams, ParamError>,
) -> Result<Vec<u8>, Refusal> {
    let params = params?;
    let matchers = open_selector(read.params.get("query").unwrap_or_default())?;
    let reach = Reach::new(&read.tenants, &matchers)?;
    let request = VolumeRequest {
        index: asked(read, &reach, params.bounds),
        step: params.step,
        limit: params.limit,
        targets: &params.targets,
        by: match params.by_labels {
            true => VolumeBy::Labels,
            false => VolumeBy::Series,
        },
    };
    let answer = read.engine.volume(&request).await?;
    let options = EncodeOptions {
        warnings: answer.warnings,
        ..EncodeOptions::default()
    };
    Ok(encode_query(&answer.result, &answer.stats, &options))
}

/// A plain selector that may choose everything.
pub(crate) fn open_selector(text: &str) -> Result<Vec<Matcher>, Refusal> {
    Ok(narvi_logql::syntax::parse_selector(text)?.matchers)
}

/// A question about the index, both ends of the time included.
pub(crate) fn asked<'a>(read: &'a Read<'_>, reach: &'a Reach, bounds: Bounds) -> IndexRequest<'a> {
    IndexRequest {
        tenants: &reach.tenants,
        limits: read.limits,
        matchers: &reach.matchers,
        start: bounds.start,
        end: bounds.end,
        now: read.request.received,
    }
}
