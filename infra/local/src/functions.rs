//! [`Functions`]: the handlers of `functions/*` behind two shapes, one for events and one for
//! timers.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use narvi_gateway::Config;
use narvi_live::Live;
use narvi_tail::Historian;

use crate::HostError;
use crate::channels::Channels;
use crate::route::Function;
use crate::services::Services;
use crate::tails::{Pasts, Tails};
use crate::timers::Job;

/// A function's answer under way.
type Answer = Pin<Box<dyn Future<Output = ApiGatewayV2httpResponse> + Send>>;

/// A function that answers HTTP.
type Handle = Box<dyn Fn(ApiGatewayV2httpRequest) -> Answer + Send + Sync>;

/// Every function.
pub(crate) struct Functions {
    ingest: Handle,
    query: Handle,
    rules: Handle,
    retention: Handle,
    tails: Arc<Tails>,
    jobs: Vec<Arc<Job>>,
}

impl Functions {
    /// Makes every handler, as its `main.rs` does on AWS.
    ///
    /// # Errors
    /// [`HostError::Function`] where a part of the configuration that only a function reads is
    /// wrong.
    pub(crate) fn start(services: &Services, config: &Arc<Config>) -> Result<Self, HostError> {
        let objects = || Arc::clone(&services.objects);
        let catalog = || services.catalog.clone();
        let settings = || Arc::clone(config);
        let channels = Channels::default();
        let live = Arc::new(Live::new(catalog(), Arc::new(channels.clone())));
        let pasts = Pasts {
            historian: Arc::new(Historian::new(objects(), catalog(), settings())),
            live: Arc::clone(&live),
            channels: channels.clone(),
        };
        let tail = narvi_tail::Handler::new(catalog(), settings(), Arc::new(pasts));
        let tails = Tails::new(tail.in_one_process(), channels);
        let ingest = narvi_ingest::Handler::new(objects(), catalog(), settings());
        let ingest = Arc::new(ingest.with_live(live));
        let query = Arc::new(narvi_query::Handler::new(objects(), catalog(), settings()));
        let compact = narvi_compact::Handler::new(objects(), catalog(), settings());
        let compact = Arc::new(compact.looking_back());
        let retention = Arc::new(narvi_retention::Handler::new(
            objects(),
            catalog(),
            settings(),
        ));
        let rules = narvi_rules::Handler::new(objects(), catalog(), settings());
        let rules = Arc::new(rules.map_err(|error| failure("rules", error))?);
        let (compactor, ruler) = (&config.compactor, &config.ruler);
        let evaluator = Arc::clone(&rules);
        let dropper = Arc::clone(&retention);
        let jobs = vec![
            Job::new("compact", compactor.compaction_interval, move |now| {
                let compact = Arc::clone(&compact);
                Box::pin(async move { told(compact.run(now).await) })
            }),
            Job::new(
                "retention",
                compactor.apply_retention_interval,
                move |now| {
                    let retention = Arc::clone(&dropper);
                    Box::pin(async move { told(retention.run(now).await) })
                },
            ),
            Job::new("rules", ruler.evaluation_interval, move |now| {
                let rules = Arc::clone(&evaluator);
                Box::pin(async move { told(rules.run(now).await) })
            }),
        ];
        Ok(Self {
            ingest: Box::new(move |event| {
                let ingest = Arc::clone(&ingest);
                Box::pin(async move { ingest.handle(event).await })
            }),
            query: Box::new(move |event| {
                let query = Arc::clone(&query);
                Box::pin(async move { query.handle(event).await })
            }),
            rules: Box::new(move |event| {
                let rules = Arc::clone(&rules);
                Box::pin(async move { rules.handle(event).await })
            }),
            retention: Box::new(move |event| {
                let retention = Arc::clone(&retention);
                Box::pin(async move { retention.handle(event).await })
            }),
            tails,
            jobs: jobs.into_iter().map(Arc::new).collect(),
        })
    }

    /// Answers an event.
    pub(crate) async fn call(
        &self,
        function: Function,
        event: ApiGatewayV2httpRequest,
    ) -> ApiGatewayV2httpResponse {
        match function {
            Function::Ingest => (self.ingest)(event).await,
            Function::Query => (self.query)(event).await,
            Function::Rules => (self.rules)(event).await,
            Function::Retention => (self.retention)(event).await,
        }
    }

    /// Live tails.
    pub(crate) fn tails(&self) -> &Arc<Tails> {
        &self.tails
    }

    /// What runs by the clock.
    pub(crate) fn jobs(&self) -> &[Arc<Job>] {
        &self.jobs
    }
}

/// A run's outcome as text, for the log and for whoever asked for the run.
fn told<R: fmt::Debug, E: fmt::Display>(outcome: Result<R, E>) -> Result<String, String> {
    outcome
        .map(|report| format!("{report:?}"))
        .map_err(|error| error.to_string())
}

fn failure(function: &'static str, error: impl fmt::Display) -> HostError {
    HostError::Function {
        function,
        reason: error.to_string(),
    }
}
