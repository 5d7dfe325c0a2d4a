//! [`Fuse`]: a set of 64-bit keys of which only a few bits each are kept (a binary fuse filter,
//! Graf and Lemire 2022). What is in the set is always found; of others one in 2^[`BITS`] is.
//!
//! Own code, since what is stored must be the same for ever, and older sets have fewer bits than
//! any library keeps. Does not know what the keys are.

use crate::error::Fault;
use crate::filter::grams::mix;
use crate::limits::MAX_FILTER_KEYS;
use crate::varint::{Cursor, Read, put, put_len};

/// Bits kept of each key; older sets have fewer.
pub(crate) const BITS: usize = 8;

/// Slots of a segment, as a power of two, at most.
const MAX_SEGMENT_LOG: u32 = 18;

/// Seeds that are tried. One in about a hundred fails, so this many do for no set of keys.
const SEEDS: u64 = 64;

/// The set as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fuse {
    shape: Shape,
    /// Some bits for each slot, low bits first.
    slots: Vec<u8>,
    bits: usize,
}

/// Where the three slots of a key lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    seed: u64,
    /// Slots of a segment are a power of two.
    segment_log: u32,
    /// Segments that a first slot may lie in; there are two more.
    segments: u32,
}

impl Shape {
    /// Room for some keys, as the paper proposes.
    fn of(keys: usize) -> Self {
        let count = keys.max(2) as f64;
        let log = (count.ln() / 3.33_f64.ln() + 2.25).floor() as u32;
        let segment_log = log.min(MAX_SEGMENT_LOG);
        let factor = (0.875 + 0.25 * 1e6_f64.ln() / count.ln()).max(1.125);
        let slots = (count * factor).round() as usize;
        let segments = slots.div_ceil(1 << segment_log).saturating_sub(2).max(1);
        Self {
            seed: 0,
            segment_log,
            // Far fewer than slots, of which there are some million.
            segments: segments as u32,
        }
    }

    fn slots(self) -> usize {
        (self.segments as usize + 2) << self.segment_log
    }

    /// The key's slots, and what they must make together in as many bits as there are.
    fn places(self, key: u64) -> ([usize; 3], u8) {
        let hash = mix(key ^ mix(self.seed));
        let width = u64::from(self.segments) << self.segment_log;
        let first = ((u128::from(hash) * u128::from(width)) >> 64) as usize;
        let (len, mask) = (1 << self.segment_log, (1_u64 << self.segment_log) - 1);
        let second = (first + len) ^ ((hash >> 18) & mask) as usize;
        let third = (first + 2 * len) ^ (hash & mask) as usize;
        ([first, second, third], mix(hash) as u8)
    }
}

impl Fuse {
    /// The set of `keys`, which are all different and at most [`MAX_FILTER_KEYS`]; `None` where no
    /// seed works, as for keys that repeat.
    pub(crate) fn new(keys: &[u64]) -> Option<Self> {
        let shape = Shape::of(keys.len());
        (0..SEEDS).find_map(|seed| Self::with(Shape { seed, ..shape }, keys))
    }

    fn with(shape: Shape, keys: &[u64]) -> Option<Self> {
        // How many keys use a slot, and those keys' places folded into one.
        let mut counts = vec![0_u32; shape.slots()];
        let mut folded = vec![0_u32; shape.slots()];
        for (n, &key) in (0_u32..).zip(keys) {
            for place in shape.places(key).0 {
                counts[place] += 1;
                folded[place] ^= n;
            }
        }
        // A slot that one key uses alone can be set last for this key.
        let mut alone: Vec<usize> = (0..counts.len()).filter(|&at| counts[at] == 1).collect();
        let mut order: Vec<(u32, usize)> = Vec::with_capacity(keys.len());
        while let Some(at) = alone.pop() {
            if counts[at] != 1 {
                continue;
            }
            let n = folded[at];
            order.push((n, at));
            for place in shape.places(keys[n as usize]).0 {
                counts[place] -= 1;
                folded[place] ^= n;
                if counts[place] == 1 {
                    alone.push(place);
                }
            }
        }
        if order.len() < keys.len() {
            return None;
        }
        let mut values = vec![0_u8; shape.slots()];
        for &(n, at) in order.iter().rev() {
            let (places, bits) = shape.places(keys[n as usize]);
            // The key's own slot is still zero.
            values[at] = places
                .iter()
                .fold(bits, |bits, &place| bits ^ values[place]);
        }
        Some(Self {
            shape,
            slots: values,
            bits: BITS,
        })
    }

    /// Whether a key may be in the set.
    pub(crate) fn may_hold(&self, key: u64) -> bool {
        let (places, bits) = self.shape.places(key);
        let slots = places
            .iter()
            .fold(bits, |bits, &place| bits ^ self.slot(place));
        slots & (u8::MAX >> (8 - self.bits)) == 0
    }

