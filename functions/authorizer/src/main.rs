//! The binary of the Lambda: reads the credentials once, then serves events. Knows no credential.

use aws_lambda_events::apigw::ApiGatewayV2CustomAuthorizerV2Request;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use narvi_authorizer::{Gate, Handler, Source};
use narvi_gateway::Config;
use narvi_gateway::telemetry::{self, LogTarget};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(LogTarget::Lambda);
    let handler = handler().await.inspect_err(|error| {
        tracing::error!(%error, "the function does not start, so nobody is let in");
    });
    let handler = &handler?;
    let serve = async |event: LambdaEvent<ApiGatewayV2CustomAuthorizerV2Request>| {
        Ok::<_, Error>(handler.handle(&event.payload))
    };
    lambda_runtime::run(service_fn(serve)).await
}

async fn handler() -> Result<Handler, Error> {
    let config = Config::from_environment()?;
    let credentials = Source::from_variables(|name| std::env::var(name).ok())?;
    let gate = Gate::new(credentials.load().await?, &config);
    Ok(Handler::new(gate))
}
