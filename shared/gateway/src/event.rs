//! [`Call`]: one HTTP request, and the event that API Gateway would make of it.
//!
//! Local mode and tests use it, so that handlers see the very shape they see on AWS (HTTP API,
//! payload format 2.0). The way back from an event is [`crate::Request`].

use aws_lambda_events::apigw::{ApiGatewayRequestAuthorizer, ApiGatewayV2httpRequest};
use http::{HeaderMap, HeaderValue, Method};
use narvi_model::{TenantId, Timestamp};
use serde_json::Value;

use crate::request::GRANTED_TENANT;

/// One HTTP request as it came over the wire.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The path, percent-decoded once.
    pub path: String,
    /// The query string as sent, without `?`.
    pub query: String,
    /// The headers as sent; a repeated one is joined with commas.
    pub headers: HeaderMap,
    /// The body as sent.
    pub body: Vec<u8>,
    /// Names the request in logs.
    pub id: String,
    /// When it arrived.
    pub received: Option<Timestamp>,
    /// What the authorizer says of a caller that names no tenant.
    pub granted: Option<TenantId>,
}

impl Call {
    /// A request without body or headers; `target` is a decoded path and perhaps `?` and a query
    /// string.
    #[must_use]
    pub fn new(method: Method, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            ..Self::default()
        }
    }

    /// With one more header; a value that no header may hold leaves it out.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(name, value);
        }
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Arriving at `time`.
    #[must_use]
    pub fn at(mut self, time: Timestamp) -> Self {
        self.received = Some(time);
        self
    }

    /// From a caller for whom the authorizer says `tenant`.
    #[must_use]
    pub fn granted(mut self, tenant: TenantId) -> Self {
        self.granted = Some(tenant);
        self
    }

    /// The event for it. The body is in base64 whatever it holds, as API Gateway does for types
    /// that it does not know to be text.
    #[must_use]
    pub fn into_event(self) -> ApiGatewayV2httpRequest {
        let mut event = ApiGatewayV2httpRequest::default();
        event.version = Some("2.0".to_owned());
        event.route_key = Some("$default".to_owned());
        event.headers = joined(&self.headers);
        event.raw_query_string = Some(self.query);
        if !self.body.is_empty() {
            event.body = Some(base64_simd::STANDARD.encode_to_string(&self.body));
            event.is_base64_encoded = true;
        }
        let context = &mut event.request_context;
        context.stage = Some("$default".to_owned());
        context.request_id = Some(self.id);
        context.time_epoch = self.received.map_or(0, Timestamp::millis);
        context.authorizer = self.granted.map(|tenant| {
            let mut authorizer = ApiGatewayRequestAuthorizer::default();
            let tenant = Value::String(tenant.as_str().to_owned());
            authorizer.fields.insert(GRANTED_TENANT.to_owned(), tenant);
            authorizer
        });
        context.http.method = self.method;
        context.http.path = Some(self.path.clone());
        event.raw_path = Some(self.path);
        event
    }
}

/// One value per name, repeats joined with commas.
fn joined(headers: &HeaderMap) -> HeaderMap {
    let mut out = HeaderMap::with_capacity(headers.keys_len());
    for name in headers.keys() {
        let values: Vec<&[u8]> = headers
            .get_all(name)
            .iter()
            .map(HeaderValue::as_bytes)
            .collect();
        // Commas between valid values are valid; the alternative is the first value alone.
        let value = HeaderValue::from_bytes(&values.join(&b","[..]));
        if let Some(value) = value.ok().or_else(|| headers.get(name).cloned()) {
            out.insert(name, value);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_like_api_gateway() {
        let call = Call::new(Method::POST, "/loki/api/v1/push?a=%20")
            .header("x-many", "a")
            .header("x-many", "b")
            .body("hi")
            .at(Timestamp::from_seconds(5));
        let event = call.into_event();
        assert_eq!(event.raw_path.as_deref(), Some("/loki/api/v1/push"));
        assert_eq!(event.raw_query_string.as_deref(), Some("a=%20"));
        assert_eq!(event.headers["x-many"], "a,b");
        assert_eq!(
            (event.body.as_deref(), event.is_base64_encoded),
            (Some("aGk="), true)
        );
        assert_eq!(event.request_context.time_epoch, 5_000);
        assert_eq!(event.request_context.http.method, Method::POST);
    }
}
