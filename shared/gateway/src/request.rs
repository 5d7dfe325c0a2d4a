//! [`Request`]: what an API Gateway event asks, decoded and bounded.
//!
//! Facts about the event (spec `aws.md`): `rawPath` arrives percent-decoded and is never decoded
//! again, `rawQueryString` arrives encoded, header names are lower case. Knows no endpoint.

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use bytes::Bytes;
use http::{HeaderMap, Method, header};
use narvi_model::{TenantError, TenantId, Timestamp};

use crate::limits::{MAX_BODY_BYTES, MAX_FORM_BYTES};
use crate::{Config, Params, ParamsError};

/// The header that names the tenant.
pub const TENANT_HEADER: &str = "x-scope-orgid";

/// Where the authorizer's answer has the tenant of a caller that names none.
pub(crate) const GRANTED_TENANT: &str = "tenant";

const FORM: &str = "application/x-www-form-urlencoded";

/// One HTTP request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path without the stage, percent-decoded once; it may hold any character.
    pub path: String,
    /// The parameters of the query string.
    pub query: Params,
    /// The parameters of a form body; empty for any other body.
    pub form: Params,
    /// The headers; look-up by name is case-insensitive.
    pub headers: HeaderMap,
    /// The body as the client sent it, base64 undone, still compressed if it was.
    pub body: Bytes,
    /// API Gateway's id of the request; empty where it gave none.
    pub id: String,
    /// When API Gateway took the request, to the millisecond; the clock where the event does not
    /// say.
    pub received: Timestamp,
    /// The only tenant that the caller may write, where the authorizer says so.
    pub granted: Option<TenantId>,
}

/// Why an event is no request that can be answered; always the sender's mistake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The query string cannot be read (400).
    #[error("query string: {0}")]
    Query(ParamsError),
    /// A body that says it is a form is none (400).
    #[error("form body: {0}; for a body that is no form send its own Content-Type")]
    Form(ParamsError),
    /// The event's base64 is broken (400).
    #[error("body is not valid base64")]
    Base64,
    /// A form above [`MAX_FORM_BYTES`] (413); the text is Loki's.
    #[error("http: request body too large")]
    FormTooLarge,
    /// A body above [`MAX_BODY_BYTES`] (413); the text is Loki's.
    #[error(
        "request body too large: message size too large than max ({0} vs {MAX_BODY_BYTES}); \
         send smaller batches"
    )]
    BodyTooLarge(usize),
}

impl RequestError {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Query(_) | Self::Form(_) | Self::Base64 => 400,
            Self::FormTooLarge | Self::BodyTooLarge(_) => 413,
        }
    }
}

impl Request {
    /// Reads an event of an HTTP API (payload format 2.0).
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn from_event(event: &ApiGatewayV2httpRequest) -> Result<Self, RequestError> {
        let context = &event.request_context;
        let query = event.raw_query_string.as_deref().unwrap_or_default();
        let query = Params::parse(query.as_bytes()).map_err(RequestError::Query)?;
        let path = event.raw_path.as_deref().unwrap_or("/");
        let body = body(event)?;
        let form = if is_form(&event.headers) {
            form(&body)?
        } else {
            Params::default()
        };
        Ok(Self {
            method: context.http.method.clone(),
            path: without_stage(path, context.stage.as_deref()).to_owned(),
            query,
            form,
            headers: event.headers.clone(),
            body,
            id: context.request_id.clone().unwrap_or_default(),
            received: received(context.time_epoch),
            granted: granted(event),
        })
    }

    /// The parameters of the form, then those of the query string, as Go's `Request.Form` has them.
    #[must_use]
    pub fn params(&self) -> Params {
        self.form.then(&self.query)
    }

    /// The value of a header in any case; `None` also where it is not text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whose request it is, for endpoints that serve one tenant.
    ///
    /// # Errors
    /// As [`TenantId::from_header`].
    pub fn tenant(&self, config: &Config) -> Result<TenantId, TenantError> {
        match self.tenant_header(config)? {
            Some(header) => TenantId::from_header(&header),
            None => Ok(TenantId::without_auth()),
        }
    }

    /// As [`Request::tenant`], for callers that cannot send the header: without it, the tenant that
    /// the authorizer says.
    ///
    /// # Errors
    /// As [`TenantId::from_header`].
    pub fn tenant_or_granted(&self, config: &Config) -> Result<TenantId, TenantError> {
        match (self.tenant(config), &self.granted) {
            (Err(TenantError::Missing), Some(granted)) => Ok(granted.clone()),
            (tenant, _) => tenant,
        }
    }

