//! [`Handler`]: from an API Gateway event to its endpoint and back.

use std::borrow::Cow;
use std::sync::Arc;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use http::Method;
use narvi_engine::Engine;
use narvi_gateway::{
    Config, Metric, Metrics, Request, Response, Surface, TENANT_HEADER, capture, telemetry,
};
use narvi_model::{Limits, TenantError, TenantId};
use narvi_storage::{Catalog, Objects};
use tracing::Instrument as _;

use crate::explore::Explore;
use crate::reply::Refusal;
use crate::{labels, legacy, open, per_query, query, series, tenant_limits};

/// The function's name in logs and metrics.
const FUNCTION: &str = "query";

/// Answers reads; keep one for the life of the process.
pub struct Handler {
    pub(crate) engine: Engine,
    config: Arc<Config>,
    metrics: Metrics,
}

/// Endpoints that answer for several tenants at once.
const SEVERAL: [&str; 18] = [
    "/loki/api/v1/query_range",
    "/loki/api/v1/query",
    "/loki/api/v1/labels",
    "/loki/api/v1/label",
    "/loki/api/v1/label/{name}/values",
    "/loki/api/v1/series",
    "/api/prom/query",
    "/api/prom/label",
    "/api/prom/label/{name}/values",
    "/api/prom/series",
    "/loki/api/v1/index/stats",
    "/loki/api/v1/index/shards",
    "/loki/api/v1/index/volume",
    "/loki/api/v1/index/volume_range",
    "/loki/api/v1/patterns",
    "/loki/api/v1/detected_labels",
    "/loki/api/v1/detected_fields",
    "/loki/api/v1/detected_field/{name}/values",
];

/// A request of a tenant that may read.
pub(crate) struct Read<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) request: &'a Request,
    pub(crate) params: narvi_gateway::Params,
    /// The tenant, or the first of several.
    pub(crate) tenant: TenantId,
    /// Every tenant; more than one only for endpoints of [`SEVERAL`].
    pub(crate) tenants: Vec<TenantId>,
    pub(crate) limits: &'a Limits,
}

impl Handler {
    /// A handler over objects and a catalog.
    #[must_use]
    pub fn new(objects: Arc<dyn Objects>, catalog: Catalog, config: Arc<Config>) -> Self {
        Self {
            engine: Engine::new(objects, catalog).heeding(config.heeds_deletes()),
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
        let mut measured = vec![
            Metric::millis("Duration", took),
            Metric::bytes("AnswerBytes", response.body.len() as u64),
        ];
        // Most processes never have this metric, nor pay for it.
        let damaged = self.engine.take_damaged();
        if damaged > 0 {
            measured.push(Metric::count("DamagedSegments", damaged));
        }
        self.metrics
            .record(response.status, request.received, &measured);
        response.into_event(&request)
    }

    /// Whose data is read, never empty; several where endpoint and configuration allow it.
    fn tenants(&self, request: &Request) -> Result<Vec<TenantId>, TenantError> {
        let is_it = |pattern: &&str| capture(pattern, &request.path).is_some();
        let tenants = match SEVERAL.iter().any(is_it) {
            true => request.tenants(&self.config),
            false => Ok(vec![request.tenant(&self.config)?]),
        };
        match tenants {
            // As in Loki: several may ask for what is nobody's.
            Err(TenantError::Several) if query::reads_nothing(request) => {
                TenantId::all_from_header(request.header(TENANT_HEADER).unwrap_or_default())
            }
            tenants => tenants,
        }
    }

    /// The limits of the tenants, tightened by the request where that is allowed.
    fn limits(&self, request: &Request, tenants: &[TenantId]) -> Result<Cow<'_, Limits>, Refusal> {
        let all: Vec<&Limits> = tenants.iter().map(|id| self.config.limits.of(id)).collect();
        let limits = match all.as_slice() {
            [one] => Cow::Borrowed(*one),
            several => Cow::Owned(Limits::strictest(several)),
        };
        if !self.config.per_request_limits {
            return Ok(limits);
        }
        Ok(per_query::tightened(request, &limits)?.map_or(limits, Cow::Owned))
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
        let tenants = match self.tenants(request) {
            Ok(tenants) => tenants,
            Err(error) => return Response::tenant_error(Surface::Read, &error),
        };
        let limits = match self.limits(request, &tenants) {
            Ok(limits) => limits,
            Err(refusal) => return refusal.into_response(),
        };
        let read = Read {
            engine: &self.engine,
            request,
            params: request.params(),
            tenant: tenants[0].clone(),
            tenants,
            limits: &limits,
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
