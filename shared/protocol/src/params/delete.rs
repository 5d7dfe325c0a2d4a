//! Parameters of the delete API (spec `http-api.md` §16). Whether the query is one is not known
//! here.

use narvi_model::{NANOS_PER_SECOND, Period, Timestamp, duration, parse_rfc3339};

use super::ParamError;

/// A request to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteParams {
    /// Which lines.
    pub query: String,
    /// The first instant.
    pub start: Timestamp,
    /// The last instant.
    pub end: Timestamp,
}

/// Seconds are written with this many digits.
const SECONDS_DIGITS: usize = 10;

/// Reads what `POST` asks for. `longest` is the configured `delete_max_interval`, 0 for no limit;
/// `max_interval` is checked and means nothing, since no request is cut into pieces.
///
/// # Errors
/// Loki's texts, in Loki's order.
pub fn delete_query<'a>(
    get: impl Fn(&str) -> Option<&'a str>,
    now: Timestamp,
    longest: Period,
) -> Result<DeleteParams, ParamError> {
    let get = |name: &str| get(name).filter(|value| !value.is_empty());
    let refused = |text: &str| ParamError::Delete(text.to_owned());
    let query = get("query").ok_or_else(|| refused("query not set"))?;
    let start = get("start").ok_or_else(|| refused("start time not set"))?;
    let start = time("start", start)?;
    let end = match get("end") {
        Some(end) => time("end", end)?,
        None => now,
    };
    if end > now {
        return Err(refused("deletes in the future are not allowed"));
    }
    if start >= end {
        return Err(refused(
            "start time can't be greater than or equal to end time",
        ));
    }
    if let Some(interval) = get("max_interval") {
        let length = end.since(start);
        let interval = duration::parse_go(interval).unwrap_or_default();
        if interval < NANOS_PER_SECOND {
            let text = "invalid max_interval: valid time units are 's', 'm', 'h'";
            return Err(refused(text));
        }
        let most = match (interval, longest.nanos()) {
            (interval, longest) if longest > 0 && interval > longest => duration::to_go(longest),
            (interval, _) if interval > length => {
                format!("the interval to be deleted ({})", duration::to_go(length))
            }
            _ => String::new(),
        };
        if !most.is_empty() {
            let text = format!("max_interval can't be greater than {most}");
            return Err(ParamError::Delete(text));
        }
    }
    Ok(DeleteParams {
        query: query.to_owned(),
        start,
        end,
    })
}

/// The times that `GET` asks for; all of them where it names none.
///
/// # Errors
/// As [`delete_query`] for a time that is none.
pub fn delete_list<'a>(
    get: impl Fn(&str) -> Option<&'a str>,
) -> Result<(Timestamp, Timestamp), ParamError> {
    let bound = |name: &'static str, open| match get(name).filter(|value| !value.is_empty()) {
        Some(text) => time(name, text),
        None => Ok(open),
    };
    Ok((
        bound("start", Timestamp::MIN)?,
        bound("end", Timestamp::MAX)?,
    ))
}

/// Ten digits of seconds, or RFC 3339.
fn time(name: &str, text: &str) -> Result<Timestamp, ParamError> {
    let is_seconds = text.len() == SECONDS_DIGITS && text.bytes().all(|c| c.is_ascii_digit());
    let read = match is_seconds {
        true => text.parse().ok().map(Timestamp::from_seconds),
        false => parse_rfc3339(text),
    };
    read.ok_or_else(|| {
        ParamError::Delete(format!(
            "invalid {name} time: require unix seconds or RFC3339 format"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_700_100_000);

    #[track_caller]
    fn check(given: &[(&str, &str)], want: Result<(i64, i64), &str>) {
        let get = |name: &str| {
            let found = given.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| *value)
        };
        let got = delete_query(get, NOW, Period::from_seconds(86_400));
        let got = got.map(|params| {
            assert_eq!(params.query, "{a=\"b\"}");
            (params.start.seconds(), params.end.seconds())
        });
        assert_eq!(
            got.map_err(|error| error.to_string()),
            want.map_err(str::to_owned)
        );
    }

    #[test]
    fn requests() {
        let query = ("query", "{a=\"b\"}");
        let start = ("start", "1700000000");
        check(&[query, start], Ok((1_700_000_000, 1_700_100_000)));
        check(
            &[
                query,
                ("start", "2023-11-14T22:13:20Z"),
                ("end", "1700003600"),
            ],
            Ok((1_700_000_000, 1_700_003_600)),
        );
        check(&[start], Err("query not set"));
        check(&[("query", ""), start], Err("query not set"));
        check(&[query], Err("start time not set"));
        for bad in [
            "17000000000",
            "170000000",
            "-170000000",
            "1700000.00",
            "now",
            "2023-11-14",
        ] {
            let text = "time: require unix seconds or RFC3339 format";
            check(
                &[query, ("start", bad)],
                Err(&format!("invalid start {text}")),
            );
            check(
                &[query, start, ("end", bad)],
                Err(&format!("invalid end {text}")),
            );
        }
        check(
            &[query, start, ("end", "1700100001")],
            Err("deletes in the future are not allowed"),
        );
        for end in ["1700000000", "1600000000"] {
            check(
                &[query, start, ("end", end)],
                Err("start time can't be greater than or equal to end time"),
            );
        }
    }

    #[test]
    fn intervals() {
        let query = ("query", "{a=\"b\"}");
        let (start, end) = (("start", "1700000000"), ("end", "1700003600"));
        let of = |interval| [query, start, end, ("max_interval", interval)];
        check(&of("1h"), Ok((1_700_000_000, 1_700_003_600)));
        for bad in ["1d", "x", "999ms", "-1h", "0s"] {
            let text = "invalid max_interval: valid time units are 's', 'm', 'h'";
            check(&of(bad), Err(text));
        }
        check(
            &of("25h"),
            Err("max_interval can't be greater than 24h0m0s"),
        );
        check(
            &of("61m"),
            Err("max_interval can't be greater than the interval to be deleted (1h0m0s)"),
        );
    }
}
