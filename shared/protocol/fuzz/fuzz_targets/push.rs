//! Bodies of pushes of all endpoints: the first byte chooses the headers, the rest is the body.
//! Whatever it holds, decoding ends with an answer and within the bounds.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use narvi_model::{OtlpConfig, Timestamp};
use narvi_protocol::push::otlp::{self, OtlpOptions};
use narvi_protocol::push::{DecodeLimits, JsonFlavour, decode, labels};

const LIMITS: DecodeLimits = DecodeLimits {
    max_compressed: 1 << 20,
    max_decompressed: 1 << 20,
    max_parts: 10_000,
};

fuzz_target!(|data: &[u8]| {
    let Some((&choice, body)) = data.split_first() else {
        return;
    };
    let content_type = if choice & 1 == 0 {
        "application/json"
    } else {
        "application/x-protobuf"
    };
    let encodings = [None, Some("gzip"), Some("deflate"), Some("snappy")];
    let encoding = encodings[usize::from(choice >> 1) % 4];
    let body = Bytes::copy_from_slice(body);
    let push = decode(Some(content_type), encoding, JsonFlavour::V1, body.clone(), &LIMITS);
    if let Ok(push) = push {
        let parts: usize = push.streams.iter().map(|s| 1 + s.entries.len()).sum();
        assert!(parts <= LIMITS.max_parts);
        for stream in &push.streams {
            assert_eq!(
                labels::parse(&stream.labels.to_string()).as_ref(),
                Ok(&stream.labels)
            );
        }
    }
    // protobuf without snappy around it, which a fuzzer seldom gets right
    if let Ok(packed) = pack(&body) {
        let _ = decode(Some("application/x-protobuf"), None, JsonFlavour::V1, packed, &LIMITS);
    }
    let kind = Some(content_type);
    let _ = decode(kind, None, JsonFlavour::Legacy, body.clone(), &LIMITS);
    let (config, now) = (OtlpConfig::default(), Timestamp::from_seconds(1));
    let options = OtlpOptions {
        config: &config,
        discover_service_name: &[],
        now,
    };
    let encoding = [None, Some("gzip"), Some("lz4"), Some("zstd")][usize::from(choice >> 1) % 4];
    if let Ok(push) = otlp::decode(kind, encoding, body.clone(), &options, &LIMITS) {
        let records: usize = push.streams.iter().map(|s| s.entries.len()).sum();
        assert!(records <= LIMITS.max_parts);
    }
    if let Ok(text) = std::str::from_utf8(&body) {
        let _ = labels::parse(text);
    }
});

/// Block-format snappy of one literal: its length, a tag, the bytes.
fn pack(body: &[u8]) -> Result<Bytes, std::num::TryFromIntError> {
    let mut out = Vec::with_capacity(body.len() + 8);
    let mut len = u32::try_from(body.len())?;
    while len >= 0x80 {
        out.push(len as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
    if let Some(last) = body.len().checked_sub(1) {
        // tag 63: four bytes of length minus one follow
        out.push(63 << 2);
        out.extend_from_slice(&u32::try_from(last)?.to_le_bytes());
        out.extend_from_slice(body);
    }
    Ok(out.into())
}
