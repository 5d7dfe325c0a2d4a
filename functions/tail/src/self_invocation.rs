//! [`SelfInvocation`]: the function calls itself, without waiting for what becomes of it.
//!
//! API: <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>

use async_trait::async_trait;
use narvi_signed::Service;
use serde_json::json;
use tokio::time::timeout;

use crate::limits::INVOKE_WAIT;
use crate::{Later, LaterError, Past};

/// The status for an event that Lambda has taken.
const TAKEN: u16 = 202;

/// Calls the function that it is part of.
pub struct SelfInvocation {
    lambda: Service,
    path: String,
}

impl SelfInvocation {
    /// Reads `AWS_LAMBDA_FUNCTION_NAME`, what a signed request needs, and `NARVI_LAMBDA_ENDPOINT`
    /// (AWS's own if unset).
    ///
    /// # Errors
    /// The name of a variable that is needed and not set.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, &'static str> {
        const FUNCTION: &str = "AWS_LAMBDA_FUNCTION_NAME";
        let function = variable(FUNCTION).ok_or(FUNCTION)?;
        Ok(Self {
            lambda: Service::from_variables("lambda", "NARVI_LAMBDA_ENDPOINT", variable)?,
            path: format!("/2015-03-31/functions/{function}/invocations"),
        })
    }
}

#[async_trait]
impl Later for SelfInvocation {
    async fn start(&self, past: Past) -> Result<(), LaterError> {
        let event = json!({ "past": past }).to_string();
        let headers = [
            ("content-type", "application/json"),
            ("x-amz-invocation-type", "Event"),
        ];
        let posted = self.lambda.post(&self.path, &headers, &event);
        match timeout(INVOKE_WAIT, posted).await {
            Ok(Ok(answer)) if answer.status == TAKEN => Ok(()),
            Ok(Ok(answer)) => Err(LaterError(format!(
                "Lambda answers {}: {}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            ))),
            Ok(Err(error)) => Err(LaterError(error.to_string())),
            Err(_) => Err(LaterError(format!("no answer within {INVOKE_WAIT:?}"))),
        }
    }
}
