//! [`Written`]: a rule group as its YAML has it, in and out. Unknown keys are ignored, as Loki's
//! POST does; whether the group makes sense is `group`'s to decide.

use std::collections::BTreeMap;

use narvi_model::duration;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Names and values in the order of names.
pub(crate) type Pairs = BTreeMap<String, String>;

/// A group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Written {
    #[serde(default, deserialize_with = "or_nothing")]
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Span::is_zero")]
    pub(crate) interval: Span,
    #[serde(
        default,
        deserialize_with = "or_nothing",
        skip_serializing_if = "is_zero"
    )]
    pub(crate) limit: usize,
    #[serde(default, deserialize_with = "or_nothing")]
    pub(crate) rules: Vec<WrittenRule>,
}

/// A rule of a group; which of its fields go together is not known here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct WrittenRule {
    #[serde(
        deserialize_with = "or_nothing",
        skip_serializing_if = "String::is_empty"
    )]
    pub(crate) record: String,
    #[serde(
        deserialize_with = "or_nothing",
        skip_serializing_if = "String::is_empty"
    )]
    pub(crate) alert: String,
    #[serde(deserialize_with = "or_nothing")]
    pub(crate) expr: String,
    #[serde(rename = "for", skip_serializing_if = "Span::is_zero")]
    pub(crate) hold: Span,
    #[serde(skip_serializing_if = "Span::is_zero")]
    pub(crate) keep_firing_for: Span,
    #[serde(
        deserialize_with = "or_nothing",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub(crate) labels: Pairs,
    #[serde(
        deserialize_with = "or_nothing",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    pub(crate) annotations: Pairs,
}

/// Nanoseconds, written as Prometheus writes durations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) i64);

impl Span {
    fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&duration::to_prometheus(self.0))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else {
            return Ok(Self::default());
        };
        let nanos = duration::parse_prometheus(&text).map_err(serde::de::Error::custom)?;
        Ok(Self(nanos))
    }
}

impl Written {
    /// Reads one group.
    ///
    /// # Errors
    /// The parser's words, with line and column.
    pub(crate) fn read(yaml: &str) -> Result<Self, String> {
        let group: Option<Self> = serde_saphyr::from_str(yaml).map_err(|e| e.to_string())?;
        Ok(group.unwrap_or_default())
    }
}

/// `value` as YAML with the indentation of Loki's answers.
///
/// # Errors
/// The serializer's words.
pub(crate) fn to_yaml<T: Serialize>(value: &T) -> Result<String, String> {
    let options = serde_saphyr::ser_options! {
        indent_step: 4,
        compact_list_indent: false,
        // A query stays on its line, however long it is.
        folded_wrap_chars: WRAP_CHARS,
    };
    serde_saphyr::to_string_with_options(value, options).map_err(|e| e.to_string())
}

/// Longer than any text that a group may hold.
const WRAP_CHARS: usize = 1 << 24;

/// A key without a value means that it is not there, as in Go.
fn or_nothing<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let text = "
name: g
interval: 90s
limit: 3
unknown: {a: [b]}
rules:
  - alert: A
    expr: |
      sum(rate({a=\"b\"}[1m]))
        > 1
    for: 10m
    labels: {severity: page, number: 7, yes: \"true\"}
    annotations:
  - record: a:b
    expr: vector(1)
";
        let group = Written::read(text).unwrap();
        assert_eq!(
            (group.interval.0, group.limit, group.rules.len()),
            (90_000_000_000, 3, 2)
        );
        assert_eq!(group.rules[0].labels["number"], "7");
        let yaml = to_yaml(&group).unwrap();
        assert_eq!(Written::read(&yaml), Ok(group), "{yaml}");
        assert!(yaml.contains("interval: 1m30s\n"), "{yaml}");
    }

    #[test]
    fn nothing_is_an_empty_group() {
        for text in ["", "{}", "name:", "rules:\nname: ''"] {
            assert_eq!(Written::read(text), Ok(Written::default()), "{text:?}");
        }
        assert!(to_yaml(&Written::default()).unwrap().contains("rules: []"));
    }

    #[test]
    fn what_is_no_group_is_refused() {
        for text in [
            "name: [",
            "[]",
            "name: a\ninterval: 1 minute",
            "interval: -1m",
            "limit: many",
            "rules: {a: b}",
            "rules:\n  - alert: a\n    for: 1x",
        ] {
            assert!(Written::read(text).is_err(), "{text:?}");
        }
    }
}
