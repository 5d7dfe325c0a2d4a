//! HTTP in, events to the functions, HTTP out: what API Gateway does on AWS.
//!
//! [`answer`] is all of it. Bodies are bounded one by one and together. Knows no endpoint: `route`
//! says which function, the function says the rest.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use aws_lambda_events::encodings::Body as EventBody;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use narvi_gateway::limits::MAX_BODY_BYTES;
use narvi_gateway::{Call, decode_path};
use narvi_storage::Requests;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::door::{Admission, Door};
use crate::functions::Functions;
use crate::limits::{BODY_BUDGET, BODY_READ_TIMEOUT};
use crate::local_api;
use crate::route::{function_for, is_tail};

/// What every request needs.
pub(crate) struct Front {
    door: Door,
    pub(crate) functions: Functions,
    pub(crate) requests: Requests,
    bodies: Semaphore,
    served: AtomicU64,
}

/// A request that does not become an event.
struct Refusal(StatusCode, String);

impl Front {
    pub(crate) fn new(door: Door, functions: Functions, requests: Requests) -> Self {
        let bodies = Semaphore::new(BODY_BUDGET as usize);
        Self {
            door,
            functions,
            requests,
            bodies,
            served: AtomicU64::new(0),
        }
    }
}

/// Answers one request.
pub(crate) async fn answer(
    State(front): State<Arc<Front>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let path = match decode_path(request.uri().path()) {
        Ok(path) => path,
        Err(error) => return text(StatusCode::BAD_REQUEST, format!("path: {error}")),
    };
    let (method, headers) = (request.method(), request.headers());
    let granted = match front.door.admit(method, &path, headers).await {
        Admission::Granted(granted) => granted,
        Admission::Refused(refusal) => return refusal,
    };
    if let Some(call) = local_api::call(request.method(), &path) {
        return local_api::answer(&front, call, peer).await;
    }
    if is_tail(&path) {
        let (parts, _) = request.into_parts();
        return front.functions.tails().answer(parts, path).await;
    }
    let (call, _permit) = match call(&front, path, request).await {
        Ok(call) => call,
        Err(Refusal(status, message)) => return text(status, message),
    };
    let event = Call { granted, ..call }.into_event();
    let method = event.request_context.http.method.clone();
    let path = event.raw_path.clone().unwrap_or_default();
    let function = function_for(&method, &path);
    let response = front.functions.call(function, event).await;
    tracing::debug!(%method, path, status = response.status_code, ?function, "answered");
    to_http(response)
}

/// What is asked, and its part of the memory for bodies, to be kept until it is answered.
async fn call(
    front: &Front,
    path: String,
    request: Request,
) -> Result<(Call, SemaphorePermit<'_>), Refusal> {
    let (parts, body) = request.into_parts();
    let size = declared_size(&parts.headers, &body)?;
    let permit = front.bodies.acquire_many(size).await.map_err(|_| {
        Refusal(
            StatusCode::SERVICE_UNAVAILABLE,
            "narvi is stopping; try again".to_owned(),
        )
    })?;
    let body = tokio::time::timeout(BODY_READ_TIMEOUT, axum::body::to_bytes(body, size as usize));
    let body = match body.await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) if size as usize == MAX_BODY_BYTES => return Err(too_large("more")),
        Ok(Err(error)) => {
            return Err(Refusal(
                StatusCode::BAD_REQUEST,
                format!("the body breaks off: {error}"),
            ));
        }
        Err(_) => {
            let message = format!("the body took longer than {BODY_READ_TIMEOUT:?}");
            return Err(Refusal(StatusCode::REQUEST_TIMEOUT, message));
        }
    };
    let call = Call {
        method: parts.method,
        path,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: body.into(),
        id: format!("local-{}", front.served.fetch_add(1, Ordering::Relaxed)),
        received: Some(narvi_gateway::now()),
        granted: None,
    };
    Ok((call, permit))
}

