//! [`Handler`]: an event of API Gateway in, yes or no out (payload format 2.0, simple responses).

use aws_lambda_events::apigw::ApiGatewayV2CustomAuthorizerV2Request;
use serde::Serialize;

use crate::gate::{Ask, Gate, Verdict};

/// Answers API Gateway.
pub struct Handler {
    gate: Gate,
}

/// What API Gateway is told: it answers 403 unless `is_authorized`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Whether the request may go on.
    pub is_authorized: bool,
    /// What the access log and the functions may know.
    pub context: Context,
}

/// Goes with the request as `$context.authorizer.user`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Context {
    /// The user or token; empty for a stranger.
    pub user: String,
}

impl Handler {
    /// Lets the gate decide.
    #[must_use]
    pub const fn new(gate: Gate) -> Self {
        Self { gate }
    }

    /// Answers an event.
    #[must_use]
    pub fn handle(&self, event: &ApiGatewayV2CustomAuthorizerV2Request) -> Answer {
        let method = &event.request_context.http.method;
        let path = event.raw_path.as_deref().unwrap_or("/");
        let headers = &event.headers;
        let verdict = self.gate.check(Ask {
            method,
            path,
            headers,
        });
        let (is_authorized, user) = match verdict {
            Verdict::Allowed(user) => (true, user),
            Verdict::Unknown => {
                tracing::info!(%method, path, "refused: credentials are missing or wrong");
                (false, String::new())
            }
            Verdict::Tenant(error) => {
                tracing::info!(%method, path, %error, "refused: no tenant");
                (false, String::new())
            }
            Verdict::Forbidden {
                name,
                access,
                tenant,
            } => {
                let tenant = tenant.as_str();
                tracing::info!(%method, path, name, %access, tenant, "refused: not allowed");
                (false, name)
            }
        };
        let context = Context { user };
        Answer {
            is_authorized,
            context,
        }
    }
}
