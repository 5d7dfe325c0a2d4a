//! The wrapping of a push: its media type, HTTP content encodings and block-format snappy.
//!
//! Everything is decompressed within a bound; a bomb is refused from its header or stopped at the
//! bound, never unpacked.

use std::io::Read;

use bytes::Bytes;
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use lz4_flex::frame::FrameDecoder;

use super::PushError;
use crate::limits::{MAX_SNAPPY_RATIO, MAX_ZSTD_WINDOW_LOG};

/// What the body is, under its compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MediaType {
    /// `application/json`
    Json,
    /// Anything else, as in Loki.
    Protobuf,
}

impl MediaType {
    /// Reads a `Content-Type`; its parameters are ignored.
    pub(super) fn parse(content_type: Option<&str>) -> Result<Self, PushError> {
        let media_type = content_type
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default();
        match media_type.trim() {
            "" => Err(PushError::NoMediaType),
            text if text.eq_ignore_ascii_case("application/json") => Ok(Self::Json),
            _ => Ok(Self::Protobuf),
        }
    }
}

/// Undoes a `Content-Encoding`. `snappy` names the format that protobuf always has, so it is left
/// to [`undo_snappy`]; JSON with that header is plain JSON (spec `http-api.md` §2).
pub(super) fn undo_content_encoding(
    content_encoding: Option<&str>,
    body: Bytes,
    max: usize,
) -> Result<Bytes, PushError> {
    match content_encoding.unwrap_or_default().trim() {
        "" | "snappy" => {
            check_size(body.len(), max)?;
            Ok(body)
        }
        "gzip" => inflate("gzip", MultiGzDecoder::new(&body[..]), body.len(), max),
        "deflate" => undo_deflate(&body, max),
        // Loki refuses it, but Vector may be told to send it.
        "zstd" => undo_zstd(&body, max),
        other => Err(PushError::ContentEncoding(other.to_owned())),
    }
}

/// Undoes a `Content-Encoding` of OpenTelemetry (spec `http-api.md` §3).
pub(super) fn undo_otlp_encoding(
    content_encoding: Option<&str>,
    body: Bytes,
    max: usize,
) -> Result<Bytes, PushError> {
    match content_encoding.unwrap_or_default().trim() {
        "" => {
            check_size(body.len(), max)?;
            Ok(body)
        }
        "gzip" => inflate("gzip", MultiGzDecoder::new(&body[..]), body.len(), max),
        "zstd" => undo_zstd(&body, max),
        "lz4" => inflate("lz4", FrameDecoder::new(&body[..]), body.len(), max),
        other => Err(PushError::OtlpContentEncoding(other.to_owned())),
    }
}

fn undo_zstd(body: &[u8], max: usize) -> Result<Bytes, PushError> {
    let refused = |error: std::io::Error| PushError::Inflate {
        encoding: "zstd",
        reason: error.to_string(),
    };
    let mut decoder = zstd::Decoder::with_buffer(body).map_err(refused)?;
    decoder
        .window_log_max(MAX_ZSTD_WINDOW_LOG)
        .map_err(refused)?;
    inflate("zstd", decoder, body.len(), max)
}

/// Loki takes bare DEFLATE; Vector sends zlib, as RFC 9110 says. The first two bytes tell.
fn undo_deflate(body: &[u8], max: usize) -> Result<Bytes, PushError> {
    let is_zlib = match body {
        [method, check, ..] => {
            method & 0x8f == 0x08 && u16::from_be_bytes([*method, *check]) % 31 == 0
        }
        _ => false,
    };
    if is_zlib {
        let whole = inflate("deflate", ZlibDecoder::new(body), body.len(), max);
        // Bare DEFLATE may look like zlib by chance, but then it does not unpack as such.
        if !matches!(whole, Err(PushError::Inflate { .. })) {
            return whole;
        }
    }
    inflate("deflate", DeflateDecoder::new(body), body.len(), max)
}

fn inflate(
    encoding: &'static str,
    decoder: impl Read,
    compressed: usize,
    max: usize,
) -> Result<Bytes, PushError> {
    // Logs shrink to about a fifth; a first guess that fits saves copies and is no promise.
    let mut out = Vec::with_capacity(compressed.saturating_mul(5).min(max));
    let read = decoder.take(max as u64 + 1).read_to_end(&mut out);
    check_size(out.len(), max)?;
    match read {
        Ok(_) => Ok(out.into()),
        Err(error) => Err(PushError::Inflate {
            encoding,
            reason: error.to_string(),
        }),
    }
}

