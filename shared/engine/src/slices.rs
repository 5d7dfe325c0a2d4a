//! [`slices`]: a day cut into shares of time, for who may find enough in the first of them.
//!
//! Before a day is merged it can have thousands of segments, each of which costs a request to be
//! opened. The lines of one moment lie in few of them.

use narvi_model::{Direction, TimeRange, Timestamp};

use crate::limits::{SLICE_GROWTH, SLICE_SEGMENTS};

/// Cuts `range` in the asked direction by the first and last times of segments: the first slice
/// touches [`SLICE_SEGMENTS`] of them, each next one [`SLICE_GROWTH`] times as many new ones. Few
/// segments are not cut at all.
pub(crate) fn slices(
    times: impl Iterator<Item = (Timestamp, Timestamp)>,
    range: TimeRange,
    direction: Direction,
) -> Vec<TimeRange> {
    // Where a slice may end for each segment to lie all behind it, in the asked direction.
    let mut ends: Vec<Timestamp> = match direction {
        Direction::Forward => times.map(|(first, _)| first).collect(),
        Direction::Backward => times.map(|(_, last)| last.plus(1)).collect(),
    };
    ends.sort_unstable();
    if direction == Direction::Backward {
        ends.reverse();
    }
    let mut slices = Vec::new();
    let (mut rest, mut step, mut place) = (range, SLICE_SEGMENTS, SLICE_SEGMENTS);
    // A slice that leaves less than it takes is not worth a round of its own.
    while place + step <= ends.len() {
        if let Some((slice, behind)) = cut(rest, ends[place], direction) {
            slices.push(slice);
            rest = behind;
        }
        step *= SLICE_GROWTH;
        place += step;
    }
    slices.push(rest);
    slices
}

/// The part of a range before an instant, in the asked direction, and the part behind; `None`
/// where one of them is empty.
fn cut(range: TimeRange, at: Timestamp, direction: Direction) -> Option<(TimeRange, TimeRange)> {
    let early = TimeRange::new(range.start(), at.min(range.end()))?;
    let late = TimeRange::new(at.max(range.start()), range.end())?;
    Some(match direction {
        Direction::Forward => (early, late),
        Direction::Backward => (late, early),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(second)
    }

    fn check(times: &[(i64, i64)], direction: Direction, want: &[(i64, i64)]) {
        let range = TimeRange::new(at(0), at(10_000)).unwrap();
        let times: Vec<_> = times.iter().map(|(a, b)| (at(*a), at(*b))).collect();
        let got = slices(times.iter().copied(), range, direction);
        let want: Vec<_> = want
            .iter()
            .map(|(a, b)| TimeRange::new(at(*a), at(*b)).unwrap())
            .collect();
        assert_eq!(got, want);
    }

    /// Segments of a second each, one a second.
    fn each(count: usize) -> Vec<(i64, i64)> {
        (0..count as i64).map(|n| (n, n + 1)).collect()
    }

    #[test]
    fn few_segments_are_one_slice() {
        for count in [0, 1, SLICE_SEGMENTS, 2 * SLICE_SEGMENTS - 1] {
            check(&each(count), Direction::Forward, &[(0, 10_000)]);
        }
    }

    #[test]
    fn many_segments_are_slices_that_grow() {
        let first = SLICE_SEGMENTS as i64;
        let second = first + first * SLICE_GROWTH as i64;
        let count = 4 * second as usize;
        let want = [(0, first), (first, second), (second, 10_000)];
        check(&each(count), Direction::Forward, &want);
    }

    #[test]
    fn backward_the_last_come_first() {
        let n = SLICE_SEGMENTS as i64;
        let nanos_after = |second: i64| at(second).plus(1);
        let times = each(3 * SLICE_SEGMENTS);
        let range = TimeRange::new(at(0), at(10_000)).unwrap();
        let times = times.iter().map(|(a, b)| (at(*a), at(*b)));
        let got = slices(times, range, Direction::Backward);
        let bound = nanos_after(2 * n);
        let want = [(bound, at(10_000)), (at(0), bound)];
        assert_eq!(got, want.map(|(a, b)| TimeRange::new(a, b).unwrap()));
    }

    #[test]
    fn what_overlaps_everywhere_is_not_cut() {
        let all = vec![(0, 10_000); 10 * SLICE_SEGMENTS];
        check(&all, Direction::Forward, &[(0, 10_000)]);
        check(&all, Direction::Backward, &[(0, 10_000)]);
    }
}
