//! [`Channels`]: the connections of this process, for whoever posts to them. In the place of API
//! Gateway's management of connections; knows no WebSocket.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use axum::body::Bytes;
use narvi_live::{Post, PostError, Posted};
use tokio::sync::mpsc;

use crate::limits::FRAMES_WAITING;

/// Channels by connection. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Channels(Arc<Mutex<HashMap<String, mpsc::Sender<Bytes>>>>);

/// The end of a channel that a connection reads; without it the connection is gone.
#[derive(Debug)]
pub(crate) struct Mailbox {
    /// What the connection is called.
    pub(crate) connection: String,
    frames: mpsc::Receiver<Bytes>,
    channels: Channels,
}

impl Channels {
    /// Opens a channel for a connection.
    pub(crate) fn open(&self, connection: String) -> Mailbox {
        let (sender, frames) = mpsc::channel(FRAMES_WAITING);
        self.all().insert(connection.clone(), sender);
        Mailbox {
            connection,
            frames,
            channels: self.clone(),
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, mpsc::Sender<Bytes>>> {
        // A panic elsewhere cannot leave the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mailbox {
    /// The next frame, once there is one.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        self.frames.recv().await
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.channels.all().remove(&self.connection);
    }
}

#[async_trait]
impl Post for Channels {
    async fn post(&self, connection: &str, frame: Bytes) -> Result<Posted, PostError> {
        let sender = self.all().get(connection).cloned();
        let Some(sender) = sender else {
            return Ok(Posted::Gone);
        };
        // Waits while the channel is full, which is what makes a slow client a slow post.
        match sender.send(frame).await {
            Ok(()) => Ok(Posted::Posted),
            Err(_) => Ok(Posted::Gone),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_reach_their_mailbox_while_it_is_there() {
        let channels = Channels::default();
        let mut mailbox = channels.open("a".to_owned());
        let frame = Bytes::from_static(b"{}");
        for (connection, want) in [("a", Posted::Posted), ("b", Posted::Gone)] {
            let posted = channels.post(connection, frame.clone()).await.unwrap();
            assert_eq!(posted, want, "{connection}");
        }
        assert_eq!(mailbox.next().await, Some(frame.clone()));
        for _ in 0..FRAMES_WAITING {
            channels.post("a", frame.clone()).await.unwrap();
        }
        let full = channels.post("a", frame.clone());
        tokio::select! {
            biased;
            _ = full => panic!("there is no room"),
            () = std::future::ready(()) => {}
        }
        drop(mailbox);
        assert_eq!(channels.post("a", frame).await.unwrap(), Posted::Gone);
    }
}
