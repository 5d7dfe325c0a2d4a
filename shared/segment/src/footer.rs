//! [`Footer`]: which streams and chunks a segment holds and where their columns lie.
//!
//! Stored as `symbols | stream count | streams | chunk count | chunks | filter count | filters |
//! trailer`. Offsets are not stored: columns lie one after the other, so lengths give them. The
//! parts: `symbols.rs`, `chunk_table.rs`, `trailer.rs`. Knows nothing of what columns hold.

use std::collections::HashSet;
use std::ops::Range;

use narvi_model::{Labels, StreamId};

use crate::chunk_table;
use crate::codec::Compressor;
use crate::error::{Area, Fault, FormatError, WriteError};
use crate::limits::{MAX_FOOTER_BYTES, MAX_LABEL_BYTES};
use crate::symbols::{SymbolDraft, Symbols};
use crate::trailer;
use crate::varint::{Cursor, Read, put_len};
use crate::{ChunkMeta, Column, Filter};

/// The decoded footer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footer {
    /// Streams, in the order in which they were written.
    pub streams: Vec<FooterStream>,
    /// Chunks by stream, those of a stream by time; every stream has one at least.
    pub chunks: Vec<ChunkMeta>,
    /// Filters, of known and unknown kinds.
    pub filters: Vec<FilterPlace>,
}

/// A stream of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FooterStream {
    /// The stream's key, which is made from its labels and not stored.
    pub id: StreamId,
    /// Its labels.
    pub labels: Labels,
}

/// Where a filter lies and which chunks it speaks for. A filter only rules chunks out, so a reader
/// skips kinds that it does not know; kind 0 says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterPlace {
    /// How its bytes are to be read.
    pub kind: u32,
    /// The first chunk, by place in [`Footer::chunks`].
    pub first_chunk: u32,
    /// Number of chunks.
    pub chunk_count: u32,
    /// First byte in the segment.
    pub offset: u64,
    /// Bytes.
    pub len: u32,
    /// CRC-32C of the bytes.
    pub crc: u32,
}

impl FilterPlace {
    /// Its bytes in the segment.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.offset..self.offset.saturating_add(self.len.into())
    }

    /// Its bytes out of a whole segment in memory; none where they lie outside.
    pub(crate) fn of<'a>(&self, segment: &'a [u8]) -> &'a [u8] {
        let range = self.range();
        let start = usize::try_from(range.start).unwrap_or(usize::MAX);
        let end = usize::try_from(range.end).unwrap_or(usize::MAX);
        segment.get(start..end).unwrap_or_default()
    }

    /// Reads the filter out of a whole segment in memory; `None` for unknown kinds.
    pub(crate) fn open(&self, segment: &[u8]) -> Result<Option<Filter>, FormatError> {
        Filter::decode(self, self.of(segment))
    }
}

/// Where a footer, trailer included, lies in its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FooterPlace {
    /// First byte.
    pub offset: u64,
    /// Bytes.
    pub len: u32,
}

impl FooterPlace {
    /// Its bytes in the segment.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.offset..self.offset.saturating_add(self.len.into())
    }
}

