//! [`Codec`]: how a column is compressed, and the two directions of it, neither of which trusts
//! what a stored length claims. Does not know what a column means.

use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;

use narvi_model::ChunkEncoding;
use zstd::zstd_safe::{
    CParameter, DCtx, DParameter, InBuffer, OutBuffer, ResetDirective, get_error_name,
};

use crate::error::{Fault, WriteError};
use crate::limits::{
    MAX_COLUMN_BYTES, MAX_LZ4_EXPANSION, MAX_SNAPPY_EXPANSION, ZSTD_FIRST_BYTES,
    ZSTD_FIRST_EXPANSION,
};

/// Level 3 made logs no smaller and took twice the time.
const ZSTD_LEVEL: i32 = 1;

/// Entries of the table of what was seen, as a power of two. The level has 2^14; with half of it
/// logs are a hundredth smaller and no slower: what is forgotten are chance matches among ids.
const ZSTD_HASH_LOG: u32 = 13;

/// Bytes that are looked back, as a power of two: a chunk, where the level has half of one.
const ZSTD_LOOK_BACK_LOG: u32 = 20;

/// Windows up to the largest column; a frame that asks for more is not ours.
const ZSTD_WINDOW_LOG: u32 = MAX_COLUMN_BYTES.ilog2();

/// Shorter columns are left as they are: headers of codecs eat what they could save.
const MIN_BYTES: usize = 32;

/// A column is stored compressed only when that saves at least one byte in this many: less is not
/// worth the time that every reader spends on it.
const MIN_SAVING: usize = 16;

/// How a column is compressed. The value is the codec byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Codec {
    /// Not at all.
    None = 0,
    /// Snappy's raw block format: fast to write.
    Snappy = 1,
    /// One zstd frame: about half the size of snappy.
    Zstd = 2,
    /// One block of LZ4 without its length: as fast to write as snappy, twice as fast to read.
    Lz4 = 3,
}

impl From<ChunkEncoding> for Codec {
    fn from(encoding: ChunkEncoding) -> Self {
        match encoding {
            ChunkEncoding::None => Self::None,
            ChunkEncoding::Lz4 => Self::Lz4,
            ChunkEncoding::Snappy => Self::Snappy,
            ChunkEncoding::Zstd => Self::Zstd,
        }
    }
}

/// A name of `chunk_encoding` that this format does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("chunk encoding `{0}` is not supported; use `none`, `lz4`, `snappy` or `zstd`")]
pub struct CodecError(String);

impl Codec {
    /// The codec that a byte stands for.
    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        [Self::None, Self::Snappy, Self::Zstd, Self::Lz4]
            .into_iter()
            .find(|&codec| codec as u8 == byte)
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Snappy => "snappy",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
        })
    }
}

impl FromStr for Codec {
    type Err = CodecError;

    /// Reads a value of Loki's `chunk_encoding`. Sizes of blocks mean nothing here.
    fn from_str(text: &str) -> Result<Self, CodecError> {
        match text {
            "none" => Ok(Self::None),
            "snappy" => Ok(Self::Snappy),
            "zstd" => Ok(Self::Zstd),
            "lz4" | "lz4-64k" | "lz4-256k" | "lz4-1M" => Ok(Self::Lz4),
            other => Err(CodecError(other.chars().take(40).collect())),
        }
    }
}

/// Compresses columns one after the other, with one context and one buffer for all.
pub(crate) struct Compressor {
    codec: Codec,
    snappy: snap::raw::Encoder,
    zstd: Option<zstd::bulk::Compressor<'static>>,
    buffer: Vec<u8>,
}

impl Compressor {
    /// For columns in `codec`.
    pub(crate) fn new(codec: Codec) -> Self {
        Self {
            codec,
            snappy: snap::raw::Encoder::new(),
            zstd: None,
            buffer: Vec::new(),
        }
    }

    /// The bytes to store for `raw`, and in which codec: none where compression does not pay.
    pub(crate) fn compress<'a>(
        &'a mut self,
        raw: &'a [u8],
    ) -> Result<(Codec, &'a [u8]), WriteError> {
        if raw.len() < MIN_BYTES {
            return Ok((Codec::None, raw));
        }
        let failed = |error: &dyn fmt::Display| WriteError::Compression(error.to_string());
        let room = match self.codec {
            Codec::None => return Ok((Codec::None, raw)),
            Codec::Snappy => snap::raw::max_compress_len(raw.len()),
            Codec::Zstd => zstd::zstd_safe::compress_bound(raw.len()),
            Codec::Lz4 => lz4::block::compress_bound(raw.len()).map_err(|e| failed(&e))?,
        };
        // Only ever grows, and a new one is memory that nobody has touched yet: zeroing it for each
        // column would cost as much as a copy.
        if self.buffer.len() < room {
            self.buffer = vec![0; room];
        }
        let buffer = &mut self.buffer[..];
        let len = match self.codec {
            Codec::None => 0,
            Codec::Snappy => self.snappy.compress(raw, buffer).map_err(|e| failed(&e))?,
            Codec::Lz4 => {
                lz4::block::compress_to_buffer(raw, None, false, buffer).map_err(|e| failed(&e))?
            }
            Codec::Zstd => {
                let zstd = match &mut self.zstd {
                    Some(zstd) => zstd,
                    none => none.insert(zstd_compressor().map_err(|e| failed(&e))?),
                };
                zstd.compress_to_buffer(raw, buffer)
                    .map_err(|e| failed(&e))?
            }
        };
        if len > raw.len() - raw.len() / MIN_SAVING {
            return Ok((Codec::None, raw));
        }
        Ok((self.codec, &self.buffer[..len]))
    }
}

