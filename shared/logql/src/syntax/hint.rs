//! The known name nearest to a misspelt one.

use super::ast::{RangeOp, VectorOp};
use super::limits::MAX_HINT_BYTES;

const STAGES: [&str; 11] = [
    "json",
    "logfmt",
    "regexp",
    "pattern",
    "unpack",
    "line_format",
    "label_format",
    "unwrap",
    "decolorize",
    "drop",
    "keep",
];

/// The function probably meant by `word`.
pub(super) fn function(word: &str) -> Option<&'static str> {
    let range = RangeOp::ALL.into_iter().map(RangeOp::as_str);
    let vector = VectorOp::ALL.into_iter().map(VectorOp::as_str);
    nearest(
        word,
        range
            .chain(vector)
            .chain(["label_replace", "vector", "variants"]),
    )
}

/// The stage probably meant by `word`.
pub(super) fn stage(word: &str) -> Option<&'static str> {
    nearest(word, STAGES.into_iter())
}

/// The name with the fewest edits, if those are at most a third of it and not none at all.
fn nearest(word: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    if word.len() > MAX_HINT_BYTES {
        return None;
    }
    let word = word.to_ascii_lowercase();
    let (edits, name) = known.map(|name| (distance(&word, name), name)).min()?;
    (edits > 0 && edits * 3 <= name.len().max(3)).then_some(name)
}

/// Levenshtein's distance in bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, above) in b.bytes().zip(row.iter_mut().skip(1)) {
            let best = (diagonal + usize::from(x != y))
                .min(*above + 1)
                .min(left + 1);
            diagonal = std::mem::replace(above, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_names() {
        assert_eq!(function("raet"), None);
        assert_eq!(function("ratee"), Some("rate"));
        assert_eq!(function("count_ovr_time"), Some("count_over_time"));
        assert_eq!(function("summ"), Some("sum"));
        assert_eq!(function("sum"), None, "not misspelt");
        assert_eq!(function("nofunc"), None);
        assert_eq!(stage("line_fmt"), Some("line_format"));
        assert_eq!(stage("Jsn"), Some("json"));
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
