//! Segments in, one segment out: streams by labels, each stream's rows by time, every row once.
//!
//! Works on columns of one stream at a time, so besides the stored bytes only one stream is
//! decoded. Pure; the same inputs give the same bytes. Filters over chunks are written here too
//! when the format's writer has them.

use std::collections::BTreeMap;

use narvi_model::{Labels, TenantId};
use narvi_segment::{ChunkMeta, Encoded, Footer, Rows, Scratch, Writer, WriterOptions};

use crate::error::WorkError;
use crate::input::Input;

/// A chunk and the place of its segment among the inputs.
type Chunk<'a> = (usize, &'a ChunkMeta);

/// Merges inputs. Of equal times, lines of earlier inputs come first.
///
/// # Errors
/// `Input` for the first that cannot be decoded, `Write` for what does not fit into one segment.
pub(crate) fn merge(
    tenant: &TenantId,
    options: WriterOptions,
    inputs: &[Input],
) -> Result<Encoded, WorkError> {
    let footers = inputs.iter().map(|input| {
        let footer = Footer::of_segment(&input.bytes);
        footer.map_err(|error| WorkError::input(input.id, &error))
    });
    let footers = footers.collect::<Result<Vec<_>, _>>()?;
    let mut writer = Writer::new(options);
    let mut scratch = Scratch::default();
    for (labels, chunks) in by_stream(inputs, &footers)? {
        let mut runs = Vec::with_capacity(chunks.len());
        for (at, chunk) in chunks {
            let input = &inputs[at];
            let rows = chunk.decode_rows(&input.bytes, &mut scratch);
            runs.push(rows.map_err(|error| WorkError::input(input.id, &error))?);
        }
        writer.push_rows(labels, &Rows::merge(&runs)?)?;
    }
    Ok(writer.finish(tenant)?)
}

/// Chunks by labels, so that streams that are alike lie side by side; those of a stream in the
/// order of inputs.
fn by_stream<'a>(
    inputs: &[Input],
    footers: &'a [Footer],
) -> Result<BTreeMap<&'a Labels, Vec<Chunk<'a>>>, WorkError> {
    let mut streams: BTreeMap<&Labels, Vec<Chunk<'_>>> = BTreeMap::new();
    for (at, footer) in footers.iter().enumerate() {
        for chunk in &footer.chunks {
            let Some(stream) = footer.streams.get(chunk.stream as usize) else {
                return Err(WorkError::input(inputs[at].id, &"a chunk has no stream"));
            };
            streams.entry(&stream.labels).or_default().push((at, chunk));
        }
    }
    Ok(streams)
}
