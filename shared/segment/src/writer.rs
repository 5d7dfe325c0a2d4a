//! [`Writer`]: rows of streams in, the bytes of a segment out. Buffers in memory.
//!
//! One pass over a stream: put in order, cut into chunks, encode each column into its section.
//! Sections are joined at the end, so that the file is ordered by column.

use std::collections::HashSet;

use bytes::Bytes;
use narvi_model::{Entry, Labels, StreamId, TenantId, Timestamp};

use crate::bitpack::put_u32s;
use crate::codec::Compressor;
use crate::column::store;
use crate::error::WriteError;
use crate::filter::FilterDraft;
use crate::footer::{Footer, FooterStream};
use crate::limits::{MAX_CHUNK_BYTES, MAX_CHUNK_ROWS, MAX_METADATA_CELLS};
use crate::lines::{SEPARATOR, has_newlines};
use crate::metadata_draft::MetadataDraft;
use crate::order::arrange;
use crate::rows::Rows;
use crate::summary::Summary;
use crate::timestamps;
use crate::{ChunkMeta, WriterOptions};

/// A chunk ends when its metadata, repeats counted, have this many times the bytes that its lines
/// may have. Dictionaries make metadata small, so it seldom ends a chunk; where every value is new
/// it keeps the column bounded.
pub(crate) const METADATA_SHARE: usize = 4;

/// Filters hardly ever take more than this part of what they speak for (`filter/draft.rs`).
const FILTER_SHARE: usize = 8;

/// A finished segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The segment.
    pub bytes: Bytes,
    /// What the catalog keeps of it.
    pub summary: Summary,
}

/// Collects streams for one segment.
pub struct Writer {
    options: WriterOptions,
    compressor: Compressor,
    pub(crate) sections: Sections,
    pub(crate) filters: FilterDraft,
    known: HashSet<StreamId>,
    pub(crate) footer: Footer,
    order: Vec<u32>,
    draft: Draft,
    raw: Vec<u8>,
}

/// The columns of all chunks, by kind.
#[derive(Default)]
pub(crate) struct Sections {
    pub(crate) lines: Vec<u8>,
    pub(crate) metadata: Vec<u8>,
    pub(crate) lengths: Vec<u8>,
    pub(crate) timestamps: Vec<u8>,
}

/// The chunk that is being filled; its memory serves all chunks.
#[derive(Default)]
struct Draft {
    times: Vec<i64>,
    lengths: Vec<u32>,
    lines: Vec<u8>,
}

/// The metadata of a chunk that is ready.
pub(crate) trait PartMetadata {
    /// Every value, those of different names after each other.
    fn values(&self) -> impl Iterator<Item = &str> + Clone;

    /// Appends the raw column, or nothing where no row has metadata, and begins anew.
    fn take_into(&mut self, out: &mut Vec<u8>);
}

/// The rows of a chunk that is ready.
pub(crate) struct Part<'a> {
    pub(crate) times: &'a [i64],
    pub(crate) lengths: &'a [u32],
    pub(crate) lines: &'a [u8],
}

impl Writer {
    /// An empty segment.
    #[must_use]
    pub fn new(options: WriterOptions) -> Self {
        let options = WriterOptions {
            max_chunk_rows: options.max_chunk_rows.clamp(1, MAX_CHUNK_ROWS),
            max_chunk_bytes: options.max_chunk_bytes.min(MAX_CHUNK_BYTES),
            ..options
        };
        Self {
            options,
            compressor: Compressor::new(options.codec),
            sections: Sections::default(),
            filters: FilterDraft::new(),
            known: HashSet::new(),
            footer: Footer {
                streams: Vec::new(),
                chunks: Vec::new(),
                filters: Vec::new(),
            },
            order: Vec::new(),
            draft: Draft::default(),
            raw: Vec::new(),
        }
    }

    /// An empty segment with memory for so many stored bytes.
    pub(crate) fn with_room(options: WriterOptions, bytes: usize) -> Self {
        let filters = if options.filters {
            bytes / FILTER_SHARE
        } else {
            0
        };
        let mut writer = Self::new(options);
        writer.sections.lines.reserve_exact(bytes + filters);
        writer
    }

    /// How it writes, within the limits.
    pub(crate) fn options(&self) -> WriterOptions {
        self.options
    }