    /// Whose request it is, for endpoints that serve several tenants where
    /// `querier.multi_tenant_queries_enabled` allows; sorted, without repeats, never empty.
    ///
    /// # Errors
    /// As [`TenantId::all_from_header`]; [`TenantError::Several`] where it is not allowed.
    pub fn tenants(&self, config: &Config) -> Result<Vec<TenantId>, TenantError> {
        match self.tenant_header(config)? {
            Some(header) if config.multi_tenant_queries => TenantId::all_from_header(&header),
            Some(header) => Ok(vec![TenantId::from_header(&header)?]),
            None => Ok(vec![TenantId::without_auth()]),
        }
    }

    /// The tenant header; `None` while authentication is off.
    fn tenant_header(&self, config: &Config) -> Result<Option<String>, TenantError> {
        if !config.auth_enabled {
            return Ok(None);
        }
        let value = self
            .headers
            .get(TENANT_HEADER)
            .ok_or(TenantError::Missing)?;
        // Bytes that are no text become U+FFFD, which no tenant id may hold.
        Ok(Some(String::from_utf8_lossy(value.as_bytes()).into_owned()))
    }
}

/// Only an authorizer of ours writes this field, so it is no more than a checked name.
fn granted(event: &ApiGatewayV2httpRequest) -> Option<TenantId> {
    let authorizer = event.request_context.authorizer.as_ref()?;
    let tenant = authorizer.fields.get(GRANTED_TENANT)?.as_str()?;
    TenantId::parse(tenant).ok()
}

fn body(event: &ApiGatewayV2httpRequest) -> Result<Bytes, RequestError> {
    let Some(sent) = event.body.as_deref() else {
        return Ok(Bytes::new());
    };
    let size = if event.is_base64_encoded {
        sent.len() / 4 * 3
    } else {
        sent.len()
    };
    // Padding hides up to two bytes, so this lets a body two bytes above the limit pass.
    if size > MAX_BODY_BYTES + 2 {
        return Err(RequestError::BodyTooLarge(size));
    }
    if !event.is_base64_encoded {
        return Ok(Bytes::copy_from_slice(sent.as_bytes()));
    }
    let decoded = base64_simd::STANDARD.decode_to_vec(sent.as_bytes());
    decoded.map(Bytes::from).map_err(|_| RequestError::Base64)
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = kind
        .and_then(|kind| kind.split(';').next())
        .unwrap_or_default();
    kind.trim().eq_ignore_ascii_case(FORM)
}

fn form(body: &[u8]) -> Result<Params, RequestError> {
    if body.len() > MAX_FORM_BYTES {
        return Err(RequestError::FormTooLarge);
    }
    Params::parse(body).map_err(RequestError::Form)
}

