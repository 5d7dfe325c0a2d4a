//! The timestamp column: `exponent u8 | blocks of (time - time before) / 10^exponent`.
//!
//! The first time stands in the footer, so a chunk of one row has an empty column. Deltas are never
//! negative, so what decodes is in order. Clocks of seconds, milliseconds and microseconds leave
//! zeros at the end of each delta, which the exponent takes away.

use crate::bitpack::{BLOCK, check_room, put_block, read_block};
use crate::error::Fault;
use crate::varint::{Cursor, Read};

/// What deltas may be divided by: a second, a millisecond, a microsecond, a nanosecond; and the
/// exponent byte that says so.
const SCALES: [(u8, u64); 4] = [(9, 1_000_000_000), (6, 1_000_000), (3, 1_000), (0, 1)];

/// Appends the column of `times`, which are in order.
pub(crate) fn put(out: &mut Vec<u8>, times: &[i64]) {
    if times.len() < 2 {
        return;
    }
    let (exponent, scale) = scale_of(times);
    out.push(exponent);
    let mut block = [0; BLOCK];
    for start in (1..times.len()).step_by(BLOCK) {
        let end = times.len().min(start + BLOCK);
        let pairs = times[start - 1..end].windows(2);
        for (to, pair) in block.iter_mut().zip(pairs) {
            *to = delta(pair) / scale;
        }
        put_block(out, &block[..end - start]);
    }
}

/// Time from one to the next; the difference of any two `i64` in order fits `u64`.
fn delta(pair: &[i64]) -> u64 {
    pair[1].wrapping_sub(pair[0]) as u64
}

/// The largest scale that divides every delta.
fn scale_of(times: &[i64]) -> (u8, u64) {
    let divides = |scale| {
        times
            .windows(2)
            .all(|pair| delta(pair).is_multiple_of(scale))
    };
    SCALES
        .into_iter()
        .find(|&(_, scale)| scale == 1 || divides(scale))
        .unwrap_or((0, 1))
}

/// Reads `rows` times from `first` to `last` into `out`, which it replaces.
pub(crate) fn read(
    cursor: &mut Cursor<'_>,
    rows: usize,
    (first, last): (i64, i64),
    out: &mut Vec<i64>,
) -> Read<()> {
    let field = "timestamp delta";
    out.clear();
    let span = last.wrapping_sub(first) as u64;
    let mut since = 0_u64;
    if rows > 1 {
        let exponent = cursor.byte("timestamp exponent")?;
        let scale = SCALES.iter().find(|(known, _)| *known == exponent);
        let unknown = || cursor.fail("timestamp exponent", Fault::Unknown(exponent.into()));
        let scale = scale.ok_or_else(unknown)?.1;
        check_room(cursor, field, rows - 1)?;
        out.reserve(rows);
        out.push(first);
        let mut block = [0; BLOCK];
        while out.len() < rows {
            let block = &mut block[..BLOCK.min(rows - out.len())];
            let bound = read_block(cursor, field, block)?;
            let farthest = u128::from(bound) * u128::from(scale) * BLOCK as u128;
            if farthest + u128::from(since) > u128::from(u64::MAX) {
                check_sum(block, scale, since)
                    .ok_or_else(|| cursor.fail(field, Fault::Overflow))?;
            }
            out.extend(block.iter().map(|delta| {
                since += delta * scale;
                first.wrapping_add_unsigned(since)
            }));
        }
    } else {
        out.push(first);
    }
    if since != span {
        let fault = Fault::Mismatch {
            found: since,
            expected: span,
        };
        return Err(cursor.fail("timestamp of the last row", fault));
    }
    Ok(())
}

/// Adds up a block that might leave `u64`; only clocks gone wild have such deltas.
fn check_sum(block: &[u64], scale: u64, since: u64) -> Option<u64> {
    block.iter().try_fold(since, |sum, delta| {
        sum.checked_add(delta.checked_mul(scale)?)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::bitpack::PADDING;
    use crate::error::Area;

    fn decode(bytes: &[u8], rows: usize, ends: (i64, i64)) -> Read<Vec<i64>> {
        let mut padded = bytes.to_vec();
        padded.extend([0; PADDING]);
        let mut cursor = Cursor::padded(&padded, bytes.len(), Area::Column(0));
        let mut out = vec![5];
        read(&mut cursor, rows, ends, &mut out)?;
        cursor.finish("timestamps")?;
        Ok(out)
    }

    #[track_caller]
    fn check(times: &[i64], bytes: usize) {
        let mut out = Vec::new();
        put(&mut out, times);
        assert_eq!(out.len(), bytes);
        let ends = (times[0], times[times.len() - 1]);
        assert_eq!(decode(&out, times.len(), ends), Ok(times.to_vec()));
    }

    #[test]
    fn sizes() {
        let from = 1_768_471_263_123_456_789;
        check(&[from], 0);
        check(&[from, from], 3);
        check(&[from, from + 1], 3);
        check(&[i64::MIN, i64::MAX], 12);
        check(&[i64::MIN, 0, i64::MAX], 12);
        let seconds: Vec<i64> = (0..1000).map(|n| from + n * 1_000_000_000).collect();
        check(&seconds, 1 + 8 * 2);
        let millis: Vec<i64> = (0..1000).map(|n| from + (n + n % 2) * 1_000_000).collect();
        check(&millis, 17 + 999_usize.div_ceil(4));
    }

    #[test]
    fn refuses_wrong_ends_and_overflow() {
        let mut bytes = Vec::new();
        put(&mut bytes, &[10, 20, 40]);
        let fault = |bytes: &[u8], rows, ends| decode(bytes, rows, ends).unwrap_err().fault;
        let wrong = Fault::Mismatch {
            found: 30,
            expected: 31,
        };
        assert_eq!(fault(&bytes, 3, (10, 41)), wrong);
        assert_eq!(
            fault(&bytes, 200, (10, 40)),
            Fault::TooLarge {
                found: 199,
                limit: 128
            }
        );
        assert_eq!(fault(&[1, 0, 0], 2, (0, 0)), Fault::Unknown(1));
        let mut far = vec![9];
        put_block(&mut far, &[u64::MAX / 2; 3]);
        assert_eq!(fault(&far, 4, (0, 1)), Fault::Overflow);
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote(
            mut times in prop::collection::vec(any::<i64>(), 1..300),
            divide in prop::sample::select(vec![1_i64, 1 << 20, 1 << 60]),
            scale in prop::sample::select(vec![1_i64, 1_000, 1_000_000, 1_000_000_000]),
        ) {
            for time in &mut times {
                *time = (*time / divide).wrapping_mul(scale);
            }
            times.sort_unstable();
            let mut out = Vec::new();
            put(&mut out, &times);
            let ends = (times[0], times[times.len() - 1]);
            prop_assert_eq!(decode(&out, times.len(), ends), Ok(times));
        }
    }
}