impl Footer {
    /// Reads a footer; `bytes` are exactly those of its [`FooterPlace`].
    ///
    /// # Errors
    /// The first byte that breaks the format's rules.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut cursor = Cursor::new(trailer::open(bytes)?, Area::Footer);
        let symbols = Symbols::read(&mut cursor)?;
        let streams = read_streams(&mut cursor, &symbols)?;
        let mut chunks = chunk_table::read_table(&mut cursor, streams.len())?;
        let mut filters = read_filters(&mut cursor, chunks.len())?;
        cursor.finish("footer")?;
        place_all(&mut chunks, &mut filters);
        Ok(Self {
            streams,
            chunks,
            filters,
        })
    }

    /// Finds the footer of a segment of `size` bytes by its last [`crate::TRAILER_BYTES`] bytes
    /// (more do no harm).
    ///
    /// # Errors
    /// Bytes that end no segment of this version.
    pub fn place(tail_bytes: &[u8], size: u64) -> Result<FooterPlace, FormatError> {
        trailer::place(tail_bytes, size)
    }

    /// Reads the footer of a whole segment in memory.
    ///
    /// # Errors
    /// As [`Footer::place`] and [`Footer::decode`].
    pub fn of_segment(segment: &[u8]) -> Result<Self, FormatError> {
        let place = Self::place(segment, segment.len() as u64)?;
        // The place lies within the segment, whose length is a usize.
        Self::decode(&segment[place.offset as usize..])
    }

    /// Offset of the first byte of line lengths: all that counts need lies from there on.
    #[must_use]
    pub fn tail(&self) -> u64 {
        self.chunks.first().map_or(0, |chunk| chunk.lengths.offset)
    }

    /// Offset of the first byte behind columns and filters, where the footer must start.
    #[must_use]
    pub fn data_end(&self) -> u64 {
        let columns = self
            .chunks
            .last()
            .map_or(0, |chunk| chunk.timestamps.range().end);
        let filter = |filter: &FilterPlace| filter.offset.saturating_add(filter.len.into());
        self.filters.last().map_or(columns, filter)
    }

    /// Sets offsets, and appends the whole footer to `out`.
    pub(crate) fn put(
        &mut self,
        out: &mut Vec<u8>,
        compressor: &mut Compressor,
    ) -> Result<FooterPlace, WriteError> {
        place_all(&mut self.chunks, &mut self.filters);
        let mut body = Vec::new();
        let mut symbols = SymbolDraft::default();
        let mut streams = Vec::new();
        put_streams(&mut streams, &self.streams, &mut symbols)?;
        symbols.put(&mut body, compressor)?;
        body.append(&mut streams);
        chunk_table::put_table(&mut body, &self.chunks);
        put_filters(&mut body, &self.filters);
        let len = body.len() + trailer::TRAILER_BYTES;
        if len > MAX_FOOTER_BYTES {
            let limit = MAX_FOOTER_BYTES;
            return Err(WriteError::TooLarge {
                what: "footer",
                size: len,
                limit,
            });
        }
        let place = FooterPlace {
            offset: out.len() as u64,
            len: len as u32,
        };
        let body_len = body.len() as u32;
        trailer::put(&mut body, body_len);
        out.extend_from_slice(&body);
        Ok(place)
    }
}

/// Sets every offset from the lengths: lines, metadata, line lengths, timestamps, filters.
fn place_all(chunks: &mut [ChunkMeta], filters: &mut [FilterPlace]) {
    let mut at = 0_u64;
    let mut put = |column: &mut Column| {
        column.offset = at;
        // A footer has at most 2^26 columns of at most 2^26 bytes.
        at += u64::from(column.len);
    };
    chunks.iter_mut().for_each(|chunk| put(&mut chunk.lines));
    chunks
        .iter_mut()
        .filter_map(|chunk| chunk.metadata.as_mut())
        .for_each(&mut put);
    chunks.iter_mut().for_each(|chunk| put(&mut chunk.lengths));
    chunks
        .iter_mut()
        .for_each(|chunk| put(&mut chunk.timestamps));
    for filter in filters {
        filter.offset = at;
        at += u64::from(filter.len);
    }
}

fn put_streams<'a>(
    out: &mut Vec<u8>,
    streams: &'a [FooterStream],
    symbols: &mut SymbolDraft<'a>,
) -> Result<(), WriteError> {
    let mut size = 0;
    put_len(out, streams.len());
    for stream in streams {
        put_len(out, stream.labels.len());
        for (name, value) in stream.labels.iter() {
            size += name.len() + value.len();
            put_len(out, symbols.place(name));
            put_len(out, symbols.place(value));
        }
    }
    if size > MAX_LABEL_BYTES {
        let limit = MAX_LABEL_BYTES;
        return Err(WriteError::TooLarge {
            what: "labels",
            size,
            limit,
        });
    }
    Ok(())
}

