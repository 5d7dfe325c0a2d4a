//! `/ready` and `/loki/api/v1/status/buildinfo` (spec `http-api.md` §12).

use narvi_gateway::Response;
use narvi_protocol::answer;

/// A function that answers is ready.
pub(crate) fn ready() -> Response {
    Response::text(200, "ready\n")
}

/// The version of Loki whose interface this is, and our own.
pub(crate) fn buildinfo() -> Response {
    Response::json(answer::buildinfo(env!("CARGO_PKG_VERSION")))
}
