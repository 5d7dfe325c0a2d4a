//! [`merge`]: several segments become one, for compaction, in bounded memory.
//!
//! Streams come one after the other. Within a stream each input has a head, which stands at the
//! earliest row that is not yet written, and the earliest head goes on. Only chunks in which a head
//! stands are decoded: one of an input at most. A chunk that lies alone in time and is as large and
//! as compressed as a new one would be is taken over as it is stored. [`merge_kept`] leaves out
//! rows by a [`Keep`]: a chunk that goes whole is not decoded either.
//!
//! Reading order: `keep.rs` (what stays), `head.rs` (where an input stands), `ties.rs` (rows of one
//! time), `draft.rs` (the chunk that is being filled), `copy.rs`. Pure: the same inputs give the
//! same bytes.

mod copy;
mod draft;
mod head;
mod keep;
mod ties;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::Range;

use bytes::Bytes;
use narvi_model::{Labels, TenantId};

use crate::error::{FormatError, WriteError};
use crate::writer::row_count;
use crate::{ChunkMeta, Encoded, Footer, Scratch, Writer, WriterOptions};
use draft::RowsDraft;
use head::Head;
use keep::Everything;
pub use keep::{Keep, Share};
use ties::Ties;

/// How to merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergeOptions {
    /// How the result is written.
    pub writer: WriterOptions,
    /// Stored bytes of the result, about; more are refused.
    pub max_bytes: usize,
    /// Bytes of chunks that are decoded at one time; more are refused.
    pub max_open_bytes: usize,
}

/// Why a merge has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// An input cannot be read.
    #[error("input {input}: {source}")]
    Input {
        /// Its place among the inputs.
        input: usize,
        /// What is wrong with it.
        source: FormatError,
    },
    /// The result is more than one segment can hold, or than the options allow: merge fewer.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl MergeError {
    fn input(input: usize, source: FormatError) -> Self {
        Self::Input { input, source }
    }
}

/// The chunks of a stream in each input that has it.
type Runs = Vec<(usize, Range<usize>)>;

/// Merges whole segments: streams in the order of their labels, rows of a stream by time, those of
/// equal time in the order of inputs, each row once. (Of more than [`crate::limits::MAX_TIE_BYTES`]
/// of different rows of one stream and time, some may stay twice.)
///
/// # Errors
/// The first input that cannot be read; a result beyond the options or [`crate::limits`].
pub fn merge(
    tenant: &TenantId,
    options: &MergeOptions,
    inputs: &[Bytes],
) -> Result<Encoded, MergeError> {
    let merged = merge_kept(tenant, options, inputs, &Everything)?;
    merged.ok_or(MergeError::Write(WriteError::Empty))
}

/// As [`merge`], with the rows that `keep` leaves; `None` where it leaves none. Streams without
/// rows are not in the result.
///
/// # Errors
/// As [`merge`]; nothing that stays is not one.
pub fn merge_kept(
    tenant: &TenantId,
    options: &MergeOptions,
    inputs: &[Bytes],
    keep: &dyn Keep,
) -> Result<Option<Encoded>, MergeError> {
    let mut streams: BTreeMap<Labels, Runs> = BTreeMap::new();
    let mut tables = Vec::with_capacity(inputs.len());
    for (input, bytes) in inputs.iter().enumerate() {
        let mut footer = Footer::of_segment(bytes).map_err(|e| MergeError::input(input, e))?;
        let open = keep::drop_chunks(&mut footer, keep);
        let mut end = 0;
        // Chunks lie by stream. Labels that another input has too are dropped here: of 30 inputs
        // with 100,000 streams each, they would be the most of all memory.
        for (place, stream) in (0..).zip(footer.streams) {
            let start = end;
            let own = footer.chunks[start..].iter();
            end += own.take_while(|chunk| chunk.stream == place).count();
            if start < end {
                let runs = streams.entry(stream.labels).or_default();
                runs.push((input, start..end));
            }
        }
        tables.push((footer.chunks, open));
    }
    let mut merger = Merger::new(options, inputs, keep);
    for (labels, runs) in streams {
        let heads = runs.into_iter().map(|(input, run)| {
            let (chunks, open) = &tables[input];
            Head::new(input, &chunks[run.clone()], &open[run])
        });
        merger.stream(&labels, heads.collect())?;
    }
    match merger.writer.is_empty() {
        true => Ok(None),
        false => Ok(Some(merger.writer.finish(tenant)?)),
    }
}

struct Merger<'a> {
    options: &'a MergeOptions,
    inputs: &'a [Bytes],
    keep: &'a dyn Keep,
    writer: Writer,
    draft: RowsDraft,
    ties: Ties,
    scratch: Scratch,
    /// Bytes of all chunks that are decoded.
    open: usize,
    /// Whether the writer has begun the stream: only one of which a row stays is begun.
    is_begun: bool,
}

impl<'a> Merger<'a> {
    fn new(options: &'a MergeOptions, inputs: &'a [Bytes], keep: &'a dyn Keep) -> Self {
        // Room for the whole result at once: a vector that grows would be there twice at the end.
        let stored = inputs.iter().map(Bytes::len).sum::<usize>();
        let writer = Writer::with_room(options.writer, stored.min(options.max_bytes));
        Self {
            options,
            inputs,
            keep,
            draft: RowsDraft::new(writer.options()),
            writer,
            ties: Ties::default(),
            scratch: Scratch::default(),
            open: 0,
            is_begun: false,
        }
    }

