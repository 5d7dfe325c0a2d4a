//! [`Handler`]: an event of API Gateway in, yes or no out: to an HTTP API (payload format 2.0) as a
//! simple response, to a WebSocket API, which knows no other, as a policy.

use aws_lambda_events::apigw::{
    ApiGatewayCustomAuthorizerRequestTypeRequest, ApiGatewayV2CustomAuthorizerV2Request,
};
use http::Method;
use serde::Serialize;

use crate::gate::{Ask, Gate, Verdict};
use crate::policy::{Effect, Policy};

/// What a WebSocket API is for; it has no path of its own.
const TAIL: &str = "/loki/api/v1/tail";

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

/// Goes with the request as `$context.authorizer`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Context {
    /// The user or token; empty for a stranger.
    pub user: String,
    /// Whose request it is, where it does not say so itself and the token does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
}

impl Handler {
    /// Lets the gate decide.
    #[must_use]
    pub const fn new(gate: Gate) -> Self {
        Self { gate }
    }

    /// Answers an event of an HTTP API.
    #[must_use]
    pub fn handle(&self, event: &ApiGatewayV2CustomAuthorizerV2Request) -> Answer {
        let path = event.raw_path.as_deref().unwrap_or("/");
        let (is_authorized, context) = self.decide(Ask {
            method: &event.request_context.http.method,
            path,
            headers: &event.headers,
        });
        Answer {
            is_authorized,
            context,
        }
    }

    /// Answers an event of a WebSocket API, where somebody asks for a live tail.
    #[must_use]
    pub fn handle_socket(&self, event: &ApiGatewayCustomAuthorizerRequestTypeRequest) -> Policy {
        let (is_authorized, context) = self.decide(Ask {
            method: &Method::GET,
            path: TAIL,
            headers: &event.headers,
        });
        let effect = if is_authorized {
            Effect::Allow
        } else {
            Effect::Deny
        };
        let resource = event.method_arn.as_deref().unwrap_or("*");
        Policy::new(resource, effect, context)
    }

    /// Whether a request may pass, and whose it is; a stranger has no name.
    fn decide(&self, ask: Ask<'_>) -> (bool, Context) {
        let Ask { method, path, .. } = ask;
        match self.gate.check(ask) {
            Verdict::Allowed { name, granted } => {
                let tenant = granted.map(|tenant| tenant.as_str().to_owned());
                (true, Context { user: name, tenant })
            }
            Verdict::Unknown => {
                tracing::info!(%method, path, "refused: credentials are missing or wrong");
                (false, Context::default())
            }
            Verdict::Tenant(error) => {
                tracing::info!(%method, path, %error, "refused: no tenant");
                (false, Context::default())
            }
            Verdict::Forbidden {
                name,
                access,
                tenant,
            } => {
                let tenant = tenant.as_str();
                tracing::info!(%method, path, name, %access, tenant, "refused: not allowed");
                let tenant = None;
                (false, Context { user: name, tenant })
            }
        }
    }
}
