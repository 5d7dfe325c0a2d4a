//! Takes a chunk over as it is stored: its columns are checked and copied. Decoded are only lines
//! and metadata, and only for filters, whose keys tell at which place of its segment a chunk is.

use crate::error::{Fault, FormatError};
use crate::{ChunkMeta, Column, MetadataColumns, Scratch, Writer};

impl Writer {
    /// Appends a chunk of another segment to the stream that was begun last. Its rows must follow
    /// those of the stream so far.
    ///
    /// # Errors
    /// Bytes that are cut short or damaged.
    pub(crate) fn copy_chunk(
        &mut self,
        chunk: &ChunkMeta,
        segment: &[u8],
        scratch: &mut Scratch,
    ) -> Result<(), FormatError> {
        if self.options().filters {
            self.filter_copied(chunk, segment, scratch)?;
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

    fn filter_copied(
        &mut self,
        chunk: &ChunkMeta,
        segment: &[u8],
        scratch: &mut Scratch,
    ) -> Result<(), FormatError> {
        let mut lines = Vec::new();
        chunk.decode_lines(chunk.lines.of(segment)?, &mut lines)?;
        let metadata = match &chunk.metadata {
            Some(column) => chunk.decode_metadata(column.of(segment)?, scratch)?,
            None => MetadataColumns::default(),
        };
        let columns = metadata.columns.iter();
        let values = columns.flat_map(|column| column.values.iter());
        self.filters.push(&lines, &values, chunk.lines.len as usize);
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
