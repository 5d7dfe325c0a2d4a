//! Structured metadata by columns: [`MetadataColumns`], one [`MetadataColumn`] for each name, with
//! a [`Dictionary`] of its values and a reference for each row.
//!
//! Stored as `count`, then for each name, in order: `name length | name | dictionary | blocks of
//! references`. How rows become columns: `metadata_draft.rs`.

use narvi_model::Metadata;

use crate::bitpack::read_u32s;
use crate::dictionary::{Dictionary, Fields};
use crate::error::Fault;
use crate::limits::MAX_METADATA_CELLS;
use crate::varint::{Cursor, Read};

/// Bytes of the smallest column: name length, value count, a block of lengths, one of references.
const MIN_METADATA_COLUMN_BYTES: usize = 6;

const FIELDS: Fields = Fields {
    count: "metadata value count",
    length: "metadata value length",
    text: "metadata values",
};

/// The values that rows have for one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataColumn {
    /// The name.
    pub name: Box<str>,
    /// Its values.
    pub values: Dictionary,
    /// For each row 0 where the row has no such name, otherwise 1 + the place of its value.
    pub refs: Vec<u32>,
}

/// The metadata of all rows of a chunk; without columns where no row has any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetadataColumns {
    /// Sorted by name, each name once.
    pub columns: Vec<MetadataColumn>,
}

impl MetadataColumn {
    /// The value that a row has.
    #[must_use]
    pub fn value(&self, row: usize) -> Option<&str> {
        let reference = *self.refs.get(row)? as usize;
        self.values.get(reference.checked_sub(1)?)
    }
}

impl MetadataColumns {
    /// The column of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&MetadataColumn> {
        let at = self
            .columns
            .binary_search_by(|column| (*column.name).cmp(name))
            .ok()?;
        self.columns.get(at)
    }

    /// Whether no row has metadata.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Names and values of a row, in the order of names.
    pub fn pairs(&self, row: usize) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.columns
            .iter()
            .filter_map(move |column| Some((&*column.name, column.value(row)?)))
    }

    /// The metadata of a row.
    #[must_use]
    pub fn row(&self, row: usize) -> Metadata {
        Metadata::from_pairs(self.pairs(row))
    }
}

/// Reads the columns of a chunk of `rows` rows.
pub(crate) fn read(cursor: &mut Cursor<'_>, rows: usize) -> Read<MetadataColumns> {
    let field = "metadata column count";
    let count = cursor.count(field, MIN_METADATA_COLUMN_BYTES)?;
    let (found, limit) = (count as u64, (MAX_METADATA_CELLS / rows.max(1)) as u64);
    if found > limit {
        return Err(cursor.fail(field, Fault::TooLarge { found, limit }));
    }
    let mut columns: Vec<MetadataColumn> = Vec::with_capacity(count);
    let mut lengths = Vec::new();
    for _ in 0..count {
        let column = read_column(cursor, rows, &mut lengths)?;
        if columns
            .last()
            .is_some_and(|before| before.name >= column.name)
        {
            return Err(cursor.fail("metadata name", Fault::Order));
        }
        columns.push(column);
    }
    Ok(MetadataColumns { columns })
}

fn read_column(
    cursor: &mut Cursor<'_>,
    rows: usize,
    lengths: &mut Vec<u32>,
) -> Read<MetadataColumn> {
    let name_len = cursor.at_most("metadata name length", cursor.left())?;
    let name = cursor.take("metadata name", name_len)?;
    let name = str::from_utf8(name)
        .map_err(|_| cursor.fail("metadata name", Fault::NotUtf8))?
        .into();
    let values = Dictionary::read(cursor, &FIELDS, rows, lengths)?;
    let count = values.len() as u32;
    let mut refs = Vec::new();
    read_u32s(cursor, "metadata reference", count, rows, &mut refs)?;
    Ok(MetadataColumn { name, values, refs })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bitpack::{PADDING, put_u32s};
    use crate::error::Area;
    use crate::varint::put_len;

    fn decode(bytes: &[u8], rows: usize) -> Result<MetadataColumns, Fault> {
        let mut padded = bytes.to_vec();
        padded.extend([0; PADDING]);
        let mut cursor = Cursor::padded(&padded, bytes.len(), Area::Column(0));
        let columns = read(&mut cursor, rows).map_err(|e| e.fault)?;
        cursor.finish("metadata").map_err(|e| e.fault)?;
        Ok(columns)
    }

    fn put(out: &mut Vec<u8>, name: &[u8], values: &[&[u8]], refs: &[u32]) {
        put_len(out, name.len());
        out.extend(name);
        put_len(out, values.len());
        put_u32s(
            out,
            &values
                .iter()
                .map(|value| value.len() as u32)
                .collect::<Vec<_>>(),
        );
        out.extend(values.concat());
        put_u32s(out, refs);
    }

    #[test]
    fn rows_and_columns() {
        let mut bytes = vec![2];
        put(&mut bytes, b"level", &[b"info", b""], &[1, 2, 0]);
        put(&mut bytes, b"trace", &[b"x"], &[0, 1, 0]);
        let columns = decode(&bytes, 3).unwrap();
        let row = |n: usize| columns.row(n).to_string();
        assert_eq!(row(0), r#"{level="info"}"#);
        assert_eq!(row(1), r#"{level="", trace="x"}"#);
        assert_eq!((row(2), row(3)), ("{}".to_owned(), "{}".to_owned()));
        assert_eq!(
            columns.get("trace").and_then(|column| column.value(1)),
            Some("x")
        );
        let level = columns.get("level").unwrap();
        assert_eq!(level.values.iter().collect::<Vec<_>>(), ["info", ""]);
        for cut in 0..bytes.len() {
            assert!(decode(&bytes[..cut], 3).is_err());
        }
    }

    /// Name, values, references.
    type Written<'a> = (&'a [u8], &'a [&'a [u8]], &'a [u32]);

    #[test]
    fn refuses_what_no_writer_makes() {
        let check = |columns: &[Written<'_>], want: Fault| {
            let mut bytes = vec![columns.len() as u8];
            for (name, values, refs) in columns {
                put(&mut bytes, name, values, refs);
            }
            assert_eq!(decode(&bytes, 2), Err(want));
        };
        let e = "é".as_bytes();
        check(
            &[(b"a", &[b"x"], &[1, 2])],
            Fault::TooLarge { found: 2, limit: 1 },
        );
        check(
            &[(b"b", &[b"x"], &[1, 1]), (b"a", &[b"x"], &[1, 1])],
            Fault::Order,
        );
        check(
            &[(b"a", &[b"x"], &[1, 1]), (b"a", &[b"x"], &[1, 1])],
            Fault::Order,
        );
        check(&[(b"\xff", &[b"x"], &[1, 1])], Fault::NotUtf8);
        check(&[(b"a", &[b"\xff"], &[1, 1])], Fault::NotUtf8);
        check(&[(b"a", &[&e[..1], &e[1..]], &[1, 1])], Fault::NotUtf8);
        check(
            &[(b"a", &[b"x", b"y", b"z"], &[1, 1])],
            Fault::TooLarge { found: 3, limit: 2 },
        );
    }
}
