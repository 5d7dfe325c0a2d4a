//! [`Rows::merge`]: rows of one stream out of several chunks become one run, for compaction.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;

use crate::dictionary::Dictionary;
use crate::error::WriteError;
use crate::limits::MAX_MERGE_CELLS;
use crate::metadata::{MetadataColumn, MetadataColumns};
use crate::order::arrange;
use crate::rows::Rows;
use crate::writer::row_count;

/// A row of the result: which input it comes from, and its place there.
#[derive(Clone, Copy)]
struct Source {
    input: u32,
    row: u32,
}

impl Rows {
    /// All rows of `inputs`, sorted by time; of equal time those of earlier inputs first; those
    /// that repeat time, line and metadata of another once. Inputs need not be sorted.
    ///
    /// # Errors
    /// Columns that do not fit each other; more than 2^32 rows; more than [`MAX_MERGE_CELLS`] names
    /// of metadata times rows, which [`crate::Writer::push_entries`] can still write.
    pub fn merge(inputs: &[Self]) -> Result<Self, WriteError> {
        let total = inputs.iter().map(Self::len).sum();
        row_count(total)?;
        let mut sources = Vec::with_capacity(total);
        for (input, rows) in (0..).zip(inputs) {
            rows.check_shape()?;
            sources.extend((0..row_count(rows.len())?).map(|row| Source { input, row }));
        }
        let at = |n: u32| {
            let source = sources[n as usize];
            (&inputs[source.input as usize], source.row as usize)
        };
        let time = |n| {
            let (rows, row) = at(n);
            rows.timestamps[row]
        };
        let compare = |a, b| {
            let ((rows, row), (other, other_row)) = (at(a), at(b));
            rows.compare(row, other, other_row)
        };
        let mut order = Vec::new();
        arrange(&mut order, row_count(total)?, time, compare);
        let mut merged = Self::default();
        merged.timestamps.reserve_exact(order.len());
        merged.lines.ends.reserve_exact(order.len());
        merged
            .lines
            .bytes
            .reserve(inputs.iter().map(|rows| rows.lines.bytes.len()).sum());
        for &n in &order {
            let (rows, row) = at(n);
            merged.timestamps.push(rows.timestamps[row]);
            merged.lines.push(rows.lines.line(row));
        }
        let kept: Vec<Source> = order.iter().map(|&n| sources[n as usize]).collect();
        merged.metadata = merge_metadata(inputs, &kept)?;
        Ok(merged)
    }
}

/// The columns of every name that a row has.
fn merge_metadata(inputs: &[Rows], kept: &[Source]) -> Result<MetadataColumns, WriteError> {
    let mut by_name: BTreeMap<&str, Vec<(u32, &MetadataColumn)>> = BTreeMap::new();
    for (input, rows) in (0..).zip(inputs) {
        for column in &rows.metadata.columns {
            by_name
                .entry(&column.name)
                .or_default()
                .push((input, column));
        }
    }
    let size = by_name.len().saturating_mul(kept.len());
    if size > MAX_MERGE_CELLS {
        let what = "metadata (names times rows)";
        return Err(WriteError::TooLarge {
            what,
            size,
            limit: MAX_MERGE_CELLS,
        });
    }
    let mut places: Vec<Option<&MetadataColumn>> = vec![None; inputs.len()];
    let mut columns = Vec::with_capacity(by_name.len());
    for (name, found) in by_name {
        for &(input, column) in &found {
            places[input as usize] = Some(column);
        }
        let column = merge_column(name, &places, kept);
        if !column.values.is_empty() {
            columns.push(column);
        }
        for (input, _) in found {
            places[input as usize] = None;
        }
    }
    Ok(MetadataColumns { columns })
}

/// One name's column: each value of each input is looked up once, each row only mapped.
fn merge_column(
    name: &str,
    columns: &[Option<&MetadataColumn>],
    kept: &[Source],
) -> MetadataColumn {
    let mut known: HashMap<&str, u32, RandomState> = HashMap::default();
    let mut values = Dictionary::default();
    let room = |column: &Option<&MetadataColumn>| column.map_or(0, |c| c.values.len() + 1);
    let mut mapped: Vec<Vec<u32>> = columns.iter().map(|c| vec![0; room(c)]).collect();
    let mut refs = Vec::with_capacity(kept.len());
    for source in kept {
        let (input, row) = (source.input as usize, source.row as usize);
        let value = columns[input].and_then(|column| column.value(row).zip(column.refs.get(row)));
        let Some((value, &reference)) = value else {
            refs.push(0);
            continue;
        };
        let to = &mut mapped[input][reference as usize];
        if *to == 0 {
            *to = *known.entry(value).or_insert_with(|| values.push(value) + 1);
        }
        refs.push(*to);
    }
    MetadataColumn {
        name: name.into(),
        values,
        refs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Time, line, metadata.
    type Row<'a> = (i64, &'a str, &'a [(&'a str, &'a str)]);

    fn rows(rows: &[Row<'_>]) -> Rows {
        let mut all = Rows::default();
        let mut columns: BTreeMap<&str, MetadataColumn> = BTreeMap::new();
        for (at, (time, line, metadata)) in rows.iter().enumerate() {
            all.timestamps.push(*time);
            all.lines.push(line.as_bytes());
            for (name, value) in *metadata {
                let column = columns.entry(name).or_insert_with(|| MetadataColumn {
                    name: (*name).into(),
                    values: Dictionary::default(),
                    refs: vec![0; rows.len()],
                });
                column.refs[at] = column.values.push(value) + 1;
            }
        }
        all.metadata.columns = columns.into_values().collect();
        all
    }

    #[test]
    fn runs_become_one() {
        let first = rows(&[(1, "a", &[]), (3, "c", &[("m", "x")]), (5, "e", &[])]);
        let second = rows(&[(2, "b", &[("n", "y")]), (3, "c", &[("m", "x")])]);
        let third = rows(&[
            (0, "", &[]),
            (3, "c", &[("m", "z")]),
            (3, "c", &[("m", "x")]),
        ]);
        let merged = Rows::merge(&[first, second, third]).unwrap();
        let found: Vec<(i64, String)> = (0..merged.len())
            .map(|row| {
                let entry = merged.entry(row).unwrap();
                let line = String::from_utf8_lossy(entry.line.as_bytes()).into_owned();
                (entry.timestamp.nanos(), line + &entry.metadata.to_string())
            })
            .collect();
        let want = [
            (0, "{}"),
            (1, "a{}"),
            (2, "b{n=\"y\"}"),
            (3, "c{m=\"x\"}"),
            (3, "c{m=\"z\"}"),
            (5, "e{}"),
        ];
        assert_eq!(found, want.map(|(time, text)| (time, text.to_owned())));
        assert_eq!(merged.check(), Ok(()));
        assert_eq!(
            merged.metadata.get("m").map(|column| column.values.len()),
            Some(2)
        );
    }

    #[test]
    fn nothing_and_one() {
        assert_eq!(Rows::merge(&[]), Ok(Rows::default()));
        let one = rows(&[(1, "a", &[("m", "x")]), (1, "b", &[])]);
        assert_eq!(Rows::merge(std::slice::from_ref(&one)), Ok(one));
    }

    #[test]
    fn columns_must_fit() {
        let mut bad = rows(&[(1, "a", &[])]);
        bad.timestamps.push(2);
        assert_eq!(
            Rows::merge(&[bad]),
            Err(WriteError::Shape {
                column: "line",
                row: 1
            })
        );
    }
}
