//! `POST /loki/api/v1/push`: JSON or protobuf in snappy (spec `http-api.md` §2).

use narvi_gateway::Request;
use narvi_protocol::push::{self, DecodeLimits, PushError, PushRequest};

/// Reads the streams out of the body as its headers say.
pub(crate) fn decode(request: &Request, limits: &DecodeLimits) -> Result<PushRequest, PushError> {
    let content_type = request.header("content-type");
    let content_encoding = request.header("content-encoding");
    push::decode(content_type, content_encoding, request.body.clone(), limits)
}
