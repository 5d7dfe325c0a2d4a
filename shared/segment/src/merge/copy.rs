//! Takes a chunk over as it is stored: its columns and its filter are checked and copied. Only
//! where it has no filter of its own, as from earlier versions, lines and metadata are decoded for
//! one.

use crate::error::{Fault, FormatError};
use crate::{ChunkMeta, Column, FilterPlace, MetadataColumns, Scratch, Writer};

impl Writer {
    /// Appends a chunk of another segment, with the filter that speaks for it, to the stream that
    /// was begun last. Its rows must follow those of the stream so far.
    ///
    /// # Errors
    /// Bytes that are cut short or damaged.
    pub(crate) fn copy_chunk(
        &mut self,
        (chunk, filter): (&ChunkMeta, Option<&FilterPlace>),
        segment: &[u8],
        scratch: &mut Scratch,
    ) -> Result<(), FormatError> {
        if self.options().filters {
            self.filter_copied((chunk, filter), segment, scratch)?;
        }
        let sections = &mut self.sections;
        let lines = copy("lines", &chunk.lines, segment, &mut sections.lines)?;
        let metadata = match &chunk.metadata {
            Some(column) => Some(copy("metadata", column, segment, &mut sections.metadata)?),
            None => None,
        };
        let lengths = &mut sections.lengths;
        let lengths = copy("line lengths", &chunk.lengths, segment, lengths)?;
        let timestamps = &mut sections.timestamps;
        let timestamps = copy("timestamps", &chunk.timestamps, segment, timestamps)?;
        self.footer.chunks.push(ChunkMeta {
            stream: (self.footer.streams.len() as u32).saturating_sub(1),
            lines,
            metadata,
            lengths,
            timestamps,
            ..*chunk
        });
        Ok(())
    }

    /// Copies a chunk's filter, or makes it anew where it has none of its own.
    fn filter_copied(
        &mut self,
        (chunk, filter): (&ChunkMeta, Option<&FilterPlace>),
        segment: &[u8],
        scratch: &mut Scratch,
    ) -> Result<(), FormatError> {
        if let Some(place) = filter
            && place
                .open(segment)?
                .is_some_and(|filter| filter.is_copyable())
        {
            self.filters.copy(place.of(segment));
            return Ok(());
        }
        let mut lines = Vec::new();
        chunk.decode_lines(chunk.lines.of(segment)?, &mut lines)?;
        let metadata = match &chunk.metadata {
            Some(column) => chunk.decode_metadata(column.of(segment)?, scratch)?,
            None => MetadataColumns::default(),
        };
        let columns = metadata.columns.iter();
        let values = columns.flat_map(|column| column.values.iter());
        self.filters.flush();
        self.filters.push(&lines, &values, chunk.lines.len as usize);
        self.filters.flush();
        Ok(())
    }
}

fn copy(
    field: &'static str,
    column: &Column,
    segment: &[u8],
    section: &mut Vec<u8>,
) -> Result<Column, FormatError> {
    let stored = column.of(segment)?;
    let computed = crc32c::crc32c(stored);
    if computed != column.crc {
        let stored = column.crc;
        return Err(column.fail(field, Fault::Checksum { computed, stored }));
    }
    let offset = section.len() as u64;
    section.extend_from_slice(stored);
    Ok(Column { offset, ..*column })
}
