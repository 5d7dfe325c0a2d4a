//! [`GatewayPost`]: connections of an API Gateway WebSocket API.

use async_trait::async_trait;
use aws_sdk_apigatewaymanagement::Client;
use aws_sdk_apigatewaymanagement::error::DisplayErrorContext;
use aws_sdk_apigatewaymanagement::primitives::Blob;
use bytes::Bytes;
use narvi_storage::Connection;

use crate::{Post, PostError, Posted};

/// The status for a connection that is not there, or is no longer.
const GONE: u16 = 410;

/// Sends over the management API of a stage.
#[derive(Clone, Debug)]
pub struct GatewayPost {
    client: Client,
}

impl GatewayPost {
    /// `endpoint` is the stage, as `https://abc.execute-api.eu-central-1.amazonaws.com/live`.
    #[must_use]
    pub fn new(connection: &Connection, endpoint: &str) -> Self {
        Self {
            client: Client::new(&connection.sdk_config(endpoint)),
        }
    }
}

#[async_trait]
impl Post for GatewayPost {
    async fn post(&self, connection: &str, frame: Bytes) -> Result<Posted, PostError> {
        let request = self.client.post_to_connection().connection_id(connection);
        match request.data(Blob::new(frame)).send().await {
            Ok(_) => Ok(Posted::Posted),
            // By the status: the name of the error is in a header that a proxy may drop.
            Err(error)
                if error
                    .raw_response()
                    .is_some_and(|r| r.status().as_u16() == GONE) =>
            {
                Ok(Posted::Gone)
            }
            Err(error) => Err(PostError(DisplayErrorContext(error).to_string())),
        }
    }
}
