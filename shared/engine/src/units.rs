//! [`Unit`]: a share of a query's chunks, cut by bytes so that one huge stream uses all cores too.

use std::ops::RangeInclusive;

use narvi_model::Direction;
use narvi_model::Timestamp;

use crate::candidates::Candidate;
use crate::limits::{FIRST_UNIT_BYTES, PART_BYTES, UNIT_BYTES};

/// Chunks that are fetched together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unit {
    /// Places among the candidates.
    pub(crate) chunks: Vec<usize>,
}

/// Cuts chunks in the order of their segments, so that a unit reads neighbouring bytes.
pub(crate) fn by_segment(candidates: &[Candidate]) -> Vec<Unit> {
    let order = (0..candidates.len()).collect();
    cut(candidates, order, UNIT_BYTES..=UNIT_BYTES)
}

/// Cuts chosen chunks, in the order of the footers.
pub(crate) fn of_chosen(candidates: &[Candidate], mut chosen: Vec<usize>) -> Vec<Unit> {
    chosen.sort_unstable();
    cut(candidates, chosen, UNIT_BYTES..=UNIT_BYTES)
}

impl Unit {
    /// Cuts a unit into what one worker scans.
    pub(crate) fn parts(self, candidates: &[Candidate]) -> Vec<Self> {
        cut(candidates, self.chunks, PART_BYTES..=PART_BYTES)
    }
}

/// Cuts chunks in the asked direction of time, starting small: the first lines are often enough.
/// Chunks of one time lie apart in a merged segment, so later units are large: what lies between
/// them is fetched along, and mostly is theirs as well.
pub(crate) fn by_time(candidates: &[Candidate], direction: Direction) -> Vec<Unit> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by_key(|&place| {
        let chunk = candidates[place].chunk();
        match direction {
            Direction::Forward => i128::from(chunk.first.nanos()),
            Direction::Backward => -i128::from(chunk.last.nanos()),
        }
    });
    cut(candidates, order, FIRST_UNIT_BYTES..=UNIT_BYTES)
}

/// Cuts chunks into units of line bytes that grow from the first size to the last.
fn cut(candidates: &[Candidate], order: Vec<usize>, sizes: RangeInclusive<u64>) -> Vec<Unit> {
    let mut budget = *sizes.start();
    let mut units = Vec::new();
    let mut unit = Unit::default();
    let mut bytes = 0;
    for place in order {
        // Empty lines have their separators.
        let chunk = candidates[place].chunk();
        bytes += chunk.line_bytes + u64::from(chunk.rows);
        unit.chunks.push(place);
        if bytes >= budget {
            units.push(std::mem::take(&mut unit));
            bytes = 0;
            budget = (budget * 2).min(*sizes.end());
        }
    }
    if !unit.chunks.is_empty() {
        units.push(unit);
    }
    units
}

/// The first time, in the asked direction, that chunks of this unit hold. Units cut
/// [`by_time`] have theirs in order.
pub(crate) fn bound(
    candidates: &[Candidate],
    unit: &Unit,
    direction: Direction,
) -> Option<Timestamp> {
    let chunks = unit.chunks.iter().map(|&place| candidates[place].chunk());
    match direction {
        Direction::Forward => chunks.map(|chunk| chunk.first).min(),
        Direction::Backward => chunks.map(|chunk| chunk.last).max(),
    }
}
