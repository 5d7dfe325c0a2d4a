//! Blocks of up to 128 numbers, each stored in as few bits as the widest of its block needs above
//! the smallest (frame of reference): `varint min | width u8 | (value - min) * count`, low bits
//! first.
//!
//! One branch a block instead of one a value keeps decoding at about a nanosecond a row, and a
//! block of equal values is two bytes.

use crate::error::Fault;
use crate::varint::{Cursor, Read, put, truncated};

/// Values of a block: enough to spread `min` and `width` thin, few enough for one odd value to
/// widen only its neighbours.
pub(crate) const BLOCK: usize = 128;

/// Bytes behind a column that the unpacker may load and does not use: whatever the width, a block
/// is taken as an array of the widest, so that no load in it needs a check.
pub(crate) const PADDING: usize = BLOCK * 8 + 16;

/// The smallest block: `min` and `width`.
const MIN_BLOCK_BYTES: usize = 2;

/// Widest value whose bits always lie within one 8-byte load, whatever bit it starts at.
const MAX_LOAD_BITS: usize = 57;

/// Appends `values` in blocks.
pub(crate) fn put_u32s(out: &mut Vec<u8>, values: &[u32]) {
    let mut wide = [0_u64; BLOCK];
    for block in values.chunks(BLOCK) {
        for (to, from) in wide.iter_mut().zip(block) {
            *to = u64::from(*from);
        }
        put_block(out, &wide[..block.len()]);
    }
}

/// Appends one block of at most [`BLOCK`] values.
pub(crate) fn put_block(out: &mut Vec<u8>, values: &[u64]) {
    let (mut min, mut max) = (u64::MAX, 0);
    for &value in values {
        min = min.min(value);
        max = max.max(value);
    }
    let width = u64::BITS - max.saturating_sub(min).leading_zeros();
    put(out, min);
    out.push(width as u8);
    if width == 0 {
        return;
    }
    let (mut word, mut bits) = (0_u128, 0);
    for &value in values {
        word |= u128::from(value - min) << bits;
        bits += width;
        if bits >= u64::BITS {
            out.extend_from_slice(&(word as u64).to_le_bytes());
            word >>= u64::BITS;
            bits -= u64::BITS;
        }
    }
    out.extend_from_slice(&(word as u64).to_le_bytes()[..bits.div_ceil(8) as usize]);
}

/// Reads one block of `out.len()` values. Returns what no value of it exceeds.
pub(crate) fn read_block(
    cursor: &mut Cursor<'_>,
    field: &'static str,
    out: &mut [u64],
) -> Read<u64> {
    let min = cursor.varint(field)?;
    let width = u32::from(cursor.byte(field)?);
    if width == 0 {
        out.fill(min);
        return Ok(min);
    }
    if width > u64::BITS {
        let fault = Fault::TooLarge {
            found: width.into(),
            limit: u64::BITS.into(),
        };
        return Err(cursor.fail(field, fault));
    }
    let packed = cursor.take_padded(field, (width as usize * out.len()).div_ceil(8))?;
    match packed.first_chunk() {
        Some(packed) => unpack(packed, width, out),
        None => return Err(cursor.fail(field, truncated(PADDING, packed.len()))),
    }
    let mask = u64::MAX >> (u64::BITS - width);
    if let Some(bound) = min.checked_add(mask) {
        for value in out.iter_mut() {
            *value += min;
        }
        return Ok(bound);
    }
    for value in out.iter_mut() {
        *value = min
            .checked_add(*value)
            .ok_or_else(|| cursor.fail(field, Fault::Overflow))?;
    }
    Ok(u64::MAX)
}

/// Reads `width` bits, at least 1, for each value of at most a block.
fn unpack(packed: &[u8; PADDING], width: u32, out: &mut [u64]) {
    let mask = u64::MAX >> (u64::BITS - width);
    let width = width as usize;
    // Values of a block start below byte 1024; saying so leaves the loads without a check.
    let start = |bit: usize| bit / 8 % (BLOCK * 8);
    if width > MAX_LOAD_BITS {
        for (n, value) in out.iter_mut().enumerate() {
            let bit = n * width;
            let mut word = [0; 16];
            word.copy_from_slice(&packed[start(bit)..][..16]);
            *value = (u128::from_le_bytes(word) >> (bit % 8)) as u64 & mask;
        }
        return;
    }
    for (n, value) in out.iter_mut().enumerate() {
        let bit = n * width;
        let mut word = [0; 8];
        word.copy_from_slice(&packed[start(bit)..][..8]);
        *value = u64::from_le_bytes(word) >> (bit % 8) & mask;
    }
}

