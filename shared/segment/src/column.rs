//! [`Column`]: where a column lies and how to get its raw bytes back, checked. [`Scratch`]: the
//! memory for that. Does not know what the bytes mean.

use std::ops::Range;

use crate::Codec;
use crate::bitpack::PADDING;
use crate::codec::{Compressor, decompress};
use crate::error::{Area, Fault, FormatError, Place, WriteError};
use crate::limits::MAX_COLUMN_BYTES;
use crate::varint::{Cursor, Read};

/// One column of one chunk, as the footer places it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// First byte in the segment.
    pub offset: u64,
    /// Stored bytes.
    pub len: u32,
    /// Bytes after decompression.
    pub raw_len: u32,
    /// How it is compressed.
    pub codec: Codec,
    /// CRC-32C of the stored bytes.
    pub crc: u32,
}

/// Memory that decoding needs for a moment; keep one for each worker and hand it in again.
#[derive(Debug, Default)]
pub struct Scratch {
    raw: Vec<u8>,
}

impl Column {
    /// The stored bytes' place in the segment.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.offset..self.offset.saturating_add(self.len.into())
    }

    /// The stored bytes, out of a whole segment in memory.
    ///
    /// # Errors
    /// Where the segment is too short.
    pub fn of<'a>(&self, segment: &'a [u8]) -> Result<&'a [u8], FormatError> {
        let range = self.range();
        let start = usize::try_from(range.start).unwrap_or(usize::MAX);
        let end = usize::try_from(range.end).unwrap_or(usize::MAX);
        segment.get(start..end).ok_or_else(|| {
            let left = segment.len().saturating_sub(start) as u64;
            self.fail(
                "column",
                Fault::Truncated {
                    needed: self.len.into(),
                    left,
                },
            )
        })
    }

    /// Checks the stored bytes and decompresses them into `out`, which it replaces.
    pub(crate) fn read(&self, field: &'static str, stored: &[u8], out: &mut Vec<u8>) -> Read<()> {
        if stored.len() as u64 != u64::from(self.len) {
            let fault = Fault::Mismatch {
                found: stored.len() as u64,
                expected: u64::from(self.len),
            };
            return Err(self.fail(field, fault));
        }
        let computed = crc32c::crc32c(stored);
        if computed != self.crc {
            return Err(self.fail(
                field,
                Fault::Checksum {
                    computed,
                    stored: self.crc,
                },
            ));
        }
        decompress(self.codec, stored, self.raw_len as usize, out)
            .map_err(|fault| self.fail(field, fault))
    }

    /// The same, ready for being read field by field.
    pub(crate) fn open<'s>(
        &self,
        field: &'static str,
        stored: &[u8],
        scratch: &'s mut Scratch,
    ) -> Read<Cursor<'s>> {
        self.read(field, stored, &mut scratch.raw)?;
        let end = scratch.raw.len();
        scratch.raw.resize(end + PADDING, 0);
        Ok(Cursor::padded(&scratch.raw, end, Area::Column(self.offset)))
    }

    /// An error at the start of the column.
    pub(crate) fn fail(&self, field: &'static str, fault: Fault) -> FormatError {
        FormatError {
            field,
            place: Place {
                area: Area::Column(self.offset),
                at: 0,
            },
            fault,
        }
    }
}

/// Appends `raw` to `section`, compressed where that pays. The offset is the section's: the file's
/// is known when all sections are.
pub(crate) fn store(
    what: &'static str,
    raw: &[u8],
    compressor: &mut Compressor,
    section: &mut Vec<u8>,
) -> Result<Column, WriteError> {
    let raw_len = match u32::try_from(raw.len()) {
        Ok(len) if raw.len() <= MAX_COLUMN_BYTES => len,
        _ => return Err(WriteError::column(what, raw.len())),
    };
    let (codec, stored) = compressor.compress(raw)?;
    let offset = section.len() as u64;
    section.extend_from_slice(stored);
    // Stored bytes are never more than raw ones.
    let len = u32::try_from(stored.len()).unwrap_or(raw_len);
    Ok(Column {
        offset,
        len,
        raw_len,
        codec,
        crc: crc32c::crc32c(stored),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_noticed() {
        let mut section = vec![1, 2, 3];
        let raw = b"0123456789".repeat(9);
        let column = store(
            "test",
            &raw,
            &mut Compressor::new(Codec::Snappy),
            &mut section,
        )
        .unwrap();
        assert_eq!(column.range(), 3..section.len() as u64);
        let mut out = Vec::new();
        column
            .read("test", column.of(&section).unwrap(), &mut out)
            .unwrap();
        assert_eq!(out, raw);
        for bit in 0..column.len as usize * 8 {
            let mut bad = column.of(&section).unwrap().to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            let error = column.read("test", &bad, &mut out).unwrap_err();
            assert!(matches!(error.fault, Fault::Checksum { .. }), "{error}");
        }
        let error = column.read("test", &section, &mut out).unwrap_err();
        assert!(matches!(error.fault, Fault::Mismatch { .. }), "{error}");
        let error = column.of(&section[..10]).unwrap_err();
        assert!(matches!(error.fault, Fault::Truncated { .. }), "{error}");
    }
}
