//! [`Config`]: one YAML document with Loki's key names, the same in local mode and on AWS.
//!
//! The private structs below are the document as written; `Config` is what it means. A key that is
//! not known is refused with its place, so a misspelt limit cannot be silently off.

mod deletes;
mod expand;
mod retention;
mod show;

use std::collections::BTreeMap;

use narvi_model::{ChunkEncoding, Limits, LimitsPatch, Overrides, Period, TenantId};
use serde::{Deserialize, Serialize};

pub use expand::expand_variables;
pub use show::{Shown, to_yaml};

use crate::limits::MAX_OVERRIDES;

/// How a Narvi is set up.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Whose defaults hold where the document says nothing.
    pub defaults: Defaults,
    /// Whether a request must name its tenant; if not, everything belongs to `fake`.
    pub auth_enabled: bool,
    /// The limits of every tenant.
    pub limits: Overrides,
    /// How ingest compresses the columns of a segment.
    pub chunk_encoding: ChunkEncoding,
    /// Compaction, retention and deletes.
    pub compactor: Compactor,
    /// Alerting and recording rules.
    pub ruler: Ruler,
    /// Whether `X-Scope-OrgID: a|b` may query both.
    pub multi_tenant_queries: bool,
    /// Whether `X-Loki-Query-Limits` may tighten the limits of one query.
    pub per_request_limits: bool,
    /// Where local mode listens; without meaning on AWS.
    pub server: Server,
}

/// What is meant where the document says nothing and places differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defaults {
    /// A deployment: authentication is on, as in Loki.
    Aws,
    /// One process on one's own machine: authentication is off.
    Local,
}

/// Section `compactor`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Compactor {
    /// How often small segments are merged (local mode; on AWS the schedule says). Loki's default
    /// of 10m suits its in-memory chunks; ours are small until merged.
    pub compaction_interval: Period,
    /// How merged segments are compressed.
    pub chunk_encoding: ChunkEncoding,
    /// Whether anything is ever dropped; also switches the delete API on.
    pub retention_enabled: bool,
    /// How often retention runs (local mode; on AWS the schedule says).
    pub apply_retention_interval: Period,
    /// How long the bytes of dropped lines are kept.
    pub retention_delete_delay: Period,
    /// How long a delete request can be taken back before its lines are rewritten away.
    pub delete_request_cancel_period: Period,
    /// The longest `max_interval` that a delete request may name; 0 for no limit.
    pub delete_max_interval: Period,
}

/// Section `ruler`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ruler {
    /// Where alerts are sent, comma separated; empty for nowhere.
    pub alertmanager_url: String,
    /// What links in alerts begin with.
    pub external_url: String,
    /// Labels added to every alert.
    pub external_labels: BTreeMap<String, String>,
    /// The Grafana data source that links in alerts open.
    pub datasource_uid: String,
    /// How often groups without an interval are evaluated; also how often local mode looks.
    pub evaluation_interval: Period,
    /// How often a firing alert is sent again.
    pub resend_delay: Period,
    /// How long an outage may be for a `for` clause to count on over it.
    pub for_outage_tolerance: Period,
    /// The least time an alert waits after an outage before it fires.
    pub for_grace_period: Period,
}

/// Section `server`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// The address to listen on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_listen_address: Option<String>,
    /// The port to listen on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_listen_port: Option<u16>,
}

impl Default for Config {
    /// What an empty document means for a deployment.
    fn default() -> Self {
        Self::new(Defaults::Aws)
    }
}

impl Default for Compactor {
    fn default() -> Self {
        Self {
            compaction_interval: Period::from_seconds(60),
            chunk_encoding: ChunkEncoding::Zstd,
            retention_enabled: false,
            apply_retention_interval: Period::from_seconds(3600),
            retention_delete_delay: Period::from_seconds(2 * 3600),
            delete_request_cancel_period: Period::from_seconds(24 * 3600),
            delete_max_interval: Period::from_seconds(24 * 3600),
        }
    }
}

impl Default for Ruler {
    fn default() -> Self {
        Self {
            alertmanager_url: String::new(),
            external_url: String::new(),
            external_labels: BTreeMap::new(),
            datasource_uid: String::new(),
            evaluation_interval: Period::from_seconds(60),
            resend_delay: Period::from_seconds(60),
            for_outage_tolerance: Period::from_seconds(3600),
            for_grace_period: Period::from_seconds(600),
        }
    }
}

