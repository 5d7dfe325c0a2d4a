//! The binary of the Lambda: reads the credentials once, then serves events. Knows no credential.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use narvi_authorizer::{Gate, Handler, Source};
use narvi_gateway::Config;
use narvi_gateway::telemetry::{self, LogTarget};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(LogTarget::Lambda);
    let handler = handler().await.inspect_err(|error| {
        tracing::error!(%error, "the function does not start, so nobody is let in");
    });
    let handler = &handler?;
    let serve = async |event: LambdaEvent<Value>| {
        let event = event.payload;
        // Only WebSocket APIs name what is asked for in this way.
        let answer = if event.get("methodArn").is_some() {
            serde_json::to_value(handler.handle_socket(&serde_json::from_value(event)?))?
        } else {
            serde_json::to_value(handler.handle(&serde_json::from_value(event)?))?
        };
        Ok::<_, Error>(answer)
    };
    lambda_runtime::run(service_fn(serve)).await
}

async fn handler() -> Result<Handler, Error> {
    let config = Config::from_environment()?;
    let credentials = Source::from_variables(|name| std::env::var(name).ok())?;
    let gate = Gate::new(credentials.load().await?, &config);
    Ok(Handler::new(gate))
}
