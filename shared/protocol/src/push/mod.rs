//! What collectors send: [`decode`] turns a body and its headers into a [`PushRequest`].
//!
//! One file or folder a format: [`json`], [`protobuf`] and [`otlp`]; under them [`encoding`] undoes
//! compression within bounds, [`labels`] reads label text. Lines share the memory of the
//! decompressed body. Knows no limits of tenants and no clock: what is well formed is accepted
//! here.

mod budget;
mod encoding;
mod error;
mod json;
pub mod labels;
pub mod otlp;
mod protobuf;
mod quoted;
mod wire;

use bytes::Bytes;
use narvi_model::{Entry, Labels};

pub use error::PushError;
pub use json::JsonFlavour;

use crate::limits;
use encoding::{MediaType, undo_content_encoding, undo_snappy};

/// A decoded push: what is well formed, and what is not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PushRequest {
    /// The streams in the order they were sent; one set of labels may occur more than once.
    pub streams: Vec<PushStream>,
    /// Streams whose labels break a rule, while the rest of the push is to be stored.
    pub refused: Vec<RefusedStream>,
    /// Whether `service_name` is as it shall be, since the format has a rule of its own for it.
    pub has_service_names: bool,
}

/// Entries of one stream.
#[derive(Clone, Debug, PartialEq)]
pub struct PushStream {
    /// As sent, without labels of empty value.
    pub labels: Labels,
    /// In the order they were sent; may be empty.
    pub entries: Vec<Entry>,
}

/// A stream that cannot be stored under any limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedStream {
    /// Loki's text.
    pub reason: String,
    /// How many entries are lost with it.
    pub entries: usize,
}

/// How large a push may be. What is decoded costs memory before any tenant's limit is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Most bytes as sent.
    pub max_compressed: usize,
    /// Most bytes after decompression.
    pub max_decompressed: usize,
    /// Most streams, labels, entries and pairs of metadata together.
    pub max_parts: usize,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self {
            max_compressed: limits::MAX_COMPRESSED_BYTES,
            max_decompressed: limits::MAX_DECOMPRESSED_BYTES,
            max_parts: limits::MAX_PARTS,
        }
    }
}

/// Decodes the body of `POST /loki/api/v1/push` and `/api/prom/push` (spec `http-api.md` §2, §17):
/// JSON of one of two flavours where the content type says so, anything else is protobuf in
/// block-format snappy.
///
/// # Errors
/// The whole push is refused where its headers, its compression, its form or the label text of any
/// stream is broken; [`PushError::status`] says with which status.
pub fn decode(
    content_type: Option<&str>,
    content_encoding: Option<&str>,
    flavour: JsonFlavour,
    body: Bytes,
    limits: &DecodeLimits,
) -> Result<PushRequest, PushError> {
    let media_type = MediaType::parse(content_type)?;
    if body.len() > limits.max_compressed {
        return Err(PushError::TooLarge {
            size: body.len(),
            max: limits.max_compressed,
        });
    }
    let body = undo_content_encoding(content_encoding, body, limits.max_decompressed)?;
    match media_type {
        MediaType::Json => json::decode(&body, flavour, limits),
        MediaType::Protobuf => {
            protobuf::decode(&undo_snappy(&body, limits.max_decompressed)?, limits)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: Option<&str> = Some("application/json; charset=utf-8");
    const PROTOBUF: Option<&str> = Some("application/x-protobuf");

    #[track_caller]
    fn refused(kind: Option<&str>, encoding: Option<&str>, body: &[u8]) -> (u16, String) {
        let body = Bytes::copy_from_slice(body);
        let error = decode(
            kind,
            encoding,
            JsonFlavour::V1,
            body,
            &DecodeLimits::default(),
        )
        .unwrap_err();
        (error.status(), error.to_string())
    }

    #[test]
    fn headers_and_bounds() {
        let text = |(status, text): (u16, String)| format!("{status} {text}");
        assert_eq!(text(refused(None, None, b"{}")), "400 mime: no media type");
        assert_eq!(
            text(refused(JSON, Some("br"), b"{}")),
            r#"400 Content-Encoding "br" not supported"#
        );
        assert_eq!(text(refused(JSON, None, b"")), "400 EOF");
        assert_eq!(
            text(refused(PROTOBUF, None, b"")),
            "400 snappy: corrupt input"
        );
        assert_eq!(
            text(refused(PROTOBUF, None, b"\xff\xff")),
            "400 snappy: corrupt input"
        );
        // a header that promises 100 MB, followed by almost nothing
        let bomb = [0x80, 0xc2, 0xd7, 0x2f, 0x00, b'x'];
        assert_eq!(
            text(refused(PROTOBUF, Some("snappy"), &bomb)),
            "413 request body too large: message decompressed size too large than max \
             (100000000 vs 67108864)"
        );
        let limits = DecodeLimits {
            max_compressed: 3,
            ..DecodeLimits::default()
        };
        let error = decode(
            JSON,
            None,
            JsonFlavour::V1,
            Bytes::from_static(b"{  }"),
            &limits,
        )
        .unwrap_err();
        assert_eq!(
            (error.status(), error.to_string().as_str()),
            (
                413,
                "request body too large: message size too large than max (4 vs 3)"
            )
        );
    }
}