/// Undoes block-format snappy (no frames), which begins with the length of what it holds.
pub(super) fn undo_snappy(body: &[u8], max: usize) -> Result<Bytes, PushError> {
    let size = snap::raw::decompress_len(body).map_err(|_| PushError::Snappy)?;
    check_size(size, max)?;
    if body.is_empty() || size / MAX_SNAPPY_RATIO > body.len() {
        return Err(PushError::Snappy);
    }
    let mut out = vec![0; size];
    let written = snap::raw::Decoder::new().decompress(body, &mut out);
    match written {
        Ok(written) if written == size => Ok(out.into()),
        _ => Err(PushError::Snappy),
    }
}

fn check_size(size: usize, max: usize) -> Result<(), PushError> {
    if size > max {
        return Err(PushError::DecompressedTooLarge { size, max });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use lz4_flex::frame::FrameEncoder;

    use super::*;

    const TEXT: &[u8] = b"a line, a line, a line and another line";

    type Undo = fn(Option<&str>, Bytes, usize) -> Result<Bytes, PushError>;

    #[track_caller]
    fn check(undo: Undo, encoding: &str, body: &[u8]) {
        let undo = |body: &[u8], max| undo(Some(encoding), Bytes::copy_from_slice(body), max);
        let undone = undo(body, TEXT.len());
        assert_eq!(undone.as_deref(), Ok(TEXT), "{encoding}");
        if encoding.is_empty() {
            return;
        }
        let (size, max) = (TEXT.len(), TEXT.len() - 1);
        let bound = undo(body, max);
        assert_eq!(bound, Err(PushError::DecompressedTooLarge { size, max }));
        let cut = undo(&body[..body.len() / 2], 1000);
        assert!(
            matches!(cut, Err(PushError::Inflate { .. })),
            "{encoding}: {cut:?}"
        );
    }

    #[test]
    fn each_encoding() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(TEXT).unwrap();
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(TEXT).unwrap();
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::fast());
        deflate.write_all(TEXT).unwrap();
        let gzip = gzip.finish().unwrap();
        let zstd = zstd::encode_all(TEXT, 1).unwrap();
        let mut lz4 = FrameEncoder::new(Vec::new());
        lz4.write_all(TEXT).unwrap();
        check(undo_content_encoding, "", TEXT);
        check(undo_content_encoding, "gzip", &gzip);
        check(undo_content_encoding, "deflate", &zlib.finish().unwrap());
        check(undo_content_encoding, "deflate", &deflate.finish().unwrap());
        check(undo_content_encoding, "zstd", &zstd);
        check(undo_otlp_encoding, "", TEXT);
        check(undo_otlp_encoding, "gzip", &gzip);
        check(undo_otlp_encoding, "zstd", &zstd);
        check(undo_otlp_encoding, "lz4", &lz4.finish().unwrap());
    }

    #[test]
    fn a_gzip_bomb_stops_at_the_bound() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&vec![b'x'; 10 << 20]).unwrap();
        let bomb = gzip.finish().unwrap();
        let refused = undo_content_encoding(Some("gzip"), bomb.into(), 1 << 20).unwrap_err();
        let (size, max) = ((1 << 20) + 1, 1 << 20);
        assert_eq!(refused, PushError::DecompressedTooLarge { size, max });
    }

    #[test]
    fn snappy() {
        let packed = snap::raw::Encoder::new().compress_vec(TEXT).unwrap();
        assert_eq!(undo_snappy(&packed, 1000).as_deref(), Ok(TEXT));
        for broken in [
            &packed[..packed.len() - 1],
            &packed[1..],
            b"\x80\x80\x01",
            b"\xff",
        ] {
            assert_eq!(undo_snappy(broken, 1 << 20), Err(PushError::Snappy));
        }
    }

    #[test]
    fn media_types() {
        for (text, want) in [
            ("application/json", Ok(MediaType::Json)),
            (" Application/JSON ; charset=utf-8", Ok(MediaType::Json)),
            ("application/x-protobuf", Ok(MediaType::Protobuf)),
            ("text/plain", Ok(MediaType::Protobuf)),
            ("", Err(PushError::NoMediaType)),
        ] {
            assert_eq!(MediaType::parse(Some(text)), want);
        }
    }
}
