//! [`Access`]: whether a request reads or writes, told by method and path.
//!
//! `GET` changes nothing. Of the other methods, those are reads that send a long query as a form;
//! whatever is not listed here is a write, so that a new endpoint is closed to readers until
//! somebody says otherwise. `HEAD` is not listed: it would share a route with what changes rules.

use std::fmt;

use http::Method;
use narvi_gateway::capture;

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Looks at what is stored.
    Read,
    /// Pushes, deletes, changes rules.
    Write,
}

/// Endpoints that answer a `POST` as they answer a `GET`.
const FORMS: [&str; 20] = [
    "/loki/api/v1/query",
    "/loki/api/v1/query_range",
    "/loki/api/v1/label",
    "/loki/api/v1/labels",
    "/loki/api/v1/label/{name}/values",
    "/loki/api/v1/series",
    "/loki/api/v1/index/stats",
    "/loki/api/v1/index/volume",
    "/loki/api/v1/index/volume_range",
    "/loki/api/v1/index/shards",
    "/loki/api/v1/patterns",
    "/loki/api/v1/detected_labels",
    "/loki/api/v1/detected_fields",
    "/loki/api/v1/detected_field/{name}/values",
    "/loki/api/v1/tail",
    "/loki/api/v1/format_query",
    "/api/prom/query",
    "/api/prom/label",
    "/api/prom/label/{name}/values",
    "/api/prom/series",
];

/// What is below answers Prometheus' questions and changes nothing, whatever the method.
const PROMETHEUS: &str = "/prometheus/";

/// Deletes are listed by `GET` and made by other methods, on one route of the API. Its decisions
/// are kept by route, so all of them are writes.
const DELETES: &str = "/loki/api/v1/delete";

impl Access {
    /// What a request does; `path` is decoded.
    #[must_use]
    pub fn of(method: &Method, path: &str) -> Self {
        if path.starts_with(PROMETHEUS) {
            return Self::Read;
        }
        let is_form = || FORMS.iter().any(|form| capture(form, path).is_some());
        let changes_nothing = method == Method::GET;
        if path != DELETES && (changes_nothing || (method == Method::POST && is_form())) {
            Self::Read
        } else {
            Self::Write
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: &Method, path: &str, want: Access) {
        assert_eq!(Access::of(method, path), want, "{method} {path}");
    }

    #[test]
    fn reads_and_writes() {
        for path in [
            "/loki/api/v1/query_range",
            "/loki/api/v1/label/app/values",
            "/api/prom/label/a/values",
        ] {
            check(&Method::GET, path, Access::Read);
            check(&Method::HEAD, path, Access::Write);
            check(&Method::POST, path, Access::Read);
            check(&Method::DELETE, path, Access::Write);
        }
        for path in [
            "/loki/api/v1/push",
            "/api/prom/push",
            "/otlp/v1/logs",
            "/loki/api/v1/rules/ns",
            "/api/prom/rules/ns/group",
            "/loki/api/v1/query/x",
            "/new",
        ] {
            check(&Method::POST, path, Access::Write);
            check(&Method::GET, path, Access::Read);
        }
        check(&Method::DELETE, "/loki/api/v1/rules/ns", Access::Write);
        check(&Method::POST, "/prometheus/api/v1/rules", Access::Read);
        check(&Method::GET, "/loki/api/v1/delete", Access::Write);
        check(&Method::POST, "/loki/api/v1/delete", Access::Write);
    }
}
