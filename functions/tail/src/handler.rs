//! [`Handler`]: from an event of a WebSocket API to what it changes.

use std::sync::Arc;

use aws_lambda_events::apigw::{ApiGatewayProxyResponse, ApiGatewayWebsocketProxyRequest};
use narvi_gateway::{Config, Response, SocketEvent};
use narvi_storage::Catalog;

use crate::connect::connect;

/// Keeps the list of live tails. One serves a container for its life.
pub struct Handler {
    catalog: Catalog,
    config: Arc<Config>,
}

impl Handler {
    /// Writes into `catalog` under the limits of `config`.
    #[must_use]
    pub const fn new(catalog: Catalog, config: Arc<Config>) -> Self {
        Self { catalog, config }
    }

    /// Answers an event: 200 lets a connection in. Never fails: what goes wrong is an answer.
    pub async fn handle(&self, event: ApiGatewayWebsocketProxyRequest) -> ApiGatewayProxyResponse {
        let response = match SocketEvent::read(&event) {
            Some(SocketEvent::Connect {
                connection,
                request,
            }) => match connect(&self.catalog, &self.config, connection, &request).await {
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
