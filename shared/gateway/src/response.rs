//! [`Response`]: an answer with Loki's manners (spec `http-api.md` §0.3, §0.4), and its way into an
//! event.
//!
//! Compresses where the client allows it. Does not know what an answer may weigh: see
//! [`crate::fit_lambda`].

use std::io::Write as _;

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use aws_lambda_events::encodings::Body;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use narvi_model::TenantError;

use crate::limits::MIN_GZIP_BYTES;
use crate::{Request, RequestError};

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json; charset=UTF-8";
const YAML: &str = "application/yaml";
const OCTETS: &str = "application/octet-stream";

/// One answer, not yet compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type`; empty for an answer without a body.
    pub content_type: &'static str,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Bytes,
}

/// Which of Loki's two forms an error has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// Queries: the bare message.
    Read,
    /// Pushes, deletes, the ruler: the message and a line feed (Go's `http.Error`).
    Write,
}

impl Response {
    /// A plain text as it is.
    #[must_use]
    pub fn text(status: u16, message: impl Into<String>) -> Self {
        Self::new(status, TEXT, message.into())
    }

    /// 200 with JSON.
    #[must_use]
    pub fn json(body: impl Into<Bytes>) -> Self {
        Self::new(200, JSON, body)
    }

    /// 200 with YAML.
    #[must_use]
    pub fn yaml(body: impl Into<Bytes>) -> Self {
        Self::new(200, YAML, body)
    }

    /// Bytes as they are.
    #[must_use]
    pub fn octets(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status, OCTETS, body)
    }

    /// 204, the only answer that push clients take for success.
    #[must_use]
    pub fn no_content() -> Self {
        Self::new(204, "", Bytes::new())
    }

    /// An error in Loki's form for the surface.
    #[must_use]
    pub fn error(surface: Surface, status: u16, message: &str) -> Self {
        let end = if surface == Surface::Write && !message.ends_with('\n') {
            "\n"
        } else {
            ""
        };
        Self::text(status, format!("{message}{end}"))
            .with_header("x-content-type-options", "nosniff".to_owned())
    }

    /// [`Response::error`] of a read.
    #[must_use]
    pub fn read_error(status: u16, message: &str) -> Self {
        Self::error(Surface::Read, status, message)
    }

    /// [`Response::error`] of a write.
    #[must_use]
    pub fn write_error(status: u16, message: &str) -> Self {
        Self::error(Surface::Write, status, message)
    }

    /// An event that is no request.
    #[must_use]
    pub fn refused(surface: Surface, error: &RequestError) -> Self {
        Self::error(surface, error.status(), &error.to_string())
    }

    /// A tenant header that will not do. Loki answers a missing one with a line feed everywhere,
    /// and several on a read with 500.
    #[must_use]
    pub fn tenant_error(surface: Surface, error: &TenantError) -> Self {
        let message = error.to_string();
        match (error, surface) {
            (TenantError::Missing, _) => Self::error(Surface::Write, 401, &message),
            (TenantError::Several, Surface::Read) => Self::error(surface, 500, &message),
            _ => Self::error(surface, 400, &message),
        }
    }

    /// The answer to a path that does not exist.
    #[must_use]
    pub fn not_found() -> Self {
        Self::write_error(404, "404 page not found")
    }

    /// The answer to a method that a path does not have.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(405, "", Bytes::new())
    }

    /// With another status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// With one more header; `name` in lower case.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The event that answers `request`: gzip where it is accepted and pays, base64 where the body
    /// is not text.
    #[must_use]
    pub fn into_event(self, request: &Request) -> ApiGatewayV2httpResponse {
        let gzipped = self.gzipped(request);
        self.event(gzipped)
    }

    /// The event that answers what could not be read as a request.
    #[must_use]
    pub fn into_plain_event(self) -> ApiGatewayV2httpResponse {
        self.event(None)
    }

    fn event(self, gzipped: Option<Vec<u8>>) -> ApiGatewayV2httpResponse {
        let mut out = ApiGatewayV2httpResponse::default();
        out.status_code = i64::from(self.status);
        if !self.content_type.is_empty() {
            insert(
                &mut out.headers,
                header::CONTENT_TYPE.as_str(),
                self.content_type,
            );
        }
        for (name, value) in &self.headers {
            insert(&mut out.headers, name, value);
        }
        if self.body.len() >= MIN_GZIP_BYTES {
            insert(&mut out.headers, header::VARY.as_str(), "Accept-Encoding");
        }
        let body = match gzipped {
            Some(gzipped) => {
                insert(&mut out.headers, header::CONTENT_ENCODING.as_str(), "gzip");
                Body::Binary(gzipped)
            }
            None => match String::from_utf8(self.body.into()) {
                Ok(text) => Body::Text(text),
                Err(binary) => Body::Binary(binary.into_bytes()),
            },
        };
        out.is_base64_encoded = matches!(body, Body::Binary(_));
        out.body = Some(body);
        out
    }

    /// The body compressed; `None` where it should go as it is.
    fn gzipped(&self, request: &Request) -> Option<Vec<u8>> {
        let encoded = self
            .headers
            .iter()
            .any(|(name, _)| *name == "content-encoding");
        if self.body.len() < MIN_GZIP_BYTES || encoded || !accepts_gzip(request) {
            return None;
        }
        // Level 1: the 30 s and the CPU price of the answer matter more than its last per cent.
        let mut encoder =
            GzEncoder::new(Vec::with_capacity(self.body.len() / 4), Compression::fast());
        // Writing to a vector does not fail; were it to, the plain body is as good an answer.
        encoder.write_all(&self.body).ok()?;
        encoder.finish().ok()
    }

    fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self {
            status,
            content_type,
            headers: Vec::new(),
            body: body.into(),
        }
    }
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) {
    match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        (Ok(name), Ok(value)) => drop(headers.append(name, value)),
        _ => tracing::error!(
            name,
            value,
            "a header of an answer is left out: it is not valid"
        ),
    }
}

