//! [`Client`]: asks one HTTP server, as one tenant, and takes every answer as it comes.

use std::time::Duration;

use serde_json::Value;
use ureq::http::{Request, header};

/// No answer takes longer; a test that waits for more has found a fault.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Largest answer that is read.
const ANSWER_BYTES: u64 = 256 << 20;

/// A server and who asks it. Clones share connections.
#[derive(Clone, Debug)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
    tenant: Option<String>,
}

/// An answer, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The bytes of the body.
    pub body: Vec<u8>,
    /// When to come again, where the answer says so.
    pub retry_after: Option<String>,
}

impl Answer {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body of a 200 as JSON.
    ///
    /// # Panics
    /// Where it is none.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        serde_json::from_slice(&self.body).expect("a 200 holds JSON")
    }
}

/// A request: method, path as it is, parameters, headers, body.
#[derive(Clone, Debug, Default)]
pub struct Ask<'a> {
    /// `GET` where it is empty.
    pub method: &'a str,
    /// Below the server's address; what no URL may hold is escaped.
    pub path: &'a str,
    /// Names and values of the query string.
    pub params: &'a [(&'a str, &'a str)],
    /// Names and values.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body of a `POST`.
    pub body: Option<&'a [u8]>,
}

impl Client {
    /// Asks the server at `base`, such as `http://127.0.0.1:3100`, without a tenant.
    #[must_use]
    pub fn new(base: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT));
        Self {
            agent: config.build().into(),
            base: base.to_owned(),
            tenant: None,
        }
    }

    /// The same server, asked as a tenant; nobody where the name is empty.
    #[must_use]
    pub fn tenant(&self, tenant: &str) -> Self {
        let tenant = Some(tenant.to_owned()).filter(|name| !name.is_empty());
        Self {
            tenant,
            ..self.clone()
        }
    }

    /// Where the server is, such as `http://127.0.0.1:3100`.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Asks, and fails the test where no answer comes.
    ///
    /// # Panics
    /// Where no answer comes.
    #[track_caller]
    #[must_use]
    pub fn ask(&self, ask: &Ask<'_>) -> Answer {
        match self.try_ask(ask) {
            Ok(answer) => answer,
            Err(error) => panic!("{} {}: {error}", ask.method, ask.path),
        }
    }

    /// Asks a server that may be gone.
    ///
    /// # Errors
    /// The connection's.
    pub fn try_ask(&self, ask: &Ask<'_>) -> Result<Answer, ureq::Error> {
        let method = if ask.method.is_empty() {
            "GET"
        } else {
            ask.method
        };
        let mut request = Request::builder().method(method).uri(self.url(ask));
        if let Some(tenant) = &self.tenant {
            request = request.header("X-Scope-OrgID", tenant);
        }
        for (name, value) in ask.headers {
            request = request.header(*name, *value);
        }
        let sent = match (method, ask.body) {
            ("GET" | "DELETE", None) => self.agent.run(request.body(())?),
            (_, body) => self.agent.run(request.body(body.unwrap_or_default())?),
        };
        let mut answer = sent?;
        let retry_after = answer.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok());
        let retry_after = retry_after.map(str::to_owned);
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES);
        let body = body.read_to_vec()?;
        Ok(Answer {
            status: answer.status().as_u16(),
            body,
            retry_after,
        })
    }

    /// `GET` with parameters.
    #[track_caller]
    #[must_use]
    pub fn get(&self, path: &str, params: &[(&str, &str)]) -> Answer {
        self.ask(&Ask {
            path,
            params,
            ..Ask::default()
        })
    }

    /// `POST` of a body of a type.
    #[track_caller]
    #[must_use]
    pub fn post(&self, path: &str, content_type: &str, body: &[u8]) -> Answer {
        self.ask(&Ask {
            method: "POST",
            path,
            headers: &[(header::CONTENT_TYPE.as_str(), content_type)],
            body: Some(body),
            ..Ask::default()
        })
    }

    fn url(&self, ask: &Ask<'_>) -> String {
        let mut url = format!("{}{}", self.base, escaped(ask.path, b"/%"));
        for (index, (name, value)) in ask.params.iter().enumerate() {
            url.push(if index == 0 { '?' } else { '&' });
            url.push_str(&escaped(name, b""));
            url.push('=');
            url.push_str(&escaped(value, b""));
        }
        url
    }
}

/// Percent-encodes what is neither unreserved nor in `safe`.
#[must_use]
pub fn escaped(text: &str, safe: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for &byte in text.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || safe.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
