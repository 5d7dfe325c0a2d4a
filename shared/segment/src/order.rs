//! [`arrange`]: which rows to write in which order: by time, equal rows once.
//!
//! Rows that come in order cost one look at each time. Contents are compared only among rows of
//! equal time. Does not know what a row is.

use std::cmp::Ordering;

/// Up to this many rows of one time are compared each with each; more are sorted, so that a push
/// whose lines all have one time does not cost the square of their number.
const FEW: usize = 16;

/// Fills `order` with the rows `0..rows`, sorted by `time`, rows of equal time as they came,
/// without those that `compare` finds equal to an earlier one of the same time.
pub(crate) fn arrange(
    order: &mut Vec<u32>,
    rows: u32,
    time: impl Fn(u32) -> i64,
    compare: impl Fn(u32, u32) -> Ordering,
) {
    order.clear();
    order.extend(0..rows);
    let (mut sorted, mut ties) = (true, false);
    let mut before = None;
    for row in 0..rows {
        let now = time(row);
        sorted &= before.is_none_or(|before| before <= now);
        ties |= before == Some(now);
        before = Some(now);
    }
    if !sorted {
        order.sort_by_key(|&row| time(row));
    }
    if ties || !sorted {
        drop_equal(order, time, compare);
    }
}

fn drop_equal(
    order: &mut Vec<u32>,
    time: impl Fn(u32) -> i64,
    compare: impl Fn(u32, u32) -> Ordering,
) {
    let (mut kept, mut start) = (0, 0);
    while start < order.len() {
        let now = time(order[start]);
        let mut end = start + 1;
        while end < order.len() && time(order[end]) == now {
            end += 1;
        }
        let unique = unique(&mut order[start..end], &compare);
        order.copy_within(start..start + unique, kept);
        kept += unique;
        start = end;
    }
    order.truncate(kept);
}

/// Moves the rows that equal no earlier one to the front, in their order. Returns how many.
fn unique(rows: &mut [u32], compare: &impl Fn(u32, u32) -> Ordering) -> usize {
    if rows.len() <= FEW {
        let mut kept = 0;
        for at in 0..rows.len() {
            let row = rows[at];
            if rows[..kept]
                .iter()
                .all(|&earlier| compare(earlier, row) != Ordering::Equal)
            {
                rows[kept] = row;
                kept += 1;
            }
        }
        return kept;
    }
    let mut places: Vec<usize> = (0..rows.len()).collect();
    places.sort_by(|&a, &b| compare(rows[a], rows[b]));
    // The sort is stable, so the first of equal rows is the one that came first.
    places.dedup_by(|later, first| compare(rows[*first], rows[*later]) == Ordering::Equal);
    places.sort_unstable();
    for (kept, &place) in places.iter().enumerate() {
        rows[kept] = rows[place];
    }
    places.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn arranged(rows: &[(i64, u8)]) -> Vec<u32> {
        let mut order = vec![7];
        let at = |row: u32| rows[row as usize];
        arrange(
            &mut order,
            rows.len() as u32,
            |row| at(row).0,
            |a, b| at(a).1.cmp(&at(b).1),
        );
        order
    }

    #[track_caller]
    fn check(rows: &[(i64, u8)], want: &[u32]) {
        assert_eq!(arranged(rows), want);
    }

    #[test]
    fn order_and_duplicates() {
        check(&[], &[]);
        check(&[(1, 0), (2, 0), (3, 0)], &[0, 1, 2]);
        check(&[(3, 0), (1, 0), (2, 0)], &[1, 2, 0]);
        check(&[(1, 5), (1, 4), (1, 5), (2, 5)], &[0, 1, 3]);
        check(&[(2, 5), (1, 4), (2, 5), (1, 4), (1, 3)], &[1, 4, 0]);
    }

    proptest! {
        #[test]
        fn agrees_with_the_plain_way(rows in prop::collection::vec((0_i64..4, 0_u8..12), 0..90)) {
            let mut plain: Vec<u32> = (0..rows.len() as u32).collect();
            plain.sort_by_key(|&row| rows[row as usize].0);
            let mut seen = std::collections::HashSet::new();
            plain.retain(|&row| seen.insert(rows[row as usize]));
            prop_assert_eq!(arranged(&rows), plain);
        }
    }
}
