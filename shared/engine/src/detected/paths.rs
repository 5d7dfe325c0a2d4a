//! Where in a line of JSON the labels of `| json` come from.

use std::collections::HashMap;

use serde_json::Value;

/// For each label that `| json` makes of a line the keys that lead to its value. Empty for lines
/// that are not JSON all through; depth is bounded by the parser.
pub(super) fn paths(line: &[u8]) -> HashMap<String, Vec<String>> {
    let mut found = HashMap::new();
    if let Ok(Value::Object(object)) = serde_json::from_slice(line) {
        walk(&object, &mut Vec::new(), &mut found);
    }
    found
}

fn walk(
    object: &serde_json::Map<String, Value>,
    path: &mut Vec<String>,
    found: &mut HashMap<String, Vec<String>>,
) {
    for (key, value) in object {
        path.push(key.clone());
        match value {
            Value::Object(inner) => walk(inner, path, found),
            Value::Array(_) | Value::Null => {}
            _ => {
                found.entry(label(path)).or_insert_with(|| path.clone());
            }
        }
        path.pop();
    }
}

/// The name that `| json` gives to a value (spec `logql.md` §7).
fn label(path: &[String]) -> String {
    let parts = path
        .iter()
        .map(|key| key.trim())
        .filter(|key| !key.is_empty());
    let joined = parts.collect::<Vec<_>>().join("_");
    let is_letter = |c: char| c == '_' || c.is_ascii_alphanumeric();
    let mut name: String = joined
        .chars()
        .map(|c| if is_letter(c) { c } else { '_' })
        .collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        name.insert(0, '_');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_lead_back_to_keys() {
        let line = r#"{"a":1,"req":{"x-id":"y","deep":{"0":true}},"0":2,"n":null,"l":[1],"é":3}"#;
        let mut found: Vec<String> = paths(line.as_bytes())
            .into_iter()
            .map(|(name, path)| format!("{name}={}", path.join("/")))
            .collect();
        found.sort();
        assert_eq!(
            found,
            [
                "_0=0",
                "_=é",
                "a=a",
                "req_deep_0=req/deep/0",
                "req_x_id=req/x-id"
            ]
        );
    }

    #[test]
    fn what_is_no_object_has_none() {
        let deep = r#"{"a":"#.repeat(10_000);
        for line in ["", "x", "[1]", "1", r#"{"a":1"#, deep.as_str()] {
            assert!(paths(line.as_bytes()).is_empty());
        }
    }
}
