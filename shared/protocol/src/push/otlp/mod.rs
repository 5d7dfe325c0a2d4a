//! `POST /otlp/v1/logs`: what OpenTelemetry exports ([`decode`], spec `http-api.md` §3).
//!
//! `json` makes protobuf of JSON by `schema`, `message` reads protobuf into the `tree` of one
//! resource, `streams` makes streams of that with the texts of `value`. Lines that are text share
//! the memory of the body.

mod json;
mod message;
mod schema;
mod streams;
mod tree;
mod value;

use bytes::Bytes;
use narvi_model::{OtlpConfig, Timestamp};

use super::budget::Budget;
use super::encoding::undo_otlp_encoding;
use super::{DecodeLimits, PushError, PushRequest};

/// What the mapping from OpenTelemetry depends on.
#[derive(Clone, Copy, Debug)]
pub struct OtlpOptions<'a> {
    /// What becomes of attributes.
    pub config: &'a OtlpConfig,
    /// Labels that `service_name` is taken from; empty turns it off.
    pub discover_service_name: &'a [String],
    /// The time of records that have none.
    pub now: Timestamp,
}

/// Decodes a body. Records whose attributes have names that cannot be used are refused, the rest
/// is to be stored.
///
/// # Errors
/// The whole push is refused where its headers, its compression or its form is broken, or where it
/// holds more than `limits` allow.
pub fn decode(
    content_type: Option<&str>,
    content_encoding: Option<&str>,
    body: Bytes,
    options: &OtlpOptions<'_>,
    limits: &DecodeLimits,
) -> Result<PushRequest, PushError> {
    let is_json = match content_type.unwrap_or_default() {
        "application/x-protobuf" => false,
        "application/json" => true,
        other => return Err(PushError::OtlpContentType(other.to_owned())),
    };
    if body.len() > limits.max_compressed {
        return Err(PushError::TooLarge {
            size: body.len(),
            max: limits.max_compressed,
        });
    }
    let mut body = undo_otlp_encoding(content_encoding, body, limits.max_decompressed)?;
    if is_json {
        body = json::to_protobuf(&body)?.into();
    }
    let mut budget = Budget::new(limits.max_parts);
    let mut resources = message::Resources::new(&body, &mut budget);
    let mut streams = streams::Streams::new(&body, options);
    while let Some(resource) = resources.next()? {
        streams.add(&resource, resources.budget)?;
    }
    Ok(streams.finish())
}

#[cfg(test)]
mod tests;
