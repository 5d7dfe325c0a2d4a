//! Events for functions: the samples of `events/`, and those that API Gateway and CloudWatch Logs
//! make of what a test asks; and [`Http`], what came back.

use std::io::Read as _;
use std::path::PathBuf;

use narvi_embedded::gzip;
use serde_json::{Value, json};

use crate::client::{Ask, escaped};

/// An answer of a function behind API Gateway, with its transport coding undone.
#[derive(Clone, Debug)]
pub struct Http {
    /// The status code.
    pub status: u64,
    /// The body.
    pub text: String,
}

/// Every sample, by the name of its file without `.json`.
///
/// # Panics
/// Where a file is no JSON.
#[must_use]
pub fn samples() -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../events");
    let files = std::fs::read_dir(folder).expect("there are samples");
    let mut samples: Vec<(String, Value)> = files
        .map(|file| {
            let path = file.expect("folders can be listed").path();
            let name = path
                .file_stem()
                .expect("files have names")
                .to_string_lossy();
            let text = std::fs::read_to_string(&path).expect("files can be read");
            let event = serde_json::from_str(&text).expect("samples are JSON");
            (name.into_owned(), event)
        })
        .collect();
    samples.sort_by(|one, other| one.0.cmp(&other.0));
    samples
}

/// The event of an HTTP API (payload format 2.0) for a request of a tenant that arrives at `time`,
/// in nanoseconds.
#[must_use]
pub fn http(tenant: &str, ask: &Ask<'_>, time: i64) -> Value {
    let method = if ask.method.is_empty() {
        "GET"
    } else {
        ask.method
    };
    let mut headers = json!({"x-scope-orgid": tenant});
    for (name, value) in ask.headers {
        headers[name.to_ascii_lowercase()] = json!(value);
    }
    let param = |(name, value): &(&str, &str)| format!("{name}={}", escaped(value, b""));
    let query: Vec<String> = ask.params.iter().map(param).collect();
    let body = base64_simd::STANDARD.encode_to_string(ask.body.unwrap_or_default());
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": ask.path,
        "rawQueryString": query.join("&"),
        "headers": headers,
        "requestContext": {
            "http": {
                "method": method,
                "path": ask.path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.10",
                "userAgent": "test",
            },
            "requestId": "test",
            "stage": "$default",
            "time": "15/Jan/2026:10:00:01 +0000",
            "timeEpoch": time / 1_000_000,
        },
        "body": body,
        "isBase64Encoded": true,
    })
}

/// The event of a CloudWatch Logs subscription, with lines of one log stream that were written at
/// `time`, in nanoseconds.
///
/// # Panics
/// Never: memory takes what is written to it.
#[must_use]
pub fn cloudwatch(group: &str, stream: &str, lines: &[&str], time: i64) -> Value {
    let event = |line: &&str| json!({"id": "1", "timestamp": time / 1_000_000, "message": line});
    let message = json!({
        "messageType": "DATA_MESSAGE",
        "owner": "123456789012",
        "logGroup": group,
        "logStream": stream,
        "subscriptionFilters": ["narvi"],
        "logEvents": lines.iter().map(event).collect::<Vec<_>>(),
    });
    let data = gzip(message.to_string().as_bytes());
    json!({"awslogs": {"data": base64_simd::STANDARD.encode_to_string(data)}})
}

/// What came back for an event of an HTTP API.
///
/// # Panics
/// Where it is no answer.
#[must_use]
#[track_caller]
pub fn answer(outcome: Result<Value, Value>) -> Http {
    let answer = outcome.expect("a function behind HTTP reports no error");
    let body = answer["body"].as_str().unwrap_or_default();
    let mut bytes = body.as_bytes().to_vec();
    if answer["isBase64Encoded"] == true {
        bytes = base64_simd::STANDARD.decode_to_vec(body).expect("base64");
    }
    if answer["headers"]["content-encoding"] == "gzip" {
        let mut plain = Vec::new();
        let mut gzip = flate2::read::GzDecoder::new(bytes.as_slice());
        gzip.read_to_end(&mut plain).expect("gzip");
        bytes = plain;
    }
    Http {
        status: answer["statusCode"].as_u64().expect("a status"),
        text: String::from_utf8(bytes).expect("answers are text"),
    }
}
