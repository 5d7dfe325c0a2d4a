//! [`Door`]: who may come in. On AWS the authorizer is asked before each request; here its gate is
//! asked in the same place, with the same document.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use narvi_authorizer::{Ask, Credentials, Gate, Verdict};
use narvi_gateway::{Config, Surface};
use narvi_model::TenantId;

use crate::HostError;
use crate::http::text;

/// What a browser asks its user for.
const CHALLENGE: &str = "Basic realm=\"narvi\"";

/// What health checks ask, which have no credentials.
const OPEN: &str = "/ready";

/// Open to all, or with a gate.
pub(crate) struct Door {
    gate: Option<Arc<Gate>>,
}

/// What becomes of somebody who asks to come in.
pub(crate) enum Admission {
    /// They may, for the tenant that their key names where they cannot name one.
    Granted(Option<TenantId>),
    /// They may not, and are told so.
    Refused(Response),
}

impl Door {
    /// Reads the file of `--credentials`; without one everybody may come in.
    ///
    /// # Errors
    /// [`HostError::ReadConfig`] and [`HostError::Credentials`].
    pub(crate) fn new(file: Option<&PathBuf>, config: &Config) -> Result<Self, HostError> {
        let gate = file.map(|path| gate(path, config)).transpose()?;
        Ok(Self { gate })
    }

    /// Whether somebody may come in; `path` is decoded.
    pub(crate) async fn admit(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Admission {
        let Some(gate) = self.gate.as_ref().filter(|_| path != OPEN) else {
            return Admission::Granted(None);
        };
        let gate = Arc::clone(gate);
        let about = format!("{method} {path}");
        let (method, path, headers) = (method.clone(), path.to_owned(), headers.clone());
        // A password that is not known yet takes a core for as long as its hash costs.
        let decided = tokio::task::spawn_blocking(move || {
            gate.check(Ask {
                method: &method,
                path: &path,
                headers: &headers,
            })
        });
        match decided.await {
            Ok(verdict) => told(verdict, &about),
            Err(bug) => {
                let message = bug.to_string();
                Admission::Refused(text(StatusCode::INTERNAL_SERVER_ERROR, message))
            }
        }
    }
}

fn gate(path: &Path, config: &Config) -> Result<Arc<Gate>, HostError> {
    let document = std::fs::read_to_string(path).map_err(|source| HostError::ReadConfig {
        path: path.to_owned(),
        source,
    })?;
    let credentials = Credentials::from_yaml(&document);
    let credentials = credentials.map_err(|source| HostError::Credentials {
        path: path.to_owned(),
        source,
    })?;
    Ok(Arc::new(Gate::new(credentials, config)))
}

/// Nothing that a caller may have sent as a secret is logged: neither headers nor parameters.
fn told(verdict: Verdict, request: &str) -> Admission {
    match verdict {
        Verdict::Allowed { granted, .. } => Admission::Granted(granted),
        Verdict::Unknown => {
            tracing::info!(request, "refused: credentials are missing or wrong");
            let message = "credentials are missing or wrong\n".to_owned();
            let mut response = text(StatusCode::UNAUTHORIZED, message);
            let challenge = HeaderValue::from_static(CHALLENGE);
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
            Admission::Refused(response)
        }
        Verdict::Tenant(error) => {
            tracing::info!(request, %error, "refused: no tenant");
            let answer = narvi_gateway::Response::tenant_error(Surface::Read, &error);
            let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_REQUEST);
            let message = String::from_utf8_lossy(&answer.body).into_owned();
            Admission::Refused(text(status, message))
        }
        Verdict::Forbidden {
            name,
            access,
            tenant,
        } => {
            let tenant = tenant.as_str();
            tracing::info!(request, name, %access, tenant, "refused: not allowed");
            let message = format!("`{name}` may not {access} for tenant `{tenant}`\n");
            Admission::Refused(text(StatusCode::FORBIDDEN, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The token is `0123456789`.
    const DOCUMENT: &str = "tokens:\n  otel:\n    sha256: \
        84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882\n    write: [a]\n";

    fn door(document: &str) -> Result<Door, HostError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("credentials.yaml");
        std::fs::write(&file, document).unwrap();
        Door::new(Some(&file), &Config::default())
    }

    /// Status, challenge and body; for whoever may come in the tenant that is granted, if any.
    async fn check(door: &Door, path: &str, headers: &[(&'static str, &str)], want: &str) {
        let pair = |(name, value): &(&'static str, &str)| {
            let name = http::HeaderName::from_static(name);
            (name, HeaderValue::from_str(value).unwrap())
        };
        let headers = headers.iter().map(pair).collect();
        let refusal = match door.admit(&Method::POST, path, &headers).await {
            Admission::Refused(refusal) => refusal,
            Admission::Granted(granted) => {
                let granted = granted.as_ref().map_or("", TenantId::as_str);
                assert_eq!(granted, want, "{path}");
                return;
            }
        };
        let status = refusal.status().as_u16();
        let challenge = refusal.headers().get("www-authenticate").cloned();
        let challenge = challenge.map_or_else(String::new, |c| c.to_str().unwrap().to_owned());
        let body = axum::body::to_bytes(refusal.into_body(), 1000).await;
        let body = String::from_utf8(body.unwrap().to_vec()).unwrap();
        assert_eq!(format!("{status} {challenge} {body}"), want, "{path}");
    }

    #[tokio::test]
    async fn answers_of_the_door() {
        let door = door(DOCUMENT).unwrap();
        let (push, token) = ("/loki/api/v1/push", ("authorization", "Bearer 0123456789"));
        let of = |tenant| ("x-scope-orgid", tenant);
        let unknown = "401 Basic realm=\"narvi\" credentials are missing or wrong\n";
        check(&door, push, &[token, of("a")], "").await;
        check(&door, push, &[of("a")], unknown).await;
        check(&door, push, &[("authorization", "Bearer x")], unknown).await;
        check(&door, push, &[token], "401  no org id\n").await;
        let forbidden = "403  `otel` may not write for tenant `b`\n";
        check(&door, push, &[token, of("b")], forbidden).await;
        check(&door, "/narvi/run/compact", &[], unknown).await;
        check(&door, "/ready", &[], "").await;
        let (firehose, key) = (
            "/awsfirehose/api/v1/push",
            ("x-amz-firehose-access-key", "0123456789"),
        );
        check(&door, firehose, &[key], "a").await;
        check(&door, firehose, &[key, of("a")], "").await;
        check(&door, firehose, &[key, of("b")], forbidden).await;
        check(&door, firehose, &[token, of("a")], unknown).await;
        check(&door, push, &[key, of("a")], unknown).await;
        let open = Door::new(None, &Config::default()).unwrap();
        check(&open, push, &[], "").await;
    }

    #[test]
    fn a_file_that_cannot_be_read_lets_nobody_in() {
        let error = door("users: [").err().unwrap().to_string();
        assert!(
            error.contains("credentials.yaml`: line 1, column 8"),
            "{error}"
        );
        let missing = Door::new(Some(&PathBuf::from("/nowhere")), &Config::default());
        let error = missing.err().unwrap().to_string();
        assert!(error.starts_with("cannot read `/nowhere`: "), "{error}");
    }
}
