//! The ruler's configuration API (spec `http-api.md` §13): which groups there are.

use std::collections::BTreeMap;

use http::Method;
use narvi_gateway::{Request, Response, Surface};
use narvi_model::{Limits, TenantError, TenantId};
use narvi_storage::{RuleGroupRow, StorageError};
use serde_json::json;

use crate::group::{GroupError, Rule, RuleGroup};
use crate::handler::Handler;
use crate::limits::GROUP_BYTES;
use crate::written::{Written, WrittenRule, to_yaml};

/// Loki's path, and the one that Grafana asks.
const ROOTS: [&str; 2] = ["/loki/api/v1/rules", "/api/prom/rules"];

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place<'p> {
    All,
    Namespace(&'p str),
    Group(&'p str, &'p str),
}

const NO_GROUP: &str = "group does not exist";
const NO_NAMESPACE: &str = "group namespace does not exist";
const NO_GROUPS: &str = "no rule groups found";

/// Answers a request.
pub(crate) async fn answer(handler: &Handler, request: &Request) -> Response {
    let Some(place) = place(&request.path) else {
        return Response::not_found();
    };
    let tenant = match request.tenant(&handler.config) {
        Ok(tenant) => tenant,
        // Loki's ruler takes one id and does not say more.
        Err(TenantError::Several) => return server_error("no org id"),
        Err(error) => return Response::tenant_error(Surface::Write, &error),
    };
    if let Some(error) = bad_name(place) {
        return server_error(&error);
    }
    let api = Api {
        handler,
        request,
        tenant,
    };
    let answer = match (&request.method, place) {
        (&Method::GET, Place::Group(namespace, group)) => api.one(namespace, group).await,
        (&Method::GET, Place::Namespace(namespace)) => api.list(Some(namespace)).await,
        (&Method::GET, Place::All) => api.list(None).await,
        (&Method::POST, Place::Namespace(namespace)) => api.put(namespace).await,
        (&Method::DELETE, Place::Namespace(namespace)) => api.delete(namespace, None).await,
        (&Method::DELETE, Place::Group(namespace, group)) => {
            api.delete(namespace, Some(group)).await
        }
        _ => return Response::method_not_allowed(),
    };
    answer.unwrap_or_else(|error| storage_error(&error))
}

/// A decoded path cannot tell a `/` in a name from one between two: the first one separates.
fn place(path: &str) -> Option<Place<'_>> {
    let rest = ROOTS.iter().find_map(|root| path.strip_prefix(root))?;
    if rest.is_empty() {
        return Some(Place::All);
    }
    match rest.strip_prefix('/')?.split_once('/') {
        Some(("", _) | (_, "")) => None,
        Some((namespace, group)) => Some(Place::Group(namespace, group)),
        None if rest == "/" => None,
        None => Some(Place::Namespace(&rest[1..])),
    }
}

/// Loki keeps groups in folders, so it refuses names that would leave them; so do we, or a group
/// could be stored here that cannot be moved there.
fn bad_name(place: Place<'_>) -> Option<String> {
    let leaves = |name: &str| name.starts_with('/') || name.split('/').any(|part| part == "..");
    match place {
        Place::Namespace(namespace) | Place::Group(namespace, _) if leaves(namespace) => {
            Some("invalid namespace: path traversal not allowed".to_owned())
        }
        Place::Group(_, group) if leaves(group) => {
            Some("invalid groupname: path traversal not allowed".to_owned())
        }
        _ => None,
    }
}

/// A request of a tenant.
struct Api<'a> {
    handler: &'a Handler,
    request: &'a Request,
    tenant: TenantId,
}

type Answer = Result<Response, StorageError>;

