//! The binary of the Lambda: reads the environment once, then serves events. Knows no endpoint.

use std::sync::Arc;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use narvi_gateway::Config;
use narvi_gateway::telemetry::{self, LogTarget};
use narvi_ingest::{Handler, limits};
use narvi_live::Live;
use narvi_storage::{Connection, Requests, Settings};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(LogTarget::Lambda);
    let config = Arc::new(Config::from_environment()?);
    let variable = |name: &str| std::env::var(name).ok();
    let settings = Settings::from_variables(variable)?;
    let connection = Connection::new(settings, Requests::new())?;
    let (objects, catalog) = (Arc::new(connection.objects()), connection.catalog());
    let mut handler = Handler::new(objects, catalog, config);
    if let Some(live) = Live::from_variables(&connection, variable) {
        handler = handler.with_live(Arc::new(live));
    }
    let handler = &handler.with_max_body_bytes(limits::LAMBDA_BODY_BYTES);
    let serve = async |event: LambdaEvent<ApiGatewayV2httpRequest>| {
        Ok::<_, Error>(handler.handle(event.payload).await)
    };
    lambda_runtime::run(service_fn(serve)).await
}