/// How many bytes the body may have: what it says, or the most where it does not say.
fn declared_size(headers: &HeaderMap, body: &Body) -> Result<u32, Refusal> {
    let exact = axum::body::HttpBody::size_hint(body).exact();
    let Some(size) = exact else {
        // Constant and far below 4 GiB.
        return Ok(u32::try_from(MAX_BODY_BYTES).unwrap_or(u32::MAX));
    };
    match u32::try_from(size) {
        Ok(small) if small as usize <= MAX_BODY_BYTES => Ok(small),
        _ => {
            let said = headers
                .get(header::CONTENT_LENGTH)
                .and_then(|value| value.to_str().ok());
            Err(too_large(said.unwrap_or("more")))
        }
    }
}

/// Loki's text.
fn too_large(size: &str) -> Refusal {
    let message = format!(
        "request body too large: message size too large than max ({size} vs {MAX_BODY_BYTES})\n"
    );
    Refusal(StatusCode::PAYLOAD_TOO_LARGE, message)
}

/// A plain text of our own.
pub(crate) fn text(status: StatusCode, message: String) -> Response {
    let mut response = Response::new(Body::from(message));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// What API Gateway makes of a function's answer.
pub(crate) fn to_http(event: ApiGatewayV2httpResponse) -> Response {
    let status = u16::try_from(event.status_code).ok();
    let Some(status) = status.and_then(|status| StatusCode::from_u16(status).ok()) else {
        let message = format!("a function answered with status {}", event.status_code);
        return text(StatusCode::INTERNAL_SERVER_ERROR, message);
    };
    let body = match event.body {
        None => Body::empty(),
        Some(EventBody::Text(text)) if event.is_base64_encoded => {
            match base64_simd::STANDARD.decode_to_vec(text) {
                Ok(bytes) => Body::from(bytes),
                Err(error) => {
                    let message = format!("a function answered with broken base64: {error}");
                    return self::text(StatusCode::INTERNAL_SERVER_ERROR, message);
                }
            }
        }
        Some(EventBody::Text(text)) => Body::from(text),
        Some(EventBody::Binary(bytes)) => Body::from(bytes),
        Some(_) => Body::empty(),
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = event.headers;
    for (name, value) in &event.multi_value_headers {
        response.headers_mut().append(name, value.clone());
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(event: ApiGatewayV2httpResponse, status: u16, body: &[u8]) {
        let response = to_http(event);
        assert_eq!(response.status().as_u16(), status);
        let got = axum::body::to_bytes(response.into_body(), 1 << 20)
            .await
            .unwrap();
        assert_eq!(&got[..], body);
    }

    #[tokio::test]
    async fn answers_of_functions() {
        let mut event = ApiGatewayV2httpResponse::default();
        event.status_code = 204;
        check(event.clone(), 204, b"").await;
        event.status_code = 200;
        event.body = Some(EventBody::Text("aGk=".to_owned()));
        check(event.clone(), 200, b"aGk=").await;
        event.is_base64_encoded = true;
        check(event.clone(), 200, b"hi").await;
        event.body = Some(EventBody::Binary(vec![0xff]));
        check(event.clone(), 200, b"\xff").await;
        event.body = Some(EventBody::Text("?".to_owned()));
        check(
            event.clone(),
            500,
            b"a function answered with broken base64: Base64Error",
        )
        .await;
        event.status_code = 7;
        check(event, 500, b"a function answered with status 7").await;
    }

    #[test]
    fn sizes() {
        let size =
            |body: Body| declared_size(&HeaderMap::new(), &body).map_err(|refusal| refusal.1);
        assert_eq!(size(Body::empty()), Ok(0));
        assert_eq!(size(Body::from("abc")), Ok(3));
        let error = size(Body::from(vec![0; MAX_BODY_BYTES + 1])).unwrap_err();
        assert!(error.starts_with("request body too large"), "{error}");
    }
}
