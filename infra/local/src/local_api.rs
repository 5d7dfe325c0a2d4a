//! What exists in local mode only, below `/narvi/` and for callers on the same machine.
//!
//! - `POST /narvi/run/{job}` runs `compact`, `retention` or `rules` now, after the run that may be
//!   under way, and answers with its report: for tests, benchmarks and the impatient.
//! - `GET /narvi/requests` counts the requests to S3 and DynamoDB since the start, by operation:
//!   what AWS would have charged for.

use std::net::SocketAddr;

use axum::response::Response;
use http::{HeaderValue, Method, StatusCode, header};
use narvi_gateway::capture;

use crate::http::{Front, text};

/// A call to this interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// Run the job of this name.
    Run(String),
    /// Count requests.
    Requests,
}

/// The call that a request means; `None` where it is none of ours.
pub(crate) fn call(method: &Method, path: &str) -> Option<Call> {
    if method == Method::GET && path == "/narvi/requests" {
        return Some(Call::Requests);
    }
    let job = capture("/narvi/run/{job}", path).filter(|_| method == Method::POST)?;
    Some(Call::Run(job.concat()))
}

/// Answers a call.
pub(crate) async fn answer(front: &Front, call: Call, peer: SocketAddr) -> Response {
    if !peer.ip().to_canonical().is_loopback() {
        let message = "ask from the machine that narvi runs on".to_owned();
        return text(StatusCode::FORBIDDEN, message);
    }
    match call {
        Call::Run(name) => run(front, &name).await,
        Call::Requests => requests(front),
    }
}

async fn run(front: &Front, name: &str) -> Response {
    let jobs = front.functions.jobs();
    let Some(job) = jobs.iter().find(|job| job.name() == name) else {
        let names: Vec<&str> = jobs.iter().map(|job| job.name()).collect();
        let message = format!("there is no job `{name}`; there are: {}", names.join(", "));
        return text(StatusCode::NOT_FOUND, message);
    };
    match job.run().await {
        Ok(report) => text(StatusCode::OK, report),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, error),
    }
}

fn requests(front: &Front) -> Response {
    let counts = serde_json::json!(front.requests.snapshot()).to_string();
    let mut response = text(StatusCode::OK, counts);
    let kind = HeaderValue::from_static("application/json; charset=UTF-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls() {
        let run = |name: &str| Some(Call::Run(name.to_owned()));
        assert_eq!(call(&Method::POST, "/narvi/run/compact"), run("compact"));
        assert_eq!(call(&Method::GET, "/narvi/run/compact"), None);
        assert_eq!(call(&Method::POST, "/narvi/run/"), None);
        assert_eq!(call(&Method::GET, "/narvi/requests"), Some(Call::Requests));
        assert_eq!(call(&Method::GET, "/ready"), None);
    }
}
