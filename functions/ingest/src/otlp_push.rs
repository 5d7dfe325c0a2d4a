//! `POST /otlp/v1/logs`: what OpenTelemetry exports, in protobuf or JSON (spec `http-api.md` §3).

use narvi_gateway::{Request, Response};
use narvi_model::Limits;
use narvi_protocol::error::rpc_status;
use narvi_protocol::push::otlp::{self, OtlpOptions};
use narvi_protocol::push::{DecodeLimits, PushError, PushRequest};

use crate::error::IngestError;

/// Makes streams of the body as its headers and the tenant's rules for attributes say.
pub(crate) fn decode(
    request: &Request,
    tenant: &Limits,
    limits: &DecodeLimits,
) -> Result<PushRequest, PushError> {
    let content_type = request.header("content-type");
    let content_encoding = request.header("content-encoding");
    let options = OtlpOptions {
        config: &tenant.otlp_config,
        discover_service_name: &tenant.discover_service_name,
        now: request.received,
    };
    let body = request.body.clone();
    otlp::decode(content_type, content_encoding, body, &options, limits)
}

/// Errors in the form that exporters read. They take 500 as final, so it is 503.
pub(crate) fn refuse(error: IngestError) -> Response {
    if matches!(error, IngestError::Tenant(_)) {
        return error.into_response();
    }
    let plain = error.into_response();
    if plain.status == 204 {
        return plain;
    }
    let text = String::from_utf8_lossy(&plain.body);
    let status = if plain.status == 500 {
        503
    } else {
        plain.status
    };
    let mut response = Response::octets(status, rpc_status(text.trim_end()));
    response.headers = plain.headers;
    response
}
