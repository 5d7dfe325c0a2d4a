//! Lines that are stored twice: found by equal times first, compared only then.

use std::ops::Range;

use narvi_logql::batch::LineColumn;
use narvi_logql::running::Running;
use narvi_segment::{MetadataColumns, Scratch};

use crate::candidates::Candidate;
use crate::damage::Damage;
use crate::error::EngineError;
use crate::fetch::{Pieces, Wanted};
use crate::scan::decode_lines;
use crate::units::Unit;

/// Rows of a chunk that have the times of rows of an elder one, and so may repeat them.
#[derive(Debug)]
pub(crate) struct Collision {
    /// The place of the chunk among the candidates.
    pub(crate) chunk: usize,
    /// The place of the elder one.
    pub(crate) elder: usize,
    /// Rows of the chunk and rows of the elder one that share a time.
    rows: Vec<(Range<u32>, Range<u32>)>,
}

/// Whether a unit has chunks that overlap with elder ones at all.
pub(crate) fn possible(candidates: &[Candidate], unit: &Unit) -> bool {
    unit.chunks
        .iter()
        .any(|&place| !candidates[place].elders.is_empty())
}

/// The timestamps that [`collisions`] compares.
pub(crate) fn wanted(candidates: &[Candidate], unit: &Unit) -> Wanted {
    let mut wanted = Wanted::default();
    for &place in &unit.chunks {
        let candidate = &candidates[place];
        if candidate.elders.is_empty() {
            continue;
        }
        wanted.add(&candidate.segment, &candidate.chunk().timestamps);
        for &elder in &candidate.elders {
            wanted.add(
                &candidates[elder].segment,
                &candidates[elder].chunk().timestamps,
            );
        }
    }
    wanted
}

/// Finds the rows of a unit's chunks that share a time with a row of an elder chunk.
pub(crate) fn collisions(
    candidates: &[Candidate],
    unit: &Unit,
    (pieces, damage): (&Pieces, &Damage),
    (scratch, running): (&mut Scratch, &Running),
) -> Result<Vec<Collision>, EngineError> {
    let (mut own, mut other) = (Vec::new(), Vec::new());
    let mut found = Vec::new();
    for &chunk in &unit.chunks {
        let candidate = &candidates[chunk];
        if candidate.elders.is_empty() {
            continue;
        }
        // Whoever scans a chunk that cannot be read leaves it out as well.
        if let Err(error) = timestamps(candidate, pieces, scratch, &mut own) {
            damage.bear(error)?;
            continue;
        }
        for &elder in &candidate.elders {
            running.check()?;
            if let Err(error) = timestamps(&candidates[elder], pieces, scratch, &mut other) {
                damage.bear(error)?;
                continue;
            }
            let rows = equal_runs(&own, &other);
            if !rows.is_empty() {
                found.push(Collision { chunk, elder, rows });
            }
        }
    }
    Ok(found)
}

fn timestamps(
    candidate: &Candidate,
    pieces: &Pieces,
    scratch: &mut Scratch,
    out: &mut Vec<i64>,
) -> Result<(), EngineError> {
    let chunk = candidate.chunk();
    let stored = pieces.column(&candidate.segment, &chunk.timestamps)?;
    chunk
        .decode_timestamps(&stored, scratch, out)
        .map_err(|e| EngineError::corrupt(&candidate.segment.row.summary.id, &e))
}

/// Runs of equal values in two ascending lists.
fn equal_runs(a: &[i64], b: &[i64]) -> Vec<(Range<u32>, Range<u32>)> {
    let (Some(last_a), Some(first_b)) = (a.last(), b.first()) else {
        return Vec::new();
    };
    let mut runs = Vec::new();
    let mut i = a.partition_point(|time| time < first_b);
    let mut j = a
        .get(i)
        .map_or(b.len(), |first| b.partition_point(|time| time < first));
    while i < a.len() && j < b.len() && b[j] <= *last_a {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                let run_a = a[i..].iter().take_while(|time| **time == a[i]).count();
                let run_b = b[j..].iter().take_while(|time| **time == b[j]).count();
                runs.push((i as u32..(i + run_a) as u32, j as u32..(j + run_b) as u32));
                i += run_a;
                j += run_b;
            }
        }
    }
    runs
}

/// The rows of one chunk, ascending, that are exact repetitions of rows of its elders.
pub(crate) fn repeated(
    collisions: &[&Collision],
    candidates: &[Candidate],
    (pieces, damage): (&Pieces, &Damage),
    (scratch, running): (&mut Scratch, &Running),
) -> Result<Vec<u32>, EngineError> {
    let Some(first) = collisions.first() else {
        return Ok(Vec::new());
    };
    let own = match Content::load(&candidates[first.chunk], pieces, scratch) {
        Ok(own) => own,
        Err(error) => {
            damage.bear(error)?;
            return Ok(Vec::new());
        }
    };
    let mut gone = Vec::new();
    for collision in collisions {
        running.check()?;
        let elder = match Content::load(&candidates[collision.elder], pieces, scratch) {
            Ok(elder) => elder,
            Err(error) => {
                damage.bear(error)?;
                continue;
            }
        };
        for (rows, elders) in &collision.rows {
            let repeats = |row: &u32| elders.clone().any(|other| own.equals(*row, &elder, other));
            gone.extend(rows.clone().filter(repeats));
        }
    }
    gone.sort_unstable();
    gone.dedup();
    Ok(gone)
}

/// What makes two rows of equal time the same.
struct Content {
    lines: LineColumn,
    metadata: MetadataColumns,
}

impl Content {
    fn load(
        candidate: &Candidate,
        pieces: &Pieces,
        scratch: &mut Scratch,
    ) -> Result<Self, EngineError> {
        let chunk = candidate.chunk();
        let mut lines = LineColumn::default();
        decode_lines(candidate, pieces, scratch, (&mut Vec::new(), &mut lines))?;
        let metadata = match &chunk.metadata {
            None => MetadataColumns::default(),
            Some(column) => {
                let stored = pieces.column(&candidate.segment, column)?;
                let corrupt = |e| EngineError::corrupt(&candidate.segment.row.summary.id, &e);
                chunk.decode_metadata(&stored, scratch).map_err(corrupt)?
            }
        };
        Ok(Self { lines, metadata })
    }

    fn equals(&self, row: u32, other: &Self, other_row: u32) -> bool {
        self.lines.line(row) == other.lines.line(other_row)
            && self.metadata.row(row as usize) == other.metadata.row(other_row as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_equal_times() {
        assert_eq!(
            equal_runs(&[1, 2, 2, 5], &[2, 3, 5, 5, 6]),
            [(1..3, 0..1), (3..4, 2..4)]
        );
        assert_eq!(equal_runs(&[1, 2], &[3]), []);
        assert_eq!(equal_runs(&[3], &[1, 2]), []);
        assert_eq!(equal_runs(&[], &[1]), []);
    }
}
