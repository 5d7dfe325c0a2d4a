//! The binary of the Lambda: reads the environment once, then serves events. Knows no endpoint.

// A query is a future in a future in a future, and the runtime wraps a dozen more around it: the
// compiler's 128 steps do not reach the innermost one.
#![recursion_limit = "256"]

use std::sync::Arc;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use narvi_gateway::telemetry::{self, LogTarget};
use narvi_gateway::{Config, fit_lambda};
use narvi_query::Handler;
use narvi_storage::{Connection, Requests, Settings};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(LogTarget::Lambda);
    let config = Arc::new(Config::from_environment()?);
    let settings = Settings::from_variables(|name| std::env::var(name).ok())?;
    let connection = Connection::new(settings, Requests::new())?;
    let (objects, catalog) = (Arc::new(connection.objects()), connection.catalog());
    let handler = &Handler::new(objects, catalog, config).with_metrics();
    let serve = async |event: LambdaEvent<ApiGatewayV2httpRequest>| {
        Ok::<_, Error>(fit_lambda(handler.handle(event.payload).await))
    };
    lambda_runtime::run(service_fn(serve)).await
}
