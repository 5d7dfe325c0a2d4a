//! Parameters of the endpoints that look at the index: `index/volume`, `index/volume_range` and
//! `index/shards` (spec `http-api.md` §8). Those of `index/stats` are [`closed_bounds`].

use narvi_model::{ByteSize, Timestamp};

use super::{Bounds, ParamError, bounds, parse_limit, parse_step};
use crate::limits::MAX_POINTS;

/// Series in a volume where no limit, or a limit of nothing, is asked for.
const DEFAULT_VOLUMES: usize = 100;

/// Parameters of volumes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeParams {
    /// From when to when.
    pub bounds: Bounds,
    /// Nanoseconds of a bucket; `None` where everything is one.
    pub step: Option<i64>,
    /// Most series.
    pub limit: usize,
    /// `targetLabels`.
    pub targets: Vec<String>,
    /// Whether bytes are added up by names of labels, not by series.
    pub by_labels: bool,
}

/// Reads `start`, `end` and `since` where the end must not come before the start.
///
/// # Errors
/// The first that cannot be read, or an end before the start.
pub fn closed_bounds<'a>(
    get: impl Fn(&str) -> Option<&'a str>,
    now: Timestamp,
) -> Result<Bounds, ParamError> {
    let bounds = bounds(get, now)?;
    match bounds.end < bounds.start {
        true => Err(ParamError::EndBeforeStart),
        false => Ok(bounds),
    }
}

/// Reads the parameters of `index/volume`.
///
/// # Errors
/// The first that cannot be read or breaks a rule.
pub fn volume_query<'a>(
    get: impl Fn(&str) -> Option<&'a str>,
    now: Timestamp,
) -> Result<VolumeParams, ParamError> {
    let bounds = closed_bounds(&get, now)?;
    let limit = match get("limit") {
        Some("0") => DEFAULT_VOLUMES,
        limit => parse_limit(limit)?,
    };
    let by_labels = match get("aggregateBy").unwrap_or_default() {
        "" | "series" => false,
        "labels" => true,
        _ => return Err(ParamError::Aggregation),
    };
    let targets = get("targetLabels").unwrap_or_default().split(',');
    let targets = targets.map(str::trim).filter(|name| !name.is_empty());
    Ok(VolumeParams {
        bounds,
        step: None,
        limit,
        targets: targets.map(str::to_owned).collect(),
        by_labels,
    })
}

/// Reads the parameters of `index/volume_range`.
///
/// # Errors
/// The first that cannot be read or breaks a rule.
pub fn volume_range_query<'a>(
    get: impl Fn(&str) -> Option<&'a str>,
    now: Timestamp,
) -> Result<VolumeParams, ParamError> {
    let params = volume_query(&get, now)?;
    let Bounds { start, end } = params.bounds;
    let step = parse_step(get("step"), start, end)?;
    if end.since(start) / step > MAX_POINTS {
        return Err(ParamError::Points);
    }
    Ok(VolumeParams {
        step: Some(step),
        ..params
    })
}

/// Reads `targetBytesPerShard`; any size will do, since there is one shard.
///
/// # Errors
/// Loki's text where there is none or it is nothing, ours where it is no size.
pub fn shard_bytes(text: Option<&str>) -> Result<ByteSize, ParamError> {
    let text = text.filter(|text| !text.is_empty()).unwrap_or("0");
    if text.starts_with('-') {
        return Err(ParamError::ShardBytes);
    }
    let size: ByteSize = text
        .parse()
        .map_err(|error| ParamError::Size(format!("targetBytesPerShard: {error}")))?;
    match size.bytes() {
        0 => Err(ParamError::ShardBytes),
        _ => Ok(size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

    fn lookup<'a>(query: &'a str) -> impl Fn(&str) -> Option<&'a str> {
        move |name| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
        }
    }

    /// `limit by_labels targets step in seconds`
    #[track_caller]
    fn check(query: &str, want: Result<&str, &str>) {
        let got = volume_range_query(lookup(query), NOW).map_err(|e| e.to_string());
        let got = got.map(|p| {
            let (targets, step) = (p.targets.join("+"), p.step.unwrap_or(0) / 1_000_000_000);
            format!("{} {} {targets} {step}", p.limit, p.by_labels)
        });
        let want = want.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(got, want, "{query}");
    }

    #[test]
    fn volumes() {
        check("", Ok("100 false  14"));
        check("limit=0&step=60", Ok("100 false  60"));
        check(
            "limit=5000&targetLabels=a,b ,&aggregateBy=series",
            Ok("5000 false a+b 14"),
        );
        check("aggregateBy=labels", Ok("100 true  14"));
        check("aggregateBy=x", Err("invalid aggregation option"));
        check("limit=-1", Err("limit must be a positive value"));
        check(
            "start=20&end=10",
            Err("end timestamp must not be before or equal to start time"),
        );
        check(
            "since=20000s&step=1",
            Err(
                "exceeded maximum resolution of 11,000 points per time series. \
                 Try increasing the value of the step parameter",
            ),
        );
    }

    #[test]
    fn one_bucket_has_no_step() {
        let params = volume_query(lookup("step=x"), NOW).unwrap();
        assert_eq!(params.step, None);
    }

    #[test]
    fn shards() {
        let nothing = "targetBytesPerShard must be a positive value";
        for (text, want) in [
            (Some("600MB"), Ok(600 << 20)),
            (Some("1"), Ok(1)),
            (None, Err(nothing)),
            (Some(""), Err(nothing)),
            (Some("0"), Err(nothing)),
            (Some("-5MB"), Err(nothing)),
            (
                Some("x"),
                Err(
                    "targetBytesPerShard: `x` is not a size; write a number of bytes or one with \
                     a unit, such as `256KB`",
                ),
            ),
        ] {
            let got = shard_bytes(text)
                .map(ByteSize::bytes)
                .map_err(|e| e.to_string());
            assert_eq!(got, want.map_err(str::to_owned), "{text:?}");
        }
    }
}