    /// The bits of a slot, and in the upper ones what may be there.
    fn slot(&self, place: usize) -> u8 {
        let (byte, shift) = (place * self.bits / 8, place * self.bits % 8);
        let low = self.slots.get(byte).copied().unwrap_or_default();
        if shift == 0 {
            return low;
        }
        let high = self.slots.get(byte + 1).copied().unwrap_or_default();
        (u16::from_le_bytes([low, high]) >> shift) as u8
    }

    /// Appends the set.
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        out.push(self.bits as u8);
        out.push(self.shape.segment_log as u8);
        put_len(out, self.shape.segments as usize);
        put(out, self.shape.seed);
        out.extend_from_slice(&self.slots);
    }

    /// Reads a set, which takes all that is left.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Read<Self> {
        let bits = usize::from(cursor.byte("bits of a key")?);
        if bits == 0 || bits > BITS {
            return Err(cursor.fail("bits of a key", Fault::Unknown(bits as u64)));
        }
        let log = u32::from(cursor.byte("filter's segment size")?);
        if log > MAX_SEGMENT_LOG {
            return Err(cursor.fail("filter's segment size", Fault::Unknown(log.into())));
        }
        // Twice what the largest set takes.
        let most = (4 * MAX_FILTER_KEYS) >> log;
        let segments = cursor.at_most("filter's segments", most)?;
        let seed = cursor.varint("filter's seed")?;
        let shape = Shape {
            seed,
            segment_log: log,
            segments: segments as u32,
        };
        let len = (shape.slots() * bits).div_ceil(8);
        let slots = cursor.take("filter's slots", len)?.to_vec();
        Ok(Self { shape, slots, bits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Area;

    fn keys(count: usize) -> Vec<u64> {
        (0..count as u64).map(|n| mix(n + 1)).collect()
    }

    #[test]
    fn every_key_is_found_and_few_others() {
        for count in [0, 1, 2, 3, 10, 100, 1_000, 50_000] {
            let keys = keys(count);
            let fuse = Fuse::new(&keys).unwrap();
            assert!(keys.iter().all(|&key| fuse.may_hold(key)), "{count}");
            let others = (1..=20_000_u64).map(|n| mix(u64::MAX - n));
            let found = others.filter(|&key| fuse.may_hold(key)).count();
            // 78 are expected.
            assert!(found < 130, "{found} of 20,000 with {count} keys");
            let mut bytes = Vec::new();
            fuse.put(&mut bytes);
            if count >= 1_000 {
                let most = if count > 10_000 { 10.0 } else { 12.4 };
                assert!(bytes.len() as f64 * 8.0 < most * count as f64, "{count}");
            }
            let mut cursor = Cursor::new(&bytes, Area::Column(0));
            assert_eq!(Fuse::read(&mut cursor).unwrap(), fuse);
            assert!(cursor.finish("filter").is_ok());
        }
    }

    #[test]
    fn fewer_bits_find_every_key_too() {
        let keys = keys(1_000);
        let mut fuse = Fuse::new(&keys).unwrap();
        for bits in 1..BITS {
            let whole = Fuse::new(&keys).unwrap();
            let packed = (0..whole.slots.len() * bits).map(|bit| {
                let (slot, bit) = (bit / bits, bit % bits);
                whole.slots[slot] >> bit & 1
            });
            let packed: Vec<u8> = packed.collect();
            let bytes = packed.chunks(8).map(|bits| {
                let set = bits.iter().zip(0..).map(|(bit, place)| bit << place);
                set.sum::<u8>()
            });
            (fuse.slots, fuse.bits) = (bytes.collect(), bits);
            let mut stored = Vec::new();
            fuse.put(&mut stored);
            let mut cursor = Cursor::new(&stored, Area::Column(0));
            assert_eq!(Fuse::read(&mut cursor).unwrap(), fuse, "{bits} bits");
            assert!(keys.iter().all(|&key| fuse.may_hold(key)), "{bits} bits");
            let others = (1..=20_000_u64).map(|n| mix(u64::MAX - n));
            let found = others.filter(|&key| fuse.may_hold(key)).count();
            let want = 20_000 >> bits;
            assert!(found < want * 5 / 4 + 20, "{found} with {bits} bits");
        }
    }

    #[test]
    fn keys_that_repeat_make_no_set() {
        assert_eq!(Fuse::new(&[7, 7]), None);
    }

    #[test]
    fn broken_bytes_are_refused() {
        let mut bytes = Vec::new();
        Fuse::new(&keys(100)).unwrap().put(&mut bytes);
        for len in 0..bytes.len() {
            let read = Fuse::read(&mut Cursor::new(&bytes[..len], Area::Column(0)));
            assert!(read.is_err(), "{len} bytes");
        }
        for (at, byte) in [(0, 9), (1, 19), (2, 0xff)] {
            let mut bad = bytes.clone();
            bad[at] = byte;
            let read = Fuse::read(&mut Cursor::new(&bad, Area::Column(0)));
            assert!(read.is_err(), "{byte} at {at}");
        }
    }
}
