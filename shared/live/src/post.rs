//! [`Post`]: how a connection is reached.

use async_trait::async_trait;
use bytes::Bytes;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Posted {
    /// It is on its way.
    Posted,
    /// There is no such connection, and there never will be again.
    Gone,
}

/// A message that was not sent, while the connection may live.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PostError(pub String);

/// Sends to connections.
#[async_trait]
pub trait Post: Send + Sync {
    /// Sends one text message of at most [`crate::limits::FRAME_BYTES`]. May be dropped while it
    /// runs; the message is then sent or not.
    ///
    /// # Errors
    /// Where it could not be sent now.
    async fn post(&self, connection: &str, frame: Bytes) -> Result<Posted, PostError>;
}