/// Why a configuration was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No YAML, an unknown key, or a value that does not fit its key; the text has line and column.
    #[error("configuration: {0}")]
    Yaml(String),
    /// A `${…}` that cannot be replaced.
    #[error("configuration: line {line}: {reason}")]
    Variable {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A tenant id under `overrides` that no request could have.
    #[error("configuration: overrides: {0}")]
    Tenant(#[from] narvi_model::TenantError),
    /// More than [`MAX_OVERRIDES`] tenants.
    #[error(
        "configuration: overrides: {0} tenants, at most {MAX_OVERRIDES} may have their own limits"
    )]
    TooManyOverrides(usize),
    /// An interval of nothing, which would run without pause.
    #[error("configuration: {0} is 0; write how often, such as 1m")]
    ZeroInterval(&'static str),
    /// A status that no answer can have.
    #[error("configuration: block_ingestion_status_code: {0} is not between 200 and 599")]
    BlockStatus(u16),
    /// A rule of `retention_stream` that cannot be followed.
    #[error("configuration: retention_stream: {rule}: {reason}")]
    Retention {
        /// The rule's selector as it is written.
        rule: String,
        /// What is wrong with the rule.
        reason: String,
    },
}

impl Config {
    /// Reads the document of a deployment; empty means all defaults.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn from_yaml(text: &str) -> Result<Self, ConfigError> {
        Self::from_yaml_for(Defaults::Aws, text)
    }

    /// Reads the document with the defaults of a place; `${NAME}` is taken from the environment.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn from_yaml_for(defaults: Defaults, text: &str) -> Result<Self, ConfigError> {
        let text = expand_variables(text, |name| std::env::var(name).ok())?;
        let document: Option<Document> =
            serde_saphyr::from_str(&text).map_err(|error| ConfigError::Yaml(error.to_string()))?;
        document.unwrap_or_default().meant(defaults)
    }

    /// Reads the variable `NARVI_CONFIG`; unset means all defaults.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn from_environment() -> Result<Self, ConfigError> {
        Self::from_yaml(&std::env::var("NARVI_CONFIG").unwrap_or_default())
    }

    /// All defaults of a place.
    #[must_use]
    pub fn new(defaults: Defaults) -> Self {
        Self {
            defaults,
            auth_enabled: defaults == Defaults::Aws,
            limits: Overrides::default(),
            chunk_encoding: ChunkEncoding::Lz4,
            compactor: Compactor::default(),
            ruler: Ruler::default(),
            multi_tenant_queries: false,
            per_request_limits: false,
            server: Server::default(),
        }
    }
}

