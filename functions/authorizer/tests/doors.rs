//! What the document says against what the handler answers, event by event.
#![cfg(test)]

use aws_lambda_events::apigw::ApiGatewayV2CustomAuthorizerV2Request;
use narvi_authorizer::{Credentials, Gate, Handler};
use narvi_gateway::Config;
use serde_json::json;

/// The token is `t`.
const CREDENTIALS: &str = "
tokens:
  grafana:
    sha256: e3b98a4da31a127d4bde6e43033f66ba274cab0eb7eb1c70ec41402bf6273dd8
    read: [a, b]
    write: [b]
";

fn user_let_in(method: &str, path: &str, tenant: &str, authorization: &str) -> Option<String> {
    let event: ApiGatewayV2CustomAuthorizerV2Request = serde_json::from_value(json!({
        "version": "2.0", "type": "REQUEST", "rawPath": path,
        "headers": {"authorization": authorization, "x-scope-orgid": tenant},
        "requestContext": {"http": {"method": method, "path": path}},
    }))
    .unwrap();
    let credentials = Credentials::from_yaml(CREDENTIALS).unwrap();
    let answer = Handler::new(Gate::new(credentials, &Config::default())).handle(&event);
    answer.is_authorized.then_some(answer.context.user)
}

#[test]
fn reading_and_writing_are_two_rights() {
    const PUSH: &str = "/loki/api/v1/push";
    const QUERY: &str = "/loki/api/v1/query_range";
    for (method, path, tenant, token, is_let_in) in [
        ("GET", QUERY, "a", "Bearer t", true),
        ("GET", QUERY, "b", "Bearer t", true),
        ("GET", QUERY, "a|b", "Bearer t", true),
        ("GET", QUERY, "a|c", "Bearer t", false),
        ("POST", PUSH, "a", "Bearer t", false),
        ("POST", PUSH, "b", "Bearer t", true),
        ("GET", QUERY, "a", "Bearer T", false),
        ("GET", QUERY, "a", "", false),
        ("GET", QUERY, "", "Bearer t", false),
        ("DELETE", "/loki/api/v1/rules/x", "a", "Bearer t", false),
        ("DELETE", "/loki/api/v1/rules/x", "b", "Bearer t", true),
    ] {
        let want = is_let_in.then(|| "grafana".to_owned());
        let got = user_let_in(method, path, tenant, token);
        assert_eq!(got, want, "{method} {path} {tenant} {token}");
    }
}

#[test]
fn a_key_of_firehose_says_whose_lines_they_are() {
    let text = include_str!("../../../events/authorizer-firehose.json");
    let event: ApiGatewayV2CustomAuthorizerV2Request = serde_json::from_str(text).unwrap();
    let sha256 = "7619ee8cea49187f309616e30ecf54be072259b43760f1f550a644945d5572f2";
    for (write, want) in [
        (
            "[demo]",
            json!({"isAuthorized": true, "context": {"user": "shop", "tenant": "demo"}}),
        ),
        (
            "[demo, other]",
            json!({"isAuthorized": false, "context": {"user": ""}}),
        ),
        (
            "['*']",
            json!({"isAuthorized": false, "context": {"user": ""}}),
        ),
    ] {
        let yaml = format!("tokens: {{shop: {{sha256: {sha256}, write: {write}}}}}");
        let gate = Gate::new(Credentials::from_yaml(&yaml).unwrap(), &Config::default());
        let answer = Handler::new(gate).handle(&event);
        assert_eq!(serde_json::to_value(answer).unwrap(), want, "{write}");
    }
}
