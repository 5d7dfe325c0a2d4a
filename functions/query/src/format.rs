//! `/loki/api/v1/format_query`: a query laid out over lines (spec `http-api.md` §12). Reads no
//! data, so it asks for no tenant.

use narvi_gateway::{Request, Response};
use narvi_logql::syntax;
use narvi_protocol::answer;

/// The query in its normal form, or what is wrong with it.
pub(crate) fn format(request: &Request) -> Response {
    let params = request.params();
    match syntax::parse(params.get("query").unwrap_or_default()) {
        Ok(query) => Response::json(answer::formatted(&syntax::pretty(&query))),
        Err(error) => Response::json(answer::invalid_query(&error.to_string())).with_status(400),
    }
}
