//! [`Service`]: signed requests to a service of AWS of which too little is needed for its SDK.
//!
//! Knows no operation, and neither repeats a request nor bounds its time: callers do.

use std::error::Error;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;

/// Who asks, and where.
pub struct Service {
    /// As `ssm`.
    name: &'static str,
    region: String,
    /// Without a slash at its end.
    url: String,
    keys: Credentials,
}

/// What came back, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

/// A request that could not be made; the place is the step.
#[derive(Debug, thiserror::Error)]
#[error("{0}: {1}")]
pub struct SignedError(&'static str, Box<dyn Error + Send + Sync>);

impl Service {
    /// Reads `AWS_REGION`, the keys that Lambda sets, and the variable that may name another
    /// endpoint than that of AWS.
    ///
    /// # Errors
    /// The name of a variable that is needed and not set.
    pub fn from_variables(
        name: &'static str,
        endpoint: &str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, &'static str> {
        let needed = |name: &'static str| variable(name).ok_or(name);
        let region = needed("AWS_REGION")?;
        let id = needed("AWS_ACCESS_KEY_ID")?;
        let secret = needed("AWS_SECRET_ACCESS_KEY")?;
        let token = variable("AWS_SESSION_TOKEN");
        let url = variable(endpoint).unwrap_or_else(|| own_endpoint(name, &region));
        Ok(Self {
            name,
            url: url.trim_end_matches('/').to_owned(),
            keys: Credentials::new(id, secret, token, None, "narvi"),
            region,
        })
    }

    /// Posts to `path`, which begins with a slash and needs no escapes.
    ///
    /// # Errors
    /// Where no answer came.
    pub async fn post(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> Result<Answer, SignedError> {
        let request = self.request(path, headers, body);
        let request = request.map_err(|error| SignedError("signing", error))?;
        let answer = connector(&self.url)?.call(request).await;
        let answer = answer.map_err(|error| SignedError("connection", error.into()))?;
        let status = answer.status().as_u16();
        let body = ByteStream::new(answer.into_body()).collect().await;
        let body = body.map_err(|error| SignedError("answer", error.into()))?;
        let body = body.into_bytes();
        Ok(Answer { status, body })
    }

    fn request(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> Result<HttpRequest, Box<dyn Error + Send + Sync>> {
        let url = format!("{}{path}", self.url);
        let identity = self.keys.clone().into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.name)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?;
        let body_to_sign = SignableBody::Bytes(body.as_bytes());
        let signable =
            SignableRequest::new("POST", url.as_str(), headers.iter().copied(), body_to_sign)?;
        let (signed, _) = sign(signable, &params.into())?.into_parts();
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST")?;
        request.set_uri(url.as_str())?;
        let all = headers.iter().copied().chain(signed.headers());
        for (name, value) in all {
            let headers = request.headers_mut();
            headers.try_insert(name.to_owned(), value.to_owned())?;
        }
        Ok(request)
    }
}

fn own_endpoint(name: &str, region: &str) -> String {
    let china = if region.starts_with("cn-") { ".cn" } else { "" };
    format!("https://{name}.{region}.amazonaws.com{china}")
}

/// Root certificates are read only for HTTPS: a machine with a local service may have none.
fn connector(url: &str) -> Result<Connector, SignedError> {
    let trust = if url.starts_with("https:") {
        TrustStore::default()
    } else {
        TrustStore::empty()
    };
    let tls = TlsContext::builder().with_trust_store(trust).build();
    let tls = tls.map_err(|error| SignedError("TLS set-up", error.into()))?;
    Ok(Connector::builder()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls)
        .build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_and_what_is_needed() {
        let set = |names: &'static [&'static str]| {
            move |name: &str| names.contains(&name).then(|| format!("{name}/"))
        };
        let all = &[
            "AWS_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "E",
        ];
        let service = Service::from_variables("ssm", "E", set(all));
        assert_eq!(
            service.map(|service| service.url).ok().as_deref(),
            Some("E")
        );
        let missing = Service::from_variables("ssm", "E", set(&all[..2])).err();
        assert_eq!(missing, Some("AWS_SECRET_ACCESS_KEY"));
        let url = own_endpoint("ssm", "eu-central-1");
        assert_eq!(url, "https://ssm.eu-central-1.amazonaws.com");
        let url = own_endpoint("lambda", "cn-north-1");
        assert_eq!(url, "https://lambda.cn-north-1.amazonaws.com.cn");
    }
}
