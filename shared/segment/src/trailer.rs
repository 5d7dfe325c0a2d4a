//! The last bytes of a segment: how long the footer is, its version, its checksum, the magic bytes.
//!
//! ```text
//! footer body … | body length u32 | version u32 | CRC-32C u32 | "NRVI"
//! ```
//!
//! Numbers are little-endian. The checksum is over everything before it from the body's first byte
//! on. The last twelve bytes keep their meaning in every version, so that any reader can tell
//! another version from damage.

use crate::error::{Area, Fault, FormatError};
use crate::footer::FooterPlace;
use crate::limits::MAX_FOOTER_BYTES;
use crate::varint::Cursor;

/// Bytes of the trailer: what to read from the end of a segment to find its footer.
pub const TRAILER_BYTES: usize = 16;

/// The version that this build writes, and the only one that it reads.
pub const VERSION: u32 = 1;

const MAGIC: [u8; 4] = *b"NRVI";

/// Checksum and magic, which the checksum does not cover.
const UNCHECKED_BYTES: usize = 8;

/// Appends the trailer to a footer's body.
pub(crate) fn put(footer: &mut Vec<u8>, body_len: u32) {
    footer.extend_from_slice(&body_len.to_le_bytes());
    footer.extend_from_slice(&VERSION.to_le_bytes());
    let crc = crc32c::crc32c(footer);
    footer.extend_from_slice(&crc.to_le_bytes());
    footer.extend_from_slice(&MAGIC);
}

/// Where the footer of a segment of `size` bytes lies; `tail` is its end.
pub(crate) fn place(tail: &[u8], size: u64) -> Result<FooterPlace, FormatError> {
    let body = u64::from(read(tail, Area::Segment)?.0);
    let len = body + TRAILER_BYTES as u64;
    let limit = size.min(MAX_FOOTER_BYTES as u64);
    if len > limit {
        let cursor = Cursor::new(&[], Area::Segment);
        return Err(cursor.fail("footer length", Fault::TooLarge { found: len, limit }));
    }
    // At most MAX_FOOTER_BYTES.
    Ok(FooterPlace {
        offset: size - len,
        len: len as u32,
    })
}

/// The body of a footer that is whole and of this version.
pub(crate) fn open(footer: &[u8]) -> Result<&[u8], FormatError> {
    let (body_len, stored) = read(footer, Area::Footer)?;
    let cursor = Cursor::new(footer, Area::Footer);
    let body = footer.len() - TRAILER_BYTES;
    if body_len as usize != body {
        let fault = Fault::Mismatch {
            found: body as u64,
            expected: body_len.into(),
        };
        return Err(cursor.fail("footer length", fault));
    }
    let computed = crc32c::crc32c(&footer[..footer.len() - UNCHECKED_BYTES]);
    if computed != stored {
        return Err(cursor.fail("footer", Fault::Checksum { computed, stored }));
    }
    Ok(&footer[..body])
}

/// Body length and checksum out of the last bytes.
fn read(bytes: &[u8], area: Area) -> Result<(u32, u32), FormatError> {
    let mut cursor = Cursor::new(bytes, area);
    let start = bytes.len().saturating_sub(TRAILER_BYTES);
    cursor.take("trailer", start)?;
    if bytes.len() < TRAILER_BYTES {
        let (needed, left) = (TRAILER_BYTES as u64, bytes.len() as u64);
        return Err(cursor.fail("trailer", Fault::Truncated { needed, left }));
    }
    if !bytes.ends_with(&MAGIC) {
        return Err(cursor.fail("magic", Fault::NotASegment));
    }
    let body_len = cursor.fixed_u32("footer length")?;
    let version = cursor.fixed_u32("version")?;
    if version != VERSION {
        return Err(cursor.fail("version", Fault::Version(version)));
    }
    Ok((body_len, cursor.fixed_u32("footer checksum")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footer() -> Vec<u8> {
        let mut footer = b"body".to_vec();
        put(&mut footer, 4);
        footer
    }

    #[test]
    fn finds_and_opens_the_footer() {
        let footer = footer();
        assert_eq!(footer.len(), 4 + TRAILER_BYTES);
        assert_eq!(
            place(&footer, 100),
            Ok(FooterPlace {
                offset: 80,
                len: 20
            })
        );
        assert_eq!(
            place(&footer[4..], 20),
            Ok(FooterPlace { offset: 0, len: 20 })
        );
        assert_eq!(open(&footer), Ok(&b"body"[..]));
    }

    #[test]
    fn refuses_everything_else() {
        let footer = footer();
        let limit = Fault::TooLarge {
            found: 20,
            limit: 19,
        };
        assert_eq!(place(&footer, 19).unwrap_err().fault, limit);
        assert!(place(&footer[5..], 20).is_err() && open(&footer[1..]).is_err());
        for bit in 0..footer.len() * 8 {
            let mut bad = footer.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let fault = open(&bad).unwrap_err().fault;
            let expected = match bit / 8 {
                8..12 => matches!(fault, Fault::Version(_)),
                16.. => fault == Fault::NotASegment,
                4..8 => matches!(fault, Fault::Mismatch { .. }),
                _ => matches!(fault, Fault::Checksum { .. }),
            };
            assert!(expected, "bit {bit}: {fault}");
        }
    }
}
