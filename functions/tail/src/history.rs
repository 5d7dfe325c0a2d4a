//! [`Historian`]: sends a tail its [`Past`]: the newest lines before it, then what arrives until
//! those who store know of it.
//!
//! Who tells a line is decided by when its push arrived, before the handover or not, so that none
//! is told by both or by neither.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use narvi_engine::{Caller, Engine, EngineError, Request, Span};
use narvi_gateway::{Config, now};
use narvi_live::limits::{BEGINNING_NANOS, FRAME_BYTES};
use narvi_live::{Post, Posted, form};
use narvi_model::answer::{LogStream, QueryResult};
use narvi_model::{Direction, Period, TenantId, Timestamp};
use narvi_protocol::answer::encode_tail;
use narvi_storage::{Catalog, Objects, TailRow};
use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};

use crate::limits::{AHEAD_NANOS, LOOK_ENTRIES, LOOKS, POST_ATTEMPTS, POST_PAUSE, POST_WAIT};
use crate::told::Told;

/// What a tail is to be sent of the time before the handover. Travels as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    connection: String,
    tenant: String,
    query: String,
    flags: String,
    is_legacy: bool,
    opened: Timestamp,
    /// The handover.
    pub(crate) live: Timestamp,
    expires: Timestamp,
    start: Timestamp,
    limit: usize,
}

/// Sends it. One serves a process for its life.
pub struct Historian {
    engine: Engine,
    config: Arc<Config>,
}

/// The connection is gone, or cannot be reached.
struct Ended;

/// One look into what is stored.
struct Look {
    start: Timestamp,
    end: Timestamp,
    direction: Direction,
    limit: usize,
}

impl Past {
    /// The past of a tail: at most `limit` lines from `start` on.
    pub(crate) fn new(tenant: &TenantId, row: &TailRow, start: Timestamp, limit: usize) -> Self {
        Self {
            connection: row.connection.clone(),
            tenant: tenant.as_str().to_owned(),
            query: row.query.clone(),
            flags: row.flags.clone(),
            is_legacy: row.is_legacy,
            opened: row.opened,
            live: row.live,
            expires: row.expires,
            start,
            limit,
        }
    }

    fn row(&self) -> TailRow {
        TailRow {
            connection: self.connection.clone(),
            query: self.query.clone(),
            flags: self.flags.clone(),
            is_legacy: self.is_legacy,
            opened: self.opened,
            live: self.live,
            expires: self.expires,
        }
    }
}

impl Historian {
    /// Reads what is stored, under the limits of `config`.
    #[must_use]
    pub fn new(objects: Arc<dyn Objects>, catalog: Catalog, config: Arc<Config>) -> Self {
        Self {
            engine: Engine::new(objects, catalog).heeding(config.heeds_deletes()),
            config,
        }
    }

    /// Sends it over `post`; takes until the last push that arrived before the handover must be
    /// stored. A look that fails is written to the log, and the next one makes up for it.
    pub async fn send(&self, past: &Past, post: &dyn Post) {
        let mut told = Told::default();
        let mut oldest = None;
        for wait in [None].into_iter().chain(LOOKS.map(Some)) {
            if let Some(wait) = wait {
                sleep(until(past.live) + wait).await;
            }
            let found = match oldest {
                None => self.newest(past).await,
                Some(start) => self.since(past, start).await,
            };
            let streams = match found {
                Ok(streams) => told.unsent(streams),
                Err(error) => {
                    tracing::warn!(%error, past.connection, "the past of a tail cannot be read");
                    continue;
                }
            };
            oldest = oldest.or_else(|| Some(first_time(past, &streams)));
            if self.tell(past, &streams, post).await.is_err() {
                return;
            }
        }
    }

    /// The newest lines, as many as were asked for.
    async fn newest(&self, past: &Past) -> Result<Vec<LogStream>, EngineError> {
        let look = Look {
            start: past.start,
            end: now().max(past.opened).plus(1),
            direction: Direction::Backward,
            limit: past.limit,
        };
        let mut streams = self.look(past, look).await?;
        for stream in &mut streams {
            stream.entries.reverse();
        }
        Ok(streams)
    }

    /// Every line from a time on.
    async fn since(&self, past: &Past, start: Timestamp) -> Result<Vec<LogStream>, EngineError> {
        let look = Look {
            start,
            end: now().max(past.opened).plus(AHEAD_NANOS),
            direction: Direction::Forward,
            limit: LOOK_ENTRIES,
        };
        let streams = self.look(past, look).await?;
        if count(&streams) >= LOOK_ENTRIES {
            tracing::warn!(
                past.connection,
                "a tail is not told of all that was stored at first"
            );
        }
        Ok(streams)
    }

    async fn look(&self, past: &Past, look: Look) -> Result<Vec<LogStream>, EngineError> {
        let tenant = TenantId::parse(&past.tenant);
        let tenant = tenant.map_err(|error| EngineError::Refused(error.to_string()))?;
        // What the tenant may ask was checked when the tail was let in.
        let mut limits = self.config.limits.of(&tenant).clone();
        limits.max_entries_limit_per_query = 0;
        limits.max_query_length = Period::from_seconds(0);
        let request = Request {
            tenant,
            limits,
            query: past.query.clone(),
            span: Span::Range {
                start: look.start,
                end: look.end,
                step: 1,
            },
            direction: look.direction,
            limit: look.limit,
            interval: 0,
            now: now(),
            caller: Caller {
                before: Some(past.live),
                ..Caller::default()
            },
        };
        // On the heap: it is deeper than the compiler follows from here.
        let answer = Box::pin(self.engine.query(&request)).await?;
        match answer.result {
            QueryResult::Streams(streams) => Ok(streams),
            _ => Ok(Vec::new()),
        }
    }

    async fn tell(&self, past: &Past, streams: &[LogStream], post: &dyn Post) -> Result<(), Ended> {
        for frame in encode_tail(streams, &[], &form(&past.row()), FRAME_BYTES) {
            deliver(past, post, frame.text.into()).await?;
        }
        Ok(())
    }
}

/// Sends one frame, as soon as there is a connection.
async fn deliver(past: &Past, post: &dyn Post, frame: Bytes) -> Result<(), Ended> {
    let mut attempts = 0;
    loop {
        let posted = timeout(POST_WAIT, post.post(&past.connection, frame.clone())).await;
        let begins = now().since(past.opened) < BEGINNING_NANOS;
        match posted {
            Ok(Ok(Posted::Posted)) => return Ok(()),
            Ok(Ok(Posted::Gone)) if begins => {}
            Ok(Ok(Posted::Gone)) => return Err(Ended),
            Ok(Err(_)) | Err(_) => {
                attempts += 1;
                if attempts == POST_ATTEMPTS {
                    tracing::warn!(past.connection, "a live tail is not sent its past");
                    return Err(Ended);
                }
            }
        }
        sleep(POST_PAUSE).await;
    }
}

/// From when on lines are wanted: what is older than the newest that were asked for is not.
fn first_time(past: &Past, streams: &[LogStream]) -> Timestamp {
    if count(streams) < past.limit {
        return past.start;
    }
    let times = streams.iter().flat_map(|stream| &stream.entries);
    let first = times.map(|entry| entry.timestamp).min();
    first.unwrap_or(past.start)
}

fn count(streams: &[LogStream]) -> usize {
    streams.iter().map(|stream| stream.entries.len()).sum()
}

/// How long it is to a time.
fn until(time: Timestamp) -> Duration {
    Duration::from_nanos(u64::try_from(time.since(now())).unwrap_or_default())
}