/// A named stage is the first part of `rawPath`, except behind a custom domain that maps it away.
fn without_stage<'p>(path: &'p str, stage: Option<&str>) -> &'p str {
    let stage = match stage {
        None | Some("" | "$default") => return path,
        Some(stage) => stage,
    };
    match path
        .strip_prefix('/')
        .and_then(|path| path.strip_prefix(stage))
    {
        Some("") => "/",
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

/// When a request arrived whose event says so in milliseconds; 0 says nothing.
pub(crate) fn received(time_epoch_ms: i64) -> Timestamp {
    if time_epoch_ms > 0 {
        return Timestamp::from_millis(time_epoch_ms);
    }
    crate::now()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Call;

    #[test]
    fn stages() {
        for (path, stage, want) in [
            ("/ready", None, "/ready"),
            ("/ready", Some("$default"), "/ready"),
            ("/prod/ready", Some("prod"), "/ready"),
            ("/prod", Some("prod"), "/"),
            ("/ready", Some("prod"), "/ready"),
            ("/production/x", Some("prod"), "/production/x"),
        ] {
            assert_eq!(without_stage(path, stage), want);
        }
    }

    #[test]
    fn a_path_is_never_decoded_twice() {
        let event = Call::new(Method::GET, "/label/a%2Fb+c/values").into_event();
        assert_eq!(
            Request::from_event(&event).unwrap().path,
            "/label/a%2Fb+c/values"
        );
    }

    #[test]
    fn forms_come_before_the_query_string() {
        for kind in [FORM, "Application/X-WWW-Form-Urlencoded; charset=utf-8"] {
            let call = Call::new(Method::POST, "/q?query=a&limit=1");
            let event = call
                .header("content-type", kind)
                .body("query=b")
                .into_event();
            let request = Request::from_event(&event).unwrap();
            assert_eq!(
                request.params().all("query").collect::<Vec<_>>(),
                ["b", "a"]
            );
            assert_eq!(request.params().get("limit"), Some("1"));
        }
        let call = Call::new(Method::POST, "/q").header("content-type", "application/json");
        let request = Request::from_event(&call.body("query=b").into_event()).unwrap();
        assert!(request.params().is_empty());
        assert_eq!(request.body, "query=b");
    }

    #[test]
    fn bodies() {
        let mut event = Call::new(Method::POST, "/").body([0, 255]).into_event();
        assert_eq!(Request::from_event(&event).unwrap().body, &[0_u8, 255][..]);
        event.is_base64_encoded = false;
        assert_eq!(Request::from_event(&event).unwrap().body, "AP8=");
        event.body = None;
        assert!(Request::from_event(&event).unwrap().body.is_empty());
    }

    #[track_caller]
    fn check_refused(event: &ApiGatewayV2httpRequest, status: u16, text: &str) {
        let error = Request::from_event(event).unwrap_err();
        assert_eq!((error.status(), error.to_string().as_str()), (status, text));
    }

    #[test]
    fn refusals_say_what_and_where() {
        let get = |target| Call::new(Method::GET, target).into_event();
        let escape = "invalid URL escape \"%zz\"; write a literal `%` as `%25`";
        check_refused(&get("/?a=%zz"), 400, &format!("query string: {escape}"));
        let form = || Call::new(Method::POST, "/").header("content-type", FORM);
        let hint = "for a body that is no form send its own Content-Type";
        let event = form().body("a=%zz").into_event();
        check_refused(&event, 400, &format!("form body: {escape}; {hint}"));
        let event = form().body(vec![b'a'; MAX_FORM_BYTES + 1]).into_event();
        check_refused(&event, 413, "http: request body too large");
        let mut event = get("/");
        event.body = Some("?".to_owned());
        event.is_base64_encoded = true;
        check_refused(&event, 400, "body is not valid base64");
        event.body = Some("A".repeat((MAX_BODY_BYTES + 30) / 3 * 4));
        let error = Request::from_event(&event).unwrap_err();
        assert_eq!(error.status(), 413);
    }

    #[test]
    fn time_is_the_events_or_the_clocks() {
        let time = Timestamp::from_seconds(1_768_471_200);
        let event = Call::new(Method::GET, "/").at(time).into_event();
        assert_eq!(Request::from_event(&event).unwrap().received, time);
        let event = Call::new(Method::GET, "/").into_event();
        assert!(Request::from_event(&event).unwrap().received > time);
    }

    #[track_caller]
    fn check_tenants(yaml: &str, header: Option<&str>, want: Result<&[&str], &str>) {
        let config = Config::from_yaml(yaml).unwrap();
        let mut call = Call::new(Method::GET, "/");
        if let Some(header) = header {
            call = call.header("X-Scope-OrgID", header);
        }
        let request = Request::from_event(&call.into_event()).unwrap();
        let got = request.tenants(&config).map_err(|error| error.to_string());
        let got = got
            .as_ref()
            .map(|ids| ids.iter().map(TenantId::as_str).collect::<Vec<_>>());
        assert_eq!(got.map_err(String::as_str), want.map(<[_]>::to_vec));
        let one = request.tenant(&config).map_err(|error| error.to_string());
        match want {
            Ok([id]) => assert_eq!(one.unwrap().as_str(), *id),
            Ok(_) => assert_eq!(one.unwrap_err(), "multiple org IDs present"),
            Err(error) => assert_eq!(one.unwrap_err(), error),
        }
    }

    #[test]
    fn tenants() {
        check_tenants("auth_enabled: false", None, Ok(&["fake"]));
        check_tenants("auth_enabled: false", Some("a/b"), Ok(&["fake"]));
        check_tenants("auth_enabled: true", Some("a"), Ok(&["a"]));
        check_tenants("", None, Err("no org id"));
        check_tenants("", Some("a|b"), Err("multiple org IDs present"));
        check_tenants(
            "querier: {multi_tenant_queries_enabled: true}",
            Some("b|a"),
            Ok(&["a", "b"]),
        );
        check_tenants(
            "",
            Some("a b"),
            Err("tenant ID 'a b' contains unsupported character ' '"),
        );
    }
}
