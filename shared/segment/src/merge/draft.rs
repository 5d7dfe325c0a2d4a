//! [`RowsDraft`]: the chunk that a merge is filling. Owns its rows, since the chunks that they come
//! from are dropped while it fills.
//!
//! Rows come in runs, so lines are copied as one piece. Each value of metadata of a source chunk is
//! looked up once for each chunk that is filled; [`Mapping`] keeps what came of it.

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::RandomState;

use super::head::OpenChunk;
use crate::bitpack::put_u32s;
use crate::dictionary;
use crate::error::WriteError;
use crate::limits::MAX_METADATA_CELLS;
use crate::varint::put_len;
use crate::writer::{METADATA_SHARE, Part, PartMetadata};
use crate::{Dictionary, MetadataColumn, Rows, Writer, WriterOptions};

/// Rows of one stream in order, fewer than make a chunk.
pub(super) struct RowsDraft {
    options: WriterOptions,
    times: Vec<i64>,
    lengths: Vec<u32>,
    lines: Vec<u8>,
    columns: Vec<ColumnDraft>,
    by_name: HashMap<Box<str>, usize, RandomState>,
    /// Bytes of names and values of all rows, repeats counted.
    metadata_bytes: usize,
    /// Which of all chunks this one is, so that a mapping knows whether it is of this one.
    number: u64,
}

struct ColumnDraft {
    name: Box<str>,
    values: Dictionary,
    by_value: HashMap<Box<str>, u32, RandomState>,
    refs: Vec<u32>,
}

/// Where columns and values of a source chunk are in the draft.
pub(super) struct Mapping {
    number: u64,
    columns: Vec<ColumnMapping>,
}

struct ColumnMapping {
    place: Option<usize>,
    /// By reference in the source: that in the draft, 0 where it is not yet known.
    refs: Vec<u32>,
}

impl Mapping {
    /// Nothing is mapped.
    pub(super) fn new(rows: &Rows) -> Self {
        let columns = rows.metadata.columns.iter().map(|column| ColumnMapping {
            place: None,
            refs: vec![0; column.values.len() + 1],
        });
        Self {
            number: 0,
            columns: columns.collect(),
        }
    }

    fn begin(&mut self, number: u64) {
        if self.number != number {
            self.number = number;
            for column in &mut self.columns {
                column.place = None;
                column.refs.fill(0);
            }
        }
    }
}