impl Api<'_> {
    async fn rows(&self) -> Result<Vec<RuleGroupRow>, StorageError> {
        self.handler.catalog.rule_groups(&self.tenant).await
    }

    /// Every group, or those of a namespace.
    async fn list(&self, namespace: Option<&str>) -> Answer {
        let wanted = self.request.params();
        let wanted: Vec<(&str, &str)> = wanted
            .get("labels")
            .unwrap_or_default()
            .split(',')
            .filter_map(|pair| pair.trim().split_once(':'))
            .collect();
        let mut namespaces: BTreeMap<String, Vec<Written>> = BTreeMap::new();
        for row in self.rows().await? {
            if namespace.is_some_and(|wanted| wanted != row.namespace) {
                continue;
            }
            let mut group = read(&row)?;
            if !wanted.is_empty() {
                group.rules.retain(|rule| has_any(rule, &wanted));
                if group.rules.is_empty() {
                    continue;
                }
            }
            namespaces.entry(row.namespace).or_default().push(group);
        }
        if namespaces.is_empty() {
            return Ok(Response::write_error(404, NO_GROUPS));
        }
        yaml(&namespaces)
    }

    async fn one(&self, namespace: &str, group: &str) -> Answer {
        let rows = self.rows().await?;
        let row = rows
            .iter()
            .find(|row| row.namespace == namespace && row.group == group);
        match row {
            Some(row) => yaml(&read(row)?),
            None => Ok(Response::write_error(404, NO_GROUP)),
        }
    }

    async fn put(&self, namespace: &str) -> Answer {
        let body = &self.request.body;
        if body.len() > GROUP_BYTES {
            let text = format!(
                "rule group of {} bytes is too large: at most {GROUP_BYTES}; split the group",
                body.len()
            );
            return Ok(Response::write_error(413, &text));
        }
        let text = std::str::from_utf8(body);
        let parsed = text
            .map_err(|error| GroupError::Yaml(error.to_string()))
            .and_then(|text| Ok((text, RuleGroup::parse(text)?)));
        let (text, group) = match parsed {
            Ok(parsed) => parsed,
            Err(error) => {
                if let GroupError::Yaml(reason) = &error {
                    tracing::info!(reason, "a rule group is no YAML");
                }
                return Ok(Response::write_error(400, &error.to_string()));
            }
        };
        let limits = self.handler.config.limits.of(&self.tenant);
        let rows = self.rows().await?;
        let others = rows
            .iter()
            .filter(|row| row.namespace != namespace || row.group != group.name);
        if let Some(error) = over_limit(limits, group.rules.len(), others.count() + 1) {
            return Ok(Response::write_error(400, &error));
        }
        let records = group.rules.iter().filter(|r| matches!(r, Rule::Record(_)));
        let records = records.count();
        if records > 0 {
            let (tenant, group) = (self.tenant.as_str(), &group.name);
            tracing::warn!(
                tenant,
                namespace,
                group,
                records,
                "recording rules are stored and not evaluated by this version of narvi"
            );
        }
        let catalog = &self.handler.catalog;
        catalog
            .put_rule_group(&self.tenant, namespace, &group.name, text)
            .await?;
        Ok(accepted())
    }

    /// Deletes a group, or all of a namespace.
    async fn delete(&self, namespace: &str, group: Option<&str>) -> Answer {
        let rows = self.rows().await?;
        let doomed: Vec<_> = rows
            .iter()
            .filter(|row| row.namespace == namespace)
            .filter(|row| group.is_none_or(|group| group == row.group))
            .collect();
        if doomed.is_empty() {
            let text = if group.is_some() {
                NO_GROUP
            } else {
                NO_NAMESPACE
            };
            return Ok(Response::write_error(404, text));
        }
        let catalog = &self.handler.catalog;
        for row in doomed {
            catalog
                .delete_rule_group(&self.tenant, namespace, &row.group)
                .await?;
        }
        Ok(accepted())
    }
}

fn has_any(rule: &WrittenRule, wanted: &[(&str, &str)]) -> bool {
    wanted
        .iter()
        .any(|(name, value)| rule.labels.get(*name).is_some_and(|own| own == value))
}

/// Loki's texts; a limit of 0 is none.
fn over_limit(limits: &Limits, rules: usize, groups: usize) -> Option<String> {
    let (most_rules, most_groups) = (
        limits.ruler_max_rules_per_rule_group,
        limits.ruler_max_rule_groups_per_tenant,
    );
    for (what, limit, actual) in [
        ("rules per rule group", most_rules, rules),
        ("rule groups", most_groups, groups),
    ] {
        if limit > 0 && actual > limit {
            return Some(format!(
                "per-user {what} limit (limit: {limit} actual: {actual}) exceeded"
            ));
        }
    }
    None
}

fn read(row: &RuleGroupRow) -> Result<Written, StorageError> {
    Written::read(&row.yaml).map_err(|reason| corrupt(&row.group, reason))
}

fn yaml<T: serde::Serialize>(value: &T) -> Answer {
    let text = to_yaml(value).map_err(|reason| corrupt("of the answer", reason))?;
    Ok(Response::yaml(text))
}

fn corrupt(group: &str, reason: String) -> StorageError {
    StorageError::Corrupt {
        what: format!("rule group `{group}`"),
        reason,
    }
}

fn accepted() -> Response {
    let body = r#"{"status":"success","data":null,"errorType":"","error":""}"#;
    Response::json(body).with_status(202)
}

/// JSON that says it is plain text, as Loki sends it.
fn server_error(message: &str) -> Response {
    let body = json!({
        "status": "error",
        "data": null,
        "errorType": "server_error",
        "error": message,
    });
    Response::text(500, body.to_string())
}

pub(crate) fn storage_error(error: &StorageError) -> Response {
    use narvi_storage::ErrorKind;
    let status = match error.kind() {
        ErrorKind::Unavailable => 503,
        ErrorKind::TooMuch => 413,
        ErrorKind::Invalid => 400,
        _ => 500,
    };
    if status >= 500 {
        tracing::error!(status, %error, "a request to the ruler's API failed");
    }
    let response = Response::write_error(status, &error.to_string());
    match status {
        503 => response.with_header("retry-after", "1".to_owned()),
        _ => response,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        use Place::{All, Group, Namespace};
        for (path, want) in [
            ("", Some(All)),
            ("/", None),
            ("/a", Some(Namespace("a"))),
            ("/a b/é", Some(Group("a b", "é"))),
            ("/a/b/c", Some(Group("a", "b/c"))),
            ("/a/", None),
            ("//b", None),
            ("sets", None),
        ] {
            for root in ROOTS {
                assert_eq!(place(&format!("{root}{path}")), want, "{path}");
            }
        }
        assert_eq!(place("/loki/api/v1/push"), None);
    }
}
