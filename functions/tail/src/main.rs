//! The binary of the Lambda: reads the environment once, then serves events. Knows no route.

use std::sync::Arc;

use aws_lambda_events::apigw::ApiGatewayWebsocketProxyRequest;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use narvi_gateway::Config;
use narvi_gateway::telemetry::{self, LogTarget};
use narvi_storage::{Connection, Requests, Settings};
use narvi_tail::Handler;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(LogTarget::Lambda);
    let config = Arc::new(Config::from_environment()?);
    let settings = Settings::from_variables(|name| std::env::var(name).ok())?;
    let connection = Connection::new(settings, Requests::new())?;
    let handler = &Handler::new(connection.catalog(), config);
    let serve = async |event: LambdaEvent<ApiGatewayWebsocketProxyRequest>| {
        Ok::<_, Error>(handler.handle(event.payload).await)
    };
    lambda_runtime::run(service_fn(serve)).await
}