/// Refuses a number of values that the bytes left cannot hold, before room for them is made.
pub(crate) fn check_room(cursor: &Cursor<'_>, field: &'static str, values: usize) -> Read<()> {
    let limit = (cursor.left() / MIN_BLOCK_BYTES).saturating_mul(BLOCK);
    if values > limit {
        let fault = Fault::TooLarge {
            found: values as u64,
            limit: limit as u64,
        };
        return Err(cursor.fail(field, fault));
    }
    Ok(())
}

/// Reads `count` values, each at most `limit`, into `out`, which it replaces. Returns their sum.
pub(crate) fn read_u32s(
    cursor: &mut Cursor<'_>,
    field: &'static str,
    limit: u32,
    count: usize,
    out: &mut Vec<u32>,
) -> Read<u64> {
    check_room(cursor, field, count)?;
    out.clear();
    out.reserve(count);
    let mut wide = [0_u64; BLOCK];
    let mut sum = 0_u64;
    while out.len() < count {
        let block = &mut wide[..BLOCK.min(count - out.len())];
        let bound = read_block(cursor, field, block)?;
        if bound > u64::from(limit) {
            let found = block.iter().copied().max().unwrap_or(0);
            if found > u64::from(limit) {
                return Err(cursor.fail(
                    field,
                    Fault::TooLarge {
                        found,
                        limit: limit.into(),
                    },
                ));
            }
        }
        // Every value fits u32, so a block adds less than 2^39 and a column less than 2^52.
        sum = sum.wrapping_add(block.iter().sum::<u64>());
        out.extend(block.iter().map(|&value| value as u32));
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::Area;

    #[track_caller]
    fn check(values: &[u64], bytes: Option<usize>) {
        let mut out = Vec::new();
        put_block(&mut out, values);
        let end = out.len();
        if let Some(bytes) = bytes {
            assert_eq!(end, bytes);
        }
        out.extend([0xff; PADDING]);
        let mut cursor = Cursor::padded(&out, end, Area::Footer);
        let mut read = vec![0; values.len()];
        let bound = read_block(&mut cursor, "value", &mut read).unwrap();
        assert_eq!(read, values);
        assert!(values.iter().all(|&value| value <= bound));
        assert_eq!(cursor.finish("value"), Ok(()));
    }

    #[test]
    fn blocks() {
        check(&[7], Some(2));
        check(&[7; 128], Some(2));
        check(&[0, 1, 0, 1, 1, 1, 0, 0, 1], Some(4));
        check(&[u64::MAX, 0], Some(18));
        check(&[u64::MAX, u64::MAX - 1, u64::MAX], Some(12));
        check(&[1 << 63, u64::MAX, (1 << 63) + 5], None);
    }

    #[test]
    fn every_width() {
        for width in 1..=64 {
            let top = u64::MAX >> (64 - width);
            let value = |n: u64| {
                if n.is_multiple_of(3) {
                    0
                } else {
                    top.saturating_sub(n)
                }
            };
            check(&(0..128).map(value).collect::<Vec<_>>(), None);
        }
    }

    #[test]
    fn refuses_widths_and_sums_beyond_64_bits() {
        let read = |bytes: &[u8]| {
            let mut padded = bytes.to_vec();
            padded.extend([0; PADDING]);
            let mut cursor = Cursor::padded(&padded, bytes.len(), Area::Footer);
            read_block(&mut cursor, "value", &mut [0; 2]).map_err(|e| e.fault)
        };
        assert_eq!(
            read(&[0, 65, 0]),
            Err(Fault::TooLarge {
                found: 65,
                limit: 64
            })
        );
        assert_eq!(
            read(&[0, 64, 1]),
            Err(Fault::Truncated {
                needed: 16,
                left: 1
            })
        );
        let mut bytes = Vec::new();
        put(&mut bytes, u64::MAX);
        bytes.extend([1, 3]);
        assert_eq!(read(&bytes), Err(Fault::Overflow));
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote(
            values in prop::collection::vec(any::<u32>(), 0..400),
            shift in 0_u32..32,
        ) {
            let values: Vec<u32> = values.into_iter().map(|value| value >> shift).collect();
            let mut out = Vec::new();
            put_u32s(&mut out, &values);
            let end = out.len();
            out.extend([0; PADDING]);
            let mut cursor = Cursor::padded(&out, end, Area::Footer);
            let mut read = Vec::new();
            let sum = read_u32s(&mut cursor, "value", u32::MAX, values.len(), &mut read).unwrap();
            prop_assert_eq!(sum, values.iter().map(|&value| u64::from(value)).sum::<u64>());
            prop_assert_eq!(read, values);
        }
    }
}