    /// Bytes of all columns so far.
    pub(crate) fn stored_bytes(&self) -> usize {
        let Sections {
            lines,
            metadata,
            lengths,
            timestamps,
        } = &self.sections;
        lines.len() + metadata.len() + lengths.len() + timestamps.len()
    }

    /// Adds one stream's entries in any order: sorted by time, those of equal time as they come,
    /// without those that repeat time, line and metadata of another. No entries add no stream.
    ///
    /// # Errors
    /// A stream that was pushed before, or a line or metadata beyond [`crate::limits`].
    pub fn push_entries(&mut self, labels: &Labels, entries: &[Entry]) -> Result<(), WriteError> {
        if entries.is_empty() {
            return Ok(());
        }
        self.begin_stream(labels)?;
        let mut order = std::mem::take(&mut self.order);
        let at = |row: u32| &entries[row as usize];
        arrange(
            &mut order,
            row_count(entries.len())?,
            |row| at(row).timestamp.nanos(),
            |a, b| (&at(a).line, &at(a).metadata).cmp(&(&at(b).line, &at(b).metadata)),
        );
        let mut draft = std::mem::take(&mut self.draft);
        let mut metadata = MetadataDraft::default();
        for &row in &order {
            let entry = at(row);
            if self.ends_before(&draft, &metadata, entry) {
                self.put_chunk(&draft.part(), &mut metadata)?;
                draft.clear();
            }
            draft.push(entry.timestamp.nanos(), entry.line.as_bytes());
            metadata.push_row(entry.metadata.iter());
        }
        self.put_chunk(&draft.part(), &mut metadata)?;
        draft.clear();
        (self.order, self.draft) = (order, draft);
        Ok(())
    }

    /// Adds one stream's rows, which are sorted by time and free of duplicates.
    ///
    /// # Errors
    /// As [`Writer::push_entries`]; columns that do not fit each other, unsorted rows, duplicates.
    pub fn push_rows(&mut self, labels: &Labels, rows: &Rows) -> Result<(), WriteError> {
        rows.check()?;
        if rows.is_empty() {
            return Ok(());
        }
        self.begin_stream(labels)?;
        let compare = |a, b| rows.compare(a as usize, rows, b as usize);
        let time = |row| rows.timestamps[row as usize];
        arrange(&mut self.order, row_count(rows.len())?, time, compare);
        if self.order.len() != rows.len() {
            return Err(WriteError::Duplicates(rows.len() - self.order.len()));
        }
        let ends = &rows.lines.ends;
        let mut lengths = Vec::new();
        let (mut start, mut byte) = (0, 0);
        while start < rows.len() {
            let end = self.cut(rows, start);
            lengths.clear();
            let mut from = byte;
            for &end in &ends[start..end] {
                lengths.push(end - from);
                from = end + 1;
            }
            let part = Part {
                times: &rows.timestamps[start..end],
                lengths: &lengths,
                lines: &rows.lines.bytes[byte as usize..from as usize],
            };
            let mut metadata = MetadataDraft::of_columns(&rows.metadata, start..end);
            self.put_chunk(&part, &mut metadata)?;
            (start, byte) = (end, from);
        }
        Ok(())
    }

    /// Joins the sections and writes the footer. The id of the segment depends on its tenant.
    ///
    /// # Errors
    /// A segment without rows, or a footer beyond [`crate::limits`].
    pub fn finish(mut self, tenant: &TenantId) -> Result<Encoded, WriteError> {
        let sections = self.sections;
        let mut bytes = sections.lines;
        for section in [sections.metadata, sections.lengths, sections.timestamps] {
            bytes.extend_from_slice(&section);
        }
        let filters;
        (self.footer.filters, filters) = self.filters.finish();
        bytes.extend_from_slice(&filters);
        let place = self.footer.put(&mut bytes, &mut self.compressor)?;
        let summary = Summary::new(tenant, &bytes, place, &self.footer).ok_or(WriteError::Empty)?;
        Ok(Encoded {
            bytes: bytes.into(),
            summary,
        })
    }

