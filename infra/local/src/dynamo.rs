//! [`EmbeddedDynamo`]: a DynamoDB in this process, reached over loopback by the real SDK.
//!
//! It handles each request under one lock on the thread that took it, flushing SQLite meanwhile, so
//! it has a thread with a runtime of its own: on ours it would hold up everything else. SQLite runs
//! in WAL mode with `synchronous=FULL`, its default, which dynoxide leaves alone: a commit returns
//! after the log is flushed. Knows no table.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::thread::JoinHandle;

use dynoxide::Database;
use tokio::sync::oneshot;

use crate::HostError;
use crate::limits::{DYNAMO_STOP_GRACE, TTL_SWEEP_INTERVAL};

/// A running DynamoDB. Dropping it stops it without waiting.
#[derive(Debug)]
pub(crate) struct EmbeddedDynamo {
    endpoint: String,
    stop: oneshot::Sender<()>,
    stopped: oneshot::Receiver<()>,
    thread: JoinHandle<()>,
}

impl EmbeddedDynamo {
    /// Starts it on a free port of 127.0.0.1, with its file in `folder`.
    ///
    /// # Errors
    /// [`HostError::Dynamo`].
    pub(crate) fn start(folder: &Path) -> Result<Self, HostError> {
        Self::try_start(folder).map_err(|reason| HostError::Dynamo {
            path: folder.to_owned(),
            reason,
        })
    }

    fn try_start(folder: &Path) -> Result<Self, String> {
        std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        let file = folder.join("dynamodb.sqlite");
        let file = file
            .to_str()
            .ok_or("the path is not UTF-8; give another with --data")?;
        let database = Database::new(file).map_err(|error| error.to_string())?;
        let listener = listen().map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let (stop, stop_asked) = oneshot::channel();
        let (stopping, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("dynamodb".to_owned());
        let thread = thread.spawn(move || {
            if let Err(error) = runtime.block_on(serve(listener, database, stop_asked)) {
                tracing::error!(error, "the embedded DynamoDB has stopped");
            }
            // Nobody waits any more where this fails.
            let _ = stopping.send(());
        });
        let thread = thread.map_err(|error| error.to_string())?;
        Ok(Self {
            endpoint: format!("http://{address}"),
            stop,
            stopped,
            thread,
        })
    }

    /// Where the SDK finds it.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Lets requests that are under way finish, for a while, and closes the file.
    pub(crate) async fn stop(self) {
        // The receiver is gone only where it has stopped already.
        let _ = self.stop.send(());
        match tokio::time::timeout(DYNAMO_STOP_GRACE, self.stopped).await {
            Ok(_) => drop(self.thread.join()),
            Err(_) => {
                tracing::warn!("the embedded DynamoDB is cut off; its file is safe with that");
            }
        }
    }
}

fn listen() -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

async fn serve(
    listener: TcpListener,
    database: Database,
    stop: oneshot::Receiver<()>,
) -> Result<(), String> {
    let listener =
        tokio::net::TcpListener::from_std(listener).map_err(|error| error.to_string())?;
    let sweeper = tokio::spawn(sweep(database.clone()));
    let stop = async move {
        // A dropped sender asks for the same as a sent message.
        let _ = stop.await;
        sweeper.abort();
    };
    dynoxide::server::serve_with_shutdown(listener, database, stop).await
}

/// Removes rows whose time to live is over, as DynamoDB does by itself.
async fn sweep(database: Database) {
    let mut ticks = tokio::time::interval(TTL_SWEEP_INTERVAL);
    loop {
        ticks.tick().await;
        if let Err(error) = database.sweep_ttl() {
            tracing::warn!(%error, "the embedded DynamoDB cannot remove rows that are over");
        }
    }
}
