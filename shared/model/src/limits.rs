//! [`Limits`]: what a tenant may do, under Loki's names and with Loki's defaults (spec
//! `limits.md`).
//!
//! A configuration has one set for everybody and [`Overrides`] per tenant, each a [`LimitsPatch`]:
//! only what it names differs. The table below is the single list of keys.

use std::collections::BTreeMap;
use std::fmt;

use crate::{ByteSize, DeletionMode, Moment, OtlpConfig, TenantId, duration};

/// A length of time in a configuration, never negative: `721h`, `30d1h`, `1.5h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(i64);

impl Period {
    /// From whole seconds.
    #[must_use]
    pub const fn from_seconds(seconds: u32) -> Self {
        Self(seconds as i64 * crate::NANOS_PER_SECOND)
    }

    /// From nanoseconds; `None` where they are negative.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Option<Self> {
        if nanos < 0 { None } else { Some(Self(nanos)) }
    }

    /// Nanoseconds, at least 0.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whether it is nothing, which for most limits means "no limit".
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&duration::to_prometheus(self.0))
    }
}

impl serde::Serialize for Period {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Period {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        let nanos = duration::parse(&text).map_err(serde::de::Error::custom)?;
        if nanos < 0 {
            return Err(serde::de::Error::custom(format!(
                "duration `{text}` is negative"
            )));
        }
        Ok(Self(nanos))
    }
}

/// A query that an operator refuses: of this text and of one of these kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BlockedQuery {
    /// The text; empty for every one.
    pub pattern: String,
    /// Whether `pattern` is a regular expression, which is searched for in the text.
    pub regex: bool,
    /// `metric`, `filter` (lines through a pipeline), `limited` (lines without one); none for all.
    pub types: Vec<String>,
}

/// How long lines of some streams are kept.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionStream {
    /// How long; a day at least, which whoever reads a configuration checks.
    pub period: Period,
    /// Of several rules that name a stream the one with the highest counts; of equal ones the
    /// shortest period.
    #[serde(default)]
    pub priority: i64,
    /// Which streams, as `{namespace="dev"}`.
    pub selector: String,
}

/// Makes [`Limits`], [`LimitsPatch`] and what leads from one to the other out of one table.
macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $default:expr;)*) => {
        /// Every limit of one tenant.
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        pub struct Limits { $($(#[$doc])* pub $name: $type,)* }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        /// The limits that a configuration names; an unknown key is refused.
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct LimitsPatch {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")]
            pub $name: Option<$type>,)*
        }

        impl Limits {
            /// These limits with the named ones replaced.
            #[must_use]
            pub fn patched(&self, patch: &LimitsPatch) -> Self {
                Self { $($name: patch.$name.clone().unwrap_or_else(|| self.$name.clone()),)* }
            }
        }
    };
}

limits! {
    /// Most labels of a stream, `service_name` not counted.
    max_label_names_per_series: usize = 15;
    /// Longest label name in bytes.
    max_label_name_length: usize = 1024;
    /// Longest label value in bytes.
    max_label_value_length: usize = 2048;
    /// Labels that every stream must have.
    enforced_labels: Vec<String> = Vec::new();
    /// Until when nothing is stored.
    block_ingestion_until: Moment = Moment::NONE;
    /// What pushes are answered with until then; 200 for a 204, so that nobody notices.
    block_ingestion_status_code: u16 = 260;
    /// Refuse entries older than `reject_old_samples_max_age`.
    reject_old_samples: bool = true;
    /// How old an entry may be.
    reject_old_samples_max_age: Period = Period::from_seconds(7 * 86_400);
    /// How far ahead of the clock an entry may be.
    creation_grace_period: Period = Period::from_seconds(600);
    /// Longest line in bytes; 0 for no limit.
    max_line_size: ByteSize = ByteSize::new(256 << 10);
    /// Cut longer lines instead of refusing them.
    max_line_size_truncate: bool = false;
    /// What a cut line ends with.
    max_line_size_truncate_identifier: String = String::new();
    /// Whether entries may carry structured metadata.
    allow_structured_metadata: bool = true;
    /// Most bytes of structured metadata of an entry.
    max_structured_metadata_size: ByteSize = ByteSize::new(64 << 10);
    /// Most pairs of structured metadata of an entry.
    max_structured_metadata_entries_count: usize = 128;
    /// Give entries of one push that share a time and differ in text a nanosecond of their own.
    increment_duplicate_timestamp: bool = false;
    /// Labels that `service_name` is taken from, in order; empty turns it off.
    discover_service_name: Vec<String> = SERVICE_NAMES.map(String::from).into();
    /// Add `detected_level` to the metadata of every entry.
    discover_log_levels: bool = true;
    /// Where a level is looked for, in order.
    log_level_fields: Vec<String> = LEVEL_FIELDS.map(String::from).into();
    /// Objects inside each other that a level is looked for in, in a line of JSON; 0 for no limit.
    log_level_from_json_max_depth: usize = 2;
    /// What becomes of the attributes of OpenTelemetry.
    otlp_config: OtlpConfig = OtlpConfig::default();
    /// Megabytes (2^20) a tenant may push in a second, through each process.
    ingestion_rate_mb: f64 = 4.0;
    /// Megabytes (2^20) a tenant may push at once.
    ingestion_burst_size_mb: f64 = 6.0;
    /// Bytes a stream may take in a second, through each process.
    per_stream_rate_limit: ByteSize = ByteSize::new(3 << 20);
    /// Bytes a stream may take at once.
    per_stream_rate_limit_burst: ByteSize = ByteSize::new(15 << 20);
    /// Active streams of a tenant in each process; 0 for no limit.
    max_global_streams_per_user: usize = 5000;
    /// Longest time range of a query; 0 for no limit.
    max_query_length: Period = Period::from_seconds(721 * 3600);
    /// How far back a query may look; 0 for no limit.
    max_query_lookback: Period = Period::from_seconds(0);
    /// Longest `[range]` of a query; 0 for no limit.
    max_query_range: Period = Period::from_seconds(0);
    /// Most series of a metric answer.
    max_query_series: usize = 500;
    /// Most entries of a log answer.
    max_entries_limit_per_query: usize = 5000;
    /// Most matchers of a query.
    max_streams_matchers_per_query: usize = 1000;
    /// Most live tails that are open at once; 0 for no limit.
    max_concurrent_tail_requests: usize = 10;
    /// Most bytes a query may read; 0 for no limit.
    max_query_bytes_read: ByteSize = ByteSize::new(0);
    /// When a query is given up; the gateway gives up after 28 s whatever is set here.
    query_timeout: Period = Period::from_seconds(60);
    /// How many parts of a query run at once; all that is heeded is 0, which turns queries off.
    max_query_parallelism: usize = 32;
    /// Queries that are refused.
    blocked_queries: Vec<BlockedQuery> = Vec::new();
    /// Labels that every selector must name.
    required_labels: Vec<String> = Vec::new();
    /// How many matchers every selector must have.
    minimum_labels_number: usize = 0;
    /// Whether the volume endpoints answer.
    volume_enabled: bool = true;
    /// Most series of a volume answer.
    volume_max_series: usize = 1000;
    /// Splits metric queries, which aligns their start and end to the step; 0 turns it off.
    split_queries_by_interval: Period = Period::from_seconds(3600);
    /// How long lines are kept; 0 for ever.
    retention_period: Period = Period::from_seconds(0);
    /// Streams that are kept for another time.
    retention_stream: Vec<RetentionStream> = Vec::new();
    /// What becomes of requests to delete lines.
    deletion_mode: DeletionMode = DeletionMode::FilterAndDelete;
    /// Most rules of a rule group; 0 for no limit.
    ruler_max_rules_per_rule_group: usize = 0;
    /// Most rule groups; 0 for no limit.
    ruler_max_rule_groups_per_tenant: usize = 0;
}

/// Labels that name a service (spec `limits.md` §5).
const SERVICE_NAMES: [&str; 13] = [
    "service",
    "app",
    "application",
    "app_name",
    "name",
    "app_kubernetes_io_name",
    "container",
    "container_name",
    "k8s_container_name",
    "component",
    "workload",
    "job",
    "k8s_job_name",
];

/// Fields that name a level (spec `limits.md` §6).
const LEVEL_FIELDS: [&str; 14] = [
    "level",
    "LEVEL",
    "Level",
    "log.level",
    "severity",
    "SEVERITY",
    "Severity",
    "SeverityText",
    "lvl",
    "LVL",
    "Lvl",
    "severity_text",
    "Severity_Text",
    "SEVERITY_TEXT",
];

/// The limits of everybody, and of the tenants that have their own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    base: Limits,
    tenants: BTreeMap<TenantId, Limits>,
}

