//! Passwords and tokens before the authorizer, from the document to the answer for API Gateway.

use narvi_tests::cloud::Cloud;
use narvi_tests::events;
use narvi_tests::function::Function;
use narvi_tests::server::{Reply, Server};
use serde_json::{Value, json};

/// `alloy` writes with the password "correct horse", `grafana` reads with the token "0123456789".
pub(crate) const CREDENTIALS: &str = "
users:
  alloy: {password: '$apr1$narvi123$tUDiWn0PeOtWxQIVZU7RM0', write: [demo]}
tokens:
  grafana:
    sha256: 84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882
    read: [demo]
  firehose:
    sha256: 7619ee8cea49187f309616e30ecf54be072259b43760f1f550a644945d5572f2
    write: [demo]
";

const PARAMETER: &str = "/narvi/credentials";

fn sample(name: &str) -> Value {
    let samples = events::samples();
    let found = samples.into_iter().find(|(sample, _)| sample == name);
    found.expect("there is a sample").1
}

#[test]
fn callers_are_bound_to_their_tenants() {
    let cloud = Cloud::start();
    let variables = [("NARVI_CREDENTIALS", CREDENTIALS)];
    let mut authorizer = Function::start_with("authorizer", &cloud, &variables);
    let (push, query) = (sample("authorizer-basic"), sample("authorizer-bearer"));
    let with = |event: &Value, header: &str, value: &str| {
        let mut event = event.clone();
        event["headers"][header] = json!(value);
        event
    };
    let bearer = query["headers"]["authorization"].as_str().unwrap();
    for (event, is_authorized, user) in [
        (push.clone(), true, "alloy"),
        (query.clone(), true, "grafana"),
        (with(&push, "x-scope-orgid", "other"), false, "alloy"),
        (
            with(&query, "x-scope-orgid", "demo|other"),
            false,
            "grafana",
        ),
        (with(&push, "authorization", bearer), false, "grafana"),
        (with(&push, "authorization", "Bearer 1"), false, ""),
        (
            with(&push, "authorization", "Basic YWxsb3k6eA=="),
            false,
            "",
        ),
    ] {
        let want = json!({"isAuthorized": is_authorized, "context": {"user": user}});
        assert_eq!(authorizer.run(&event), want, "{event}");
    }
    let tail = sample("authorizer-tail");
    for (event, effect, principal) in [
        (tail.clone(), "Allow", "grafana"),
        (with(&tail, "X-Scope-OrgID", "other"), "Deny", "grafana"),
        (with(&tail, "Authorization", "Bearer 1"), "Deny", "stranger"),
        (
            with(
                &tail,
                "Authorization",
                push["headers"]["authorization"].as_str().unwrap(),
            ),
            "Deny",
            "alloy",
        ),
    ] {
        let policy = authorizer.run(&event);
        let [statement] = &policy["policyDocument"]["Statement"].as_array().unwrap()[..] else {
            panic!("{policy}")
        };
        assert_eq!(statement["Effect"], effect, "{event}");
        assert_eq!(statement["Resource"], tail["methodArn"]);
        assert_eq!(policy["principalId"], principal);
    }
    let log = authorizer.log();
    assert!(log.contains("refused: not allowed"), "{log}");
    assert!(
        !log.contains("0123456789") && !log.contains("YWxsb3k6"),
        "{log}"
    );
}

#[test]
fn the_document_comes_from_a_parameter_of_ssm() {
    let cloud = Cloud::start();
    let ssm = Server::start(|request| {
        let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let signature = request.header("authorization").unwrap_or_default();
        let is_signed = signature.starts_with("AWS4-HMAC-SHA256 Credential=local/")
            && signature.contains("/us-east-1/ssm/aws4_request");
        let target = request.header("x-amz-target");
        if !is_signed || target != Some("AmazonSSM.GetParameter") {
            return Reply::new(403, r#"{"__type":"AccessDeniedException"}"#);
        }
        if asked != json!({"Name": PARAMETER, "WithDecryption": true}) {
            return Reply::new(400, r#"{"__type":"ParameterNotFound"}"#);
        }
        Reply::new(
            200,
            json!({"Parameter": {"Value": CREDENTIALS}}).to_string(),
        )
    });
    let url = ssm.url();
    let start = |parameter| {
        let variables = [
            ("NARVI_SSM_ENDPOINT", url.as_str()),
            ("NARVI_CREDENTIALS_PARAMETER", parameter),
        ];
        Function::start_with("authorizer", &cloud, &variables)
    };
    let answer = start(PARAMETER).run(&sample("authorizer-basic"));
    assert_eq!(answer["isAuthorized"], true);
    let log = start("/other").log_at_end();
    let want = "SSM parameter `/other`: refused with status 400, ParameterNotFound";
    assert!(log.contains(want), "{log}");
}

#[test]
fn a_broken_document_ends_the_start_and_is_not_repeated() {
    let cloud = Cloud::start();
    let variables = [(
        "NARVI_CREDENTIALS",
        "users: {a: {password: hunter2, read: [b]}}",
    )];
    let log = Function::start_with("authorizer", &cloud, &variables).log_at_end();
    let want = "credentials in NARVI_CREDENTIALS (variable): users: `a`: password: no hash";
    assert!(log.contains(want) && !log.contains("hunter2"), "{log}");
}
