//! Decodes the chunks of a unit and evaluates them: the work of a core.
//!
//! [`Scanner`] is what log and metric queries have of their own; everything else is the same for
//! both. [`Needs`] says which columns must be there.

use narvi_logql::batch::{Batch, LineColumn, MetadataColumn, Selection, Texts};
use narvi_logql::logs::Arrival;
use narvi_logql::required::Required;
use narvi_logql::running::Running;
use narvi_model::answer::QueryStats;
use narvi_segment::{Column, MetadataColumns, Scratch};

use crate::candidates::Candidate;
use crate::damage::Damage;
use crate::duplicates::{self, Collision};
use crate::error::EngineError;
use crate::fetch::{Pieces, Wanted};
use crate::units::Unit;

/// The columns of a chunk that a query reads, beside its timestamps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// The bytes of each line.
    pub(crate) lines: bool,
    /// The length of each line.
    pub(crate) lengths: bool,
    /// Structured metadata.
    pub(crate) metadata: bool,
}

/// What a query does with its chunks.
pub(crate) trait Scanner: Send + Sync + 'static {
    /// What a unit yields.
    type Partial: Send + 'static;

    /// What a worker needs while it scans a unit.
    type State;

    /// A partial with nothing in it.
    fn start(&self) -> Self::Partial;

    /// What a worker needs for a unit.
    fn state(&self) -> Self::State;

    /// The query that this is for.
    fn running(&self) -> &Running;

    /// Where segments are noted that cannot be read.
    fn damage(&self) -> &Damage;

    /// What a chunk must hold to be read.
    fn required(&self) -> Required;

    /// Whether it reads the lines of every chunk that may hold what is required.
    fn reads_all_lines(&self) -> bool;

    /// The columns that it reads of a chunk; `None` where the footer's numbers are enough, which
    /// they never are where lines may be hidden.
    fn needs(&self, candidate: &Candidate) -> Option<Needs>;

    /// Takes a whole chunk by the numbers of its footer, where `needs` said `None`.
    fn count(&self, partial: &mut Self::Partial, candidate: &Candidate) -> Result<(), EngineError>;

    /// Takes the selected rows of a batch; answers how many survived the pipeline.
    fn scan(
        &self,
        into: (&mut Self::Partial, &mut Self::State),
        batch: &mut Batch,
        arrival: Arrival,
    ) -> Result<usize, EngineError>;
}

/// Buffers of one worker, used again for each chunk.
#[derive(Debug, Default)]
pub(crate) struct Worker {
    pub(crate) scratch: Scratch,
    batch: Batch,
    lengths: Vec<u32>,
}

/// The columns that a unit must have, those of colliding elders included.
pub(crate) fn wanted<S: Scanner>(
    scanner: &S,
    candidates: &[Candidate],
    unit: &Unit,
    collisions: &[Collision],
) -> Wanted {
    let mut wanted = Wanted::default();
    let mut add = |candidate: &Candidate, needs: Needs| {
        let chunk = candidate.chunk();
        let segment = &candidate.segment;
        wanted.add(segment, &chunk.timestamps);
        if needs.lines || needs.lengths {
            wanted.add(segment, &chunk.lengths);
        }
        if needs.lines {
            wanted.add(segment, &chunk.lines);
        }
        if let Some(metadata) = chunk.metadata.as_ref().filter(|_| needs.metadata) {
            wanted.add(segment, metadata);
        }
    };
    for &place in &unit.chunks {
        if let Some(needs) = scanner.needs(&candidates[place]) {
            add(&candidates[place], candidates[place].hidden.needs(needs));
        }
    }
    let everything = Needs {
        lines: true,
        lengths: true,
        metadata: true,
    };
    for collision in collisions {
        add(&candidates[collision.chunk], everything);
        add(&candidates[collision.elder], everything);
    }
    wanted
}