/// Whether `Accept-Encoding` lists gzip (or `*`) with a quality above 0 (RFC 9110 §12.5.3).
fn accepts_gzip(request: &Request) -> bool {
    let accepted = request
        .header(header::ACCEPT_ENCODING.as_str())
        .unwrap_or_default();
    let quality = |wanted: &str| {
        accepted.split(',').find_map(|part| {
            let (coding, parameters) = part.split_once(';').unwrap_or((part, ""));
            let quality = parameters.trim().strip_prefix("q=").map(str::parse::<f32>);
            let quality = quality.and_then(Result::ok).unwrap_or(1.0);
            coding
                .trim()
                .eq_ignore_ascii_case(wanted)
                .then_some(quality)
        })
    };
    quality("gzip")
        .or_else(|| quality("*"))
        .is_some_and(|quality| quality > 0.0)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use http::Method;

    use super::*;
    use crate::Call;

    fn request(accept_encoding: &str) -> Request {
        let call = Call::new(Method::GET, "/").header("accept-encoding", accept_encoding);
        Request::from_event(&call.into_event()).unwrap()
    }

    #[test]
    fn accept_encoding() {
        for (header, want) in [
            ("gzip", true),
            ("GZIP", true),
            ("deflate, gzip;q=0.5, br", true),
            ("gzip; q=0", false),
            ("gzip;q=0, *", false),
            ("*", true),
            ("*;q=0", false),
            ("identity", false),
            ("", false),
        ] {
            assert_eq!(accepts_gzip(&request(header)), want, "{header}");
        }
    }

    #[test]
    fn compresses_when_it_pays() {
        let long = "x".repeat(MIN_GZIP_BYTES);
        let event = Response::json(long.clone()).into_event(&request("gzip"));
        assert!(event.is_base64_encoded);
        assert_eq!(event.headers["content-encoding"], "gzip");
        assert_eq!(event.headers["vary"], "Accept-Encoding");
        let Some(Body::Binary(body)) = event.body else {
            panic!("not binary")
        };
        let mut text = String::new();
        flate2::read::GzDecoder::new(&body[..])
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, long);

        for (body, accept) in [(&long[1..], "gzip"), (&long, "br")] {
            let event = Response::json(body.to_owned()).into_event(&request(accept));
            assert!(!event.is_base64_encoded && !event.headers.contains_key("content-encoding"));
            assert_eq!(event.body, Some(Body::Text(body.to_owned())));
        }
    }

    #[test]
    fn bytes_that_are_no_text_go_as_base64() {
        let event = Response::json(vec![0xff, 0x00]).into_event(&request(""));
        assert!(event.is_base64_encoded);
        assert_eq!(event.body, Some(Body::Binary(vec![0xff, 0x00])));
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(json["body"], "/wA=");
    }

    #[track_caller]
    fn check(response: Response, status: i64, body: &str) {
        let nosniff = response
            .headers
            .iter()
            .any(|(name, _)| *name == "x-content-type-options");
        assert_eq!(nosniff, !body.is_empty());
        let event = response.into_event(&request(""));
        assert_eq!(
            (event.status_code, event.body),
            (status, Some(Body::Text(body.to_owned())))
        );
        let kind = event
            .headers
            .get("content-type")
            .map(|value| value.to_str().unwrap());
        assert_eq!(kind, (!body.is_empty()).then_some(TEXT));
    }

    #[test]
    fn errors_have_lokis_form() {
        check(Response::read_error(400, "parse error"), 400, "parse error");
        check(Response::write_error(400, "bad"), 400, "bad\n");
        check(Response::write_error(400, "bad\n"), 400, "bad\n");
        check(Response::not_found(), 404, "404 page not found\n");
        check(Response::method_not_allowed(), 405, "");
        check(Response::no_content(), 204, "");
        let several = "multiple org IDs present";
        let tenant = Response::tenant_error;
        check(tenant(Surface::Read, &TenantError::Several), 500, several);
        check(
            tenant(Surface::Write, &TenantError::Several),
            400,
            &format!("{several}\n"),
        );
        check(
            tenant(Surface::Read, &TenantError::Missing),
            401,
            "no org id\n",
        );
        check(
            tenant(Surface::Read, &TenantError::Dots),
            400,
            "tenant ID is '.' or '..'",
        );
        let refused = Response::refused(Surface::Write, &RequestError::Base64);
        check(refused, 400, "body is not valid base64\n");
    }
}
