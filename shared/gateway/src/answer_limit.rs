//! [`fit_lambda`]: the last step of every Lambda's `main.rs`. An answer above 6 MB never arrives,
//! so it becomes an error that says what to narrow. Local mode has no such limit and does not call
//! it.

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use aws_lambda_events::encodings::Body;
use http::{HeaderMap, HeaderValue, header};

use crate::limits::{ANSWER_ENVELOPE_BYTES, MAX_LAMBDA_ANSWER_BYTES};

/// The answer as it is where Lambda lets it through, else a 413 with a reason.
#[must_use]
pub fn fit_lambda(answer: ApiGatewayV2httpResponse) -> ApiGatewayV2httpResponse {
    let size = match &answer.body {
        None | Some(Body::Empty) => 0,
        Some(Body::Text(text)) => json_size(text),
        Some(Body::Binary(bytes)) => bytes.len().div_ceil(3) * 4,
        // The type is open; a body that we did not make is measured as what it holds.
        Some(other) => other.len(),
    };
    if size + ANSWER_ENVELOPE_BYTES <= MAX_LAMBDA_ANSWER_BYTES {
        return answer;
    }
    let compressed = answer.headers.contains_key(header::CONTENT_ENCODING);
    let hint = if compressed {
        ""
    } else {
        ", or send `Accept-Encoding: gzip`"
    };
    let text = format!(
        "the answer has {size} bytes and AWS Lambda lets {MAX_LAMBDA_ANSWER_BYTES} through; \
         narrow start/end, lower `limit` or raise `step`{hint}"
    );
    let mut refusal = ApiGatewayV2httpResponse::default();
    refusal.status_code = 413;
    refusal.headers = HeaderMap::from_iter([
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        ),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
    ]);
    refusal.body = Some(Body::Text(text));
    refusal
}

/// Bytes of `text` as a JSON string, as the runtime will send it: JSON inside JSON doubles its
/// quotes.
fn json_size(text: &str) -> usize {
    let extra = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 1,
        0..0x20 => 5,
        _ => 0,
    };
    text.len() + text.bytes().map(extra).sum::<usize>() + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: Body) -> ApiGatewayV2httpResponse {
        let mut answer = ApiGatewayV2httpResponse::default();
        answer.status_code = 200;
        answer.body = Some(body);
        answer
    }

    #[test]
    fn sizes_are_those_of_json() {
        for text in [
            "",
            "plain",
            "\"\\/\n\r\t\u{8}\u{c}\u{0}\u{1f}\u{7f}é\u{2028}😀",
        ] {
            assert_eq!(json_size(text), serde_json::to_string(text).unwrap().len());
        }
    }

    #[track_caller]
    fn check(body: Body, status: i64) {
        let answer = fit_lambda(answer(body));
        assert_eq!(answer.status_code, status);
        let sent = serde_json::to_vec(&answer).unwrap();
        assert!(sent.len() <= MAX_LAMBDA_ANSWER_BYTES, "{}", sent.len());
    }

    #[test]
    fn lets_through_what_fits() {
        let fits = MAX_LAMBDA_ANSWER_BYTES - ANSWER_ENVELOPE_BYTES - 2;
        check(Body::Text("x".repeat(fits)), 200);
        check(Body::Text("x".repeat(fits + 1)), 413);
        check(Body::Text("\"".repeat(fits / 2)), 200);
        check(Body::Text("\"".repeat(fits / 2 + 1)), 413);
        check(Body::Binary(vec![0; fits / 4 * 3]), 200);
        check(Body::Binary(vec![0; fits / 4 * 3 + 4]), 413);
        check(Body::Empty, 200);
    }

    #[test]
    fn says_what_to_narrow() {
        let refusal = fit_lambda(answer(Body::Binary(vec![0; 6 << 20])));
        let Some(Body::Text(text)) = refusal.body else {
            panic!("not text")
        };
        assert_eq!(
            text,
            "the answer has 8388608 bytes and AWS Lambda lets 6291456 through; \
             narrow start/end, lower `limit` or raise `step`, or send `Accept-Encoding: gzip`"
        );
    }
}
