//! What can be found out about streams without knowing them: labels worth grouping by ([`labels`]),
//! and fields of their lines ([`fields`]), with what their values look like ([`kind`]).
//!
//! Labels come out of the catalog. Fields come out of a sample of the newest lines, which is a log
//! query like any other (spec `http-api.md` §10).

mod fields;
mod kind;
mod labels;
mod paths;

use std::collections::BTreeSet;

use narvi_logql::running::Running;
use narvi_model::Direction;
use narvi_model::answer::{DetectedField, DetectedLabel, QueryResult};

use crate::error::EngineError;
use crate::request::{IndexRequest, Request};
use crate::{Engine, checks};

use fields::Fields;

impl Engine {
    /// The labels of streams that match, with the number of their values, by name. Labels whose
    /// values only tell things apart are left out.
    ///
    /// # Errors
    /// Over a limit, or the catalog failed.
    pub async fn detected_labels(
        &self,
        request: &IndexRequest<'_>,
    ) -> Result<Vec<DetectedLabel>, EngineError> {
        let Some(range) = checks::index(request)? else {
            return Ok(Vec::new());
        };
        let groups = [request.matchers];
        let found = async {
            let mut streams = BTreeSet::new();
            for tenant in request.tenants {
                streams.extend(self.series(tenant, request.limits, range, &groups).await?);
            }
            Ok(labels::summary(&streams))
        };
        let running = Running::default();
        self.within(request.limits, &running, found).await
    }

    /// The fields of the newest lines of a log query, by name: structured metadata, what the query
    /// extracts, and what the lines hold as JSON or logfmt. `request.limit` is the number of lines,
    /// `most` that of fields.
    ///
    /// # Errors
    /// As [`Engine::query`], and for a query that answers with numbers.
    pub async fn detected_fields(
        &self,
        request: &Request,
        most: usize,
    ) -> Result<Vec<DetectedField>, EngineError> {
        Ok(self.fields(request).await?.summary(most))
    }

    /// Distinct values of one of these fields, sorted; at most `most`.
    ///
    /// # Errors
    /// As [`Engine::detected_fields`].
    pub async fn detected_values(
        &self,
        request: &Request,
        name: &str,
        most: usize,
    ) -> Result<Vec<String>, EngineError> {
        Ok(self.fields(request).await?.values(name, most))
    }

    async fn fields(&self, request: &Request) -> Result<Fields, EngineError> {
        narvi_logql::syntax::parse_log(&request.query)?;
        let newest = Request {
            direction: Direction::Backward,
            ..request.clone()
        };
        let mut fields = Fields::default();
        if let QueryResult::Streams(streams) = self.query(&newest).await?.result {
            for stream in &streams {
                fields.add(stream)?;
            }
        }
        Ok(fields)
    }
}