/// The document.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Document {
    auth_enabled: Option<bool>,
    limits_config: LimitsPatch,
    overrides: BTreeMap<String, LimitsPatch>,
    ingester: Ingester,
    compactor: Compactor,
    ruler: Ruler,
    querier: Querier,
    server: Server,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Ingester {
    chunk_encoding: Option<ChunkEncoding>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Querier {
    multi_tenant_queries_enabled: bool,
    per_request_limits_enabled: bool,
}

impl Document {
    fn meant(self, defaults: Defaults) -> Result<Config, ConfigError> {
        let base = Config::new(defaults);
        if self.overrides.len() > MAX_OVERRIDES {
            return Err(ConfigError::TooManyOverrides(self.overrides.len()));
        }
        let mut patches = BTreeMap::new();
        for (tenant, patch) in self.overrides {
            patches.insert(TenantId::parse(&tenant)?, patch);
        }
        for (name, interval) in [
            (
                "compactor.compaction_interval",
                self.compactor.compaction_interval,
            ),
            (
                "compactor.apply_retention_interval",
                self.compactor.apply_retention_interval,
            ),
            ("ruler.evaluation_interval", self.ruler.evaluation_interval),
        ] {
            if interval.is_zero() {
                return Err(ConfigError::ZeroInterval(name));
            }
        }
        let of_all = std::iter::once(&self.limits_config).chain(patches.values());
        let mut statuses = of_all.filter_map(|patch| patch.block_ingestion_status_code);
        if let Some(status) = statuses.find(|status| !(200..=599).contains(status)) {
            return Err(ConfigError::BlockStatus(status));
        }
        let of_all = std::iter::once(&self.limits_config).chain(patches.values());
        of_all
            .flat_map(|patch| patch.retention_stream.iter().flatten())
            .try_for_each(retention::check)?;
        let limits = Limits::default().patched(&self.limits_config);
        Ok(Config {
            defaults,
            auth_enabled: self.auth_enabled.unwrap_or(base.auth_enabled),
            limits: Overrides::new(limits, &patches),
            chunk_encoding: self.ingester.chunk_encoding.unwrap_or(base.chunk_encoding),
            compactor: self.compactor,
            ruler: self.ruler,
            multi_tenant_queries: self.querier.multi_tenant_queries_enabled,
            per_request_limits: self.querier.per_request_limits_enabled,
            server: self.server,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_means_defaults() {
        for text in ["", "\n", "# only a comment\n", "---\n", "{}"] {
            for defaults in [Defaults::Aws, Defaults::Local] {
                assert_eq!(
                    Config::from_yaml_for(defaults, text),
                    Ok(Config::new(defaults))
                );
            }
        }
        assert!(Config::new(Defaults::Aws).auth_enabled);
        assert!(!Config::new(Defaults::Local).auth_enabled);
    }

    #[test]
    fn reads_lokis_keys() {
        let config = Config::from_yaml(
            "auth_enabled: false
limits_config:
  max_query_series: 1000
  max_query_length: 721h
  ingestion_rate_mb: 1000
  per_stream_rate_limit: 1000MB
  max_line_size: 1024
  discover_service_name: []
overrides:
  team-a:
    retention_period: 30d
    max_query_series: 7
ingester: {chunk_encoding: none}
compactor:
  compaction_interval: 30s
  retention_enabled: true
  retention_delete_delay: 1h
ruler:
  alertmanager_url: http://127.0.0.1:9093
  evaluation_interval: 15s
  external_labels: {cluster: a}
querier: {multi_tenant_queries_enabled: true}
server: {http_listen_address: 0.0.0.0, http_listen_port: 80}
",
        )
        .unwrap();
        assert!(!config.auth_enabled && config.multi_tenant_queries);
        let base = config.limits.of(&TenantId::without_auth());
        assert_eq!(
            (base.max_query_series, base.max_line_size.bytes()),
            (1000, 1024)
        );
        assert_eq!(base.per_stream_rate_limit.to_string(), "1000MB");
        assert!(base.discover_service_name.is_empty() && base.ingestion_rate_mb == 1000.0);
        let team = config.limits.of(&TenantId::parse("team-a").unwrap());
        assert_eq!(
            (team.max_query_series, team.max_line_size.bytes()),
            (7, 1024)
        );
        assert_eq!(team.retention_period, Period::from_seconds(30 * 86_400));
        assert_eq!(config.chunk_encoding, ChunkEncoding::None);
        assert_eq!(config.compactor.chunk_encoding, ChunkEncoding::Zstd);
        assert!(config.compactor.retention_enabled);
        assert_eq!(
            config.compactor.compaction_interval,
            Period::from_seconds(30)
        );
        assert_eq!(config.ruler.evaluation_interval, Period::from_seconds(15));
        assert_eq!(config.ruler.external_labels["cluster"], "a");
        assert_eq!(config.server.http_listen_port, Some(80));
    }

    #[track_caller]
    fn check_refused(text: &str, wanted: &[&str]) {
        let error = Config::from_yaml(text).unwrap_err().to_string();
        for want in wanted {
            assert!(error.contains(want), "{error:?} lacks {want:?}");
        }
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        check_refused(
            "limits_config:\n  max_qery_series: 7\n",
            &["max_qery_series", "line 2"],
        );
        check_refused("schema_config: {}\n", &["schema_config", "line 1"]);
        check_refused(
            "overrides:\n  a:\n    x: 1\n",
            &["unknown field", "`x`", "line 3"],
        );
        check_refused("overrides:\n  a/b: {}\n", &["overrides", "'a/b'", "'/'"]);
        check_refused(
            "limits_config:\n  retention_period: 7 days\n",
            &["unknown unit", "line 2"],
        );
        check_refused(
            "ingester: {chunk_encoding: gzip}\n",
            &["gzip", "snappy", "line 1"],
        );
        check_refused(
            "compactor: {compaction_interval: 0s}",
            &["compactor.compaction_interval"],
        );
        check_refused(
            "overrides: {a: {block_ingestion_status_code: 99}}\n",
            &["block_ingestion_status_code", "99"],
        );
        check_refused(
            "limits_config: {block_ingestion_until: soon}\n",
            &["`soon` is not a time"],
        );
        check_refused("auth_enabled: perhaps\n", &["line 1"]);
        check_refused("auth_enabled: [\n", &["configuration: "]);
        check_refused(
            "auth_enabled: true\nauth_enabled: false\n",
            &["auth_enabled", "line 2"],
        );
        check_refused("a: ${NARVI_TEST_UNSET}", &["line 1", "NARVI_TEST_UNSET"]);
    }
}
