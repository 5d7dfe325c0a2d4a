//! Which labels are worth grouping by.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use narvi_model::Labels;
use narvi_model::answer::DetectedLabel;

/// Labels that are listed whatever their values look like.
const ALWAYS: [&str; 4] = ["cluster", "namespace", "instance", "pod"];

/// The labels of streams with the number of their values, by name.
pub(super) fn summary(streams: &BTreeSet<Labels>) -> Vec<DetectedLabel> {
    let mut values: BTreeMap<&str, HashSet<&str>> = BTreeMap::new();
    for (name, value) in streams.iter().flat_map(Labels::iter) {
        values.entry(name).or_default().insert(value);
    }
    values.retain(|name, values| ALWAYS.contains(name) || !only_tell_apart(values));
    let detected = values.into_iter().map(|(name, values)| DetectedLabel {
        name: name.to_owned(),
        cardinality: values.len() as u64,
    });
    detected.collect()
}

/// Whether all values are numbers or UUIDs, which says nothing of what they stand for. One or two
/// that are 0 and 1 are a switch.
fn only_tell_apart(values: &HashSet<&str>) -> bool {
    let is_switch = values.len() <= 2 && values.iter().all(|value| matches!(*value, "0" | "1"));
    !is_switch && values.iter().all(|value| is_id(value))
}

fn is_id(value: &str) -> bool {
    value.parse::<f64>().is_ok() || is_uuid(value)
}

/// 32 hexadecimal digits, mostly in groups; in braces or with `urn:uuid:` before them, too.
fn is_uuid(value: &str) -> bool {
    let braces = value.strip_prefix('{').and_then(|v| v.strip_suffix('}'));
    let inner = braces.or_else(|| value.strip_prefix("urn:uuid:"));
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let inner = inner.unwrap_or(value);
    if inner.len() == 32 {
        return is_hex(inner);
    }
    let groups: Vec<&str> = inner.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    lengths == [8, 4, 4, 4, 12] && groups.into_iter().all(is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, values: &[&str], want: usize) {
        let streams = values
            .iter()
            .map(|value| Labels::from_pairs([(name, *value)]));
        let found = summary(&streams.collect());
        assert_eq!(found.len(), want, "{name}: {values:?}");
    }

    #[test]
    fn what_only_tells_things_apart_is_left_out() {
        check("app", &["a"], 1);
        check("app", &["1", "2", "a"], 1);
        check("user", &["1", "2", "3"], 0);
        check("user", &["7"], 0);
        check("user", &["1.5", "-2"], 0);
        check("flag", &["0", "1"], 1);
        check("flag", &["1"], 1);
        check("flag", &["0", "1", "2"], 0);
        check("trace", &["01234567-89ab-cdef-0123-456789abcdef"], 0);
        check("trace", &["{01234567-89ab-cdef-0123-456789abcdef}"], 0);
        let urn = "urn:uuid:01234567-89ab-cdef-0123-456789abcdef";
        check("trace", &[urn], 0);
        check("trace", &["0123456789abcdef0123456789abcdef"], 0);
        check("trace", &["01234567-89ab-cdef-0123-456789abcdeX"], 1);
        check("pod", &["1", "2", "3"], 1);
    }

    #[test]
    fn values_are_counted_once() {
        let streams = [
            Labels::from_pairs([("env", "prod"), ("region", "eu")]),
            Labels::from_pairs([("env", "prod"), ("region", "us")]),
        ];
        let found = summary(&streams.into_iter().collect());
        let found: Vec<(&str, u64)> = found
            .iter()
            .map(|label| (label.name.as_str(), label.cardinality))
            .collect();
        assert_eq!(found, [("env", 1), ("region", 2)]);
    }
}
