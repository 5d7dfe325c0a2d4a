//! What the tests of every crate need: [`dynamodb`] starts a catalog in memory, [`settings`] names
//! it, [`catalog`] is empty and has its tables; a [`Meter`] tells what queries read; a store may be
//! [`Watched`]; [`gzip`]. Holds no test.
#![allow(
    clippy::unwrap_used,
    reason = "all of it runs in tests, where a step that fails is the test's failure"
)]

mod metered;
mod tables;
mod watched;

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use narvi_storage::{AccessKeys, Catalog, Connection, Requests, Settings};

pub use metered::Meter;
pub use tables::Tables;
pub use watched::{Failing, Meddle, Watched};

/// Starts a DynamoDB in memory, which goes when the process goes; the URL of its endpoint.
///
/// It answers under one lock on the thread that serves it, so it has a runtime of its own; on the
/// test's runtime it would hold up the client that waits for it.
#[must_use]
pub fn dynamodb() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let tables = dynoxide::Database::memory().unwrap();
            dynoxide::server::serve_on(listener, tables).await;
        });
    });
    format!("http://{address}")
}

/// Settings that name one endpoint for both services.
#[must_use]
pub fn settings(endpoint: &str, shards: u16) -> Settings {
    Settings {
        region: "eu-central-1".to_owned(),
        s3_endpoint: Some(endpoint.to_owned()),
        dynamodb_endpoint: Some(endpoint.to_owned()),
        bucket: "narvi".to_owned(),
        table_prefix: "test".to_owned(),
        shards,
        access_keys: AccessKeys::for_local_services(),
    }
}

/// An empty catalog on a service of its own; its requests are counted into `requests`.
pub async fn catalog(shards: u16, requests: &Requests) -> Catalog {
    let connection = Connection::new(settings(&dynamodb(), shards), requests.clone()).unwrap();
    let catalog = connection.catalog();
    catalog.create_tables().await.unwrap();
    catalog
}

/// As senders compress what they send.
#[must_use]
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}
