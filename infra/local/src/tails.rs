//! [`Tails`]: live tails over WebSockets, in the place of an API Gateway WebSocket API.
//!
//! The function that lets tails in gets the same events as on AWS. What AWS cannot do is done here:
//! a tail that is one too many is closed with Loki's code and words after it was let in, and all
//! are pinged. Knows no query.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use aws_lambda_events::apigw::{ApiGatewayProxyResponse, ApiGatewayV2httpResponse};
use aws_lambda_events::encodings::Body as EventBody;
use axum::body::Bytes;
use axum::extract::FromRequestParts as _;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::request::Parts;
use narvi_gateway::{Call, connect_event, disconnect_event};
use narvi_live::Live;
use narvi_model::Timestamp;
use narvi_tail::{Historian, Later, LaterError, Past};
use tokio::sync::watch;
use tokio::time::{interval, sleep, timeout};

use crate::channels::{Channels, Mailbox};
use crate::http::{text, to_http};
use crate::limits::{CLIENT_MESSAGE_BYTES, PING_INTERVAL, SEND_TIMEOUT, TAIL_LIFE};

/// Sends the past of tails, on a task in the place of an invocation.
pub(crate) struct Pasts {
    pub(crate) historian: Arc<Historian>,
    pub(crate) live: Arc<Live>,
    pub(crate) channels: Channels,
}

#[async_trait]
impl Later for Pasts {
    async fn start(&self, past: Past) -> Result<(), LaterError> {
        // The tail is written down: the next push is to know of it.
        self.live.forget();
        let (historian, channels) = (Arc::clone(&self.historian), self.channels.clone());
        tokio::spawn(async move { historian.send(&past, &channels).await });
        Ok(())
    }
}

/// Every live tail of this process.
pub(crate) struct Tails {
    function: narvi_tail::Handler,
    channels: Channels,
    stop: watch::Sender<bool>,
    started: Timestamp,
    opened: AtomicU64,
}

impl Tails {
    /// Lets tails in as `function` says; whoever tells them posts to `channels`.
    pub(crate) fn new(function: narvi_tail::Handler, channels: Channels) -> Arc<Self> {
        Arc::new(Self {
            function,
            channels,
            stop: watch::Sender::new(false),
            started: narvi_gateway::now(),
            opened: AtomicU64::new(0),
        })
    }

    /// Answers a request for a tail; what is let in goes on after the answer.
    pub(crate) async fn answer(self: &Arc<Self>, mut parts: Parts, path: String) -> Response {
        let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
            Ok(upgrade) => upgrade.max_message_size(CLIENT_MESSAGE_BYTES),
            Err(rejection) => return rejection.into_response(),
        };
        let call = Call {
            method: parts.method,
            path,
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers,
            received: Some(narvi_gateway::now()),
            ..Call::default()
        };
        let connection = self.name();
        let event = match connect_event(call, &connection) {
            Ok(event) => event,
            Err(error) => return text(StatusCode::BAD_REQUEST, format!("query string: {error}")),
        };
        // Open before it is listed: the first line may come at once.
        let mailbox = self.channels.open(connection);
        let answer = self.function.handle(event).await;
        match answer.status_code {
            200 => {}
            429 => return upgrade.on_upgrade(|socket| close(socket, reason(answer))),
            _ => return refusal(answer),
        }
        let tails = Arc::clone(self);
        upgrade.on_upgrade(|socket| async move { tails.serve(socket, mailbox).await })
    }

    /// Ends all tails, and waits until they are struck off.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        self.stop.closed().await;
    }

    /// A name that no other connection has had, not in an earlier process either: what such a one
    /// has left in the catalog must not be told to somebody else.
    fn name(&self) -> String {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        format!("local-{}-{number}", self.started.nanos())
    }

    async fn serve(&self, socket: WebSocket, mut mailbox: Mailbox) {
        let mut stop = self.stop.subscribe();
        relay(socket, &mut mailbox, &mut stop).await;
        let event = disconnect_event(&mailbox.connection);
        drop(mailbox);
        self.function.handle(event).await;
    }
}

/// Passes on frames until either side ends, the time is over or `stop` turns true.
async fn relay(mut socket: WebSocket, mailbox: &mut Mailbox, stop: &mut watch::Receiver<bool>) {
    let mut pings = interval(PING_INTERVAL);
    let mut life = std::pin::pin!(sleep(TAIL_LIFE));
    loop {
        let message = tokio::select! {
            frame = mailbox.next() => match frame.map(Utf8Bytes::try_from) {
                Some(Ok(frame)) => Message::Text(frame),
                _ => return,
            },
            _ = pings.tick() => Message::Ping(Bytes::new()),
            said = socket.recv() => match said {
                Some(Ok(Message::Close(_))) => return answer_close(socket).await,
                // What clients say is heard by nobody; pings are answered below us.
                Some(Ok(_)) => continue,
                _ => return,
            },
            () = &mut life => {
                return close(socket, "reached tail max duration limit".into()).await;
            }
            // Cut and not closed: clients come back after that alone.
            () = async { drop(stop.wait_for(|&stop| stop).await) } => return,
        };
        match timeout(SEND_TIMEOUT, socket.send(message)).await {
            Ok(Ok(())) => {}
            // Gone, or it reads so little that it could as well be.
            _ => return,
        }
    }
}

/// Lets the answer to a client's close out, which is made below us and sent with the next reading.
/// Without it the client takes the end for a broken connection.
async fn answer_close(mut socket: WebSocket) {
    // A client that does not wait for it needs none.
    let _ = timeout(SEND_TIMEOUT, socket.recv()).await;
}

/// Ends a tail with words.
async fn close(mut socket: WebSocket, reason: Utf8Bytes) {
    let frame = CloseFrame {
        code: close_code::ERROR,
        reason,
    };
    // A client that is gone needs no words.
    let _ = timeout(SEND_TIMEOUT, socket.send(Message::Close(Some(frame)))).await;
}

fn reason(answer: ApiGatewayProxyResponse) -> Utf8Bytes {
    match answer.body {
        Some(EventBody::Text(text)) => text.into(),
        _ => Utf8Bytes::default(),
    }
}

fn refusal(answer: ApiGatewayProxyResponse) -> Response {
    let mut event = ApiGatewayV2httpResponse::default();
    event.status_code = answer.status_code;
    event.headers = answer.headers;
    event.body = answer.body;
    event.is_base64_encoded = answer.is_base64_encoded;
    to_http(event)
}
