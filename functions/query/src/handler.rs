//! [`Handler`]: from an API Gateway event to its endpoint and back.

use std::sync::Arc;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use http::Method;
use narvi_engine::Engine;
use narvi_gateway::{Config, Metric, Metrics, Request, Response, Surface, capture, telemetry};
use narvi_model::{Limits, TenantId};
use narvi_storage::{Catalog, Objects};
use tracing::Instrument as _;

use crate::explore::Explore;
use crate::{labels, legacy, open, query, series, tenant_limits};

/// The function's name in logs and metrics.
const FUNCTION: &str = "query";

/// Answers reads; keep one for the life of the process.
pub struct Handler {
    pub(crate) engine: Engine,
    config: Arc<Config>,
    metrics: Metrics,
}

/// A request of a tenant that may read.
pub(crate) struct Read<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) request: &'a Request,
    pub(crate) params: narvi_gateway::Params,
    pub(crate) tenant: TenantId,
    pub(crate) limits: &'a Limits,
}

impl Handler {
    /// A handler over objects and a catalog.
    #[must_use]
    pub fn new(objects: Arc<dyn Objects>, catalog: Catalog, config: Arc<Config>) -> Self {
        Self {
            engine: Engine::new(objects, catalog),
            config,
            metrics: Metrics::off(FUNCTION),
        }
    }

    /// Prints metrics for CloudWatch.
    #[must_use]
    pub const fn with_metrics(mut self) -> Self {
        self.metrics = Metrics::new(FUNCTION);
        self
    }

    /// Answers an event; an error is an answer too.
    pub async fn handle(&self, event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        let request = match Request::from_event(&event) {
            Ok(request) => request,
            Err(error) => return Response::refused(Surface::Read, &error).into_plain_event(),
        };
        let span = telemetry::request_span(FUNCTION, &request);
        let response = self.route(&request).instrument(span).await;
        let took = narvi_gateway::now().since(request.received);
        let measured = [
            Metric::millis("Duration", took),
            Metric::bytes("AnswerBytes", response.body.len() as u64),
        ];
        self.metrics
            .record(response.status, request.received, &measured);
        response.into_event(&request)
    }

    async fn route(&self, request: &Request) -> Response {
        let path = request.path.as_str();
        if let Some(response) = open::answer(request, &self.config) {
            return response;
        }
        // Loki's router answers a method that it does not know as if there were no such path.
        if !matches!(request.method, Method::GET | Method::POST) {
            return Response::not_found();
        }
        let values = capture("/loki/api/v1/label/{name}/values", path);
        let old_values = capture("/api/prom/label/{name}/values", path);
        let known = matches!(
            path,
            "/loki/api/v1/query_range"
                | "/loki/api/v1/query"
                | "/loki/api/v1/labels"
                | "/loki/api/v1/label"
                | "/loki/api/v1/series"
                | "/loki/api/v1/drilldown-limits"
                | "/loki/api/v1/cache/generation_numbers"
                | "/config/tenant/v1/limits"
                | "/api/prom/query"
                | "/api/prom/label"
                | "/api/prom/series"
        );
        let explore = Explore::of(path);
        if !known && values.is_none() && old_values.is_none() && explore.is_none() {
            return Response::not_found();
        }
        let tenant = match request.tenant(&self.config) {
            Ok(tenant) => tenant,
            Err(error) => return Response::tenant_error(Surface::Read, &error),
        };
        let limits = self.config.limits.of(&tenant);
        let params = request.params();
        let read = Read {
            engine: &self.engine,
            request,
            params,
            tenant,
            limits,
        };
        if let Some(explore) = explore {
            // On the heap, so that the future of a request is not as deep as all of its queries.
            return Box::pin(explore.answer(&read)).await;
        }
        if let Some([name]) = values.as_deref() {
            return labels::values(&read, name).await;
        }
        if let Some([name]) = old_values.as_deref() {
            return legacy::values(&read, name).await;
        }
        match path {
            "/loki/api/v1/query_range" => query::range(&read).await,
            "/loki/api/v1/query" => query::instant(&read).await,
            "/loki/api/v1/series" | "/api/prom/series" => series::series(&read).await,
            "/loki/api/v1/drilldown-limits" => tenant_limits::drilldown(&read),
            "/config/tenant/v1/limits" => tenant_limits::yaml(&read),
            // Nothing is cached that a delete could make stale.
            "/loki/api/v1/cache/generation_numbers" => Response::json("\"\"\n"),
            "/api/prom/query" => legacy::query(&read).await,
            "/api/prom/label" => legacy::names(&read).await,
            _ => labels::names(&read).await,
        }
    }
}
