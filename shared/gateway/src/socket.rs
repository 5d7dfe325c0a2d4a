//! [`SocketEvent`]: what an API Gateway WebSocket API tells, a connection that is asked for or one
//! that has ended; [`connect_event`] and [`disconnect_event`] make such events for local mode.
//!
//! Parameters of these events arrive decoded and headers as the client wrote them, both unlike
//! those of an HTTP API. An end carries no header of the client's, so it names no tenant.

use std::collections::HashMap;

use aws_lambda_events::apigw::{ApiGatewayProxyResponse, ApiGatewayWebsocketProxyRequest};
use aws_lambda_events::encodings::Body;
use bytes::Bytes;
use http::{HeaderValue, Method};

use crate::request::received;
use crate::{Call, Params, ParamsError, Request, Response};

/// The header in which whoever sits in front of a WebSocket API says what path was asked for; the
/// API itself has none.
pub const SOCKET_PATH: &str = "x-narvi-path";

/// One event of a WebSocket API.
#[derive(Clone, Debug)]
pub enum SocketEvent {
    /// A client asks for a connection; the answer's status lets it in or not.
    Connect {
        /// What the connection will be called.
        connection: String,
        /// The request that is to become a connection; its path is that of [`SOCKET_PATH`], or `/`.
        request: Box<Request>,
    },
    /// A connection has ended; not every end is told.
    Disconnect {
        /// Which.
        connection: String,
    },
    /// A client has sent something.
    Message,
}

impl SocketEvent {
    /// Reads an event; `None` where it names no connection.
    #[must_use]
    pub fn read(event: &ApiGatewayWebsocketProxyRequest) -> Option<Self> {
        let context = &event.request_context;
        let connection = context.connection_id.clone().filter(|id| !id.is_empty())?;
        match context.event_type.as_deref() {
            Some("CONNECT") => Some(Self::Connect {
                connection,
                request: Box::new(request(event)),
            }),
            Some("DISCONNECT") => Some(Self::Disconnect { connection }),
            _ => Some(Self::Message),
        }
    }
}

fn request(event: &ApiGatewayWebsocketProxyRequest) -> Request {
    let context = &event.request_context;
    let all = &event.multi_value_query_string_parameters;
    let params = if all.is_empty() {
        &event.query_string_parameters
    } else {
        all
    };
    let path = event.headers.get(SOCKET_PATH).map(|path| path.to_str());
    let path = path.and_then(Result::ok);
    Request {
        method: Method::GET,
        path: path.unwrap_or("/").to_owned(),
        query: params.iter().collect(),
        form: Params::default(),
        headers: event.headers.clone(),
        body: Bytes::new(),
        id: context.request_id.clone().unwrap_or_default(),
        received: received(context.request_time_epoch),
        granted: None,
    }
}

/// The event for a request that asks for a connection.
///
/// # Errors
/// Where the query string cannot be read, which API Gateway would have refused.
pub fn connect_event(
    call: Call,
    connection: &str,
) -> Result<ApiGatewayWebsocketProxyRequest, ParamsError> {
    let mut params: HashMap<String, Vec<String>> = HashMap::new();
    for (name, value) in Params::parse(call.query.as_bytes())?.iter() {
        let values = params.entry(name.to_owned()).or_default();
        values.push(value.to_owned());
    }
    let mut event = event("$connect", "CONNECT", connection);
    event.headers = call.headers;
    if let Ok(path) = HeaderValue::from_str(&call.path) {
        event.headers.insert(SOCKET_PATH, path);
    }
    event.query_string_parameters = params.clone().into();
    event.multi_value_query_string_parameters = params.into();
    let context = &mut event.request_context;
    context.request_id = Some(call.id);
    context.request_time_epoch = call.received.map_or(0, |time| time.millis());
    Ok(event)
}

/// The event for the end of a connection.
#[must_use]
pub fn disconnect_event(connection: &str) -> ApiGatewayWebsocketProxyRequest {
    event("$disconnect", "DISCONNECT", connection)
}

fn event(route: &str, kind: &str, connection: &str) -> ApiGatewayWebsocketProxyRequest {
    let mut event = ApiGatewayWebsocketProxyRequest::default();
    let context = &mut event.request_context;
    context.route_key = Some(route.to_owned());
    context.event_type = Some(kind.to_owned());
    context.connection_id = Some(connection.to_owned());
    event
}

impl Response {
    /// The answer to an event of a WebSocket API: the status is what counts, and API Gateway passes
    /// on nothing else of a refusal.
    #[must_use]
    pub fn into_socket_event(self) -> ApiGatewayProxyResponse {
        let event = self.into_plain_event();
        let mut out = ApiGatewayProxyResponse::default();
        out.status_code = event.status_code;
        out.headers = event.headers;
        out.body = event.body.filter(|body| *body != Body::Empty);
        out.is_base64_encoded = event.is_base64_encoded;
        out
    }
}

#[cfg(test)]
mod tests {
    use narvi_model::Timestamp;

    use super::*;

    #[test]
    fn connections_begin_and_end() {
        let call = Call::new(
            Method::GET,
            "/t?query=%7Ba%3D%22b%22%7D+%7C%3D+%22x%22&limit=7&a=1&a=2",
        )
        .header("x-scope-orgid", "demo")
        .at(Timestamp::from_seconds(5));
        let event = connect_event(call, "c1").unwrap();
        let Some(SocketEvent::Connect {
            connection,
            request,
        }) = SocketEvent::read(&event)
        else {
            panic!("no connection")
        };
        assert_eq!(connection, "c1");
        assert_eq!(request.path, "/t");
        let params = request.params();
        assert_eq!(params.get("query"), Some("{a=\"b\"} |= \"x\""));
        assert_eq!(params.get("limit"), Some("7"));
        assert_eq!(params.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(request.header("X-Scope-OrgID"), Some("demo"));
        assert_eq!(request.received, Timestamp::from_seconds(5));

        let end = SocketEvent::read(&disconnect_event("c1"));
        assert!(matches!(end, Some(SocketEvent::Disconnect { connection }) if connection == "c1"));
        let mut event = disconnect_event("c1");
        event.request_context.event_type = Some("MESSAGE".to_owned());
        assert!(matches!(
            SocketEvent::read(&event),
            Some(SocketEvent::Message)
        ));
        event.request_context.connection_id = None;
        assert!(SocketEvent::read(&event).is_none());
    }

    #[test]
    fn broken_parameters_are_refused() {
        assert!(connect_event(Call::new(Method::GET, "/t?query=%zz"), "c1").is_err());
    }

    #[test]
    fn answers_are_statuses() {
        let answer = Response::read_error(400, "parse error").into_socket_event();
        let json = serde_json::to_value(answer).unwrap();
        assert_eq!(
            (&json["statusCode"], &json["body"]),
            (&400.into(), &"parse error".into())
        );
    }
}
