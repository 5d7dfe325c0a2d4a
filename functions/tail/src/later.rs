//! [`Later`]: who sends the past of a tail. A connection takes messages only after the answer that
//! lets it in, so it cannot be who answers.

use async_trait::async_trait;

use crate::Past;

/// Why nobody does.
#[derive(Debug, thiserror::Error)]
#[error("the lines before the tail cannot be sent: {0}")]
pub struct LaterError(pub String);

/// Has the past of tails sent by somebody who runs on while a connection is let in.
#[async_trait]
pub trait Later: Send + Sync {
    /// Comes back at once, before anything is sent.
    ///
    /// # Errors
    /// Where nobody will send it.
    async fn start(&self, past: Past) -> Result<(), LaterError>;
}
