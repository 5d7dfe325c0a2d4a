//! [`Normal`]: what of an answer is compared. Series come in any order, entries of a stream do not;
//! a stream may come in several parts.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::case::Case;

/// An answer without what may differ.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Normal {
    /// The kind of the result.
    pub(crate) kind: String,
    /// Flags of the encoding, or values in the order of a sorted answer.
    pub(crate) order: Value,
    pub(crate) content: Content,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    /// Values by labels.
    Series(BTreeMap<String, Vec<Value>>),
    /// Anything else, compared as it is.
    Json(Value),
}

/// What of `body` is compared; `None` where a client could not read it.
pub(crate) fn normal(case: &Case, body: &Value) -> Option<Normal> {
    let data = body.get("data").unwrap_or(&Value::Null);
    if let Some(kind) = data.get("resultType") {
        return result(case, kind.as_str()?, data);
    }
    let path = case.path.as_str();
    let as_list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (kind, content) = if path.ends_with("/detected_labels") {
        let labels = as_list(&body["detectedLabels"]).into_iter();
        let pair = |label: Value| {
            Some((
                label["label"].as_str()?.to_owned(),
                label["cardinality"].clone(),
            ))
        };
        (
            "detected labels",
            Value::Object(labels.map(pair).collect::<Option<_>>()?),
        )
    } else if path.ends_with("/series") {
        let mut series: Vec<String> = as_list(data).iter().map(key).collect();
        series.sort();
        ("series", json!(series))
    } else if path.contains("/label") {
        ("labels", Value::Array(as_list(data)))
    } else if path.contains("detected_field") && body.get("values").is_some() {
        ("values", sorted(&body["values"]))
    } else if path.contains("detected_field") {
        ("fields", fields(&as_list(&body["fields"]))?)
    } else {
        ("json", body.clone())
    };
    Some(Normal {
        kind: kind.to_owned(),
        order: Value::Null,
        content: Content::Json(content),
    })
}

/// A result of a query.
fn result(case: &Case, kind: &str, data: &Value) -> Option<Normal> {
    let none = Vec::new();
    let list = match &data["result"] {
        Value::Null => &none,
        list => list.as_array()?,
    };
    let mut order = Value::Null;
    let mut series: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    match kind {
        "streams" => {
            order = data.get("encodingFlags").cloned().unwrap_or_default();
            for stream in list {
                let entries = stream["values"].as_array()?;
                series
                    .entry(key(&stream["stream"]))
                    .or_default()
                    .extend_from_slice(entries);
            }
        }
        "matrix" => {
            for one in list {
                series.insert(key(&one["metric"]), one["values"].as_array()?.clone());
            }
        }
        "vector" => {
            // Equal values may come in any order, so it is the order of the values that counts.
            if case.param("query").starts_with("sort") {
                order = list.iter().map(|one| one["value"][1].clone()).collect();
            }
            for one in list {
                series.insert(key(&one["metric"]), vec![one["value"].clone()]);
            }
        }
        _ => {
            return Some(Normal {
                kind: kind.to_owned(),
                order,
                content: Content::Json(data["result"].clone()),
            });
        }
    }
    Some(Normal {
        kind: kind.to_owned(),
        order,
        content: Content::Series(series),
    })
}

/// Labels as text, in the order of their names.
fn key(labels: &Value) -> String {
    let pairs: BTreeMap<&String, &Value> = labels.as_object().into_iter().flatten().collect();
    json!(pairs).to_string()
}

fn sorted(list: &Value) -> Value {
    let mut list = list.as_array().cloned().unwrap_or_default();
    list.sort_by_key(Value::to_string);
    Value::Array(list)
}

/// Detected fields by name, without what is only an estimate.
fn fields(list: &[Value]) -> Option<Value> {
    let mut fields = Map::new();
    for field in list {
        let path = field.get("jsonPath").filter(|path| !path.is_null());
        let kept = json!({
            "type": field.get("type"),
            "parsers": sorted(&field["parsers"]),
            "jsonPath": path.cloned().unwrap_or_else(|| json!([])),
        });
        fields.insert(field["label"].as_str()?.to_owned(), kept);
    }
    Some(Value::Object(fields))
}