fn read_streams(cursor: &mut Cursor<'_>, symbols: &Symbols) -> Read<Vec<FooterStream>> {
    let count = cursor.count("stream count", 1 + chunk_table::MIN_CHUNK_BYTES)?;
    let mut streams = Vec::with_capacity(count);
    let mut known = HashSet::with_capacity(count);
    let mut left = MAX_LABEL_BYTES;
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for _ in 0..count {
        pairs.clear();
        for _ in 0..cursor.count("label count", 2)? {
            let name = symbols.read_text(cursor, "label name", &mut left)?;
            let value = symbols.read_text(cursor, "label value", &mut left)?;
            if pairs.last().is_some_and(|before| before.0 >= name) {
                return Err(cursor.fail("label name", Fault::Order));
            }
            pairs.push((name, value));
        }
        let labels = Labels::from_pairs(pairs.iter().copied());
        let id = labels.stream_id();
        if !known.insert(id) {
            return Err(cursor.fail("stream", Fault::Order));
        }
        streams.push(FooterStream { id, labels });
    }
    Ok(streams)
}

/// Bytes of the smallest filter's entry: four numbers and a checksum.
const MIN_FILTER_BYTES: usize = 8;

fn put_filters(out: &mut Vec<u8>, filters: &[FilterPlace]) {
    put_len(out, filters.len());
    for filter in filters {
        for number in [
            filter.kind,
            filter.first_chunk,
            filter.chunk_count,
            filter.len,
        ] {
            put_len(out, number as usize);
        }
        out.extend_from_slice(&filter.crc.to_le_bytes());
    }
}

fn read_filters(cursor: &mut Cursor<'_>, chunks: usize) -> Read<Vec<FilterPlace>> {
    let count = cursor.count("filter count", MIN_FILTER_BYTES)?;
    let mut filters = Vec::with_capacity(count);
    for _ in 0..count {
        // Limits are those of u32, or numbers of chunks, which fit it.
        let kind = cursor.at_most("filter kind", u32::MAX as usize)? as u32;
        let first_chunk = cursor.at_most("first chunk of a filter", chunks)?;
        let chunk_count = cursor.at_most("chunks of a filter", chunks - first_chunk)? as u32;
        let len = cursor.at_most("filter length", u32::MAX as usize)? as u32;
        let crc = cursor.fixed_u32("filter checksum")?;
        let first_chunk = first_chunk as u32;
        filters.push(FilterPlace {
            kind,
            first_chunk,
            chunk_count,
            offset: 0,
            len,
            crc,
        });
    }
    Ok(filters)
}

#[cfg(test)]
mod tests {
    use narvi_model::Timestamp;

    use super::*;
    use crate::Codec;
    use crate::varint::put;

    fn column(len: u32) -> Column {
        Column {
            offset: 0,
            len,
            raw_len: len,
            codec: Codec::None,
            crc: len,
        }
    }

    fn footer() -> Footer {
        let stream = |app| {
            let labels = Labels::from_pairs([("app", app), ("env", "prod")]);
            FooterStream {
                id: labels.stream_id(),
                labels,
            }
        };
        let chunk = |stream, at, metadata| ChunkMeta {
            stream,
            first: Timestamp::from_nanos(at),
            last: Timestamp::from_nanos(at + 5),
            rows: 2,
            line_bytes: 8,
            has_newlines: false,
            timestamps: column(3),
            lengths: column(2),
            lines: column(10),
            metadata,
        };
        let filter = |kind, len| FilterPlace {
            kind,
            first_chunk: 0,
            chunk_count: 3,
            offset: 0,
            len,
            crc: 7,
        };
        Footer {
            streams: vec![stream("a"), stream("b")],
            chunks: vec![
                chunk(0, 5, None),
                chunk(0, 10, Some(column(40))),
                chunk(1, -100, None),
            ],
            filters: vec![filter(0, 0), filter(99, 6)],
        }
    }

