//! The binary of the Lambda: reads the environment once, then runs at each event. Knows no step.

use std::sync::Arc;

use aws_lambda_events::eventbridge::EventBridgeEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use narvi_gateway::telemetry::{self, LogTarget};
use narvi_gateway::{Config, Metrics, now};
use narvi_retention::Handler;
use narvi_storage::{Connection, Requests, Settings};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(LogTarget::Lambda);
    let metrics = Metrics::new("retention");
    let config = Arc::new(Config::from_environment()?);
    let settings = Settings::from_variables(|name| std::env::var(name).ok())?;
    let connection = Connection::new(settings, Requests::new())?;
    let (objects, catalog) = (Arc::new(connection.objects()), connection.catalog());
    let handler = &named(Handler::new(objects, catalog, config));
    let serve = async |_: LambdaEvent<EventBridgeEvent>| {
        // Not the event's time: an event that is delivered late, or again, would make garbage that
        // is due before running queries are through.
        let now = now();
        let report = handler.run(now).await?;
        report.log();
        metrics.record(report.status(), now, &report.metrics());
        Ok::<_, Error>(())
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
