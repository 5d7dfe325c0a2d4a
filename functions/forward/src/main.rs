//! The binary of the Lambda: reads the environment once, then serves events. Knows no form of them.

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use narvi_forward::{Handler, Options};
use narvi_gateway::telemetry::{self, LogTarget};
use narvi_gateway::{Config, Metrics, now};
use narvi_live::Live;
use narvi_storage::{Connection, Requests, Settings};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(LogTarget::Lambda);
    let metrics = Metrics::new("forward");
    let handler = handler().inspect_err(|error| {
        tracing::error!(%error, "the function does not start");
    });
    let handler = &handler?;
    let serve = async |event: LambdaEvent<Value>| {
        let now = now();
        // An error is for Lambda, which repeats the event; here it is only written down.
        let handled = handler.handle(event.payload, now).await;
        let outcome = handled.inspect_err(|error| {
            tracing::error!(%error, "an event is not stored");
        })?;
        metrics.record(200, now, &outcome.report.metrics());
        Ok::<_, Error>(outcome.answer)
    };
    lambda_runtime::run(service_fn(serve)).await
}

fn handler() -> Result<Handler, Error> {
    let variable = |name: &str| std::env::var(name).ok();
    let config = Arc::new(Config::from_environment()?);
    let options = Options::from_variables(variable)?;
    let connection = Connection::new(Settings::from_variables(variable)?, Requests::new())?;
    let (objects, catalog) = (Arc::new(connection.objects()), connection.catalog());
    let mut handler = Handler::new(objects, catalog, config).with_options(options);
    if let Some(live) = Live::from_variables(&connection, variable) {
        handler = handler.with_live(Arc::new(live));
    }
    Ok(handler.with_buckets(Arc::new(connection)))
}