impl Overrides {
    /// `base` for everybody, patched for the tenants that are named.
    #[must_use]
    pub fn new(base: Limits, patches: &BTreeMap<TenantId, LimitsPatch>) -> Self {
        let patched = |(id, patch): (&TenantId, &LimitsPatch)| (id.clone(), base.patched(patch));
        let tenants = patches.iter().map(patched).collect();
        Self { base, tenants }
    }

    /// The limits of every tenant without its own.
    #[must_use]
    pub const fn base(&self) -> &Limits {
        &self.base
    }

    /// The limits of `tenant`.
    #[must_use]
    pub fn of(&self, tenant: &TenantId) -> &Limits {
        self.tenants.get(tenant).unwrap_or(&self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_lokis() {
        let limits = Limits::default();
        assert_eq!(limits.max_query_length.to_string(), "30d1h");
        assert_eq!(limits.max_line_size.bytes(), 262_144);
        assert_eq!(limits.reject_old_samples_max_age.to_string(), "1w");
    }

    #[test]
    fn a_patch_changes_what_it_names() {
        let text = r#"{"max_query_series": 7, "retention_period": "744h", "max_line_size": "1MB"}"#;
        let patch: LimitsPatch = serde_json::from_str(text).unwrap();
        let tenant = TenantId::parse("a").unwrap();
        let patches = BTreeMap::from([(tenant.clone(), patch)]);
        let overrides = Overrides::new(Limits::default(), &patches);
        assert_eq!(overrides.of(&tenant).max_query_series, 7);
        assert_eq!(overrides.of(&tenant).retention_period.to_string(), "31d");
        assert_eq!(overrides.of(&tenant).max_entries_limit_per_query, 5000);
        assert_eq!(overrides.of(&TenantId::without_auth()), &Limits::default());
    }

    #[test]
    fn mistakes_are_named() {
        for (text, want) in [
            (r#"{"max_qery_series": 7}"#, "max_qery_series"),
            (r#"{"retention_period": "7 days"}"#, "unknown unit"),
            (r#"{"max_line_size": "big"}"#, "`big` is not a size"),
        ] {
            let error = serde_json::from_str::<LimitsPatch>(text)
                .unwrap_err()
                .to_string();
            assert!(error.contains(want), "{error}");
        }
    }
}
