//! [`Notification`]: an alert as Alertmanager's API v2 takes it (spec `http-api.md` §15).

use narvi_gateway::Ruler;
use narvi_logql::syntax;
use narvi_model::{NANOS_PER_MILLI, Timestamp};
use serde::Serialize;

use crate::alert::Alert;
use crate::written::Pairs;

/// The wire form.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Notification {
    annotations: Pairs,
    ends_at: String,
    starts_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: String,
    labels: Pairs,
}

impl Notification {
    /// The notification of an alert that fires or has fired, from a rule with this query that is
    /// evaluated every `interval` nanoseconds.
    pub(crate) fn of(alert: &Alert, link: &str, interval: i64, at: (Timestamp, &Ruler)) -> Self {
        let (at, ruler) = at;
        // Alertmanager takes it as resolved if it hears nothing for four rounds.
        let patience = ruler.resend_delay.nanos().max(interval).saturating_mul(4);
        let ends_at = alert.resolved_at.unwrap_or(at.plus(patience));
        let mut labels = ruler.external_labels.clone();
        labels.extend(alert.labels.clone());
        Self {
            annotations: alert.annotations.clone(),
            ends_at: rfc3339_millis(ends_at),
            starts_at: rfc3339_millis(alert.fired_at.unwrap_or(alert.active_at)),
            generator_url: link.to_owned(),
            labels,
        }
    }
}

/// The address of Grafana's Explore with the query of a rule.
pub(crate) fn explore_link(expr: &str, ruler: &Ruler) -> String {
    let expr = syntax::parse(expr).map_or_else(|_| expr.to_owned(), |query| query.to_string());
    let datasource = match ruler.datasource_uid.as_str() {
        "" => None,
        uid => Some(Datasource { kind: "loki", uid }),
    };
    let left = Left {
        queries: [ExploreQuery {
            datasource,
            expr,
            query_type: "range",
        }],
    };
    // Texts only, so this cannot fail; a link without its query would be the lesser evil.
    let left = serde_json::to_string(&left).unwrap_or_default();
    let base = ruler.external_url.trim_end_matches('/');
    format!("{base}/explore?left={}", escape(&left))
}

#[derive(Serialize)]
struct Left<'a> {
    queries: [ExploreQuery<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExploreQuery<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    datasource: Option<Datasource<'a>>,
    expr: String,
    query_type: &'static str,
}

#[derive(Serialize)]
struct Datasource<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    uid: &'a str,
}

/// Go's `url.QueryEscape`.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

fn rfc3339_millis(time: Timestamp) -> String {
    let seconds = time.rfc3339_seconds();
    let millis = time.nanos().div_euclid(NANOS_PER_MILLI).rem_euclid(1000);
    format!("{}.{millis:03}Z", seconds.trim_end_matches('Z'))
}

#[cfg(test)]
mod tests {
    use narvi_gateway::Config;

    use super::*;

    const MINUTE: i64 = 60_000_000_000;

    fn ruler(yaml: &str) -> Ruler {
        Config::from_yaml(&format!("ruler: {yaml}")).unwrap().ruler
    }

    #[test]
    fn wire_form() {
        let pairs = |name: &str, text: &str| Pairs::from([(name.to_owned(), text.to_owned())]);
        let at = Timestamp::from_millis(1_768_471_263_047);
        let mut alert = Alert::new(pairs("app", "x"), pairs("text", "y"), 1.0, at);
        alert.fired_at = Some(at);
        let ruler = ruler("{external_labels: {cluster: c, app: hidden}}");
        let json = |alert: &Alert, interval| {
            let notification = Notification::of(alert, "/explore", interval, (at, &ruler));
            serde_json::to_string(&notification).unwrap()
        };
        let want = |ends: &str| {
            format!(
                concat!(
                    r#"{{"annotations":{{"text":"y"}},"endsAt":"{}","#,
                    r#""startsAt":"2026-01-15T10:01:03.047Z","generatorURL":"/explore","#,
                    r#""labels":{{"app":"x","cluster":"c"}}}}"#
                ),
                ends
            )
        };
        assert_eq!(json(&alert, 1), want("2026-01-15T10:05:03.047Z"));
        assert_eq!(json(&alert, 5 * MINUTE), want("2026-01-15T10:21:03.047Z"));
        alert.resolved_at = Some(at.plus(MINUTE));
        assert_eq!(json(&alert, 1), want("2026-01-15T10:02:03.047Z"));
    }

    #[test]
    fn links_open_the_query() {
        let link = explore_link("vector(1)>0", &ruler("{external_url: 'http://g/'}"));
        let (base, left) = link.split_once("?left=").unwrap();
        assert_eq!(base, "http://g/explore");
        assert!(
            left.starts_with("%7B%22queries%22%3A%5B%7B%22expr%22%3A%22"),
            "{left}"
        );
        assert!(
            left.ends_with("%22%2C%22queryType%22%3A%22range%22%7D%5D%7D"),
            "{left}"
        );
        assert!(left.contains("vector%281"), "{left}");
        let link = explore_link("vector(1)", &ruler("{datasource_uid: u}"));
        let want = "/explore?left=%7B%22queries%22%3A%5B%7B%22datasource%22%3A%7B%22type%22%3A\
                    %22loki%22%2C%22uid%22%3A%22u%22%7D";
        assert!(link.starts_with(want), "{link}");
    }
}
