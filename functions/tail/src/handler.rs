//! [`Handler`]: from an event of a WebSocket API to what it changes.

use std::sync::Arc;

use aws_lambda_events::apigw::{ApiGatewayProxyResponse, ApiGatewayWebsocketProxyRequest};
use narvi_gateway::{Config, Request, Response, SocketEvent};
use narvi_storage::Catalog;

use crate::Later;
use crate::connect::connect;
use crate::limits::{HANDOVER_NANOS, SLACK_NANOS};

/// Keeps the list of live tails. One serves a container for its life.
pub struct Handler {
    catalog: Catalog,
    config: Arc<Config>,
    later: Arc<dyn Later>,
    /// Nanoseconds from a tail's beginning until those who store tell it of what they store.
    handover: i64,
}

impl Handler {
    /// Writes into `catalog` under the limits of `config`, and has `later` send what was before.
    #[must_use]
    pub fn new(catalog: Catalog, config: Arc<Config>, later: Arc<dyn Later>) -> Self {
        Self {
            catalog,
            config,
            later,
            handover: HANDOVER_NANOS,
        }
    }

    /// For a process in which `later` tells those who store at once: nobody has to forget first.
    #[must_use]
    pub fn in_one_process(self) -> Self {
        let handover = SLACK_NANOS;
        Self { handover, ..self }
    }

    /// Answers an event: 200 lets a connection in. Never fails: what goes wrong is an answer.
    pub async fn handle(&self, event: ApiGatewayWebsocketProxyRequest) -> ApiGatewayProxyResponse {
        let response = match SocketEvent::read(&event) {
            Some(SocketEvent::Connect {
                connection,
                request,
            }) => match self.connect(connection, &request).await {
                Ok(()) => Response::text(200, ""),
                Err(refusal) => refusal,
            },
            Some(SocketEvent::Disconnect { connection }) => {
                self.disconnect(&connection).await;
                Response::text(200, "")
            }
            // A tail asks once, when it connects; whatever else it says is heard by nobody.
            Some(SocketEvent::Message) => Response::text(200, ""),
            None => Response::read_error(400, "the event names no connection"),
        };
        response.into_socket_event()
    }

    async fn connect(&self, connection: String, request: &Request) -> Result<(), Response> {
        let named = (connection.clone(), self.handover);
        let past = connect(&self.catalog, &self.config, named, request).await?;
        let started = self.later.start(past).await;
        if let Err(error) = started {
            tracing::error!(%error, connection, "a tail is not let in");
            self.disconnect(&connection).await;
            return Err(Response::read_error(503, &error.to_string()));
        }
        Ok(())
    }

    /// Forgets a connection. Where that fails its row stays until its time is over, or until a
    /// line cannot be sent to it.
    async fn disconnect(&self, connection: &str) {
        let forget = async {
            match self.catalog.tenant_of_tail(connection).await? {
                Some(tenant) => self.catalog.delete_tail(&tenant, connection).await,
                None => Ok(()),
            }
        };
        if let Err(error) = forget.await {
            tracing::warn!(%error, connection, "the end of a tail is not written down");
        }
    }
}
