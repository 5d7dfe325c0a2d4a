//! [`Handler`]: an event in, a [`Report`] out. Knows no wire format.

use std::sync::Arc;

use narvi_gateway::Config;
use narvi_intake::{Intake, IntakeError};
use narvi_model::Timestamp;
use narvi_segment::WriterOptions;
use narvi_storage::{Catalog, Objects};
use serde_json::Value;

use crate::cloudwatch::Batch;
use crate::streams::pushes;
use crate::{ForwardError, Options, Report};

/// Stores what subscriptions send. One serves a container for its life.
pub struct Handler {
    config: Arc<Config>,
    options: Options,
    intake: Intake,
}

impl Handler {
    /// Stores into `objects` and `catalog` under the limits of `config`, for the tenant `fake` and
    /// without further labels.
    #[must_use]
    pub fn new(objects: Arc<dyn Objects>, catalog: Catalog, config: Arc<Config>) -> Self {
        let writing = WriterOptions {
            codec: config.chunk_encoding.into(),
            ..WriterOptions::default()
        };
        Self {
            intake: Intake::new(objects, catalog, config.limits.clone(), writing),
            options: Options::default(),
            config,
        }
    }

    /// Stores for another tenant or with further labels.
    #[must_use]
    pub fn with_options(self, options: Options) -> Self {
        Self { options, ..self }
    }

    /// Stores the lines of an event that arrived at `now`. It may be sent again at any time: its
    /// segments have the same ids then, and are stored once.
    ///
    /// # Errors
    /// See [`ForwardError`]. What a limit refuses is in the report instead.
    pub async fn handle(&self, event: &Value, now: Timestamp) -> Result<Report, ForwardError> {
        let Some(batch) = Batch::read(event)? else {
            return Ok(Report::default());
        };
        let group = batch.group.clone();
        let limits = self.config.limits.of(&self.options.tenant);
        let mut report = Report::default();
        for push in pushes(batch, &self.options.labels, limits) {
            let all = push.streams.iter().map(|stream| stream.entries.len()).sum();
            let refused = match self.intake.push(&self.options.tenant, push, now).await {
                Ok(()) => 0,
                Err(IntakeError::Refused { reasons, lines }) => {
                    tracing::warn!(group, lines, reasons, "lines are refused and lost");
                    lines
                }
                Err(error @ IntakeError::RateLimit { .. }) => {
                    tracing::warn!(group, lines = all, %error, "lines are refused and lost");
                    all
                }
                Err(source) => return Err(ForwardError::Intake { group, source }),
            };
            report.stored += all - refused;
            report.refused += refused;
        }
        Ok(report)
    }
}
