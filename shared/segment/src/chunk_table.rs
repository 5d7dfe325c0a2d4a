//! The footer's table of chunks.
//!
//! A chunk: `flags u8 | first - first before | last - first | rows | line bytes | lines | metadata?
//! | lengths | timestamps`, a column: `codec u8 | raw length unless lines | stored length unless
//! codec none | CRC-32C u32`. What other fields imply is not stored, so it cannot contradict them.

use narvi_model::Timestamp;

use crate::error::Fault;
use crate::limits::{MAX_CHUNK_ROWS, MAX_COLUMN_BYTES};
use crate::varint::{Cursor, Read, put, put_len, put_signed};
use crate::{ChunkMeta, Codec, Column};

/// Bytes of the smallest chunk: flags, four numbers, three columns with their checksums.
pub(crate) const MIN_CHUNK_BYTES: usize = 22;

/// A line of the chunk holds a newline.
const HAS_NEWLINES: u8 = 1;
/// The chunk has a metadata column.
const HAS_METADATA: u8 = 2;
/// The chunk is the first of the next stream.
const NEXT_STREAM: u8 = 4;

/// Appends the table.
pub(crate) fn put_table(out: &mut Vec<u8>, chunks: &[ChunkMeta]) {
    put_len(out, chunks.len());
    let mut before: Option<&ChunkMeta> = None;
    for chunk in chunks {
        put_chunk(out, chunk, before);
        before = Some(chunk);
    }
}

fn put_chunk(out: &mut Vec<u8>, chunk: &ChunkMeta, before: Option<&ChunkMeta>) {
    let mut flags = 0;
    if chunk.has_newlines {
        flags |= HAS_NEWLINES;
    }
    if chunk.metadata.is_some() {
        flags |= HAS_METADATA;
    }
    if before.is_none_or(|before| before.stream != chunk.stream) {
        flags |= NEXT_STREAM;
    }
    out.push(flags);
    let (first, last) = (chunk.first.nanos(), chunk.last.nanos());
    put_signed(
        out,
        first.wrapping_sub(before.map_or(0, |before| before.first.nanos())),
    );
    put(out, last.wrapping_sub(first) as u64);
    put(out, chunk.rows.into());
    put(out, chunk.line_bytes);
    put_stored(out, &chunk.lines);
    for column in chunk
        .metadata
        .iter()
        .chain([&chunk.lengths, &chunk.timestamps])
    {
        put_column(out, column);
    }
}

/// A column whose raw length is known.
fn put_stored(out: &mut Vec<u8>, column: &Column) {
    out.push(column.codec as u8);
    if column.codec != Codec::None {
        put(out, column.len.into());
    }
    out.extend_from_slice(&column.crc.to_le_bytes());
}

fn put_column(out: &mut Vec<u8>, column: &Column) {
    put(out, column.raw_len.into());
    put_stored(out, column);
}

/// Reads the table; offsets are still to be set. The chunks belong to `streams` streams.
pub(crate) fn read_table(cursor: &mut Cursor<'_>, streams: usize) -> Read<Vec<ChunkMeta>> {
    let count = cursor.count("chunk count", MIN_CHUNK_BYTES)?;
    let mut chunks: Vec<ChunkMeta> = Vec::with_capacity(count);
    for _ in 0..count {
        let chunk = read_chunk(cursor, chunks.last())?;
        chunks.push(chunk);
    }
    let found = chunks.last().map_or(0, |chunk| u64::from(chunk.stream) + 1);
    if found != streams as u64 {
        let fault = Fault::Mismatch {
            found,
            expected: streams as u64,
        };
        return Err(cursor.fail("streams with chunks", fault));
    }
    Ok(chunks)
}

