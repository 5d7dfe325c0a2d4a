//! [`Handler`]: an API Gateway event in, its answer out. Finds the endpoint of a request and runs
//! the steps that all endpoints share. Knows no wire format.

use std::sync::Arc;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use http::Method;
use narvi_aws_logs::pushes;
use narvi_gateway::{Config, Request, RequestError, Response, Surface};
use narvi_intake::{Intake, IntakeError};
use narvi_live::Live;
use narvi_model::{Limits, TenantId, Timestamp};
use narvi_protocol::push::{DecodeLimits, PushError, PushRequest};
use narvi_segment::WriterOptions;
use narvi_storage::{Catalog, Objects};

use crate::error::IngestError;
use crate::firehose::Delivery;
use crate::{firehose, limits, loki_push, otlp_push};

/// Takes pushes. One serves a container for its life; requests may run side by side.
pub struct Handler {
    config: Arc<Config>,
    intake: Intake,
    decode_limits: DecodeLimits,
}

impl Handler {
    /// Stores into `objects` and `catalog` under the limits of `config`, and takes bodies as large
    /// as Loki does.
    #[must_use]
    pub fn new(objects: Arc<dyn Objects>, catalog: Catalog, config: Arc<Config>) -> Self {
        let options = WriterOptions {
            codec: config.chunk_encoding.into(),
            ..WriterOptions::default()
        };
        let decode_limits = DecodeLimits {
            max_compressed: limits::BODY_BYTES,
            ..DecodeLimits::default()
        };
        Self {
            intake: Intake::new(objects, catalog, config.limits.clone(), options),
            config,
            decode_limits,
        }
    }

    /// Takes bodies of at most `bytes` as sent; on AWS that is [`limits::LAMBDA_BODY_BYTES`].
    #[must_use]
    pub const fn with_max_body_bytes(mut self, bytes: usize) -> Self {
        self.decode_limits.max_compressed = bytes;
        self
    }

    /// Tells live tails of what is stored.
    #[must_use]
    pub fn with_live(mut self, live: Arc<Live>) -> Self {
        self.intake = self.intake.with_live(live);
        self
    }

    /// Answers a request. Never fails: what goes wrong is an answer.
    pub async fn handle(&self, event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        match Request::from_event(&event) {
            Ok(request) => self.answer(&request).await.into_event(&request),
            Err(error) => refuse(event, &error),
        }
    }

    async fn answer(&self, request: &Request) -> Response {
        let endpoint = match request.path.as_str() {
            "/loki/api/v1/push" | "/api/prom/push" => &LOKI,
            "/otlp/v1/logs" => &OTLP,
            firehose::PATH => return self.firehose(request).await,
            _ => return Response::not_found(),
        };
        if request.method != Method::POST {
            return Response::method_not_allowed();
        }
        match self.push(request, endpoint).await {
            Ok(()) => Response::no_content(),
            Err(error) => (endpoint.refuse)(error),
        }
    }

    async fn push(&self, request: &Request, endpoint: &Endpoint) -> Result<(), IngestError> {
        let tenant = request.tenant(&self.config)?;
        self.check_size(request)?;
        let limits = self.config.limits.of(&tenant);
        let push = (endpoint.decode)(request, limits, &self.decode_limits)?;
        Ok(self.intake.push(&tenant, push, request.received).await?)
    }

    async fn firehose(&self, request: &Request) -> Response {
        if request.method != Method::POST {
            return Response::method_not_allowed();
        }
        match self.open(request) {
            Err(error) => firehose::answer(request, None, Some(error.into_response())),
            Ok((tenant, delivery)) => {
                let id = delivery.id.clone();
                let stored = self.store(&tenant, delivery, request.received).await;
                let refused = stored.err().map(IngestError::into_response);
                firehose::answer(request, Some(&id), refused)
            }
        }
    }

    fn open(&self, request: &Request) -> Result<(TenantId, Delivery), IngestError> {
        let tenant = request.tenant_or_granted(&self.config)?;
        self.check_size(request)?;
        let delivery = Delivery::read(request, self.decode_limits.max_decompressed)?;
        Ok((tenant, delivery))
    }

    /// Stores what can be stored, then says what cannot.
    async fn store(
        &self,
        tenant: &TenantId,
        delivery: Delivery,
        now: Timestamp,
    ) -> Result<(), IngestError> {
        let limits = self.config.limits.of(tenant);
        let mut refused = Ok(());
        for push in pushes(delivery.sources, &delivery.labels, limits) {
            match self.intake.push_at_any_rate(tenant, push, now).await {
                Err(error @ (IntakeError::Refused { .. } | IntakeError::Blocked { .. })) => {
                    refused = refused.and(Err(error));
                }
                stored => stored?,
            }
        }
        refused?;
        delivery.broken.map_or(Ok(()), |error| Err(error.into()))
    }

    fn check_size(&self, request: &Request) -> Result<(), IngestError> {
        let (size, max) = (request.body.len(), self.decode_limits.max_compressed);
        if size > max {
            return Err(IngestError::BodyTooLarge { size, max });
        }
        Ok(())
    }
}

/// What is an endpoint's own.
struct Endpoint {
    /// Makes streams of the body of a request, by the limits of its tenant.
    decode: fn(&Request, &Limits, &DecodeLimits) -> Result<PushRequest, PushError>,
    /// Says what is wrong.
    refuse: fn(IngestError) -> Response,
}

const LOKI: Endpoint = Endpoint {
    decode: loki_push::decode,
    refuse: IngestError::into_response,
};

const OTLP: Endpoint = Endpoint {
    decode: otlp_push::decode,
    refuse: otlp_push::refuse,
};

/// Answers an event that is no request: what made it none is left out, so that the rest still says
/// how the client wants its answer.
fn refuse(mut event: ApiGatewayV2httpRequest, error: &RequestError) -> ApiGatewayV2httpResponse {
    event.body = None;
    event.raw_query_string = None;
    let response = Response::refused(Surface::Write, error);
    match Request::from_event(&event) {
        Ok(request) if request.path == firehose::PATH => {
            firehose::answer(&request, None, Some(response)).into_event(&request)
        }
        Ok(request) => response.into_event(&request),
        Err(_) => {
            let mut bare = ApiGatewayV2httpResponse::default();
            bare.status_code = i64::from(response.status);
            bare
        }
    }
}
