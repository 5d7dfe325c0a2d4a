//! [`Handler`]: an event in, an [`Outcome`] out. Knows no wire format.

use std::sync::Arc;

use narvi_aws_logs::{Batch, Budget, Source, pushes};
use narvi_gateway::Config;
use narvi_intake::{Intake, IntakeError};
use narvi_live::Live;
use narvi_model::Timestamp;
use narvi_segment::WriterOptions;
use narvi_storage::{Catalog, Objects};
use serde_json::{Value, json};

use crate::{Buckets, ForwardError, Options, Report, kinesis, s3};

/// Stores what AWS sends. One serves a container for its life.
pub struct Handler {
    config: Arc<Config>,
    options: Options,
    intake: Intake,
    buckets: Option<Arc<dyn Buckets>>,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What became of its lines.
    pub report: Report,
    /// What Lambda is told.
    pub answer: Value,
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
            buckets: None,
            config,
        }
    }

    /// Stores for another tenant or with further labels.
    #[must_use]
    pub fn with_options(self, options: Options) -> Self {
        Self { options, ..self }
    }

    /// Fetches objects that events of S3 name.
    #[must_use]
    pub fn with_buckets(self, buckets: Arc<dyn Buckets>) -> Self {
        let buckets = Some(buckets);
        Self { buckets, ..self }
    }

    /// Tells live tails of what is stored.
    #[must_use]
    pub fn with_live(self, live: Arc<Live>) -> Self {
        let intake = self.intake.with_live(live);
        Self { intake, ..self }
    }

    /// Stores the lines of an event that arrived at `now`. It may be sent again at any time: its
    /// segments have the same ids then, and are stored once.
    ///
    /// # Errors
    /// See [`ForwardError`]. What a limit refuses is in the report instead, and what Kinesis is to
    /// send again in the answer.
    pub async fn handle(&self, event: Value, now: Timestamp) -> Result<Outcome, ForwardError> {
        let source = event
            .pointer("/Records/0/eventSource")
            .and_then(Value::as_str);
        let report = match source {
            Some("aws:kinesis") => return self.kinesis(event, now).await,
            Some("aws:s3") => self.s3(event, now).await?,
            // By which S3 looks whether somebody is there.
            None if event.get("Event") == Some(&json!("s3:TestEvent")) => Report::default(),
            _ => {
                let data = event.pointer("/awslogs/data").and_then(Value::as_str);
                let batch = Batch::from_base64(data.ok_or(ForwardError::NoSubscription)?)?;
                let from = batch
                    .as_ref()
                    .map(|batch| format!("log group `{}`", batch.group));
                let sources = batch.map(Batch::into_source).into_iter().collect();
                self.store(sources, &from.unwrap_or_default(), now).await?
            }
        };
        let answer = Value::Null;
        Ok(Outcome { report, answer })
    }

    /// Records up to the first that cannot be read; Kinesis sends that one and what follows again.
    async fn kinesis(&self, event: Value, now: Timestamp) -> Result<Outcome, ForwardError> {
        let records = kinesis::read(event)?;
        let (mut sources, mut budget, mut failed) = (Vec::new(), Budget::default(), None);
        for record in &records {
            match record.source(&mut budget) {
                Ok(source) => sources.extend(source),
                Err(error) => {
                    let sequence = record.sequence();
                    tracing::error!(%error, sequence, "a record is not stored");
                    failed = Some(record);
                    break;
                }
            }
        }
        let mut report = Report::default();
        match self.store(sources, "a Kinesis stream", now).await {
            Ok(stored) => report = stored,
            Err(error) => {
                tracing::error!(%error, "records are not stored");
                failed = records.first();
            }
        }
        let failures = failed.map(|record| json!({"itemIdentifier": record.sequence()}));
        let failures: Vec<Value> = failures.into_iter().collect();
        let answer = json!({ "batchItemFailures": failures });
        Ok(Outcome { report, answer })
    }

    async fn s3(&self, event: Value, now: Timestamp) -> Result<Report, ForwardError> {
        let mut report = Report::default();
        for object in s3::read(event)? {
            let Some(buckets) = &self.buckets else {
                return Err(ForwardError::NoSubscription);
            };
            let (bucket, key) = (&object.bucket, &object.key);
            let bytes = buckets.get(bucket, key, object.size).await;
            let bytes = bytes.map_err(|source| ForwardError::Object {
                bucket: bucket.clone(),
                key: key.clone(),
                source,
            })?;
            let source = s3::source(&object, bytes, &self.options.s3)?;
            let from = format!("object `{key}` of bucket `{bucket}`");
            let stored = self.store(vec![source], &from, now).await?;
            report.stored += stored.stored;
            report.refused += stored.refused;
        }
        Ok(report)
    }

    async fn store(
        &self,
        sources: Vec<Source>,
        from: &str,
        now: Timestamp,
    ) -> Result<Report, ForwardError> {
        let limits = self.config.limits.of(&self.options.tenant);
        let mut report = Report::default();
        for push in pushes(sources, &self.options.labels, limits) {
            let all = push.streams.iter().map(|stream| stream.entries.len()).sum();
            let refused = match self
                .intake
                .push_at_any_rate(&self.options.tenant, push, now)
                .await
            {
                Ok(()) => 0,
                Err(IntakeError::Refused { reasons, lines }) => {
                    tracing::warn!(from, lines, reasons, "lines are refused and lost");
                    lines
                }
                Err(error @ IntakeError::Blocked { .. }) => {
                    tracing::warn!(from, lines = all, %error, "lines are refused and lost");
                    all
                }
                Err(source) => {
                    let from = from.to_owned();
                    return Err(ForwardError::Intake { from, source });
                }
            };
            report.stored += all - refused;
            report.refused += refused;
        }
        Ok(report)
    }
}
