//! [`verify`]: reads all of a segment and checks what a query takes on trust.

use crate::column::Scratch;
use crate::error::{Area, Fault, FormatError};
use crate::lines::has_newlines;
use crate::varint::Cursor;
use crate::{ChunkMeta, Filter, Footer, Rows};

/// What a whole segment holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Streams.
    pub streams: usize,
    /// Chunks.
    pub chunks: usize,
    /// Rows.
    pub rows: u64,
    /// Bytes of all lines without separators.
    pub line_bytes: u64,
    /// Metadata values over all rows.
    pub metadata_values: u64,
}

/// Reads every column of a segment, and checks that nothing lies between columns and footer, that
/// lines are UTF-8 and separated, and that the footer's word on newlines and what filters say are
/// true.
///
/// # Errors
/// The first rule that the bytes break.
pub fn verify(segment: &[u8]) -> Result<Report, FormatError> {
    let place = Footer::place(segment, segment.len() as u64)?;
    let footer = Footer::of_segment(segment)?;
    let (found, expected) = (footer.data_end(), place.offset);
    if found != expected {
        let cursor = Cursor::new(segment, Area::Segment);
        return Err(cursor.fail("end of all columns", Fault::Mismatch { found, expected }));
    }
    let mut scratch = Scratch::default();
    let mut report = Report {
        streams: footer.streams.len(),
        chunks: footer.chunks.len(),
        ..Report::default()
    };
    let filters = footer.filters.iter();
    let filters = filters.filter_map(|place| place.open(segment).transpose());
    let filters = filters.collect::<Result<Vec<Filter>, _>>()?;
    for (place, chunk) in footer.chunks.iter().enumerate() {
        let rows = chunk.decode_rows(segment, &mut scratch)?;
        check_lines(chunk, &rows)?;
        if !filters.iter().all(|filter| admits(filter, place, &rows)) {
            let fault = Fault::Mismatch {
                found: 0,
                expected: 1,
            };
            return Err(chunk.lines.fail("lines in their filter", fault));
        }
        report.rows += u64::from(chunk.rows);
        report.line_bytes += chunk.line_bytes;
        let columns = rows.metadata.columns.iter();
        let values = columns
            .flat_map(|column| &column.refs)
            .filter(|reference| **reference > 0);
        report.metadata_values += values.count() as u64;
    }
    Ok(report)
}

/// Whether a filter knows all that a chunk holds.
fn admits(filter: &Filter, chunk: usize, rows: &Rows) -> bool {
    let columns = rows.metadata.columns.iter();
    let mut values = columns.flat_map(|column| column.values.iter());
    filter.may_hold(chunk, &rows.lines.bytes)
        && values.all(|value| filter.may_hold(chunk, value.as_bytes()))
}

fn check_lines(chunk: &ChunkMeta, rows: &Rows) -> Result<(), FormatError> {
    let not_utf8 = |_| chunk.lines.fail("lines", Fault::NotUtf8);
    let text = str::from_utf8(&rows.lines.bytes).map_err(not_utf8)?;
    let found = has_newlines(text.as_bytes(), rows.len());
    if found != chunk.has_newlines {
        let fault = Fault::Mismatch {
            found: found.into(),
            expected: chunk.has_newlines.into(),
        };
        return Err(chunk.lines.fail("newlines within lines", fault));
    }
    Ok(())
}
