//! [`function_for`]: which function answers a request, as the routes of API Gateway have it in
//! `infra/template.yaml`. Knows no endpoint beyond that: what is not listed is the query
//! function's.

use http::Method;

/// The functions that answer HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// Takes pushes.
    Ingest,
    /// Answers reads, and every path that does not exist.
    Query,
    /// The ruler's API.
    Rules,
    /// The delete API.
    Retention,
}

const PUSHES: [&str; 4] = [
    "/loki/api/v1/push",
    "/api/prom/push",
    "/otlp/v1/logs",
    "/awsfirehose/api/v1/push",
];

const RULES: [&str; 4] = [
    "/loki/api/v1/rules",
    "/api/prom/rules",
    "/prometheus/api/v1/rules",
    "/prometheus/api/v1/alerts",
];

/// Requests to delete, of any method.
const DELETES: [&str; 1] = ["/loki/api/v1/delete"];

/// What live tails ask for, of a WebSocket API on AWS.
const TAILS: [&str; 2] = ["/loki/api/v1/tail", "/api/prom/tail"];

/// Whether a request is for a live tail.
pub(crate) fn is_tail(path: &str) -> bool {
    TAILS.contains(&path)
}

/// Who answers; `path` is decoded.
pub(crate) fn function_for(method: &Method, path: &str) -> Function {
    if method == Method::POST && PUSHES.contains(&path) {
        return Function::Ingest;
    }
    if DELETES.contains(&path) {
        return Function::Retention;
    }
    if RULES.iter().any(|root| is_below(root, path)) {
        return Function::Rules;
    }
    Function::Query
}

/// Whether `path` is `root` or goes on from it with a `/`.
fn is_below(root: &str, path: &str) -> bool {
    path.strip_prefix(root)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use narvi_authorizer::Access;

    use super::*;

    #[test]
    fn readers_neither_push_nor_set_rules() {
        for path in PUSHES.iter().chain(&DELETES).chain(&RULES[..2]) {
            assert_eq!(Access::of(&Method::POST, path), Access::Write, "{path}");
        }
    }

    #[test]
    fn routes() {
        for (method, path, want) in [
            (Method::POST, "/loki/api/v1/push", Function::Ingest),
            (Method::POST, "/otlp/v1/logs", Function::Ingest),
            (Method::POST, "/awsfirehose/api/v1/push", Function::Ingest),
            (Method::GET, "/loki/api/v1/push", Function::Query),
            (Method::POST, "/loki/api/v1/push/x", Function::Query),
            (Method::GET, "/loki/api/v1/query_range", Function::Query),
            (Method::GET, "/loki/api/v1/rules", Function::Rules),
            (Method::POST, "/loki/api/v1/rules/a", Function::Rules),
            (Method::GET, "/api/prom/rules/test/test", Function::Rules),
            (Method::GET, "/loki/api/v1/rulesets", Function::Query),
            (Method::GET, "/loki/api/v1/delete", Function::Retention),
            (Method::PUT, "/loki/api/v1/delete", Function::Retention),
            (Method::POST, "/loki/api/v1/delete/x", Function::Query),
            (Method::GET, "/prometheus/api/v1/alerts", Function::Rules),
            (Method::GET, "/ready", Function::Query),
            (Method::GET, "/", Function::Query),
        ] {
            assert_eq!(function_for(&method, path), want, "{method} {path}");
        }
    }
}
