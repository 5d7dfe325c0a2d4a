//! What a request says of itself in headers: who asks, and limits that are tighter than the
//! tenant's (spec `http-api.md` §0.5).

use narvi_engine::Client;
use narvi_gateway::Request;
use narvi_model::{ByteSize, Limits, Period, duration};
use serde::Deserialize;

use crate::reply::Refusal;

/// Names of what asks: `Source=grafana-lokiexplore-app,…`.
const TAGS: &str = "x-query-tags";

/// Limits as JSON.
const LIMITS: &str = "x-loki-query-limits";

/// How Logs Drilldown names itself.
const DRILLDOWN: &str = "grafana-lokiexplore-app";

/// The program that asks.
pub(crate) fn client(request: &Request) -> Client {
    let tags = request.header(TAGS).unwrap_or_default();
    let is_drilldown =
        tags.split(',')
            .filter_map(|tag| tag.split_once('='))
            .any(|(name, value)| {
                name.trim().eq_ignore_ascii_case("source")
                    && value.trim().eq_ignore_ascii_case(DRILLDOWN)
            });
    match is_drilldown {
        true => Client::Drilldown,
        false => Client::Any,
    }
}

/// The header as sent. Lengths of time and sizes are texts.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Written {
    max_query_length: String,
    max_query_interval: String,
    max_query_lookback: String,
    max_query_time: String,
    max_entries_limit_per_query: usize,
    required_labels: Vec<String>,
    minimum_labels_number: usize,
    max_query_bytes_read: String,
}

/// The limits of one request, none of them wider than the tenant's; `None` where the header says
/// nothing.
///
/// # Errors
/// A header that is no JSON of this form.
pub(crate) fn tightened(request: &Request, limits: &Limits) -> Result<Option<Limits>, Refusal> {
    let Some(value) = request.header(LIMITS).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let asked = asked(value, limits)
        .map_err(|reason| Refusal::Text(format!("header X-Loki-Query-Limits: {reason}")))?;
    Ok(Some(Limits::strictest(&[limits, &asked])))
}

/// The tenant's limits with those of the header in their places, wider or not.
fn asked(value: &str, limits: &Limits) -> Result<Limits, String> {
    // By way of a map, since a list would be read as the fields in their order.
    let written = serde_json::from_str::<serde_json::Map<_, _>>(value)
        .and_then(|fields| Written::deserialize(serde_json::Value::Object(fields)))
        .map_err(|error| error.to_string())?;
    let mut asked = limits.clone();
    for (text, limit) in [
        (&written.max_query_length, &mut asked.max_query_length),
        (&written.max_query_interval, &mut asked.max_query_range),
        (&written.max_query_lookback, &mut asked.max_query_lookback),
        (&written.max_query_time, &mut asked.query_timeout),
    ] {
        if !text.is_empty() {
            *limit = period(text)?;
        }
    }
    if written.max_entries_limit_per_query > 0 {
        asked.max_entries_limit_per_query = written.max_entries_limit_per_query;
    }
    if !written.max_query_bytes_read.is_empty() {
        let size: Result<ByteSize, _> = written.max_query_bytes_read.parse();
        asked.max_query_bytes_read = size.map_err(|error| error.to_string())?;
    }
    asked.required_labels = written.required_labels;
    asked.minimum_labels_number = written.minimum_labels_number;
    Ok(asked)
}

fn period(text: &str) -> Result<Period, String> {
    let nanos = duration::parse(text).map_err(|error| error.to_string())?;
    Period::from_nanos(nanos).ok_or_else(|| format!("duration `{text}` is negative"))
}

#[cfg(test)]
mod tests {
    use http::Method;
    use narvi_gateway::Call;

    use super::*;

    fn request(name: &'static str, value: &str) -> Request {
        let call = Call::new(Method::GET, "/").header(name, value);
        Request::from_event(&call.into_event()).unwrap()
    }

    #[test]
    fn drilldown_names_itself() {
        for (tags, want) in [
            ("", Client::Any),
            ("Source=grafana", Client::Any),
            ("Source=grafana-lokiexplore-app", Client::Drilldown),
            ("a=b, source=Grafana-LokiExplore-App", Client::Drilldown),
            ("Source=x,Feature=grafana-lokiexplore-app", Client::Any),
        ] {
            assert_eq!(client(&request(TAGS, tags)), want, "{tags}");
        }
    }

    #[test]
    fn limits_are_tightened_and_never_widened() {
        let limits = Limits::default();
        let of = |header| tightened(&request(LIMITS, header), &limits);
        assert!(of("").unwrap().is_none());
        let tight = of(concat!(
            r#"{"maxQueryLength":"1h","maxQueryInterval":"2h","maxQueryLookback":"3h","#,
            r#""maxEntriesLimitPerQuery":10,"maxQueryTime":"10s","requiredLabels":["a"],"#,
            r#""minimumLabelsNumber":1,"maxQueryBytesRead":"1GB","unknown":7}"#,
        ));
        let tight = tight.unwrap().unwrap();
        assert_eq!(tight.max_query_length.to_string(), "1h");
        assert_eq!(tight.max_query_range.to_string(), "2h");
        assert_eq!(tight.max_query_lookback.to_string(), "3h");
        assert_eq!(tight.query_timeout.to_string(), "10s");
        assert_eq!(tight.max_entries_limit_per_query, 10);
        assert_eq!(tight.required_labels, ["a"]);
        assert_eq!(tight.minimum_labels_number, 1);
        assert_eq!(tight.max_query_bytes_read.to_string(), "1GB");
        let wide = r#"{"maxQueryLength":"9999h","maxEntriesLimitPerQuery":100000}"#;
        assert_eq!(of(wide).unwrap(), Some(limits.clone()));
        for bad in [
            "x",
            "[]",
            r#"{"maxQueryLength":"x"}"#,
            r#"{"maxQueryBytesRead":"x"}"#,
        ] {
            let error = of(bad).unwrap_err().to_string();
            assert!(error.starts_with("header X-Loki-Query-Limits: "), "{error}");
        }
    }
}
