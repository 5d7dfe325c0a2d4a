//! [`Tables`]: a DynamoDB in memory without a network, which answers where it is called.

use dynoxide::Database;
use dynoxide::errors::DynoxideError;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Tables in memory. Clones share them.
#[derive(Clone)]
pub struct Tables(Database);

impl Default for Tables {
    fn default() -> Self {
        Self(Database::memory().unwrap())
    }
}

impl Tables {
    /// Does an operation, as `PutItem`, of a request's JSON; its status and JSON. One that the
    /// catalog does not need is unknown.
    #[must_use]
    pub fn answer(&self, operation: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let db = &self.0;
        match operation {
            "CreateTable" => run(body, |request| db.create_table(request)),
            "DescribeTable" => run(body, |request| db.describe_table(request)),
            "UpdateTimeToLive" => run(body, |request| db.update_time_to_live(request)),
            "PutItem" => run(body, |request| db.put_item(request)),
            "GetItem" => run(body, |request| db.get_item(request)),
            "UpdateItem" => run(body, |request| db.update_item(request)),
            "DeleteItem" => run(body, |request| db.delete_item(request)),
            "Query" => run(body, |request| db.query(request)),
            "BatchWriteItem" => run(body, |request| db.batch_write_item(request)),
            "TransactWriteItems" => run(body, |request| db.transact_write_items(request)),
            _ => (400, br#"{"__type":"UnknownOperationException"}"#.to_vec()),
        }
    }
}

fn run<I: DeserializeOwned, O: Serialize>(
    body: &[u8],
    operation: impl FnOnce(I) -> Result<O, DynoxideError>,
) -> (u16, Vec<u8>) {
    match operation(serde_json::from_slice(body).unwrap()) {
        Ok(answer) => (200, serde_json::to_vec(&answer).unwrap()),
        Err(error) => (error.status_code(), error.to_json().into_bytes()),
    }
}