impl Worker {
    /// Decodes and evaluates the chunks of a unit.
    pub(crate) fn evaluate<S: Scanner>(
        &mut self,
        scanner: &S,
        candidates: &[Candidate],
        unit: &Unit,
        (collisions, pieces): (&[Collision], &Pieces),
    ) -> Result<(S::Partial, QueryStats), EngineError> {
        let (mut partial, mut state) = (scanner.start(), scanner.state());
        let mut stats = QueryStats {
            work_units: 1,
            ..QueryStats::default()
        };
        for &place in &unit.chunks {
            scanner.running().check()?;
            let candidate = &candidates[place];
            let chunk = candidate.chunk();
            stats.chunks_matched += 1;
            stats.decompressed_bytes += chunk.line_bytes;
            let Some(needed) = scanner.needs(candidate) else {
                scanner.count(&mut partial, candidate)?;
                stats.lines += u64::from(chunk.rows);
                stats.lines_after_filter += u64::from(chunk.rows);
                continue;
            };
            stats.chunks_read += 1;
            if let Err(error) = self.load(candidate, candidate.hidden.needs(needed), pieces) {
                scanner.damage().bear(error)?;
                continue;
            }
            let range = candidate.range;
            self.batch.clip(range.start().nanos(), range.end().nanos());
            let own: Vec<&Collision> = collisions.iter().filter(|c| c.chunk == place).collect();
            if !own.is_empty() {
                let buffers = (&mut self.scratch, scanner.running());
                let repeated =
                    duplicates::repeated(&own, candidates, (pieces, scanner.damage()), buffers)?;
                stats.duplicates += repeated.len() as u64;
                self.batch.selection.subtract(&repeated);
            }
            let (own, running) = (candidate.own_labels(), scanner.running());
            candidate.hidden.strike(own, &mut self.batch, running)?;
            if !needed.metadata {
                // It was there for what is hidden, and is no part of the answer.
                self.batch.metadata.clear();
            }
            stats.lines += self.batch.selection.len() as u64;
            let into = (&mut partial, &mut state);
            let survivors = scanner.scan(into, &mut self.batch, candidate.arrival)?;
            stats.lines_after_filter += survivors as u64;
        }
        Ok((partial, stats))
    }

    /// Fills the batch with the columns of a chunk, all rows selected.
    fn load(
        &mut self,
        candidate: &Candidate,
        needs: Needs,
        pieces: &Pieces,
    ) -> Result<(), EngineError> {
        let chunk = candidate.chunk();
        let segment = &candidate.segment;
        let id = &segment.row.summary.id;
        let corrupt = |e| EngineError::corrupt(id, &e);
        let stored = |column: &Column| pieces.column(segment, column);
        let (batch, scratch) = (&mut self.batch, &mut self.scratch);
        batch.stream = candidate.labels.clone();
        chunk
            .decode_timestamps(&stored(&chunk.timestamps)?, scratch, &mut batch.timestamps)
            .map_err(corrupt)?;
        batch.lengths.clear();
        if needs.lengths && !needs.lines {
            chunk
                .decode_lengths(&stored(&chunk.lengths)?, scratch, &mut batch.lengths)
                .map_err(corrupt)?;
        }
        if needs.lines {
            decode_lines(
                candidate,
                pieces,
                scratch,
                (&mut self.lengths, &mut batch.lines),
            )?;
        }
        batch.metadata.clear();
        if let Some(column) = chunk.metadata.as_ref().filter(|_| needs.metadata) {
            let columns = chunk
                .decode_metadata(&stored(column)?, scratch)
                .map_err(corrupt)?;
            batch.metadata = metadata(columns);
        }
        batch.selection = Selection::Run(0..batch.rows());
        Ok(())
    }
}

/// Decodes the lines of a chunk with the places of their ends.
pub(crate) fn decode_lines(
    candidate: &Candidate,
    pieces: &Pieces,
    scratch: &mut Scratch,
    (lengths, lines): (&mut Vec<u32>, &mut LineColumn),
) -> Result<(), EngineError> {
    let chunk = candidate.chunk();
    let segment = &candidate.segment;
    let corrupt = |e| EngineError::corrupt(&segment.row.summary.id, &e);
    let stored = pieces.column(segment, &chunk.lengths)?;
    chunk
        .decode_lengths(&stored, scratch, lengths)
        .map_err(corrupt)?;
    let stored = pieces.column(segment, &chunk.lines)?;
    chunk
        .decode_lines(&stored, &mut lines.bytes)
        .map_err(corrupt)?;
    lines.ends.clear();
    let mut end = 0_u32;
    lines.ends.extend(lengths.iter().map(|len| {
        let here = end + len;
        end = here + 1;
        here
    }));
    lines.has_newlines = chunk.has_newlines;
    Ok(())
}

fn metadata(columns: MetadataColumns) -> Vec<MetadataColumn> {
    let convert = |column: narvi_segment::MetadataColumn| {
        let (text, ends) = column.values.into_parts();
        MetadataColumn {
            name: column.name,
            values: Texts { text, ends },
            refs: column.refs,
        }
    };
    columns.columns.into_iter().map(convert).collect()
}
