//! [`Policy`]: a decision as a policy of IAM, the form that WebSocket APIs want.
//!
//! Form: "Control access to WebSocket APIs with AWS Lambda REQUEST authorizers" of the developer
//! guide of API Gateway.

use serde::Serialize;

use crate::handler::Context;

/// Who asks, and whether the connection may be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// The user or token; `stranger` for one that is not known, as there must be a name.
    pub principal_id: String,
    /// The policy.
    pub policy_document: Document,
    /// What the access log and the functions may know.
    pub context: Context,
}

/// A policy of IAM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Document {
    version: &'static str,
    statement: [Statement; 1],
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    action: &'static str,
    effect: Effect,
    resource: String,
}

/// Whether it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Effect {
    Allow,
    Deny,
}

impl Policy {
    /// A decision about `resource`, the ARN that was asked for; API Gateway answers 403 to what is
    /// denied.
    pub(crate) fn new(resource: &str, effect: Effect, context: Context) -> Self {
        let user = context.user.as_str();
        let principal = if user.is_empty() { "stranger" } else { user };
        Self {
            principal_id: principal.to_owned(),
            policy_document: Document {
                version: "2012-10-17",
                statement: [Statement {
                    action: "execute-api:Invoke",
                    effect,
                    resource: resource.to_owned(),
                }],
            },
            context,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(decided: Effect, user: &str, principal: &str, effect: &str) {
        let context = Context {
            user: user.to_owned(),
            tenant: None,
        };
        let policy = Policy::new("arn:x/live/$connect", decided, context);
        let statement = json!({
            "Action": "execute-api:Invoke",
            "Effect": effect,
            "Resource": "arn:x/live/$connect",
        });
        let want = json!({
            "principalId": principal,
            "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            "context": {"user": user},
        });
        assert_eq!(serde_json::to_value(policy).unwrap(), want);
    }

    #[test]
    fn decisions_as_policies() {
        check(Effect::Allow, "grafana", "grafana", "Allow");
        check(Effect::Deny, "grafana", "grafana", "Deny");
        check(Effect::Deny, "", "stranger", "Deny");
    }
}
