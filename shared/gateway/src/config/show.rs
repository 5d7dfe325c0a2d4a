//! [`Config::shown`]: the configuration as a document again, without what is secret.
//!
//! Knows no key: whatever is named like a secret, and the password in any URL, is hidden. What
//! single tenants have of their own is left out, since whoever reads this need not be one of them.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Config, ConfigError};

/// What stands in the place of a secret, as Loki writes it.
const HIDDEN: &str = "<secret>";

/// Parts of the names of keys whose values nobody may see.
const SECRET_NAMES: [&str; 4] = ["password", "secret", "token", "authorization"];

/// Which part of the configuration is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// All that is in force.
    All,
    /// What differs from the defaults.
    Diff,
    /// The defaults.
    Defaults,
}

impl Config {
    /// The configuration as YAML with Loki's key names, secrets hidden.
    ///
    /// # Errors
    /// [`ConfigError::Yaml`]: none that could happen, every part of it is a text or a number.
    pub fn shown(&self, shown: Shown) -> Result<String, ConfigError> {
        let defaults = || Self::new(self.defaults).document();
        let mut document = match shown {
            Shown::All => self.document()?,
            Shown::Defaults => defaults()?,
            Shown::Diff => {
                differences(&self.document()?, &defaults()?).unwrap_or_else(|| json!({}))
            }
        };
        hide(&mut document);
        to_yaml(&document)
    }

    /// The document that would mean this configuration, all keys written.
    fn document(&self) -> Result<Value, ConfigError> {
        Ok(json!({
            "auth_enabled": self.auth_enabled,
            "server": value(&self.server)?,
            "limits_config": value(self.limits.base())?,
            "ingester": {"chunk_encoding": value(&self.chunk_encoding)?},
            "querier": {
                "multi_tenant_queries_enabled": self.multi_tenant_queries,
                "per_request_limits_enabled": self.per_request_limits,
            },
            "compactor": value(&self.compactor)?,
            "ruler": value(&self.ruler)?,
        }))
    }
}

/// A value as YAML.
///
/// # Errors
/// [`ConfigError::Yaml`] where it has no form in YAML.
pub fn to_yaml(value: &impl Serialize) -> Result<String, ConfigError> {
    serde_saphyr::to_string(value).map_err(|error| ConfigError::Yaml(error.to_string()))
}

fn value(part: &impl Serialize) -> Result<Value, ConfigError> {
    serde_json::to_value(part).map_err(|error| ConfigError::Yaml(error.to_string()))
}

/// The parts of `own` that `other` has not, or has otherwise.
fn differences(own: &Value, other: &Value) -> Option<Value> {
    match (own, other) {
        (Value::Object(own), Value::Object(other)) => {
            let kept: Map<String, Value> = own
                .iter()
                .filter_map(|(key, value)| {
                    let there = other.get(key).unwrap_or(&Value::Null);
                    Some((key.clone(), differences(value, there)?))
                })
                .collect();
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        (own, other) => (own != other).then(|| own.clone()),
    }
}

/// Hides what is secret, in place. The depth is that of our own document.
fn hide(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let key = key.to_ascii_lowercase();
                let is_secret = SECRET_NAMES.iter().any(|part| key.contains(part));
                match value {
                    Value::String(text) if is_secret && !text.is_empty() => {
                        HIDDEN.clone_into(text);
                    }
                    other => hide(other),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(hide),
        Value::String(text) => *text = without_passwords(text),
        _ => {}
    }
}

/// A list of URLs without what stands before the `@` of their hosts.
fn without_passwords(text: &str) -> String {
    let one = |url: &str| {
        let Some((scheme, rest)) = url.split_once("://") else {
            return url.to_owned();
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        match authority.rsplit_once('@') {
            Some((_, host)) => format!("{scheme}://{HIDDEN}@{host}{rest}"),
            None => url.to_owned(),
        }
    };
    text.split(',').map(one).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Defaults;

    const OWN: &str = "
limits_config: {max_query_series: 7}
overrides: {team-a: {max_query_series: 9}}
ruler:
  alertmanager_url: http://u:hunter2@one:9093/a@b,http://two
  external_labels: {api_token: hunter3, cluster: c}
";

    #[test]
    fn what_is_shown_reads_back() {
        for defaults in [Defaults::Aws, Defaults::Local] {
            let config = Config::new(defaults);
            for shown in [Shown::All, Shown::Defaults] {
                let text = config.shown(shown).unwrap();
                assert_eq!(Config::from_yaml_for(defaults, &text), Ok(config.clone()));
            }
            assert_eq!(config.shown(Shown::Diff).unwrap().trim(), "{}");
        }
    }

    #[test]
    fn differences_are_shown_and_secrets_are_not() {
        let config = Config::from_yaml(OWN).unwrap();
        let diff = config.shown(Shown::Diff).unwrap();
        assert!(diff.contains("max_query_series: 7"), "{diff}");
        assert!(!diff.contains("max_query_length"), "{diff}");
        let all = config.shown(Shown::All).unwrap();
        assert!(all.contains("max_query_length: 30d1h"), "{all}");
        for text in [diff, all] {
            assert!(
                text.contains("http://<secret>@one:9093/a@b,http://two"),
                "{text}"
            );
            assert!(text.contains("cluster: c"), "{text}");
            for hidden in ["hunter", "team-a", "u:"] {
                assert!(!text.contains(hidden), "{text}");
            }
        }
        let defaults = config.shown(Shown::Defaults).unwrap();
        assert!(defaults.contains("max_query_series: 500"), "{defaults}");
    }
}
