//! How the catalog talks to DynamoDB: queries read to the last page, batches written to the last
//! item. Knows no meaning of rows.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use aws_sdk_dynamodb::config::AsyncSleep as _;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{DeleteRequest, PutRequest, WriteRequest};
use futures::{StreamExt as _, TryStreamExt as _};

use super::Catalog;
use super::item::{Item, text};
use crate::failure::failure;
use crate::{StorageError, limits};

/// One item to be written or deleted, and its table.
pub(super) struct Write {
    table: String,
    request: WriteRequest,
}

impl Write {
    /// Writes `item` over whatever is there.
    pub(super) fn put(table: &str, item: Item) -> Result<Self, StorageError> {
        let put = PutRequest::builder()
            .set_item(Some(item))
            .build()
            .map_err(|e| bug(table, e))?;
        let request = WriteRequest::builder().put_request(put).build();
        Ok(Self {
            table: table.to_owned(),
            request,
        })
    }

    /// Deletes the item of `key` where there is one.
    pub(super) fn delete(table: &str, key: Item) -> Result<Self, StorageError> {
        let delete = DeleteRequest::builder().set_key(Some(key)).build();
        let delete = delete.map_err(|e| bug(table, e))?;
        let request = WriteRequest::builder().delete_request(delete).build();
        Ok(Self {
            table: table.to_owned(),
            request,
        })
    }
}

fn bug(table: &str, error: aws_sdk_dynamodb::error::BuildError) -> StorageError {
    let what = format!("dynamodb.BatchWriteItem `{table}`");
    StorageError::Refused {
        what,
        source: Box::new(error),
    }
}

impl Catalog {
    /// A strongly consistent query of the partition `pk`.
    pub(super) fn query(&self, table: &str, pk: &str) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(pk))
            .consistent_read(true)
    }

    /// Sends `query` for so many pages at most; the items, and the key of the last where more
    /// follow.
    pub(super) async fn pages(
        &self,
        query: QueryFluentBuilder,
        most: usize,
    ) -> Result<(Vec<Item>, Option<Item>), StorageError> {
        let table = query.get_table_name().clone().unwrap_or_default();
        let (mut items, mut next) = (Vec::new(), None);
        for _ in 0..most {
            let page = query.clone().set_exclusive_start_key(next).send().await;
            let page = page.map_err(|e| failure(format!("dynamodb.Query `{table}`"), e))?;
            items.extend(page.items.unwrap_or_default());
            next = page.last_evaluated_key.filter(|key| !key.is_empty());
            if next.is_none() {
                break;
            }
        }
        Ok((items, next))
    }

    /// Sends `query` until its last page, or until there are `enough` items.
    pub(super) async fn items(
        &self,
        query: QueryFluentBuilder,
        enough: usize,
    ) -> Result<Vec<Item>, StorageError> {
        let table = query.get_table_name().clone().unwrap_or_default();
        let what = || format!("dynamodb.Query `{table}`");
        let (mut items, mut next) = (Vec::new(), None);
        for _ in 0..limits::PAGES_MAX {
            let page = query.clone().set_exclusive_start_key(next).send().await;
            let page = page.map_err(|e| failure(what(), e))?;
            items.extend(page.items.unwrap_or_default());
            match page.last_evaluated_key {
                Some(key) if !key.is_empty() && items.len() < enough => next = Some(key),
                _ => {
                    items.truncate(enough);
                    return Ok(items);
                }
            }
        }
        Err(StorageError::TooMuch {
            what: format!("number of pages of a partition in table `{table}`"),
            size: limits::PAGES_MAX + 1,
            limit: limits::PAGES_MAX,
            way_out: "compact it or use more shards",
        })
    }

    /// Writes everything, in no order; keys must not repeat. The first 25 go together, and all go
    /// in one request where they fit.
    pub(super) async fn write_all(&self, writes: Vec<Write>) -> Result<(), StorageError> {
        let mut batches = Vec::new();
        let mut writes = writes.into_iter().peekable();
        while writes.peek().is_some() {
            let mut batch: HashMap<String, Vec<WriteRequest>> = HashMap::new();
            for write in writes.by_ref().take(limits::BATCH_ITEMS) {
                batch.entry(write.table).or_default().push(write.request);
            }
            batches.push(batch);
        }
        futures::stream::iter(batches)
            .map(|batch| self.write_batch(batch))
            .buffer_unordered(limits::BATCHES_IN_FLIGHT)
            .try_collect::<()>()
            .await
    }

    async fn write_batch(
        &self,
        mut batch: HashMap<String, Vec<WriteRequest>>,
    ) -> Result<(), StorageError> {
        let what = || "dynamodb.BatchWriteItem".to_owned();
        for attempt in 1..=limits::BATCH_ATTEMPTS {
            let request = self
                .client
                .batch_write_item()
                .set_request_items(Some(batch));
            let answer = request.send().await.map_err(|e| failure(what(), e))?;
            batch = answer.unprocessed_items.unwrap_or_default();
            batch.retain(|_, left| !left.is_empty());
            if batch.is_empty() {
                return Ok(());
            }
            if attempt < limits::BATCH_ATTEMPTS {
                self.wait(pause(attempt)).await;
            }
        }
        let left: usize = batch.values().map(Vec::len).sum();
        let source = format!(
            "{left} items left after {} attempts",
            limits::BATCH_ATTEMPTS
        )
        .into();
        Err(StorageError::Unavailable {
            what: what(),
            source,
        })
    }

    /// By the clock that the client waits by between its own attempts.
    async fn wait(&self, time: Duration) {
        match self.client.config().sleep_impl() {
            Some(clock) => clock.sleep(time).await,
            None => tokio::time::sleep(time).await,
        }
    }
}

/// A random part, at least half, of a pause that doubles with each attempt.
fn pause(attempt: u32) -> Duration {
    let whole = limits::FIRST_BACKOFF
        .saturating_mul(1 << attempt.min(10))
        .min(limits::MAX_BACKOFF);
    // The keys of `RandomState` are the randomness that the standard library has.
    let random = RandomState::new().hash_one(attempt) as u32;
    whole / 2 + (whole / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
}
