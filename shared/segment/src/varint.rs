//! Numbers in as few bytes as they need (LEB128), and [`Cursor`], which reads them and everything
//! else of the format with the place of a failure at hand. Does not know what it reads.

use crate::error::{Area, Fault, FormatError, Place};

/// A `u64` has 64 bits and a byte brings 7.
const MAX_VARINT_BYTES: usize = 10;

/// Appends `value`, 7 bits a byte, low bits first, the top bit set on all but the last byte.
pub(crate) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a length or a count.
pub(crate) fn put_len(out: &mut Vec<u8>, value: usize) {
    put(out, value as u64);
}

/// Appends a signed number so that small ones of either sign are short (zigzag).
pub(crate) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Reads fields one after the other. `bytes` may be longer than what may be read: the rest is
/// padding, so that the bit unpacker can load whole words.
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
    area: Area,
}

impl<'a> Cursor<'a> {
    /// Reads all of `bytes`.
    pub(crate) fn new(bytes: &'a [u8], area: Area) -> Self {
        Self::padded(bytes, bytes.len(), area)
    }

    /// Reads the first `end` of `bytes`.
    pub(crate) fn padded(bytes: &'a [u8], end: usize, area: Area) -> Self {
        Self {
            bytes,
            at: 0,
            end: end.min(bytes.len()),
            area,
        }
    }

    /// Bytes not read yet.
    pub(crate) fn left(&self) -> usize {
        self.end - self.at
    }

    /// An error at the next byte.
    pub(crate) fn fail(&self, field: &'static str, fault: Fault) -> FormatError {
        FormatError {
            field,
            place: Place {
                area: self.area,
                at: self.at as u64,
            },
            fault,
        }
    }

    /// The next `len` bytes.
    pub(crate) fn take(&mut self, field: &'static str, len: usize) -> Read<&'a [u8]> {
        Ok(&self.take_padded(field, len)?[..len])
    }

    /// The next `len` bytes and all the padding and other bytes behind them.
    pub(crate) fn take_padded(&mut self, field: &'static str, len: usize) -> Read<&'a [u8]> {
        if len > self.left() {
            let fault = Fault::Truncated {
                needed: len as u64,
                left: self.left() as u64,
            };
            return Err(self.fail(field, fault));
        }
        let found = &self.bytes[self.at..];
        self.at += len;
        Ok(found)
    }

    /// The next byte.
    pub(crate) fn byte(&mut self, field: &'static str) -> Read<u8> {
        Ok(self.take(field, 1)?[0])
    }

    /// Four bytes, low byte first.
    pub(crate) fn fixed_u32(&mut self, field: &'static str) -> Read<u32> {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(self.take(field, 4)?);
        Ok(u32::from_le_bytes(bytes))
    }

    /// A number written by [`put`].
    pub(crate) fn varint(&mut self, field: &'static str) -> Read<u64> {
        let mut value = 0_u64;
        for n in 0..MAX_VARINT_BYTES {
            let byte = self.byte(field)?;
            let bits = u64::from(byte & 0x7f);
            if n == MAX_VARINT_BYTES - 1 && bits > 1 {
                return Err(self.fail(field, Fault::Overflow));
            }
            value |= bits << (7 * n);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.fail(field, Fault::Overflow))
    }

    /// A number written by [`put_signed`].
    pub(crate) fn signed(&mut self, field: &'static str) -> Read<i64> {
        let value = self.varint(field)?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A number of at most `limit`.
    pub(crate) fn at_most(&mut self, field: &'static str, limit: usize) -> Read<usize> {
        let found = self.varint(field)?;
        match usize::try_from(found) {
            Ok(value) if value <= limit => Ok(value),
            _ => Err(self.fail(
                field,
                Fault::TooLarge {
                    found,
                    limit: limit as u64,
                },
            )),
        }
    }

    /// A count of items that take at least `item_bytes` each, so no more than the bytes left hold.
    pub(crate) fn count(&mut self, field: &'static str, item_bytes: usize) -> Read<usize> {
        self.at_most(field, self.left() / item_bytes.max(1))
    }

    /// Refuses bytes behind the last field.
    pub(crate) fn finish(self, field: &'static str) -> Read<()> {
        match self.left() {
            0 => Ok(()),
            left => Err(self.fail(
                field,
                Fault::Mismatch {
                    found: left as u64,
                    expected: 0,
                },
            )),
        }
    }
}

/// The bytes end before a field does.
pub(crate) fn truncated(needed: usize, left: usize) -> Fault {
    Fault::Truncated {
        needed: needed as u64,
        left: left as u64,
    }
}

/// What reading answers.
pub(crate) type Read<T> = Result<T, FormatError>;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: u64, bytes: &[u8]) {
        let mut out = Vec::new();
        put(&mut out, value);
        assert_eq!(out, bytes);
        let mut cursor = Cursor::new(&out, Area::Footer);
        assert_eq!(cursor.varint("value"), Ok(value));
        assert_eq!(cursor.finish("value"), Ok(()));
    }

    #[test]
    fn numbers() {
        check(0, &[0]);
        check(127, &[127]);
        check(128, &[0x80, 1]);
        check(300, &[0xac, 2]);
        check(u64::MAX, &[255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
    }

    #[test]
    fn signed_numbers() {
        for value in [0, -1, 1, -64, 63, i64::MIN, i64::MAX] {
            let mut out = Vec::new();
            put_signed(&mut out, value);
            assert_eq!(Cursor::new(&out, Area::Footer).signed("value"), Ok(value));
        }
    }

    #[test]
    fn refuses_what_is_too_long_or_too_short() {
        let fault = |bytes: &[u8]| {
            let error = Cursor::new(bytes, Area::Footer)
                .varint("value")
                .unwrap_err();
            error.fault
        };
        assert_eq!(fault(&[0x80]), Fault::Truncated { needed: 1, left: 0 });
        assert_eq!(fault(&[0xff; 11]), Fault::Overflow);
        assert_eq!(
            fault(&[255, 255, 255, 255, 255, 255, 255, 255, 255, 2]),
            Fault::Overflow
        );
    }

    #[test]
    fn a_count_fits_the_bytes_left() {
        let bytes = [3, 0, 0, 0, 0, 0, 0];
        assert_eq!(Cursor::new(&bytes, Area::Footer).count("items", 2), Ok(3));
        let error = Cursor::new(&bytes, Area::Footer)
            .count("items", 3)
            .unwrap_err();
        assert_eq!(error.fault, Fault::TooLarge { found: 3, limit: 2 });
    }
}