fn read_chunk(cursor: &mut Cursor<'_>, before: Option<&ChunkMeta>) -> Read<ChunkMeta> {
    let flags = cursor.byte("chunk flags")?;
    if flags > HAS_NEWLINES | HAS_METADATA | NEXT_STREAM {
        return Err(cursor.fail("chunk flags", Fault::Unknown(flags.into())));
    }
    let next = flags & NEXT_STREAM != 0;
    let stream = match before {
        // There are fewer chunks than bytes in a footer.
        Some(before) => before.stream + u32::from(next),
        None if next => 0,
        None => return Err(cursor.fail("chunk flags", Fault::Unknown(flags.into()))),
    };
    let start = before.map_or(0, |before| before.first.nanos());
    let first = start.wrapping_add(cursor.signed("chunk's first time")?);
    let span = cursor.varint("chunk's time span")?;
    let last = first.checked_add_unsigned(span);
    let last = last.ok_or_else(|| cursor.fail("chunk's time span", Fault::Overflow))?;
    if !next && before.is_some_and(|before| before.last.nanos() > first) {
        return Err(cursor.fail("chunk's first time", Fault::Order));
    }
    // The limits of what follows fit u32.
    let rows = cursor.at_most("row count", MAX_CHUNK_ROWS)? as u32;
    if rows == 0 {
        return Err(cursor.fail(
            "row count",
            Fault::Mismatch {
                found: 0,
                expected: 1,
            },
        ));
    }
    let line_bytes = cursor.at_most("line bytes", MAX_COLUMN_BYTES - rows as usize)?;
    let lines = read_stored(cursor, line_bytes as u32 + rows)?;
    let metadata = match flags & HAS_METADATA {
        0 => None,
        _ => Some(read_column(cursor)?),
    };
    Ok(ChunkMeta {
        stream,
        first: Timestamp::from_nanos(first),
        last: Timestamp::from_nanos(last),
        rows,
        line_bytes: line_bytes as u64,
        has_newlines: flags & HAS_NEWLINES != 0,
        lines,
        metadata,
        lengths: read_column(cursor)?,
        timestamps: read_column(cursor)?,
    })
}

fn read_column(cursor: &mut Cursor<'_>) -> Read<Column> {
    let raw_len = cursor.at_most("column's raw length", MAX_COLUMN_BYTES)?;
    read_stored(cursor, raw_len as u32)
}

fn read_stored(cursor: &mut Cursor<'_>, raw_len: u32) -> Read<Column> {
    let byte = cursor.byte("column codec")?;
    let unknown = || cursor.fail("column codec", Fault::Unknown(byte.into()));
    let codec = Codec::from_byte(byte).ok_or_else(unknown)?;
    let len = match codec {
        Codec::None => raw_len,
        _ => cursor.at_most("column's stored length", raw_len as usize)? as u32,
    };
    let crc = cursor.fixed_u32("column checksum")?;
    Ok(Column {
        offset: 0,
        len,
        raw_len,
        codec,
        crc,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Area;

    /// Flags, first, span, rows, line bytes, and columns without compression.
    fn chunk(flags: u8, numbers: [u64; 4]) -> Vec<u8> {
        let mut bytes = vec![1, flags];
        for number in numbers {
            put(&mut bytes, number);
        }
        bytes.extend([0, 1, 1, 1, 1]);
        bytes.extend([2, 0, 2, 2, 2, 2]);
        bytes.extend([0, 0, 3, 3, 3, 3]);
        bytes
    }

    #[track_caller]
    fn check(bytes: &[u8], want: &Result<u32, Fault>) {
        let read = read_table(&mut Cursor::new(bytes, Area::Footer), 1);
        let found = read.map(|chunks| chunks[0].lines.len).map_err(|e| e.fault);
        assert_eq!(&found, want);
    }

    #[test]
    fn one_chunk() {
        let smallest = chunk(NEXT_STREAM, [0, 0, 1, 5]);
        assert_eq!(smallest.len(), 1 + MIN_CHUNK_BYTES);
        check(&smallest, &Ok(6));
        for cut in 0..smallest.len() {
            let read = read_table(&mut Cursor::new(&smallest[..cut], Area::Footer), 1);
            assert!(read.is_err());
        }
        check(&chunk(8, [0, 0, 1, 5]), &Err(Fault::Unknown(8)));
        check(&chunk(0, [0, 0, 1, 5]), &Err(Fault::Unknown(0)));
        check(&chunk(4, [0, u64::MAX, 1, 5]), &Err(Fault::Overflow));
        let limit = MAX_CHUNK_ROWS as u64;
        check(
            &chunk(4, [0, 0, limit + 1, 5]),
            &Err(Fault::TooLarge {
                found: limit + 1,
                limit,
            }),
        );
        let limit = MAX_COLUMN_BYTES as u64 - 1;
        check(
            &chunk(4, [0, 0, 1, limit + 1]),
            &Err(Fault::TooLarge {
                found: limit + 1,
                limit,
            }),
        );
        let mut codec = smallest;
        codec[6] = 9;
        check(&codec, &Err(Fault::Unknown(9)));
    }
}
