//! [`Handler`]: the function behind its events.

use std::sync::Arc;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use narvi_engine::Engine;
use narvi_gateway::{Config, Metric, Metrics, Request, Response, Surface, telemetry};
use narvi_storage::{Catalog, Objects};
use tracing::Instrument as _;

use crate::api;
use crate::evaluate::{Evaluate, Queries};
use crate::notify::{Alertmanager, Post};
use crate::states;
use crate::target::{Target, TargetError};

/// The function's name in logs and metrics.
const FUNCTION: &str = "rules";

/// Evaluates rules and serves their API; keep one for the life of the process.
pub struct Handler {
    pub(crate) catalog: Catalog,
    pub(crate) config: Arc<Config>,
    pub(crate) targets: Vec<Target>,
    pub(crate) queries: Arc<dyn Evaluate>,
    pub(crate) post: Arc<dyn Post>,
    pub(crate) metrics: Metrics,
}

impl Handler {
    /// A handler over objects and a catalog, without metrics.
    ///
    /// # Errors
    /// An address in `ruler.alertmanager_url` that is none.
    pub fn new(
        objects: Arc<dyn Objects>,
        catalog: Catalog,
        config: Arc<Config>,
    ) -> Result<Self, TargetError> {
        let queries = Queries {
            engine: Engine::new(objects, catalog.clone()).heeding(config.heeds_deletes()),
            config: Arc::clone(&config),
        };
        let post = Arc::new(Alertmanager::new());
        Self::with(catalog, config, Arc::new(queries), post)
    }

    /// A handler with its own way to answer queries and to deliver alerts.
    ///
    /// # Errors
    /// As [`Handler::new`].
    pub fn with(
        catalog: Catalog,
        config: Arc<Config>,
        queries: Arc<dyn Evaluate>,
        post: Arc<dyn Post>,
    ) -> Result<Self, TargetError> {
        let targets = Target::all(&config.ruler.alertmanager_url)?;
        Ok(Self {
            catalog,
            config,
            targets,
            queries,
            post,
            metrics: Metrics::off(FUNCTION),
        })
    }

    /// With metrics for CloudWatch on stdout.
    #[must_use]
    pub fn with_metrics(self) -> Self {
        let metrics = Metrics::new(FUNCTION);
        Self { metrics, ..self }
    }

    /// Answers a request to one of the ruler's APIs; an error is an answer too.
    pub async fn handle(&self, event: ApiGatewayV2httpRequest) -> ApiGatewayV2httpResponse {
        let request = match Request::from_event(&event) {
            Ok(request) => request,
            Err(error) => return Response::refused(Surface::Write, &error).into_plain_event(),
        };
        let span = telemetry::request_span(FUNCTION, &request);
        let answer = async {
            match states::answer(self, &request).await {
                Some(response) => response,
                None => api::answer(self, &request).await,
            }
        };
        let response = answer.instrument(span).await;
        let took = narvi_gateway::now().since(request.received);
        let measured = [Metric::millis("Duration", took)];
        self.metrics
            .record(response.status, request.received, &measured);
        response.into_event(&request)
    }
}
