//! What an endpoint needs: [`Bounds`] of labels and series, [`RangeParams`], [`InstantParams`].

use narvi_model::{NANOS_PER_SECOND, Timestamp, duration};

use super::{
    Direction, ParamError, parse_direction, parse_interval, parse_limit, parse_step, parse_time,
};
use crate::limits::MAX_POINTS;

/// How far back a request looks that does not say.
const DEFAULT_SINCE: i64 = 3600 * NANOS_PER_SECOND;

/// From when to when. `end` may lie before `start`; what that means is the endpoint's to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// `start`, or `since` before the end.
    pub start: Timestamp,
    /// `end`, or now.
    pub end: Timestamp,
}

/// Parameters of `query_range`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeParams {
    /// The first instant.
    pub start: Timestamp,
    /// Not before `start`.
    pub end: Timestamp,
    /// Nanoseconds between points, whole milliseconds, above 0.
    pub step: i64,
    /// Least nanoseconds between two entries of a log answer; 0 for all.
    pub interval: i64,
    /// Most entries of a log answer.
    pub limit: usize,
    /// Order of a log answer.
    pub direction: Direction,
}

/// Parameters of `query`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstantParams {
    /// The instant.
    pub time: Timestamp,
    /// Most entries of a log answer.
    pub limit: usize,
    /// Order of a log answer.
    pub direction: Direction,
}

/// Reads `start`, `end` and `since`: what `labels`, `series` and the like need.
///
/// # Errors
/// The first of `since`, `end` and `start` that cannot be read.
pub fn bounds<'a>(
    get: impl Fn(&str) -> Option<&'a str>,
    now: Timestamp,
) -> Result<Bounds, ParamError> {
    let given = |name| get(name).filter(|text| !text.is_empty());
    let named = |name: &'static str, reason: String| ParamError::Named { name, reason };
    let time = |name: &'static str, default| {
        let text = given(name);
        text.map_or(Ok(default), parse_time)
            .map_err(|error| named(name, error.to_string()))
    };
    let since = given("since").map_or(Ok(DEFAULT_SINCE), duration::parse_prometheus);
    let since = since.map_err(|error| named("since", error.to_string()))?;
    let end = time("end", now)?;
    let start = time("start", end.min(now).minus(since))?;
    Ok(Bounds { start, end })
}

/// Reads the parameters of `query_range`.
///
/// # Errors
/// The first that cannot be read or breaks a rule, in Loki's order.
pub fn range_query<'a>(
    get: impl Fn(&str) -> Option<&'a str>,
    now: Timestamp,
) -> Result<RangeParams, ParamError> {
    let Bounds { start, end } = bounds(&get, now)?;
    if end < start {
        return Err(ParamError::EndBeforeStart);
    }
    let limit = parse_limit(get("limit"))?;
    let direction = parse_direction(get("direction"))?;
    let step = parse_step(get("step"), start, end)?;
    if end.since(start) / step > MAX_POINTS {
        return Err(ParamError::Points);
    }
    let interval = parse_interval(get("interval"))?;
    Ok(RangeParams {
        start,
        end,
        step,
        interval,
        limit,
        direction,
    })
}

/// Reads the parameters of `query`.
///
/// # Errors
/// The first that cannot be read or breaks a rule.
pub fn instant_query<'a>(
    get: impl Fn(&str) -> Option<&'a str>,
    now: Timestamp,
) -> Result<InstantParams, ParamError> {
    let limit = parse_limit(get("limit"))?;
    let time = get("time")
        .filter(|text| !text.is_empty())
        .map_or(Ok(now), parse_time)?;
    let direction = parse_direction(get("direction"))?;
    Ok(InstantParams {
        time,
        limit,
        direction,
    })
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

    /// `start end step` in seconds.
    #[track_caller]
    fn check(query: &str, want: Result<(i64, i64, i64), &str>) {
        let got = range_query(lookup(query), NOW).map_err(|e| e.to_string());
        let got = got.map(|p| {
            (
                p.start.seconds(),
                p.end.seconds(),
                p.step / NANOS_PER_SECOND,
            )
        });
        assert_eq!(
            got.as_ref().map_err(String::as_str),
            want.as_ref().map_err(|e| *e),
            "{query}"
        );
    }

    #[test]
    fn ranges() {
        let now = NOW.seconds();
        check("", Ok((now - 3600, now, 14)));
        check("since=2h", Ok((now - 7200, now, 28)));
        check("end=1600000000", Ok((1_599_996_400, 1_600_000_000, 14)));
        check("end=1800000000", Ok((now - 3600, 1_800_000_000, 400_014)));
        check(
            "start=1600000000&end=1600000000",
            Ok((1_600_000_000, 1_600_000_000, 1)),
        );
        check(
            "start=1600000000&end=1600011000&step=1",
            Ok((1_600_000_000, 1_600_011_000, 1)),
        );
        check(
            "start=1600000000&end=1600011001&step=1",
            Err(
                "exceeded maximum resolution of 11,000 points per time series. \
                 Try increasing the value of the step parameter",
            ),
        );
        check(
            "start=bogus",
            Err("could not parse 'start' parameter: \
                 strconv.ParseInt: parsing \"bogus\": invalid syntax"),
        );
        check(
            "end=x&start=y",
            Err(
                r#"could not parse 'end' parameter: strconv.ParseInt: parsing "x": invalid syntax"#,
            ),
        );
        check(
            "since=5minutes",
            Err("could not parse 'since' parameter: \
                 unknown unit \"minutes\" in duration \"5minutes\""),
        );
        check(
            "start=1600000001&end=1600000000",
            Err("end timestamp must not be before or equal to start time"),
        );
        check("limit=0", Err("limit must be a positive value"));
        check("direction=up", Err("invalid direction 'up'"));
        check(
            "interval=-1s",
            Err(r#"cannot parse "-1s" to a valid duration"#),
        );
    }

    #[test]
    fn instants() {
        let got = instant_query(lookup("time=4000000000&direction=FORWARD&limit=5"), NOW).unwrap();
        let time = Timestamp::from_seconds(4_000_000_000);
        assert_eq!(
            got,
            InstantParams {
                time,
                limit: 5,
                direction: Direction::Forward
            }
        );
        assert_eq!(instant_query(lookup("time="), NOW).unwrap().time, NOW);
        assert_eq!(
            instant_query(lookup("time=x"), NOW)
                .unwrap_err()
                .to_string(),
            r#"strconv.ParseInt: parsing "x": invalid syntax"#
        );
    }

    #[test]
    fn labels_accept_an_end_before_the_start() {
        let got = bounds(lookup("start=20&end=10"), NOW).unwrap();
        assert_eq!((got.start.seconds(), got.end.seconds()), (20, 10));
    }
}
