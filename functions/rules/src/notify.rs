//! [`Post`]: the seam between this crate and Alertmanager; [`Alertmanager`]: HTTP behind it.

use std::error::Error;
use std::sync::OnceLock;

use async_trait::async_trait;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::HttpConnector as _;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use narvi_model::TenantId;

use crate::limits::DELIVERY_TIMEOUT;
use crate::target::Target;

/// Delivers alerts.
#[async_trait]
pub trait Post: Send + Sync + 'static {
    /// Posts a JSON array of alerts of a tenant; ends within [`DELIVERY_TIMEOUT`].
    ///
    /// # Errors
    /// Whatever makes it uncertain that they arrived.
    async fn post(
        &self,
        target: &Target,
        tenant: &TenantId,
        alerts: Bytes,
    ) -> Result<(), NotifyError>;
}

/// Why alerts did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotifyError {
    /// It could not be reached, or the connection broke.
    #[error("not reached: {0}")]
    Connection(String),
    /// It answered with something else than success.
    #[error("it answered with status {0}")]
    Status(u16),
    /// It took longer than [`DELIVERY_TIMEOUT`].
    #[error("no answer within {} s", DELIVERY_TIMEOUT.as_secs())]
    Timeout,
}

/// Alertmanagers over HTTP and HTTPS.
#[derive(Debug, Default)]
pub struct Alertmanager {
    http: OnceLock<Connector>,
    https: OnceLock<Connector>,
}

impl Alertmanager {
    /// Opens nothing before the first alert.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Root certificates are read only for HTTPS: a machine with a local Alertmanager may have
    /// none.
    fn connector(&self, url: &str) -> Result<&Connector, NotifyError> {
        let (place, trust) = if url.starts_with("https:") {
            (&self.https, TrustStore::default())
        } else {
            (&self.http, TrustStore::empty())
        };
        if let Some(connector) = place.get() {
            return Ok(connector);
        }
        let tls = TlsContext::builder().with_trust_store(trust).build();
        let tls = tls.map_err(|error| NotifyError::Connection(error.to_string()))?;
        let connector = Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(tls)
            .build();
        Ok(place.get_or_init(|| connector))
    }
}

#[async_trait]
impl Post for Alertmanager {
    async fn post(
        &self,
        target: &Target,
        tenant: &TenantId,
        alerts: Bytes,
    ) -> Result<(), NotifyError> {
        let connector = self.connector(target.url())?;
        let request = request(target, tenant, alerts)
            .map_err(|error| NotifyError::Connection(causes(&*error)))?;
        let answer = tokio::time::timeout(DELIVERY_TIMEOUT, connector.call(request)).await;
        let answer = answer.map_err(|_| NotifyError::Timeout)?;
        let status = answer
            .map_err(|error| NotifyError::Connection(causes(&error)))?
            .status();
        if status.is_success() {
            return Ok(());
        }
        Err(NotifyError::Status(status.as_u16()))
    }
}

fn request(
    target: &Target,
    tenant: &TenantId,
    alerts: Bytes,
) -> Result<HttpRequest, Box<dyn Error + Send + Sync>> {
    let mut request = HttpRequest::new(SdkBody::from(alerts));
    request.set_method("POST")?;
    request.set_uri(target.url())?;
    let headers = request.headers_mut();
    headers.try_insert("content-type", "application/json")?;
    headers.try_insert("user-agent", concat!("narvi/", env!("CARGO_PKG_VERSION")))?;
    headers.try_insert("x-scope-orgid", tenant.as_str().to_owned())?;
    if let Some(authorization) = target.authorization() {
        headers.try_insert("authorization", authorization.to_owned())?;
    }
    Ok(request)
}

/// The error and what caused it; the connector's own text says next to nothing.
fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