    /// Writes one stream; heads are in the order of inputs.
    fn stream(&mut self, labels: &Labels, mut heads: Vec<Head<'_>>) -> Result<(), MergeError> {
        self.is_begun = false;
        self.ties.clear();
        let starts = (0..row_count(heads.len())?).zip(&heads);
        let mut queue: BinaryHeap<_> = starts
            .filter_map(|(place, head)| Some(Reverse((head.time()?, place))))
            .collect();
        while let Some(Reverse((time, place))) = queue.pop() {
            let next = queue.peek().map(|Reverse((time, _))| *time);
            let head = &mut heads[place as usize];
            self.decide(labels, head)?;
            // Not so where the rows at which the head stood are gone.
            if head.time() == Some(time) {
                self.step(labels, head, next)?;
            }
            self.close_at_end(head);
            if let Some(time) = head.time() {
                queue.push(Reverse((time, place)));
            }
        }
        self.flush(labels)
    }

    /// Asks which rows stay of a chunk of which only its rows tell.
    fn decide(&mut self, labels: &Labels, head: &mut Head<'_>) -> Result<(), MergeError> {
        if head.is_undecided() {
            self.open(head)?;
            head.decide(|rows, kept| self.keep.rows(labels, rows, kept));
        }
        Ok(())
    }

    /// Writes rows of the head that stands at the earliest time, up to the time of the next one.
    fn step(
        &mut self,
        labels: &Labels,
        head: &mut Head<'_>,
        next: Option<i64>,
    ) -> Result<(), MergeError> {
        let Some(time) = head.time() else {
            return Ok(());
        };
        let is_tied = next == Some(time) || self.ties.is_at(time);
        if let Some(chunk) = head.whole()
            && !is_tied
            && next.is_none_or(|next| next > chunk.last.nanos())
            && self.is_good(chunk)
        {
            self.flush(labels)?;
            self.begin(labels)?;
            let (input, scratch) = (&self.inputs[head.input], &mut self.scratch);
            let chunk = (chunk, head.filter());
            let copied = self.writer.copy_chunk(chunk, input, scratch);
            copied.map_err(|e| MergeError::input(head.input, e))?;
            self.open -= head.memory();
            head.skip();
            return self.check_size();
        }
        self.open(head)?;
        if is_tied {
            self.tied(labels, head, time)
        } else {
            let rows = head.rows_before(next);
            self.append(labels, head, rows)
        }
    }

    /// Decodes the chunk in which a head stands, unless it is.
    fn open(&mut self, head: &mut Head<'_>) -> Result<(), MergeError> {
        let before = head.memory();
        let opened = head.open(&self.inputs[head.input], &mut self.scratch);
        opened.map_err(|e| MergeError::input(head.input, e))?;
        self.open = self.open + head.memory() - before;
        if self.open > self.options.max_open_bytes {
            return Err(too_large(
                "chunks that are decoded at one time",
                self.open,
                self.options.max_open_bytes,
            ));
        }
        Ok(())
    }

    fn close_at_end(&mut self, head: &mut Head<'_>) {
        let before = head.memory();
        head.close_at_end();
        self.open = self.open + head.memory() - before;
    }

    /// Writes a head's rows of a time that other inputs have too, those that none has had.
    fn tied(&mut self, labels: &Labels, head: &mut Head<'_>, time: i64) -> Result<(), MergeError> {
        for row in head.rows_of(time) {
            let is_new = head
                .rows()
                .is_some_and(|rows| self.ties.insert(time, rows, row));
            if is_new {
                self.append(labels, head, row..row + 1)?;
            }
            head.go_to(row + 1);
        }
        Ok(())
    }

    /// Writes rows of a head's open chunk, and moves the head behind them.
    fn append(
        &mut self,
        labels: &Labels,
        head: &mut Head<'_>,
        mut rows: Range<usize>,
    ) -> Result<(), MergeError> {
        while !rows.is_empty() {
            let Some(open) = head.chunk() else { break };
            let taken = self.draft.append(open, rows.clone());
            rows.start += taken;
            if taken == 0 {
                self.flush(labels)?;
            }
        }
        head.go_to(rows.end);
        Ok(())
    }

    fn flush(&mut self, labels: &Labels) -> Result<(), MergeError> {
        if !self.draft.is_empty() {
            self.begin(labels)?;
            self.draft.flush(&mut self.writer)?;
        }
        self.check_size()
    }

    fn begin(&mut self, labels: &Labels) -> Result<(), MergeError> {
        if !self.is_begun {
            self.writer.begin_stream(labels)?;
            self.is_begun = true;
        }
        Ok(())
    }

    /// Whether a chunk is what this merge would write of its rows, or nearly.
    fn is_good(&self, chunk: &ChunkMeta) -> bool {
        let options = self.writer.options();
        chunk.lines.codec == options.codec && options.fills(chunk.line_bytes, chunk.rows as usize)
    }

    fn check_size(&self) -> Result<(), MergeError> {
        let size = self.writer.stored_bytes();
        if size > self.options.max_bytes {
            let limit = self.options.max_bytes;
            return Err(too_large("merged segment", size, limit));
        }
        Ok(())
    }
}

fn too_large(what: &'static str, size: usize, limit: usize) -> MergeError {
    MergeError::Write(WriteError::TooLarge { what, size, limit })
}
