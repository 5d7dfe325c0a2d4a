//! [`MetadataDraft`]: turns the metadata of rows into columns and writes them.
//!
//! Values are borrowed, and most rows repeat names and values of the row before, which costs a
//! comparison and no hash. What the columns look like: `metadata.rs`.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::RandomState;

use crate::MetadataColumns;
use crate::bitpack::put_u32s;
use crate::dictionary;
use crate::limits::MAX_METADATA_CELLS;
use crate::varint::put_len;
use crate::writer::PartMetadata;

/// The metadata of a chunk that is being filled.
#[derive(Default)]
pub(crate) struct MetadataDraft<'a> {
    columns: Vec<ColumnDraft<'a>>,
    by_name: HashMap<&'a str, usize, RandomState>,
    rows: usize,
    bytes: usize,
}

struct ColumnDraft<'a> {
    name: &'a str,
    values: Vec<&'a str>,
    by_value: HashMap<&'a str, u32, RandomState>,
    refs: Vec<u32>,
    /// The value that came last and its reference.
    last: (&'a str, u32),
}

impl<'a> MetadataDraft<'a> {
    /// Whether one more row with `names` names would make the chunk too wide.
    pub(crate) fn is_full(&self, names: usize) -> bool {
        (self.columns.len() + names).saturating_mul(self.rows + 1) > MAX_METADATA_CELLS
    }

    /// Bytes of names and values of all rows, repeats counted.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds the names and values of the next row.
    pub(crate) fn push_row(&mut self, pairs: impl Iterator<Item = (&'a str, &'a str)>) {
        let mut next = 0;
        for (name, value) in pairs {
            let at = match self.columns.get(next) {
                Some(column) if column.name == name => next,
                _ => self.column(name),
            };
            next = at + 1;
            self.bytes += name.len() + value.len();
            self.columns[at].push(self.rows, value);
        }
        self.rows += 1;
    }

    fn column(&mut self, name: &'a str) -> usize {
        let columns = &mut self.columns;
        *self.by_name.entry(name).or_insert_with(|| {
            columns.push(ColumnDraft::new(name));
            columns.len() - 1
        })
    }

    /// Takes over a range of rows of decoded columns; references are mapped without a hash.
    pub(crate) fn of_columns(from: &'a MetadataColumns, rows: Range<usize>) -> Self {
        let mut draft = Self {
            rows: rows.len(),
            ..Self::default()
        };
        for column in &from.columns {
            let mut to = ColumnDraft::new(&column.name);
            let mut mapped = vec![0; column.values.len() + 1];
            for row in rows.clone() {
                let reference = column
                    .refs
                    .get(row)
                    .map_or(0, |reference| *reference as usize);
                if let Some(value) = column.value(row)
                    && mapped[reference] == 0
                {
                    mapped[reference] = to.reference(value);
                }
                to.refs.push(mapped.get(reference).copied().unwrap_or(0));
            }
            if !to.values.is_empty() {
                draft.columns.push(to);
            }
        }
        draft
    }
}

impl PartMetadata for MetadataDraft<'_> {
    fn values(&self) -> impl Iterator<Item = &str> + Clone {
        let columns = self.columns.iter();
        columns.flat_map(|column| column.values.iter().copied())
    }

    fn take_into(&mut self, out: &mut Vec<u8>) {
        let mut columns = std::mem::take(&mut self.columns);
        let rows = std::mem::take(&mut self.rows);
        self.by_name.clear();
        self.bytes = 0;
        if columns.is_empty() {
            return;
        }
        columns.sort_unstable_by_key(|column| column.name);
        put_len(out, columns.len());
        for column in &mut columns {
            put_len(out, column.name.len());
            out.extend_from_slice(column.name.as_bytes());
            dictionary::put(out, &column.values);
            column.refs.resize(rows, 0);
            put_u32s(out, &column.refs);
        }
    }
}

impl<'a> ColumnDraft<'a> {
    fn new(name: &'a str) -> Self {
        Self {
            name,
            values: Vec::new(),
            by_value: HashMap::default(),
            refs: Vec::new(),
            last: ("", 0),
        }
    }

    fn push(&mut self, row: usize, value: &'a str) {
        if self.last.1 == 0 || self.last.0 != value {
            let known = self.by_value.get(value).copied();
            let reference = known.unwrap_or_else(|| {
                let reference = self.reference(value);
                self.by_value.insert(value, reference);
                reference
            });
            self.last = (value, reference);
        }
        self.refs.resize(row, 0);
        self.refs.push(self.last.1);
    }

    /// The reference of a new value.
    fn reference(&mut self, value: &'a str) -> u32 {
        self.values.push(value);
        // One value a row at most, and rows of a chunk fit u32 by far.
        self.values.len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bitpack::PADDING;
    use crate::error::Area;
    use crate::metadata::read;
    use crate::varint::Cursor;

    fn decode(draft: &mut MetadataDraft<'_>, rows: usize) -> MetadataColumns {
        let mut bytes = Vec::new();
        draft.take_into(&mut bytes);
        if bytes.is_empty() {
            return MetadataColumns::default();
        }
        let end = bytes.len();
        bytes.extend([0; PADDING]);
        read(&mut Cursor::padded(&bytes, end, Area::Column(0)), rows).unwrap()
    }

    #[track_caller]
    fn check(rows: &[&[(&str, &str)]]) {
        let mut draft = MetadataDraft::default();
        for row in rows {
            draft.push_row(row.iter().copied());
        }
        let columns = decode(&mut draft, rows.len());
        for (n, row) in rows.iter().enumerate() {
            assert_eq!(columns.pairs(n).collect::<Vec<_>>(), *row);
        }
        assert!(
            columns
                .columns
                .iter()
                .all(|column| column.refs.len() == rows.len())
        );
        for start in 0..rows.len() {
            let mut part = MetadataDraft::of_columns(&columns, start..rows.len());
            let part = decode(&mut part, rows.len() - start);
            for (n, row) in rows[start..].iter().enumerate() {
                assert_eq!(part.pairs(n).collect::<Vec<_>>(), *row);
            }
        }
        draft.push_row([("fresh", "start")].into_iter());
        assert_eq!(
            decode(&mut draft, 1).row(0).to_string(),
            r#"{fresh="start"}"#
        );
    }

    #[test]
    fn rows_become_columns() {
        check(&[]);
        check(&[&[], &[]]);
        check(&[
            &[("a", "1")],
            &[],
            &[("a", "1")],
            &[("a", "2")],
            &[("a", "1")],
        ]);
        check(&[
            &[("b", "1")],
            &[("a", "x"), ("b", "1"), ("c", "")],
            &[("c", "y")],
        ]);
        check(&[&[("a", "")], &[("a", "")]]);
    }

    #[test]
    fn names_without_end_fill_a_chunk() {
        let draft = MetadataDraft {
            rows: 99,
            ..MetadataDraft::default()
        };
        assert!(!draft.is_full(MAX_METADATA_CELLS / 100));
        assert!(draft.is_full(MAX_METADATA_CELLS / 100 + 1));
    }
}
