//! [`OtlpConfig`]: what becomes of the attributes of OpenTelemetry, under Loki's keys (spec
//! `http-api.md` §3): a label of the stream, structured metadata, or nothing.

use regex::bytes::Regex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::regexp::Expression;

/// Resource attributes that are labels of the stream unless `ignore_defaults` is set.
const DEFAULT_INDEX_LABELS: [&str; 18] = [
    "service.name",
    "service.namespace",
    "service.instance.id",
    "deployment.environment",
    "deployment.environment.name",
    "cloud.region",
    "cloud.availability_zone",
    "k8s.cluster.name",
    "k8s.namespace.name",
    "k8s.pod.name",
    "k8s.container.name",
    "container.name",
    "k8s.replicaset.name",
    "k8s.deployment.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
    "k8s.cronjob.name",
    "k8s.job.name",
];

/// The rules of a tenant. Of each list the first rule that names an attribute counts; an attribute
/// that none names is structured metadata.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OtlpConfig {
    /// For attributes of resources.
    pub resource_attributes: ResourceAttributes,
    /// For attributes of scopes, of which none can be a label.
    #[serde(deserialize_with = "of_scopes")]
    pub scope_attributes: Vec<AttributeRule>,
    /// For attributes of log records.
    pub log_attributes: Vec<AttributeRule>,
    /// Whether `severity_text` is a label.
    pub severity_text_as_label: bool,
}

/// The rules for attributes of resources.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceAttributes {
    /// Whether the list of labels that Loki has of itself is left out.
    pub ignore_defaults: bool,
    /// Further rules.
    pub attributes_config: Vec<AttributeRule>,
}

/// What becomes of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttributeAction {
    /// A label of the stream.
    IndexLabel,
    /// Structured metadata of each entry.
    StructuredMetadata,
    /// Nothing.
    Drop,
}

/// One rule: the attributes that it names, by their names or by an expression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "WrittenRule")]
pub struct AttributeRule {
    /// What becomes of them.
    pub action: AttributeAction,
    /// Their names as sent, with dots.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
    /// What their whole name matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regex: Option<NamePattern>,
}

/// An expression that is anchored at both ends.
#[derive(Clone, Debug)]
pub struct NamePattern {
    text: String,
    compiled: Regex,
}

impl PartialEq for NamePattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Serialize for NamePattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// A rule as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    action: AttributeAction,
    #[serde(default)]
    attributes: Vec<String>,
    #[serde(default)]
    regex: String,
}

impl TryFrom<WrittenRule> for AttributeRule {
    type Error = String;

    fn try_from(written: WrittenRule) -> Result<Self, String> {
        let WrittenRule {
            action,
            attributes,
            regex: text,
        } = written;
        if attributes.is_empty() == text.is_empty() {
            return Err("a rule for attributes needs either `attributes` or `regex`".to_owned());
        }
        let regex = if text.is_empty() {
            None
        } else {
            let compiled = Expression::parse(&text)
                .and_then(|expression| expression.anchored().compile())
                .map_err(|error| error.to_string())?;
            Some(NamePattern { text, compiled })
        };
        Ok(Self {
            action,
            attributes,
            regex,
        })
    }
}

fn of_scopes<'de, D: Deserializer<'de>>(json: D) -> Result<Vec<AttributeRule>, D::Error> {
    let rules = Vec::<AttributeRule>::deserialize(json)?;
    if rules
        .iter()
        .any(|rule| rule.action == AttributeAction::IndexLabel)
    {
        let text = "`index_label` is not possible for scope_attributes";
        return Err(serde::de::Error::custom(text));
    }
    Ok(rules)
}

impl OtlpConfig {
    /// What becomes of an attribute of a resource.
    #[must_use]
    pub fn of_resource(&self, name: &str) -> AttributeAction {
        let rules = &self.resource_attributes;
        if !rules.ignore_defaults && DEFAULT_INDEX_LABELS.contains(&name) {
            return AttributeAction::IndexLabel;
        }
        first(&rules.attributes_config, name)
    }

    /// What becomes of an attribute of a scope.
    #[must_use]
    pub fn of_scope(&self, name: &str) -> AttributeAction {
        first(&self.scope_attributes, name)
    }

    /// What becomes of an attribute of a log record.
    #[must_use]
    pub fn of_record(&self, name: &str) -> AttributeAction {
        first(&self.log_attributes, name)
    }
}

fn first(rules: &[AttributeRule], name: &str) -> AttributeAction {
    let names = |rule: &&AttributeRule| {
        rule.attributes.iter().any(|attribute| attribute == name)
            || rule
                .regex
                .as_ref()
                .is_some_and(|pattern| pattern.compiled.is_match(name.as_bytes()))
    };
    rules
        .iter()
        .find(names)
        .map_or(AttributeAction::StructuredMetadata, |rule| rule.action)
}

#[cfg(test)]
mod tests {
    use super::AttributeAction::{Drop, IndexLabel, StructuredMetadata};
    use super::*;

    fn config(json: &str) -> OtlpConfig {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_first_rule_counts() {
        let config = config(
            r#"{"resource_attributes": {"attributes_config": [
                  {"action": "drop", "regex": "k8s\\..*|secret"},
                  {"action": "index_label", "attributes": ["team", "k8s.node"]}]},
                "scope_attributes": [{"action": "drop", "attributes": ["a"]}],
                "log_attributes": [{"action": "index_label", "regex": "x."}]}"#,
        );
        for (name, want) in [
            ("k8s.pod.name", IndexLabel),
            ("k8s.node", Drop),
            ("secret", Drop),
            ("my.secret", StructuredMetadata),
            ("team", IndexLabel),
            ("other", StructuredMetadata),
        ] {
            assert_eq!(config.of_resource(name), want, "{name}");
        }
        assert_eq!(config.of_scope("a"), Drop);
        assert_eq!(config.of_record("xy"), IndexLabel);
        assert_eq!(config.of_record("axy"), StructuredMetadata);
        let written = serde_json::to_string(&config).unwrap();
        assert_eq!(
            serde_json::from_str::<OtlpConfig>(&written).unwrap(),
            config
        );
    }

    #[test]
    fn the_defaults_can_be_left_out() {
        assert_eq!(
            OtlpConfig::default().of_resource("service.name"),
            IndexLabel
        );
        let config = config(r#"{"resource_attributes": {"ignore_defaults": true}}"#);
        assert_eq!(config.of_resource("service.name"), StructuredMetadata);
    }

    #[test]
    fn mistakes_are_named() {
        for (json, want) in [
            (
                r#"{"scope_attributes": [{"action": "index_label", "attributes": ["a"]}]}"#,
                "`index_label` is not possible",
            ),
            (
                r#"{"log_attributes": [{"action": "drop"}]}"#,
                "needs either",
            ),
            (
                r#"{"log_attributes": [{"action": "drop", "regex": "("}]}"#,
                "missing closing )",
            ),
            (
                r#"{"log_attributes": [{"action": "keep", "regex": "a"}]}"#,
                "`keep`",
            ),
            (r#"{"logs": []}"#, "`logs`"),
        ] {
            let error = serde_json::from_str::<OtlpConfig>(json)
                .unwrap_err()
                .to_string();
            assert!(error.contains(want), "{error}");
        }
    }
}
