//! The binary of the Lambda: reads the environment once, then serves events. Knows no rule.

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use narvi_gateway::telemetry::{self, LogTarget};
use narvi_gateway::{Config, fit_lambda};
use narvi_rules::{Handler, Trigger};
use narvi_storage::{Connection, Requests, Settings};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(LogTarget::Lambda);
    let config = Arc::new(Config::from_environment()?);
    let settings = Settings::from_variables(|name| std::env::var(name).ok())?;
    let connection = Connection::new(settings, Requests::new())?;
    let (objects, catalog) = (Arc::new(connection.objects()), connection.catalog());
    let handler = &Handler::new(objects, catalog, config)?.with_metrics();
    // Boxed, or the compiler gives up on the depth of what a query awaits.
    let serve = async |event: LambdaEvent<Value>| match Trigger::read(event.payload)? {
        Trigger::Http(request) => {
            let answer = fit_lambda(Box::pin(handler.handle(*request)).await);
            Ok(serde_json::to_value(answer)?)
        }
        Trigger::Schedule(time) => {
            let report = Box::pin(handler.run(time)).await?;
            tracing::info!(%report, "run");
            Ok::<_, Error>(Value::String(report.to_string()))
        }
    };
    lambda_runtime::run(service_fn(serve)).await
}
