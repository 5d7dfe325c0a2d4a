//! [`Head`]: where one input stands in one stream. Decodes a chunk when its first row is wanted and
//! drops it behind its last.

use std::ops::Range;

use super::draft::Mapping;
use super::keep::Known;
use crate::error::FormatError;
use crate::{ChunkMeta, FilterPlace, Rows, Scratch};

/// A position in the chunks of a stream.
pub(super) struct Head<'a> {
    /// The place of the input.
    pub(super) input: usize,
    /// The chunk in which the head stands, and those behind it.
    chunks: &'a [ChunkMeta],
    /// What else is known of each of them.
    known: &'a [Known],
    /// The first of them, if it is decoded.
    open: Option<OpenChunk>,
    /// The row in it.
    row: usize,
}

/// A decoded chunk.
pub(super) struct OpenChunk {
    pub(super) rows: Rows,
    pub(super) mapping: Mapping,
    memory: usize,
    /// Whether it is known which rows stay; the others are gone then.
    is_decided: bool,
    /// Whether rows are gone.
    is_cut: bool,
}

impl<'a> Head<'a> {
    /// Stands at the first row.
    pub(super) fn new(input: usize, chunks: &'a [ChunkMeta], known: &'a [Known]) -> Self {
        Self {
            input,
            chunks,
            known,
            open: None,
            row: 0,
        }
    }

    /// The time of the row at which the head stands; none at the end.
    pub(super) fn time(&self) -> Option<i64> {
        match &self.open {
            Some(open) => open.rows.timestamps.get(self.row).copied(),
            None => Some(self.chunks.first()?.first.nanos()),
        }
    }

    /// The chunk at whose first row the head stands, if all of its rows stay.
    pub(super) fn whole(&self) -> Option<&'a ChunkMeta> {
        let is_whole = match &self.open {
            Some(open) => open.is_decided && !open.is_cut && self.row == 0,
            None => !self.is_undecided(),
        };
        self.chunks.first().filter(|_| is_whole)
    }

    /// The filter that speaks for the chunk alone.
    pub(super) fn filter(&self) -> Option<&'a FilterPlace> {
        self.known.first()?.filter.as_ref()
    }

    /// Whether it is not known which rows of the chunk stay.
    pub(super) fn is_undecided(&self) -> bool {
        let is_decided = self.open.as_ref().is_some_and(|open| open.is_decided);
        !is_decided && self.known.first().is_some_and(|known| known.is_undecided)
    }

    /// Drops those rows of the decoded chunk for which `choose` says false.
    pub(super) fn decide(&mut self, choose: impl FnOnce(&Rows, &mut [bool])) {
        if let Some(open) = &mut self.open {
            let mut kept = vec![true; open.rows.len()];
            choose(&open.rows, &mut kept);
            open.is_decided = true;
            open.is_cut = kept.contains(&false);
            if open.is_cut {
                open.rows.retain(&kept);
            }
        }
    }

    /// Passes over the chunk.
    pub(super) fn skip(&mut self) {
        self.open = None;
        self.row = 0;
        self.chunks = self.chunks.get(1..).unwrap_or_default();
        self.known = self.known.get(1..).unwrap_or_default();
    }

    /// Decodes the chunk unless it is.
    pub(super) fn open(
        &mut self,
        segment: &[u8],
        scratch: &mut Scratch,
    ) -> Result<(), FormatError> {
        if let (None, Some(chunk)) = (&self.open, self.chunks.first()) {
            let rows = chunk.decode_rows(segment, scratch)?;
            let memory = memory(&rows);
            self.open = Some(OpenChunk {
                mapping: Mapping::new(&rows),
                rows,
                memory,
                is_decided: false,
                is_cut: false,
            });
        }
        Ok(())
    }

    /// Drops the chunk if the head is behind its last row.
    pub(super) fn close_at_end(&mut self) {
        if self.rows().is_some_and(|rows| self.row >= rows.len()) {
            self.skip();
        }
    }

    /// About the bytes of the decoded chunk.
    pub(super) fn memory(&self) -> usize {
        self.open.as_ref().map_or(0, |open| open.memory)
    }

    /// The decoded chunk.
    pub(super) fn chunk(&mut self) -> Option<&mut OpenChunk> {
        self.open.as_mut()
    }

    /// Its rows.
    pub(super) fn rows(&self) -> Option<&Rows> {
        Some(&self.open.as_ref()?.rows)
    }

    /// The rows of the decoded chunk from here on that are before a time.
    pub(super) fn rows_before(&self, time: Option<i64>) -> Range<usize> {
        self.rows_while(|row| time.is_none_or(|time| row < time))
    }

    /// Those of one time.
    pub(super) fn rows_of(&self, time: i64) -> Range<usize> {
        self.rows_while(|row| row == time)
    }

    fn rows_while(&self, holds: impl Fn(i64) -> bool) -> Range<usize> {
        let left = self.rows().and_then(|rows| rows.timestamps.get(self.row..));
        let left = left.unwrap_or_default();
        // Most often the runs are short, where inputs interleave, or all that is left.
        let mut step = 1;
        while left.get(step - 1).is_some_and(|&time| holds(time)) {
            step *= 2;
        }
        let (from, to) = (step / 2, (step - 1).min(left.len()));
        let count = from + left[from..to].partition_point(|&time| holds(time));
        self.row..self.row + count
    }

    /// Moves within the decoded chunk.
    pub(super) fn go_to(&mut self, row: usize) {
        self.row = row;
    }
}

/// About the bytes that rows take.
fn memory(rows: &Rows) -> usize {
    let columns = rows.metadata.columns.iter();
    let metadata = columns.map(|column| {
        // References, their mapping, ends of texts.
        4 * column.refs.len() + 8 * column.values.len() + column.values.text_bytes()
    });
    rows.lines.bytes.len() + 12 * rows.len() + metadata.sum::<usize>()
}
