//! [`SeriesKey`]: which labels tell series apart, and the rows of a batch grouped by them.

use foldhash::HashMap;
use narvi_model::Labels;

use crate::batch::{Batch, MetadataColumn};

/// Which labels of a line or series make the key of its group.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum SeriesKey {
    /// Every label.
    All,
    /// Only these.
    By(Vec<String>),
    /// Every label but these.
    Without(Vec<String>),
}

impl SeriesKey {
    /// Whether a label of this name is part of the key.
    #[must_use]
    pub fn holds(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::By(names) => names.iter().any(|n| n == name),
            // An aggregation also drops the name of a metric (spec `logql.md` §14).
            Self::Without(names) => name != "__name__" && !names.iter().any(|n| n == name),
        }
    }

    /// The part of `labels` that makes the key.
    #[must_use]
    pub fn of(&self, labels: &Labels) -> Labels {
        match self {
            Self::All => labels.clone(),
            _ => labels.filter(|name| self.holds(name)),
        }
    }
}

/// The rows of a batch by the key of their series.
#[derive(Debug)]
pub(super) enum Groups {
    /// Every row has this key.
    One(Labels),
    /// The group of each row (unselected rows too), and the key of each group.
    Many {
        group_of: Vec<u32>,
        keys: Vec<Labels>,
    },
}

impl Groups {
    /// Groups the rows of `batch` by `key`; structured metadata is part of a line's labels.
    pub(super) fn new(key: &SeriesKey, batch: &Batch) -> Self {
        let stream = key.of(&batch.stream);
        let columns: Vec<(String, &MetadataColumn)> = batch
            .metadata
            .iter()
            .map(|column| (batch.metadata_name(&column.name), column))
            .filter(|(name, _)| key.holds(name))
            .collect();
        if columns.is_empty() {
            return Self::One(stream);
        }
        // Column by column: what was one group splits by the values of the next column.
        let mut group_of = vec![0_u32; batch.rows() as usize];
        let mut first_row = vec![0_u32];
        for (_, column) in &columns {
            let mut split = HashMap::default();
            first_row.clear();
            for (row, (group, value)) in group_of.iter_mut().zip(&column.refs).enumerate() {
                let next = first_row.len() as u32;
                *group = *split.entry((*group, *value)).or_insert_with(|| {
                    first_row.push(row as u32);
                    next
                });
            }
        }
        let label = |row: u32| {
            let values = columns
                .iter()
                .map(move |(name, c)| Some((name.as_str(), c.value(row)?)));
            Labels::from_pairs(stream.iter().chain(values.flatten()))
        };
        let keys = first_row.iter().map(|&row| label(row)).collect();
        Self::Many { group_of, keys }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::tests::batch;

    #[test]
    fn rows_group_by_stream_and_metadata() {
        let mut batch = batch(&["a", "b", "c", "d"]);
        batch.stream = Labels::from_pairs([("app", "x"), ("level", "s")]);
        let column = |name: &str, values: &[&str], refs: [u32; 4]| MetadataColumn {
            name: name.into(),
            values: values.iter().copied().collect(),
            refs: refs.into(),
        };
        batch.metadata = vec![
            column("level", &["i", "w"], [1, 2, 1, 0]),
            column("u", &["7"], [1, 0, 1, 0]),
        ];
        let check = |key: SeriesKey, want: &[&str]| {
            let keys = match Groups::new(&key, &batch) {
                Groups::One(labels) => vec![labels.to_string(); 4],
                Groups::Many { group_of, keys } => group_of
                    .iter()
                    .map(|&g| keys[g as usize].to_string())
                    .collect(),
            };
            assert_eq!(keys, want, "{key:?}");
        };
        let by = |names: &[&str]| SeriesKey::By(names.iter().map(|n| (*n).to_owned()).collect());
        check(by(&["app"]), &[r#"{app="x"}"#; 4]);
        check(by(&[]), &["{}"; 4]);
        check(by(&["u"]), &[r#"{u="7"}"#, "{}", r#"{u="7"}"#, "{}"]);
        check(
            SeriesKey::Without(vec!["u".into(), "app".into()]),
            &[
                r#"{level="s", level_extracted="i"}"#,
                r#"{level="s", level_extracted="w"}"#,
                r#"{level="s", level_extracted="i"}"#,
                r#"{level="s"}"#,
            ],
        );
        check(
            SeriesKey::All,
            &[
                r#"{app="x", level="s", level_extracted="i", u="7"}"#,
                r#"{app="x", level="s", level_extracted="w"}"#,
                r#"{app="x", level="s", level_extracted="i", u="7"}"#,
                r#"{app="x", level="s"}"#,
            ],
        );
    }
}