    /// Whether nothing was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.footer.chunks.is_empty()
    }

    /// What is added next is of this stream; it must have a row.
    pub(crate) fn begin_stream(&mut self, labels: &Labels) -> Result<(), WriteError> {
        let id = labels.stream_id();
        if !self.known.insert(id) {
            return Err(WriteError::StreamTwice(labels.clone()));
        }
        self.footer.streams.push(FooterStream {
            id,
            labels: labels.clone(),
        });
        Ok(())
    }

    /// Whether the chunk is full without this entry.
    fn ends_before(&self, draft: &Draft, metadata: &MetadataDraft<'_>, entry: &Entry) -> bool {
        let rows = draft.times.len();
        let line_bytes = draft.lines.len() - rows;
        rows >= self.options.max_chunk_rows
            || rows > 0
                && (line_bytes + entry.line.len() > self.options.max_chunk_bytes
                    || metadata.bytes() > METADATA_SHARE * self.options.max_chunk_bytes
                    || metadata.is_full(entry.metadata.len()))
    }

    /// The end of the chunk that starts at row `start`, by the same rules.
    fn cut(&self, rows: &Rows, start: usize) -> usize {
        let columns = &rows.metadata.columns;
        let widest = MAX_METADATA_CELLS / columns.len().max(1);
        let limit = self.options.max_chunk_rows.min(widest).max(1);
        let last = rows.len().min(start.saturating_add(limit));
        let metadata_limit = METADATA_SHARE * self.options.max_chunk_bytes;
        let (mut line_bytes, mut metadata_bytes) = (0, 0);
        for row in start..last {
            line_bytes += rows.lines.line(row).len();
            let full = line_bytes > self.options.max_chunk_bytes || metadata_bytes > metadata_limit;
            if full && row > start {
                return row;
            }
            let pairs = rows.metadata.pairs(row);
            metadata_bytes += pairs
                .map(|(name, value)| name.len() + value.len())
                .sum::<usize>();
        }
        last
    }

    /// Adds a chunk to the stream that was begun last, and takes its metadata.
    pub(crate) fn put_chunk(
        &mut self,
        part: &Part<'_>,
        metadata: &mut impl PartMetadata,
    ) -> Result<(), WriteError> {
        let [Some(&first), Some(&last)] = [part.times.first(), part.times.last()] else {
            return Ok(());
        };
        let (raw, compressor) = (&mut self.raw, &mut self.compressor);
        let rows = part.times.len();
        let lines = store("lines", part.lines, compressor, &mut self.sections.lines)?;
        if self.options.filters {
            let stored = lines.len as usize;
            let copyable = self.options.fills((part.lines.len() - rows) as u64, rows);
            // A filter of its own can be copied with its chunk.
            if copyable {
                self.filters.flush();
            }
            self.filters.push(part.lines, &metadata.values(), stored);
            if copyable {
                self.filters.flush();
            }
        }
        raw.clear();
        metadata.take_into(raw);
        let metadata = match raw.len() {
            0 => None,
            _ => Some(store(
                "metadata",
                raw,
                compressor,
                &mut self.sections.metadata,
            )?),
        };
        raw.clear();
        put_u32s(raw, part.lengths);
        let lengths = store("line lengths", raw, compressor, &mut self.sections.lengths)?;
        raw.clear();
        timestamps::put(raw, part.times);
        let timestamps = store("timestamps", raw, compressor, &mut self.sections.timestamps)?;
        self.footer.chunks.push(ChunkMeta {
            stream: row_count(self.footer.streams.len())?.saturating_sub(1),
            first: Timestamp::from_nanos(first),
            last: Timestamp::from_nanos(last),
            rows: row_count(rows)?,
            line_bytes: (part.lines.len() - rows) as u64,
            has_newlines: has_newlines(part.lines, rows),
            timestamps,
            lengths,
            lines,
            metadata,
        });
        Ok(())
    }
}

impl Draft {
    fn push(&mut self, time: i64, line: &[u8]) {
        self.times.push(time);
        // A line beyond u32 makes the column too long, which is refused when that is stored.
        self.lengths.push(line.len() as u32);
        self.lines.extend_from_slice(line);
        self.lines.push(SEPARATOR);
    }

    fn part(&self) -> Part<'_> {
        Part {
            times: &self.times,
            lengths: &self.lengths,
            lines: &self.lines,
        }
    }

    fn clear(&mut self) {
        self.times.clear();
        self.lengths.clear();
        self.lines.clear();
    }
}

/// Rows and streams are counted in `u32`.
pub(crate) fn row_count(size: usize) -> Result<u32, WriteError> {
    u32::try_from(size).map_err(|_| WriteError::TooLarge {
        what: "number of rows",
        size,
        limit: u32::MAX as usize,
    })
}