impl RowsDraft {
    /// Without rows.
    pub(super) fn new(options: WriterOptions) -> Self {
        Self {
            options,
            times: Vec::new(),
            lengths: Vec::new(),
            lines: Vec::new(),
            columns: Vec::new(),
            by_name: HashMap::default(),
            metadata_bytes: 0,
            number: 1,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Takes as many of the rows as fit, from their start; none where the chunk is full. An empty
    /// one takes a row of any size. Returns how many.
    pub(super) fn append(&mut self, from: &mut OpenChunk, rows: Range<usize>) -> usize {
        let source = &from.rows;
        let rows = rows.start..rows.start + self.room(source, &rows);
        let rows = rows.start..rows.start + self.take_metadata_bytes(source, &rows);
        if rows.is_empty() {
            return 0;
        }
        from.mapping.begin(self.number);
        for (column, mapping) in source
            .metadata
            .columns
            .iter()
            .zip(&mut from.mapping.columns)
        {
            self.append_column(column, mapping, rows.clone());
        }
        self.times
            .extend_from_slice(&source.timestamps[rows.clone()]);
        let start = start_of(source, rows.start);
        let mut at = start;
        for &end in &source.lines.ends[rows.clone()] {
            self.lengths.push(end - at);
            at = end + 1;
        }
        self.lines
            .extend_from_slice(&source.lines.bytes[start as usize..at as usize]);
        rows.len()
    }

    /// How many rows fit by number, by bytes of lines, and by cells of metadata.
    fn room(&self, source: &Rows, rows: &Range<usize>) -> usize {
        let names = self.columns.len() + source.metadata.columns.len();
        let most = self
            .options
            .max_chunk_rows
            .min(MAX_METADATA_CELLS / names.max(1));
        let end = rows
            .end
            .min(rows.start + most.saturating_sub(self.times.len()));
        let line_bytes = self.lines.len() - self.times.len();
        let left = self.options.max_chunk_bytes.saturating_sub(line_bytes);
        let ends = source.lines.ends.get(rows.start..end).unwrap_or_default();
        let start = start_of(source, rows.start) as usize;
        let fits = |count: usize| ends[count - 1] as usize + 1 - start - count <= left;
        let mut room = ends.len();
        if room > 0 && !fits(room) {
            // Bytes grow with rows, so the first count that does not fit can be searched for.
            let (mut good, mut bad) = (0, room);
            while bad - good > 1 {
                let middle = good.midpoint(bad);
                if fits(middle) {
                    good = middle;
                } else {
                    bad = middle;
                }
            }
            room = good;
        }
        match room {
            0 if self.times.is_empty() => 1.min(rows.len()),
            room => room,
        }
    }

    /// Adds up the metadata of rows until the chunk has enough. Returns how many rows that are.
    fn take_metadata_bytes(&mut self, source: &Rows, rows: &Range<usize>) -> usize {
        if source.metadata.is_empty() {
            return rows.len();
        }
        let limit = METADATA_SHARE * self.options.max_chunk_bytes;
        for row in rows.clone() {
            if self.metadata_bytes > limit && !(self.times.is_empty() && row == rows.start) {
                return row - rows.start;
            }
            let pairs = source.metadata.pairs(row);
            self.metadata_bytes += pairs
                .map(|(name, value)| name.len() + value.len())
                .sum::<usize>();
        }
        rows.len()
    }

    fn append_column(
        &mut self,
        column: &MetadataColumn,
        mapping: &mut ColumnMapping,
        rows: Range<usize>,
    ) {
        let refs = &column.refs[rows];
        if refs.iter().all(|&reference| reference == 0) {
            return;
        }
        let place = match mapping.place {
            Some(place) => place,
            None => *mapping.place.insert(self.column(&column.name)),
        };
        let to = &mut self.columns[place];
        to.refs.resize(self.times.len(), 0);
        for &reference in refs {
            let mapped = &mut mapping.refs[reference as usize];
            // Decoding has checked that references have values; 0 has none and maps to itself.
            if *mapped == 0
                && let Some(place) = (reference as usize).checked_sub(1)
                && let Some(value) = column.values.get(place)
            {
                *mapped = to.reference(value);
            }
            to.refs.push(*mapped);
        }
    }

    fn column(&mut self, name: &str) -> usize {
        if let Some(&place) = self.by_name.get(name) {
            return place;
        }
        self.columns.push(ColumnDraft {
            name: name.into(),
            values: Dictionary::default(),
            by_value: HashMap::default(),
            refs: Vec::new(),
        });
        self.by_name.insert(name.into(), self.columns.len() - 1);
        self.columns.len() - 1
    }

    /// Writes the rows, if there are any, and begins anew.
    pub(super) fn flush(&mut self, writer: &mut Writer) -> Result<(), WriteError> {
        if self.times.is_empty() {
            return Ok(());
        }
        let part = Part {
            times: &self.times,
            lengths: &self.lengths,
            lines: &self.lines,
        };
        let mut metadata = Metadata {
            columns: &mut self.columns,
            rows: self.times.len(),
        };
        writer.put_chunk(&part, &mut metadata)?;
        self.times.clear();
        self.lengths.clear();
        self.lines.clear();
        self.by_name.clear();
        self.metadata_bytes = 0;
        self.number += 1;
        Ok(())
    }
}

impl ColumnDraft {
    /// The reference of a value, which is added where it is new.
    fn reference(&mut self, value: &str) -> u32 {
        if let Some(&reference) = self.by_value.get(value) {
            return reference;
        }
        let reference = self.values.push(value) + 1;
        self.by_value.insert(value.into(), reference);
        reference
    }
}

/// The columns of so many rows.
struct Metadata<'a> {
    columns: &'a mut Vec<ColumnDraft>,
    rows: usize,
}

impl PartMetadata for Metadata<'_> {
    fn values(&self) -> impl Iterator<Item = &str> + Clone {
        let columns = self.columns.iter();
        columns.flat_map(|column| column.values.iter())
    }

    /// As `metadata_draft.rs` writes them.
    fn take_into(&mut self, out: &mut Vec<u8>) {
        let mut columns = std::mem::take(self.columns);
        if columns.is_empty() {
            return;
        }
        columns.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        put_len(out, columns.len());
        for mut column in columns {
            put_len(out, column.name.len());
            out.extend_from_slice(column.name.as_bytes());
            dictionary::put(out, &column.values.iter().collect::<Vec<_>>());
            column.refs.resize(self.rows, 0);
            put_u32s(out, &column.refs);
        }
    }
}

/// Where the line of a row starts.
fn start_of(rows: &Rows, row: usize) -> u32 {
    match row.checked_sub(1) {
        None => 0,
        Some(before) => rows.lines.ends[before] + 1,
    }
}