    fn bytes_of(mut footer: Footer) -> Vec<u8> {
        let mut out = Vec::new();
        footer
            .put(&mut out, &mut Compressor::new(Codec::None))
            .unwrap();
        out
    }

    #[test]
    fn reads_what_it_wrote_and_places_columns() {
        let mut written = footer();
        let mut out = vec![0; 91];
        let place = written
            .put(&mut out, &mut Compressor::new(Codec::None))
            .unwrap();
        assert_eq!(place.offset, 91);
        assert_eq!(Footer::place(&out, out.len() as u64), Ok(place));
        let read = Footer::decode(&out[91..]).unwrap();
        assert_eq!(read, written);
        assert_eq!(Footer::of_segment(&out), Ok(written));
        let lines = |n: usize| read.chunks[n].lines.range();
        assert_eq!([lines(0), lines(1), lines(2)], [0..10, 10..20, 20..30]);
        assert_eq!(
            read.chunks[1].metadata.map(|column| column.range()),
            Some(30..70)
        );
        assert_eq!((read.tail(), read.chunks[2].lengths.range()), (70, 74..76));
        assert_eq!(read.chunks[2].timestamps.range(), 82..85);
        assert_eq!((read.filters[1].offset, read.data_end()), (85, 91));
    }

    #[test]
    fn refuses_what_no_writer_makes() {
        let refused = |change: fn(&mut Footer)| {
            let mut footer = footer();
            change(&mut footer);
            let error = Footer::decode(&bytes_of(footer)).unwrap_err();
            (error.field, error.fault)
        };
        let twice = refused(|footer| footer.streams[1] = footer.streams[0].clone());
        assert_eq!(twice, ("stream", Fault::Order));
        let idle = refused(|footer| footer.chunks.truncate(2));
        assert_eq!(
            idle,
            (
                "streams with chunks",
                Fault::Mismatch {
                    found: 1,
                    expected: 2
                }
            )
        );
        let back = refused(|footer| footer.chunks[1].first = Timestamp::from_nanos(9));
        assert_eq!(back, ("chunk's first time", Fault::Order));
        let none = refused(|footer| footer.chunks[0].rows = 0);
        assert_eq!(
            none,
            (
                "row count",
                Fault::Mismatch {
                    found: 0,
                    expected: 1
                }
            )
        );
        let far = refused(|footer| footer.filters[1].chunk_count = 4);
        assert_eq!(
            far,
            ("chunks of a filter", Fault::TooLarge { found: 4, limit: 3 })
        );
    }

    #[test]
    fn a_long_label_cannot_be_repeated_without_end() {
        let value = "v".repeat(MAX_LABEL_BYTES / 2);
        let stream = |app: &str| {
            let labels = Labels::from_pairs([("app", app), ("v", &value)]);
            FooterStream {
                id: labels.stream_id(),
                labels,
            }
        };
        let streams = [stream("a"), stream("b")];
        let mut symbols = SymbolDraft::default();
        let refused = put_streams(&mut Vec::new(), &streams, &mut symbols);
        assert!(matches!(
            refused,
            Err(WriteError::TooLarge { what: "labels", .. })
        ));
        let mut table = Vec::new();
        symbols
            .put(&mut table, &mut Compressor::new(Codec::None))
            .unwrap();
        let symbols = Symbols::read(&mut Cursor::new(&table, Area::Footer)).unwrap();
        let mut streams = vec![2];
        for number in [2, 0, 1, 2, 3, 2, 0, 4, 2, 3] {
            put(&mut streams, number);
        }
        streams.extend([0; 50]);
        let error = read_streams(&mut Cursor::new(&streams, Area::Footer), &symbols).unwrap_err();
        assert!(matches!(error.fault, Fault::TooLarge { .. }), "{error}");
        assert_eq!(error.field, "label value");
    }
}
