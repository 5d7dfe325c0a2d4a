//! [`Evaluate`]: answers a rule's query at an instant. The engine does; tests have a script.

use std::sync::Arc;

use async_trait::async_trait;
use narvi_engine::{Caller, Engine, Request, Span};
use narvi_gateway::Config;
use narvi_logql::syntax::{self, ast::Query};
use narvi_model::answer::QueryResult;
use narvi_model::{Direction, Labels, TenantId, Timestamp};

/// One series of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its labels.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
}

/// What a query has come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluated {
    /// The series that it has.
    pub samples: Vec<Sample>,
    /// Why it may lack some, as a damaged segment.
    pub warnings: Vec<String>,
}

/// Who answers the queries of rules.
#[async_trait]
pub trait Evaluate: Send + Sync + 'static {
    /// The samples of `query` at `at`.
    ///
    /// # Errors
    /// Why there are none, as a rule's `lastError` shows it.
    async fn evaluate(
        &self,
        tenant: &TenantId,
        query: &str,
        at: Timestamp,
    ) -> Result<Evaluated, String>;
}

/// The engine, with the limits of each tenant.
pub(crate) struct Queries {
    pub(crate) engine: Engine,
    pub(crate) config: Arc<Config>,
}

const NO_VECTOR: &str = "rule result is not a vector or scalar";

#[async_trait]
impl Evaluate for Queries {
    async fn evaluate(
        &self,
        tenant: &TenantId,
        query: &str,
        at: Timestamp,
    ) -> Result<Evaluated, String> {
        if let Ok(Query::Log(_)) = syntax::parse(query) {
            return Err(NO_VECTOR.to_owned());
        }
        let request = Request {
            tenant: tenant.clone(),
            limits: self.config.limits.of(tenant).clone(),
            query: query.to_owned(),
            span: Span::Instant(at),
            direction: Direction::default(),
            limit: 0,
            interval: 0,
            now: at,
            caller: Caller::default(),
        };
        let answer = self.engine.query(&request).await;
        let answer = answer.map_err(|error| error.to_string())?;
        Ok(Evaluated {
            samples: samples(answer.result)?,
            warnings: answer.warnings,
        })
    }
}

fn samples(result: QueryResult) -> Result<Vec<Sample>, String> {
    match result {
        QueryResult::Scalar(sample) => Ok(vec![Sample {
            labels: Labels::empty(),
            value: sample.value,
        }]),
        QueryResult::Vector(series) => Ok(series
            .into_iter()
            .filter_map(|series| {
                let value = series.samples.last()?.value;
                let labels = series.labels;
                Some(Sample { labels, value })
            })
            .collect()),
        QueryResult::Streams(_) | QueryResult::Matrix(_) => Err(NO_VECTOR.to_owned()),
    }
}
