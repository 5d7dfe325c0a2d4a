//! Endpoints that read no tenant's data, and ask for no tenant (spec `http-api.md` §12).
//!
//! What they say is of this process: on AWS of one container of the query function.

use http::Method;
use narvi_gateway::telemetry::{self, LevelError};
use narvi_gateway::{Config, Request, Response, Shown};
use narvi_protocol::answer;

use crate::format;

/// The parts of Narvi, as `/services` lists them.
const SERVICES: [&str; 5] = ["compact", "ingest", "query", "retention", "rules"];

/// Answers a path of this kind; `None` for every other.
pub(crate) fn answer(request: &Request, config: &Config) -> Option<Response> {
    let is_read = matches!(request.method, Method::GET | Method::HEAD);
    let is_form = is_read || request.method == Method::POST;
    let respond: fn(&Request, &Config) -> Response = match request.path.as_str() {
        "/loki/api/v1/format_query" if is_form => |request, _| format::format(request),
        // As for every query, Loki's router has no such path for other methods.
        "/loki/api/v1/format_query" => |_, _| Response::not_found(),
        "/log_level" if is_form => log_level,
        "/ready" if is_read => |_, _| Response::text(200, "ready\n"),
        "/loki/api/v1/status/buildinfo" if is_read => {
            |_, _| Response::json(answer::buildinfo(env!("CARGO_PKG_VERSION")))
        }
        "/metrics" if is_read => metrics,
        "/config" if is_read => settings,
        "/services" if is_read => services,
        "/ready"
        | "/loki/api/v1/status/buildinfo"
        | "/metrics"
        | "/config"
        | "/services"
        | "/log_level" => |_, _| Response::method_not_allowed(),
        _ => return None,
    };
    Some(respond(request, config))
}

/// What this process has counted, in the text format of Prometheus.
fn metrics(_: &Request, _: &Config) -> Response {
    let text = narvi_gateway::exposition(env!("CARGO_PKG_VERSION"));
    Response {
        content_type: "text/plain; version=0.0.4; charset=utf-8",
        ..Response::text(200, text)
    }
}

/// The configuration without what is secret.
fn settings(request: &Request, config: &Config) -> Response {
    let shown = match request.params().get("mode") {
        Some("diff") => Shown::Diff,
        Some("defaults") => Shown::Defaults,
        _ => Shown::All,
    };
    match config.shown(shown) {
        Ok(text) => Response::text(200, text),
        Err(error) => Response::write_error(500, &error.to_string()),
    }
}

/// Nothing runs between requests, so whatever answers is running.
fn services(_: &Request, _: &Config) -> Response {
    let lines = SERVICES.iter().map(|name| format!("{name} => Running\n"));
    Response::text(200, lines.collect::<String>())
}

/// Tells the level of logs, or sets it.
fn log_level(request: &Request, _: &Config) -> Response {
    let params = request.params();
    if request.method != Method::POST {
        let text = format!("Current log level is {}", telemetry::level());
        return Response::json(answer::log_level(None, &text));
    }
    let level = params.get("log_level").unwrap_or_default();
    match telemetry::set_level(level) {
        Ok(()) => {
            tracing::info!(level, "the log level was set");
            let text = format!("Log level set to {level}");
            Response::json(answer::log_level(Some("success"), &text))
        }
        Err(error) => {
            let status = match error {
                LevelError::Unknown(_) => 400,
                LevelError::Fixed => 403,
            };
            Response::json(answer::log_level(Some("failed"), &error.to_string()))
                .with_status(status)
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header;
    use narvi_gateway::Call;

    use super::*;

    #[track_caller]
    fn check(method: &str, target: &str, want: Option<(u16, &str)>) {
        let config = Config::default();
        let call = Call::new(method.parse().unwrap(), target);
        let call = call.header(header::CONTENT_TYPE.as_str(), "text/plain");
        let request = Request::from_event(&call.into_event()).unwrap();
        let got = answer(&request, &config);
        let got = got.map(|got| (got.status, String::from_utf8(got.body.into()).unwrap()));
        match (got, want) {
            (None, None) => {}
            (Some((status, body)), Some((want_status, want))) => {
                assert_eq!(status, want_status, "{method} {target}: {body}");
                assert!(body.contains(want), "{method} {target}: {body}");
            }
            (got, want) => panic!("{method} {target}: {got:?}, want {want:?}"),
        }
    }

    #[test]
    fn endpoints() {
        check("GET", "/ready", Some((200, "ready\n")));
        check("HEAD", "/ready", Some((200, "ready\n")));
        check("POST", "/ready", Some((405, "")));
        check(
            "GET",
            "/loki/api/v1/status/buildinfo",
            Some((200, "\"version\":\"3.")),
        );
        check("GET", "/metrics", Some((200, "narvi_build_info{version=")));
        check("GET", "/services", Some((200, "query => Running\n")));
        check("DELETE", "/services", Some((405, "")));
        check("GET", "/config", Some((200, "max_query_series: 500")));
        check("GET", "/config?mode=diff", Some((200, "{}")));
        check(
            "GET",
            "/config?mode=defaults",
            Some((200, "max_query_length: 30d1h")),
        );
        check(
            "GET",
            "/log_level",
            Some((200, "{\"message\":\"Current log level is ")),
        );
        check(
            "POST",
            "/log_level?log_level=zzz",
            Some((
                400,
                r#"{"status":"failed","message":"unrecognized log level \"zzz\""}"#,
            )),
        );
        check("PUT", "/log_level", Some((405, "")));
        check(
            "POST",
            "/loki/api/v1/format_query?query=%7Ba=%22b%22%7D",
            Some((200, "\"data\":\"{a=\\\"b\\\"}\"")),
        );
        check(
            "DELETE",
            "/loki/api/v1/format_query",
            Some((404, "404 page not found\n")),
        );
        check("GET", "/loki/api/v1/labels", None);
        check("GET", "/ready/", None);
    }
}
