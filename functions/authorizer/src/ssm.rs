//! One operation of AWS Systems Manager: `GetParameter`, decrypted, as a signed request.
//!
//! API: <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html>

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
use serde::Deserialize;
use serde_json::json;

use crate::limits::{SSM_ATTEMPTS, SSM_PAUSE, SSM_TIMEOUT};

const HEADERS: [(&str, &str); 2] = [
    ("content-type", "application/x-amz-json-1.1"),
    ("x-amz-target", "AmazonSSM.GetParameter"),
];

/// Who asks, and where.
pub struct Service {
    region: String,
    url: String,
    keys: Credentials,
}

/// Why there is no value.
#[derive(Debug, thiserror::Error)]
pub enum SsmError {
    /// The request could not be made; the place is the step.
    #[error("{0}: {1}")]
    Request(&'static str, Box<dyn Error + Send + Sync>),
    /// No answer in time.
    #[error("no answer within {} s", SSM_TIMEOUT.as_secs())]
    Timeout,
    /// Another answer than the value; what AWS calls it.
    #[error("refused with status {status}, {code}; check its name and `ssm:GetParameter`")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// As `ParameterNotFound`.
        code: String,
    },
    /// An answer that is none.
    #[error("the answer cannot be read")]
    Answer,
}

impl SsmError {
    /// Whether another attempt may go better.
    fn passes(&self) -> bool {
        match self {
            Self::Request(..) | Self::Timeout => true,
            Self::Refused { status, code } => *status >= 500 || code.contains("Throttl"),
            Self::Answer => false,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    parameter: Parameter,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    value: String,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(rename = "__type", default)]
    kind: String,
}

impl Service {
    /// Reads `AWS_REGION`, the keys that Lambda sets, and `NARVI_SSM_ENDPOINT`.
    pub(crate) fn from_variables(
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, &'static str> {
        let needed = |name: &'static str| variable(name).ok_or(name);
        let region = needed("AWS_REGION")?;
        let (id, secret) = (
            needed("AWS_ACCESS_KEY_ID")?,
            needed("AWS_SECRET_ACCESS_KEY")?,
        );
        let token = variable("AWS_SESSION_TOKEN");
        let url = variable("NARVI_SSM_ENDPOINT").unwrap_or_else(|| endpoint(&region));
        let keys = Credentials::new(id, secret, token, None, "narvi");
        Ok(Self { region, url, keys })
    }

    /// The value of a parameter, decrypted.
    pub(crate) async fn parameter(&self, name: &str) -> Result<String, SsmError> {
        let connector = connector(&self.url)?;
        let body = json!({"Name": name, "WithDecryption": true}).to_string();
        let mut attempt = 1;
        loop {
            let answer = tokio::time::timeout(SSM_TIMEOUT, self.ask(&connector, &body)).await;
            match answer.unwrap_or(Err(SsmError::Timeout)) {
                Err(error) if error.passes() && attempt < SSM_ATTEMPTS => {
                    tracing::warn!(%error, "SSM is asked again");
                    attempt += 1;
                    tokio::time::sleep(SSM_PAUSE).await;
                }
                other => return other,
            }
        }
    }

    async fn ask(&self, connector: &Connector, body: &str) -> Result<String, SsmError> {
        let request = self.request(body);
        let request = request.map_err(|error| SsmError::Request("signing", error))?;
        let answer = connector.call(request).await;
        let answer = answer.map_err(|error| SsmError::Request("connection", error.into()))?;
        let status = answer.status().as_u16();
        let body = ByteStream::new(answer.into_body()).collect().await;
        let body = body.map_err(|error| SsmError::Request("answer", error.into()))?;
        let body = body.into_bytes();
        if status == 200 {
            let found: Result<Found, _> = serde_json::from_slice(&body);
            return found
                .map(|found| found.parameter.value)
                .map_err(|_| SsmError::Answer);
        }
        let fault: Result<Fault, _> = serde_json::from_slice(&body);
        let code = fault.map_or_else(|_| "no JSON".to_owned(), |fault| fault.kind);
        Err(SsmError::Refused { status, code })
    }

    fn request(&self, body: &str) -> Result<HttpRequest, Box<dyn Error + Send + Sync>> {
        let identity = self.keys.clone().into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("ssm")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?;
        let signable = SignableRequest::new(
            "POST",
            self.url.as_str(),
            HEADERS.into_iter(),
            SignableBody::Bytes(body.as_bytes()),
        )?;
        let (signed, _) = sign(signable, &params.into())?.into_parts();
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST")?;
        request.set_uri(self.url.as_str())?;
        let headers = request.headers_mut();
        for (name, value) in HEADERS.into_iter().chain(signed.headers()) {
            headers.try_insert(name.to_owned(), value.to_owned())?;
        }
        Ok(request)
    }
}

fn endpoint(region: &str) -> String {
    let china = if region.starts_with("cn-") { ".cn" } else { "" };
    format!("https://ssm.{region}.amazonaws.com{china}/")
}

/// Root certificates are read only for HTTPS: a machine with a local service may have none.
fn connector(url: &str) -> Result<Connector, SsmError> {
    let trust = if url.starts_with("https:") {
        TrustStore::default()
    } else {
        TrustStore::empty()
    };
    let tls = TlsContext::builder().with_trust_store(trust).build();
    let tls = tls.map_err(|error| SsmError::Request("TLS set-up", error.into()))?;
    Ok(Connector::builder()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls)
        .build())
}
