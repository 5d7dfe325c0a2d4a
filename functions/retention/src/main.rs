//! The binary of the Lambda: reads the environment once, then serves events. Knows no step.

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use narvi_gateway::telemetry::{self, LogTarget};
use narvi_gateway::{Config, Metric, Metrics, fit_lambda, now};
use narvi_retention::{Handler, Trigger};
use narvi_storage::{Connection, Requests, Settings};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(LogTarget::Lambda);
    let metrics = Metrics::new("retention");
    let config = Arc::new(Config::from_environment()?);
    let settings = Settings::from_variables(|name| std::env::var(name).ok())?;
    let connection = Connection::new(settings, Requests::new())?;
    let (objects, catalog) = (Arc::new(connection.objects()), connection.catalog());
    let handler = &named(Handler::new(objects, catalog, config));
    let serve = async |event: LambdaEvent<Value>| match Trigger::read(event.payload)? {
        Trigger::Http(request) => {
            let received = now();
            // Boxed, or the compiler gives up on the depth of what it awaits.
            let answer = fit_lambda(Box::pin(handler.handle(*request)).await);
            let status = u16::try_from(answer.status_code).unwrap_or(500);
            let took = Metric::millis("Duration", now().since(received));
            metrics.record(status, received, &[took]);
            Ok(serde_json::to_value(answer)?)
        }
        Trigger::Schedule => {
            // Not the event's time: an event that is delivered late, or again, would make garbage
            // that is due before running queries are through.
            let now = now();
            let report = handler.run(now).await?;
            report.log();
            metrics.record(report.status(), now, &report.metrics());
            Ok::<_, Error>(Value::Null)
        }
    };
    lambda_runtime::run(service_fn(serve)).await
}

/// Every container has a log stream of its own, while process ids repeat.
fn named(handler: Handler) -> Handler {
    match std::env::var("AWS_LAMBDA_LOG_STREAM_NAME") {
        Ok(container) => handler.with_owner(container),
        Err(_) => handler,
    }
}
