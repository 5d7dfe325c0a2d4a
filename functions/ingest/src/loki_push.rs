//! `POST /loki/api/v1/push` and `/api/prom/push`: JSON, of the flavour of the path, or protobuf in
//! snappy (spec `http-api.md` §2, §17).

use narvi_gateway::Request;
use narvi_model::Limits;
use narvi_protocol::push::{self, DecodeLimits, JsonFlavour, PushError, PushRequest};

/// Reads the streams out of the body as its headers say.
pub(crate) fn decode(
    request: &Request,
    _: &Limits,
    limits: &DecodeLimits,
) -> Result<PushRequest, PushError> {
    let content_type = request.header("content-type");
    let content_encoding = request.header("content-encoding");
    let flavour = JsonFlavour::of_path(&request.path);
    let body = request.body.clone();
    push::decode(content_type, content_encoding, flavour, body, limits)
}