fn zstd_compressor() -> std::io::Result<zstd::bulk::Compressor<'static>> {
    let mut zstd = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
    zstd.set_parameter(CParameter::HashLog(ZSTD_HASH_LOG))?;
    zstd.set_parameter(CParameter::WindowLog(ZSTD_LOOK_BACK_LOG))?;
    Ok(zstd)
}

/// Decompresses `stored` into `out`, which it replaces; the result has `raw_len` bytes or is an
/// error.
pub(crate) fn decompress(
    codec: Codec,
    stored: &[u8],
    raw_len: usize,
    out: &mut Vec<u8>,
) -> Result<(), Fault> {
    expect_at_most(raw_len, MAX_COLUMN_BYTES)?;
    match codec {
        Codec::None => {
            out.clear();
            out.extend_from_slice(stored);
        }
        Codec::Snappy => decompress_snappy(stored, raw_len, out)?,
        Codec::Zstd => decompress_zstd(stored, raw_len, out)?,
        Codec::Lz4 => decompress_lz4(stored, raw_len, out)?,
    }
    expect_len(out.len(), raw_len)
}

fn expect_len(found: usize, expected: usize) -> Result<(), Fault> {
    if found != expected {
        return Err(Fault::Mismatch {
            found: found as u64,
            expected: expected as u64,
        });
    }
    Ok(())
}

fn expect_at_most(found: usize, limit: usize) -> Result<(), Fault> {
    if found > limit {
        return Err(Fault::TooLarge {
            found: found as u64,
            limit: limit as u64,
        });
    }
    Ok(())
}

fn decompress_lz4(stored: &[u8], raw_len: usize, out: &mut Vec<u8>) -> Result<(), Fault> {
    let failed = |reason: String| Fault::Compression {
        codec: Codec::Lz4,
        reason,
    };
    expect_at_most(raw_len, stored.len().saturating_mul(MAX_LZ4_EXPANSION))?;
    let size = i32::try_from(raw_len).map_err(|error| failed(error.to_string()))?;
    // What is there is overwritten: no need to zero it first.
    out.resize(raw_len, 0);
    let len = lz4::block::decompress_to_buffer(stored, Some(size), out)
        .map_err(|error| failed(error.to_string()))?;
    out.truncate(len);
    Ok(())
}

fn decompress_snappy(stored: &[u8], raw_len: usize, out: &mut Vec<u8>) -> Result<(), Fault> {
    let failed = |error: snap::Error| Fault::Compression {
        codec: Codec::Snappy,
        reason: error.to_string(),
    };
    expect_len(snap::raw::decompress_len(stored).map_err(failed)?, raw_len)?;
    expect_at_most(raw_len, stored.len().saturating_mul(MAX_SNAPPY_EXPANSION))?;
    // What is there is overwritten: no need to zero it first.
    out.resize(raw_len, 0);
    let len = snap::raw::Decoder::new()
        .decompress(stored, out)
        .map_err(failed)?;
    out.truncate(len);
    Ok(())
}

thread_local! {
    /// A context is 150 KiB that the system would hand out page by page for every column.
    static ZSTD: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
}

fn decompress_zstd(stored: &[u8], raw_len: usize, out: &mut Vec<u8>) -> Result<(), Fault> {
    let failed = |reason: &str| Fault::Compression {
        codec: Codec::Zstd,
        reason: reason.to_owned(),
    };
    ZSTD.with_borrow_mut(|context| {
        let refused = |code| failed(get_error_name(code));
        context
            .reset(ResetDirective::SessionOnly)
            .map_err(refused)?;
        context
            .set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG))
            .map_err(refused)?;
        out.clear();
        let mut input = InBuffer::around(stored);
        let mut room = first_room(stored);
        loop {
            // When all of the output fits, which it does unless the column is one long repetition,
            // zstd writes straight into it in one call.
            out.reserve_exact(room.min(raw_len).saturating_sub(out.len()));
            let start = out.len();
            let mut output = OutBuffer::around_pos(out, start);
            let left = context
                .decompress_stream(&mut output, &mut input)
                .map_err(refused)?;
            if left == 0 {
                break;
            }
            if out.len() >= raw_len {
                return Err(Fault::TooLarge {
                    found: out.len() as u64,
                    limit: raw_len as u64,
                });
            }
            if input.pos() == stored.len() && out.len() < out.capacity() {
                return Err(failed("the frame is cut short"));
            }
            room = room.saturating_mul(2);
        }
        if input.pos() != stored.len() {
            return Err(failed("bytes follow the frame"));
        }
        Ok(())
    })
}

