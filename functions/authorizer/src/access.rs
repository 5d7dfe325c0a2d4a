//! [`Access`]: whether a request reads or writes, told by method and path.
//!
//! `GET` changes nothing. Of the other methods, those are reads that send a long query as a form,
//! and those are writes that have a route of their own; whatever is not listed here is
//! [`Access::Full`], so that a new endpoint is closed until somebody says otherwise. On AWS such a
//! request shares a route, and so its kept decision, with every read. `HEAD` is not listed: it
//! would share a route with what changes rules.

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
    /// Nobody has said what it does: for those who may do both.
    Full,
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

/// What is about no tenant, so that a caller need not name one.
const TENANTLESS: [&str; 7] = [
    "/ready",
    "/metrics",
    "/config",
    "/services",
    "/log_level",
    "/loki/api/v1/status/buildinfo",
    "/loki/api/v1/format_query",
];

/// What Amazon Data Firehose delivers to; it has a header of its own for its key.
pub(crate) const FIREHOSE: &str = "/awsfirehose/api/v1/push";

/// Paths whose other methods than `GET` have routes of their own, and what is below them.
const WRITES: [&str; 6] = [
    "/loki/api/v1/push",
    "/api/prom/push",
    "/otlp/v1/logs",
    FIREHOSE,
    "/loki/api/v1/rules",
    "/api/prom/rules",
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
        let is_below = |root: &&str| {
            let rest = path.strip_prefix(*root);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if path == DELETES {
            Self::Write
        } else if changes_nothing || (method == Method::POST && is_form()) {
            Self::Read
        } else if WRITES.iter().any(is_below) {
            Self::Write
        } else {
            Self::Full
        }
    }

    /// Whether a request for `path` is about some tenant.
    #[must_use]
    pub fn needs_tenant(path: &str) -> bool {
        !TENANTLESS.contains(&path)
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Full => "read and write",
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
            check(&Method::HEAD, path, Access::Full);
            check(&Method::POST, path, Access::Read);
            check(&Method::DELETE, path, Access::Full);
        }
        for path in [
            "/loki/api/v1/push",
            "/api/prom/push",
            "/otlp/v1/logs",
            FIREHOSE,
            "/loki/api/v1/rules/ns",
            "/api/prom/rules/ns/group",
        ] {
            check(&Method::POST, path, Access::Write);
            check(&Method::HEAD, path, Access::Write);
            check(&Method::GET, path, Access::Read);
        }
        for path in [
            "/loki/api/v1/query/x",
            "/new",
            "/log_level",
            "/loki/api/v1/rulesets",
        ] {
            check(&Method::POST, path, Access::Full);
            check(&Method::GET, path, Access::Read);
        }
        assert!(!Access::needs_tenant("/ready") && Access::needs_tenant("/ready/"));
        check(&Method::DELETE, "/loki/api/v1/rules/ns", Access::Write);
        check(&Method::POST, "/prometheus/api/v1/rules", Access::Read);
        check(&Method::GET, "/loki/api/v1/delete", Access::Write);
        check(&Method::POST, "/loki/api/v1/delete", Access::Write);
    }
}
