//! [`weights`]: what chunks weigh in a volume: lines, distinct texts of metadata, and eight bytes
//! for each pair, as in Loki (`docs/decisions/0014-volume-by-overlap.md`).
//!
//! What is at hand with the footer, as the whole of a small segment is, is counted exactly and
//! without lines that an elder chunk has as well. Of the rest only the footer is known, which has
//! no number of pairs. Nothing is fetched for either.

use foldhash::{HashSet, HashSetExt as _};
use narvi_logql::running::Running;
use narvi_segment::{ChunkMeta, Column, MetadataColumns, Scratch};

use crate::candidates::Candidate;
use crate::damage::Damage;
use crate::duplicates;
use crate::error::EngineError;
use crate::fetch::Pieces;
use crate::limits::EXACT_VOLUME_BYTES;
use crate::units::Unit;

/// Bytes of a pair of metadata beside its texts.
const PAIR_BYTES: u64 = 8;

/// Pairs that a line is taken to have after the first of a chunk, whose pairs the encoding of the
/// column outweighs.
const PAIRS_GUESSED: u64 = 2;

/// The weight of each candidate, in their order.
pub(super) fn weights(
    candidates: &[Candidate],
    damage: &Damage,
    (scratch, running): (&mut Scratch, &Running),
) -> Result<Vec<u64>, EngineError> {
    let mut left = EXACT_VOLUME_BYTES;
    let mut weights = Vec::with_capacity(candidates.len());
    for (place, candidate) in candidates.iter().enumerate() {
        let chunk = candidate.chunk();
        let raw = chunk.metadata.as_ref().map_or(0, |column| column.raw_len);
        let metadata = match left.checked_sub(raw.into()) {
            Some(rest) => {
                left = rest;
                exact_metadata(candidate, damage, scratch)?
            }
            None => None,
        };
        let metadata = metadata.unwrap_or_else(|| guessed_metadata(chunk));
        let repeated = match left.checked_sub(compared_bytes(candidates, place)) {
            Some(rest) if !candidate.elders.is_empty() => {
                left = rest;
                repeated_bytes(candidates, place, damage, (scratch, running))?
            }
            _ => 0,
        };
        weights.push((chunk.line_bytes + metadata).saturating_sub(repeated));
    }
    Ok(weights)
}

/// What metadata weighs by the footer alone.
fn guessed_metadata(chunk: &ChunkMeta) -> u64 {
    let later_rows = u64::from(chunk.rows.saturating_sub(1));
    let pairs = later_rows * PAIRS_GUESSED * PAIR_BYTES;
    let texts = chunk.metadata.as_ref().map(|column| column.raw_len);
    texts.map_or(0, |texts| u64::from(texts) + pairs)
}

/// What metadata weighs, where its column is at hand.
fn exact_metadata(
    candidate: &Candidate,
    damage: &Damage,
    scratch: &mut Scratch,
) -> Result<Option<u64>, EngineError> {
    let chunk = candidate.chunk();
    let Some(column) = &chunk.metadata else {
        return Ok(Some(0));
    };
    let Some(stored) = candidate.segment.tail.column(column) else {
        return Ok(None);
    };
    match chunk.decode_metadata(&stored, scratch) {
        Ok(metadata) => Ok(Some(weight(&metadata))),
        Err(error) => {
            damage.bear(EngineError::corrupt(
                &candidate.segment.row.summary.id,
                &error,
            ))?;
            Ok(None)
        }
    }
}

fn weight(metadata: &MetadataColumns) -> u64 {
    let mut texts: HashSet<&str> = HashSet::new();
    let mut pairs = 0;
    for column in &metadata.columns {
        texts.insert(&column.name);
        texts.extend(column.values.iter());
        pairs += column.refs.iter().filter(|&&place| place > 0).count() as u64;
    }
    texts.iter().map(|text| text.len() as u64).sum::<u64>() + pairs * PAIR_BYTES
}

/// About the bytes that are decoded to compare a chunk with its elders.
fn compared_bytes(candidates: &[Candidate], place: usize) -> u64 {
    let elders = candidates[place].elders.iter();
    elders
        .chain([&place])
        .map(|&other| candidates[other].chunk().line_bytes)
        .sum()
}

/// Line bytes of rows that an elder chunk has too; 0 where not all that it takes is at hand.
fn repeated_bytes(
    candidates: &[Candidate],
    place: usize,
    damage: &Damage,
    (scratch, running): (&mut Scratch, &Running),
) -> Result<u64, EngineError> {
    let candidate = &candidates[place];
    let is_at_hand = |&other: &usize| {
        let other = &candidates[other];
        columns(other.chunk()).all(|column| other.segment.tail.column(column).is_some())
    };
    if !candidate.elders.iter().chain([&place]).all(is_at_hand) {
        return Ok(0);
    }
    let unit = Unit {
        chunks: vec![place],
    };
    let pieces = Pieces::default();
    let found = duplicates::collisions(candidates, &unit, (&pieces, damage), (scratch, running))?;
    let found: Vec<_> = found.iter().collect();
    let rows = duplicates::repeated(&found, candidates, (&pieces, damage), (scratch, running))?;
    let stored = pieces.column(&candidate.segment, &candidate.chunk().lengths)?;
    let mut lengths = Vec::new();
    let decoded = candidate
        .chunk()
        .decode_lengths(&stored, scratch, &mut lengths);
    if let Err(error) = decoded {
        damage.bear(EngineError::corrupt(
            &candidate.segment.row.summary.id,
            &error,
        ))?;
        return Ok(0);
    }
    let lengths = rows.iter().filter_map(|&row| lengths.get(row as usize));
    Ok(lengths.map(|&length| u64::from(length)).sum())
}

fn columns(chunk: &ChunkMeta) -> impl Iterator<Item = &Column> {
    let needed = [&chunk.lines, &chunk.lengths, &chunk.timestamps];
    needed.into_iter().chain(&chunk.metadata)
}

#[cfg(test)]
mod tests {
    use narvi_model::{Entry, Labels, TenantId, Timestamp};
    use narvi_segment::{Footer, Writer, WriterOptions};

    use super::*;

    /// The weight of the metadata of rows.
    #[track_caller]
    fn check(rows: &[&[(&str, &str)]], want: u64) {
        let entries: Vec<Entry> = (0..)
            .zip(rows)
            .map(|(n, pairs)| Entry {
                timestamp: Timestamp::from_nanos(n),
                line: "line".into(),
                metadata: Labels::from_pairs(pairs.iter().copied()),
            })
            .collect();
        let mut writer = Writer::new(WriterOptions::default());
        let labels = Labels::from_pairs([("app", "a")]);
        writer.push_entries(&labels, &entries).unwrap();
        let bytes = writer.finish(&TenantId::without_auth()).unwrap().bytes;
        let chunk = &Footer::of_segment(&bytes).unwrap().chunks[0];
        let metadata = chunk.metadata.as_ref().map(|column| {
            let stored = column.of(&bytes).unwrap();
            chunk.decode_metadata(stored, &mut Scratch::default())
        });
        assert_eq!(
            metadata.map_or(0, |columns| weight(&columns.unwrap())),
            want
        );
    }

    #[test]
    fn texts_count_once_and_pairs_each() {
        check(&[&[]], 0);
        check(&[&[("level", "error")]], 10 + 8);
        check(&[&[("level", "error"), ("found", "error")]], 15 + 16);
        check(
            &[&[("level", "error")], &[], &[("level", "error")]],
            10 + 16,
        );
        check(
            &[&[("a", "bc")], &[("a", "d")], &[("bc", "a")]],
            1 + 2 + 1 + 24,
        );
    }
}
