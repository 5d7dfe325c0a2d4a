//! [`labels`]: what the header `X-Amz-Firehose-Common-Attributes` adds, by the convention of
//! Alloy's `loki.source.awsfirehose`: attributes that begin with `lbl_` are labels, without it.
//!
//! The header is written in the configuration of a delivery stream ("Parameters"), so a mistake in
//! it is said rather than passed over.

use std::collections::BTreeMap;

use narvi_model::{Labels, is_label_name};
use serde_json::Value;

use crate::firehose::FirehoseError;

const PREFIX: &str = "lbl_";

/// What the header has its attributes under; what else it has says nothing about labels.
const ATTRIBUTES: &str = "commonAttributes";

/// Reads the header; none where there is none.
///
/// # Errors
/// Where it is no JSON of that form, or has a label that no stream can have.
pub(crate) fn labels(header: Option<&str>) -> Result<Labels, FirehoseError> {
    let Some(header) = header.filter(|header| !header.is_empty()) else {
        return Ok(Labels::empty());
    };
    let attributes = attributes(header).map_err(FirehoseError::Attributes)?;
    let mut pairs = Vec::new();
    for (attribute, value) in attributes {
        let Some(name) = attribute.strip_prefix(PREFIX) else {
            continue;
        };
        match value {
            Value::String(value) if is_label_name(name) => pairs.push((name.to_owned(), value)),
            _ => return Err(FirehoseError::Label(attribute)),
        }
    }
    Ok(Labels::of_stream(pairs))
}

/// Both levels are objects: a structure would be read from an array, too.
fn attributes(header: &str) -> serde_json::Result<BTreeMap<String, Value>> {
    let mut header: BTreeMap<String, Value> = serde_json::from_str(header)?;
    let attributes = header.remove(ATTRIBUTES);
    attributes.map_or_else(|| Ok(BTreeMap::new()), serde_json::from_value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: Option<&str>, want: &str) {
        let got = labels(header).map_or_else(|error| error.to_string(), |got| got.to_string());
        assert!(got.starts_with(want), "{got}");
    }

    #[test]
    fn attributes_with_the_prefix_are_labels() {
        check(None, "{}");
        check(Some(""), "{}");
        check(Some("{}"), "{}");
        let both = r#"{"commonAttributes":{"lbl_env":"prod","team":"x","lbl_a":"","lbl_b":"é"}}"#;
        check(Some(both), r#"{b="é", env="prod"}"#);
        check(Some(r#"{"commonAttributes":{"n":1},"new":2}"#), "{}");
    }

    #[test]
    fn mistakes_are_said() {
        let form = "X-Amz-Firehose-Common-Attributes is not {\"commonAttributes\":{…}}: ";
        for wrong in [
            "x",
            "[]",
            r#"{"commonAttributes":[]}"#,
            "{\"commonAttributes\":{}",
        ] {
            check(Some(wrong), form);
        }
        for (name, value) in [
            ("lbl_", "\"x\""),
            ("lbl_a.b", "\"x\""),
            ("lbl_1", "\"x\""),
            ("lbl_a", "1"),
            ("lbl_a", "null"),
        ] {
            let header = format!(r#"{{"commonAttributes":{{"{name}":{value}}}}}"#);
            let want = format!("the common attribute `{name}` is no label: ");
            check(Some(&header), &want);
        }
    }
}
