//! The binary of the Lambda: reads the environment once, then serves events. Knows no route.

// A query is a future in a future in a future, and the runtime wraps a dozen more around it: the
// compiler's 128 steps do not reach the innermost one.
#![recursion_limit = "256"]

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use narvi_gateway::Config;
use narvi_gateway::telemetry::{self, LogTarget};
use narvi_live::GatewayPost;
use narvi_storage::{Connection, Requests, Settings};
use narvi_tail::{Handler, Historian, Past, SelfInvocation};
use serde_json::Value;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init(LogTarget::Lambda);
    let variable = |name: &str| std::env::var(name).ok();
    let config = Arc::new(Config::from_environment()?);
    let connection = Connection::new(Settings::from_variables(variable)?, Requests::new())?;
    let endpoint = variable("NARVI_TAIL_ENDPOINT").ok_or("NARVI_TAIL_ENDPOINT is not set")?;
    let post = &GatewayPost::new(&connection, &endpoint);
    let later = SelfInvocation::from_variables(variable)
        .map_err(|name| format!("{name}: the variable is not set"))?;
    let objects = Arc::new(connection.objects());
    let historian = &Historian::new(objects, connection.catalog(), Arc::clone(&config));
    let handler = &Handler::new(connection.catalog(), config, Arc::new(later));
    let serve = async |event: LambdaEvent<Value>| {
        let mut event = event.payload;
        // What the function has told itself, or what API Gateway tells.
        if let Some(past) = event.get_mut("past").map(Value::take) {
            let past: Past = serde_json::from_value(past)?;
            historian.send(&past, post).await;
            return Ok(Value::Null);
        }
        let answer = handler.handle(serde_json::from_value(event)?).await;
        Ok::<_, Error>(serde_json::to_value(answer)?)
    };
    lambda_runtime::run(service_fn(serve)).await
}