/// Room for output that `stored` gets before it has proved anything.
fn first_room(stored: &[u8]) -> usize {
    stored
        .len()
        .saturating_mul(ZSTD_FIRST_EXPANSION)
        .max(ZSTD_FIRST_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(len: usize) -> Vec<u8> {
        (0..len)
            .map(|n| b"level=info msg=done "[n % 20] ^ u8::from(n % 977 == 0))
            .collect()
    }

    #[track_caller]
    fn check(codec: Codec, raw: &[u8], stored_as: Codec) {
        let mut compressor = Compressor::new(codec);
        for _ in 0..2 {
            let (used, stored) = compressor.compress(raw).unwrap();
            assert_eq!(used, stored_as);
            let mut out = vec![9; 7];
            decompress(used, stored, raw.len(), &mut out).unwrap();
            assert_eq!(out, raw);
            let fault = decompress(used, stored, raw.len() + 1, &mut out).unwrap_err();
            assert!(matches!(fault, Fault::Mismatch { .. }), "{fault}");
        }
    }

    #[test]
    fn there_and_back() {
        for codec in [Codec::None, Codec::Snappy, Codec::Zstd, Codec::Lz4] {
            assert_eq!(codec.to_string().parse(), Ok(codec));
            assert_eq!(Codec::from_byte(codec as u8), Some(codec));
            check(codec, b"", Codec::None);
            check(codec, b"short", Codec::None);
            check(codec, &sample(5000), codec);
            check(codec, &sample(3 << 20), codec);
            check(codec, &vec![b'x'; 8 << 20], codec);
        }
        assert_eq!(Codec::from_byte(4), None);
        assert_eq!("lz4-1M".parse(), Ok(Codec::Lz4));
        assert!("gzip".parse::<Codec>().is_err());
    }

    #[test]
    fn what_does_not_shrink_stays() {
        let noise: Vec<u8> = (0_u64..500)
            .flat_map(|n| {
                n.wrapping_mul(0x9e37_79b9_7f4a_7c15)
                    .rotate_left(29)
                    .to_le_bytes()
            })
            .collect();
        check(Codec::Snappy, &noise, Codec::None);
        check(Codec::Zstd, &noise, Codec::None);
        check(Codec::Lz4, &noise, Codec::None);
    }

    #[test]
    fn claims_are_not_believed() {
        let mut out = Vec::new();
        let mut snappy = Vec::new();
        crate::varint::put(&mut snappy, 1 << 25);
        snappy.extend([0; 8]);
        let fault = decompress(Codec::Snappy, &snappy, 1 << 25, &mut out).unwrap_err();
        assert!(matches!(fault, Fault::TooLarge { .. }), "{fault}");
        let raw = sample(100_000);
        let zstd = zstd::bulk::compress(&raw, 1).unwrap();
        for (stored, raw_len) in [
            (&zstd[..zstd.len() - 1], raw.len()),
            (&zstd[..3], raw.len()),
            (&zstd[..0], raw.len()),
            (&[&zstd[..], b"x"].concat(), raw.len()),
            (&zstd[..], raw.len() - 1),
            (&zstd[..], 0),
            (&zstd[..], MAX_COLUMN_BYTES),
            (&zstd[..], MAX_COLUMN_BYTES + 1),
        ] {
            let mut out = Vec::new();
            assert!(decompress(Codec::Zstd, stored, raw_len, &mut out).is_err());
            assert!(out.capacity() <= raw_len.min(2 * raw.len().max(first_room(stored))));
        }
    }

    #[test]
    fn broken_blocks_of_lz4_are_refused() {
        let raw = sample(100_000);
        let lz4 = lz4::block::compress(&raw, None, false).unwrap();
        // A block does not say how long it is: only the right length and all of its bytes will do.
        for (stored, raw_len) in [
            (&lz4[..lz4.len() - 1], raw.len()),
            (&lz4[..3], raw.len()),
            (&lz4[..0], raw.len()),
            (&lz4[..0], 0),
            (&[&lz4[..], b"x"].concat(), raw.len()),
            (&lz4[..], raw.len() - 1),
            (&lz4[..], raw.len() + 1),
            (&lz4[..], 0),
            (&lz4[..], MAX_COLUMN_BYTES),
            (&lz4[..], MAX_COLUMN_BYTES + 1),
            (&[0xff; 64], 64 * MAX_LZ4_EXPANSION),
        ] {
            let mut out = Vec::new();
            assert!(decompress(Codec::Lz4, stored, raw_len, &mut out).is_err());
            assert!(out.capacity() <= stored.len() * MAX_LZ4_EXPANSION);
        }
    }
}
