//! [`Connection`]: makes the clients of S3 and DynamoDB out of [`Settings`], with time-outs,
//! retries and request counting set on purpose. Knows no operation.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::config::retry::{RetryPartition, TokenBucket};
use aws_sdk_dynamodb::config::{BehaviorVersion, SharedAsyncSleep};
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;

use crate::catalog::TableNames;
use crate::{Catalog, Requests, S3Objects, Settings, StorageError, limits};

/// Pools of connections and what is needed to make clients on it.
///
/// Cheap to make: no request is sent and no file is read before the first client is made.
#[derive(Clone, Debug)]
pub struct Connection {
    settings: Settings,
    requests: Requests,
    https: SharedHttpClient,
    http: SharedHttpClient,
    sleep: Option<SharedAsyncSleep>,
}

impl Connection {
    /// Requests of all clients are counted into `requests`.
    ///
    /// # Errors
    /// [`StorageError::Refused`] where TLS cannot be set up.
    pub fn new(settings: Settings, requests: Requests) -> Result<Self, StorageError> {
        let https = http_client(TrustStore::default())?;
        let http = http_client(TrustStore::empty())?;
        Ok(Self {
            settings,
            requests,
            https,
            http,
            sleep: None,
        })
    }

    /// Over another network and another time than those of this machine, for who holds both in
    /// hands: `client` answers every request, `sleep` says when a pause or a time-out is over.
    /// Retries are then bounded by attempts alone, whatever other connections have met.
    #[must_use]
    pub fn over(
        settings: Settings,
        requests: Requests,
        client: SharedHttpClient,
        sleep: SharedAsyncSleep,
    ) -> Self {
        Self {
            settings,
            requests,
            https: client.clone(),
            http: client,
            sleep: Some(sleep),
        }
    }

    /// Where the attempts of all clients are counted.
    #[must_use]
    pub fn requests(&self) -> &Requests {
        &self.requests
    }

    /// The objects of the bucket.
    #[must_use]
    pub fn objects(&self) -> S3Objects {
        self.objects_of(&self.settings.bucket)
    }

    /// The objects of another bucket.
    #[must_use]
    pub fn objects_of(&self, bucket: &str) -> S3Objects {
        let settings = &self.settings;
        let mut config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(aws_sdk_s3::config::Region::new(settings.region.clone()))
            .credentials_provider(credentials(settings))
            .http_client(self.pool(&settings.s3_endpoint))
            .retry_config(retries())
            .timeout_config(
                timeouts()
                    .operation_attempt_timeout(limits::S3_ATTEMPT_TIMEOUT)
                    .build(),
            )
            // Segments carry their own CRCs; the SDK's would be a trailer that other servers
            // refuse.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .interceptor(self.requests.interceptor())
            .force_path_style(settings.s3_endpoint.is_some());
        config.set_endpoint_url(settings.s3_endpoint.clone());
        S3Objects::new(aws_sdk_s3::Client::from_conf(config.build()), bucket)
    }

    /// The catalog in the tables of the prefix.
    #[must_use]
    pub fn catalog(&self) -> Catalog {
        let settings = &self.settings;
        let timeouts = timeouts()
            .operation_attempt_timeout(limits::DYNAMODB_ATTEMPT_TIMEOUT)
            .operation_timeout(limits::DYNAMODB_TIMEOUT)
            .build();
        let mut config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(aws_sdk_dynamodb::config::Region::new(
                settings.region.clone(),
            ))
            .credentials_provider(credentials(settings))
            .http_client(self.pool(&settings.dynamodb_endpoint))
            .retry_config(retries())
            .timeout_config(timeouts)
            .interceptor(self.requests.interceptor());
        config.set_endpoint_url(settings.dynamodb_endpoint.clone());
        if let Some(sleep) = &self.sleep {
            let unbounded = RetryPartition::custom("own").token_bucket(TokenBucket::unlimited());
            config.set_sleep_impl(Some(sleep.clone()));
            config.set_retry_partition(Some(unbounded.build()));
        }
        let client = aws_sdk_dynamodb::Client::from_conf(config.build());
        Catalog::new(
            client,
            TableNames::with_prefix(&settings.table_prefix),
            settings.shards,
        )
    }

    /// What a client of a further service needs: who asks, from where, over the same pool and with
    /// the same patience for one attempt. Its requests are not counted.
    #[must_use]
    pub fn sdk_config(&self, endpoint: &str) -> SdkConfig {
        let settings = &self.settings;
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(settings.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(credentials(settings)))
            .http_client(self.pool(&Some(endpoint.to_owned())))
            .retry_config(retries())
            .timeout_config(timeouts().build())
            .endpoint_url(endpoint)
            .build()
    }

    /// One pool for all services on AWS, so that root certificates are read once; a pool without
    /// any for plain HTTP, because the machine of a local service may have none.
    fn pool(&self, endpoint: &Option<String>) -> SharedHttpClient {
        match endpoint {
            Some(url) if url.starts_with("http://") => self.http.clone(),
            _ => self.https.clone(),
        }
    }
}

/// Reads no certificate before the first client is made.
fn http_client(trust: TrustStore) -> Result<SharedHttpClient, StorageError> {
    let tls = TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .map_err(|error| StorageError::Refused {
            what: "TLS set-up".to_owned(),
            source: Box::new(error),
        })?;
    Ok(aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls)
        .build_https())
}

fn credentials(settings: &Settings) -> Credentials {
    let keys = &settings.access_keys;
    Credentials::new(
        &keys.id,
        &keys.secret,
        keys.session_token.clone(),
        None,
        "narvi",
    )
}

fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(limits::ATTEMPTS)
        .with_initial_backoff(limits::FIRST_BACKOFF)
        .with_max_backoff(limits::MAX_BACKOFF)
}

fn timeouts() -> aws_smithy_types::timeout::TimeoutConfigBuilder {
    TimeoutConfig::builder().connect_timeout(limits::CONNECT_TIMEOUT)
}
