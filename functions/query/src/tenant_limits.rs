//! `/loki/api/v1/drilldown-limits` and `/config/tenant/v1/limits`: what a tenant may know of its
//! limits (spec `http-api.md` §12), out of the table of limits.

use narvi_gateway::{Response, Surface, TENANT_HEADER, to_yaml};
use narvi_model::{Limits, TenantError};
use narvi_protocol::answer::lists::LOKI_VERSION;
use serde_json::{Map, Value, json};

use crate::handler::Read;

/// The limits that are shown, of those that the table has.
const SHOWN: [&str; 18] = [
    "discover_log_levels",
    "discover_service_name",
    "log_level_fields",
    "max_entries_limit_per_query",
    "max_line_size_truncate",
    "max_query_bytes_read",
    "max_query_length",
    "max_query_lookback",
    "max_query_range",
    "max_query_series",
    "metric_aggregation_enabled",
    "otlp_config",
    "pattern_persistence_enabled",
    "query_timeout",
    "retention_period",
    "retention_stream",
    "volume_enabled",
    "volume_max_series",
];

/// What Narvi never does, and Drilldown asks for.
const NEVER: [&str; 2] = ["metric_aggregation_enabled", "pattern_persistence_enabled"];

/// Limits as Logs Drilldown reads them. Asks for a tenant even where there are none, as Loki does.
pub(crate) fn drilldown(read: &Read<'_>) -> Response {
    if read.request.header(TENANT_HEADER).is_none_or(str::is_empty) {
        return Response::tenant_error(Surface::Read, &TenantError::Missing);
    }
    let limits = match shown(read.limits) {
        Ok(limits) => limits,
        Err(error) => return Response::read_error(500, &error.to_string()),
    };
    let version = LOKI_VERSION.split('+').next();
    let body = json!({"limits": limits, "pattern_ingester_enabled": true, "version": version});
    Response::json(format!("{body}\n"))
}

/// The same as YAML.
pub(crate) fn yaml(read: &Read<'_>) -> Response {
    let limits = shown(read.limits).map_err(|error| error.to_string());
    match limits.and_then(|limits| to_yaml(&limits).map_err(|error| error.to_string())) {
        Ok(text) => Response::text(200, text),
        Err(error) => Response::read_error(500, &error),
    }
}

fn shown(limits: &Limits) -> Result<Map<String, Value>, serde_json::Error> {
    let mut kept = Map::new();
    if let Value::Object(all) = serde_json::to_value(limits)? {
        let is_shown = |name: &String| SHOWN.contains(&name.as_str());
        kept.extend(all.into_iter().filter(|(name, _)| is_shown(name)));
    }
    // Loki leaves this key out where there are no rules.
    if limits.retention_stream.is_empty() {
        kept.remove("retention_stream");
    }
    for name in NEVER {
        kept.entry(name).or_insert(Value::Bool(false));
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use narvi_gateway::Config;

    use super::*;

    #[test]
    fn limits_as_loki_prints_them() {
        let config = Config::from_yaml("limits_config: {max_query_lookback: 90m}").unwrap();
        let limits = shown(config.limits.base()).unwrap();
        for (name, want) in [
            ("max_query_length", json!("30d1h")),
            ("max_query_lookback", json!("1h30m")),
            ("retention_period", json!("0s")),
            ("max_query_bytes_read", json!("0B")),
            ("max_query_series", json!(500)),
            ("volume_enabled", json!(true)),
            ("pattern_persistence_enabled", json!(false)),
        ] {
            assert_eq!(limits[name], want, "{name}");
        }
        assert!(!limits.contains_key("retention_stream"));
        let rules = r#"limits_config: {retention_stream: [
            {selector: '{env="dev"}', priority: 2, period: 48h},
            {selector: '{a="b"}', period: 36h}]}"#;
        let config = Config::from_yaml(rules).unwrap();
        let want = json!([
            {"period": "2d", "priority": 2, "selector": r#"{env="dev"}"#},
            {"period": "1d12h", "priority": 0, "selector": r#"{a="b"}"#},
        ]);
        assert_eq!(
            shown(config.limits.base()).unwrap()["retention_stream"],
            want
        );
        assert_eq!(limits["discover_service_name"][0], "service");
        assert!(!limits.contains_key("ingestion_rate_mb"));
    }
}
