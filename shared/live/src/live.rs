//! [`Live`]: makes [`News`] of a push for those who asked for its lines, and sends it.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use narvi_model::{TenantId, Timestamp};
use narvi_protocol::answer::{TailFrame, encode_tail};
use narvi_protocol::push::PushStream;
use narvi_storage::{Catalog, Connection};
use tokio::time::{Instant, timeout_at};

use crate::lags::Lags;
use crate::limits::{BEGINNING_NANOS, DELIVERY_WAIT, FRAME_BYTES, LAG_NANOS};
use crate::listeners::{Listener, Listeners};
use crate::matching::Pushed;
use crate::{GatewayPost, Post, Posted};

/// Tells live tails of what is pushed. One serves a process for its life.
pub struct Live {
    listeners: Listeners,
    lags: Lags,
    post: Arc<dyn Post>,
}

/// What a push brings to those who asked for it; to be sent once it is stored.
#[must_use]
pub struct News {
    tenant: TenantId,
    now: Timestamp,
    mail: Vec<Mail>,
}

/// What one connection is sent, in order.
struct Mail {
    listener: Arc<Listener>,
    frames: Vec<TailFrame>,
}

impl Live {
    /// Finds tails in `catalog` and reaches them over `post`.
    #[must_use]
    pub fn new(catalog: Catalog, post: Arc<dyn Post>) -> Self {
        Self {
            listeners: Listeners::new(catalog),
            lags: Lags::default(),
            post,
        }
    }

    /// What the stack tells a function through `NARVI_TAIL_ENDPOINT`, the stage of a WebSocket API.
    /// `None` where it is unset or empty: then there are no live tails, and nothing is asked.
    #[must_use]
    pub fn from_variables(
        connection: &Connection,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Option<Self> {
        let endpoint = variable("NARVI_TAIL_ENDPOINT").filter(|value| !value.is_empty())?;
        let post = Arc::new(GatewayPost::new(connection, &endpoint));
        Some(Self::new(connection.catalog(), post))
    }

    /// What `streams` bring to the tails of a tenant, for a push that arrived at `now`. One request
    /// to the catalog in [`crate::limits::KNOWN_NANOS`], else none.
    pub async fn news(&self, tenant: &TenantId, streams: &[PushStream], now: Timestamp) -> News {
        let listeners = self.listeners.of(tenant, now).await;
        let mut news = News {
            tenant: tenant.clone(),
            now,
            mail: Vec::new(),
        };
        if listeners.is_empty() {
            return news;
        }
        let mut pushed = Pushed::new(streams);
        let is_on = |one: &&Arc<Listener>| one.live <= now && now < one.expires;
        for listener in listeners.iter().filter(is_on) {
            let found = pushed.matching(&listener.plan, now);
            if found.is_empty() {
                continue;
            }
            let connection = &listener.connection;
            let behind = self.lags.is_behind(connection, now);
            let missed = if behind {
                Vec::new()
            } else {
                self.lags.take(connection)
            };
            let frames = encode_tail(&found, &missed, &listener.form, FRAME_BYTES);
            if behind {
                self.lags.miss(connection, entries(frames), now);
                continue;
            }
            let listener = Arc::clone(listener);
            news.mail.push(Mail { listener, frames });
        }
        news
    }

    /// Sends what a push has brought. Takes [`DELIVERY_WAIT`] at most for all of it; what is not
    /// sent by then is dropped.
    pub async fn send(&self, news: News) {
        let News { tenant, now, mail } = news;
        let deadline = Instant::now() + DELIVERY_WAIT;
        let sent = mail
            .into_iter()
            .map(|mail| self.send_to((&tenant, now), mail, deadline));
        join_all(sent).await;
    }

    /// Asks anew who is connected with the next push of each tenant: for who knows, in the same
    /// process, that a tail has begun.
    pub fn forget(&self) {
        self.listeners.forget();
    }

    async fn send_to(&self, (tenant, now): (&TenantId, Timestamp), mail: Mail, deadline: Instant) {
        let Mail { listener, frames } = mail;
        let connection = &listener.connection;
        let mut frames = frames.into_iter();
        while let Some(mut frame) = frames.next() {
            let text = Bytes::from(std::mem::take(&mut frame.text));
            let posted = timeout_at(deadline, self.post.post(connection, text)).await;
            let begins = now.since(listener.opened) < BEGINNING_NANOS;
            let until = match posted {
                Ok(Ok(Posted::Posted)) => continue,
                Ok(Ok(Posted::Gone)) if begins => now,
                Ok(Ok(Posted::Gone)) => return self.listeners.remove(tenant, connection).await,
                Ok(Err(error)) => {
                    tracing::warn!(%error, connection, "a live tail cannot be reached");
                    now.plus(LAG_NANOS)
                }
                Err(_) => {
                    tracing::warn!(connection, "a live tail takes too long to be reached");
                    now.plus(LAG_NANOS)
                }
            };
            let missed = frame.entries.into_iter().chain(entries(frames));
            return self.lags.miss(connection, missed, until);
        }
    }
}

fn entries(
    frames: impl IntoIterator<Item = TailFrame>,
) -> impl Iterator<Item = narvi_protocol::answer::DroppedEntry> {
    frames.into_iter().flat_map(|frame| frame.entries)
}
