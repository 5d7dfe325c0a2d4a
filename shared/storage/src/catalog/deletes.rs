//! [`DeleteRow`]: what a tenant has asked to delete, and how far that has come.
//!
//! Requests that readers must heed are one partition of the tenant's, and those that are over are
//! another, so that a query reads no more of them than it needs and needs no clock for it. Which
//! lines a request names is not known here.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use narvi_model::{Day, NANOS_PER_SECOND, TenantId, Timestamp};

use super::Catalog;
use super::item::{self, Fields, Item, number, text};
use super::traffic::Write;
use crate::failure::if_held;
use crate::{Put, StorageError, limits};

/// Partition key of the list of tenants with requests, in the table of states.
const TENANTS: &str = "delete-tenants";

/// One request to delete lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteRow {
    /// Its id, unique in the tenant.
    pub id: String,
    /// Which lines, as written.
    pub query: String,
    /// The first instant.
    pub start: Timestamp,
    /// The last instant.
    pub end: Timestamp,
    /// When it was made.
    pub created: Timestamp,
    /// How far its lines are gone for good.
    pub progress: Progress,
}

/// How far the lines of a request are gone for good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// All of them are there.
    #[default]
    Received,
    /// Those of every day up to one are gone, but for some days.
    Through {
        /// The last of these days.
        day: Day,
        /// The share of days that are done, from 0 to 100.
        percent: u8,
        /// Those in which something could not be done: each run tries these again, and no other.
        left: Vec<Day>,
    },
    /// All of them are gone, since this time.
    Processed(Timestamp),
}

impl DeleteRow {
    fn to_item(&self, pk: String) -> Item {
        let mut item = item::key(pk, self.id.as_str());
        let mut set = |name: &str, value| drop(item.insert(name.to_owned(), value));
        set("query", text(self.query.as_str()));
        set("start", number(self.start.nanos()));
        set("end", number(self.end.nanos()));
        set("created", number(self.created.nanos()));
        for (name, value) in self.progress.attributes() {
            set(name, value);
        }
        item
    }

    fn from_item(table: &str, found: Item) -> Result<Self, StorageError> {
        let mut fields = Fields::new(table, found);
        let progress = match (fields.has("processed"), fields.has("through")) {
            (true, _) => Progress::Processed(Timestamp::from_nanos(fields.number("processed")?)),
            (false, true) => Progress::Through {
                day: Day::from_number(fields.number("through")?),
                percent: fields.number("percent")?,
                left: days(&fields.optional_text("left")?.unwrap_or_default())
                    .ok_or_else(|| fields.broken("left", "is no list of days"))?,
            },
            (false, false) => Progress::Received,
        };
        Ok(Self {
            query: fields.text("query")?,
            start: Timestamp::from_nanos(fields.number("start")?),
            end: Timestamp::from_nanos(fields.number("end")?),
            created: Timestamp::from_nanos(fields.number("created")?),
            progress,
            id: fields.sk,
        })
    }
}

impl Progress {
    fn attributes(&self) -> Vec<(&'static str, AttributeValue)> {
        match self {
            Self::Received => Vec::new(),
            Self::Through { day, percent, left } => {
                let left: Vec<String> = left.iter().map(ToString::to_string).collect();
                vec![
                    ("through", number(day.number())),
                    ("percent", number(*percent)),
                    ("left", text(left.join(" "))),
                ]
            }
            Self::Processed(time) => vec![("processed", number(time.nanos()))],
        }
    }
}

/// Reads what [`Progress::attributes`] wrote; a row of a version without it has none.
fn days(text: &str) -> Option<Vec<Day>> {
    text.split_whitespace().map(Day::parse).collect()
}

impl Catalog {
    /// Writes a request under an id that is free; every query that starts later heeds it. Two
    /// requests.
    ///
    /// # Errors
    /// `TooMuch` for a text that is too long, `Unavailable`.
    pub async fn put_delete(
        &self,
        tenant: &TenantId,
        row: &DeleteRow,
    ) -> Result<Put, StorageError> {
        if row.query.len() > limits::DELETE_QUERY_MAX {
            return Err(StorageError::TooMuch {
                what: "bytes of the query of a delete request".to_owned(),
                size: row.query.len(),
                limit: limits::DELETE_QUERY_MAX,
                way_out: "split it into several requests",
            });
        }
        let state = &self.tables.state;
        let listed = Write::put(state, item::key(TENANTS, tenant.as_str()))?;
        self.write_all(vec![listed]).await?;
        let pk = deletes_of(tenant);
        // The SDK sends it again where no answer came. Then it may meet what it wrote itself, which
        // must not look like the request of somebody else: another id would be taken, and who takes
        // that request back would leave the other one.
        let call = number(RandomState::new().hash_one(&row.id) as i64);
        let mut item = row.to_item(pk.clone());
        item.insert("call".to_owned(), call.clone());
        let request = self
            .client
            .put_item()
            .table_name(state)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk) OR #call = :call")
            .expression_attribute_names("#call", "call")
            .expression_attribute_values(":call", call);
        let held = if_held(|| format!("dynamodb.PutItem `{pk}`"), request.send().await)?;
        Ok(held.map_or(Put::Existed, |_| Put::Stored))
    }

    /// The requests of a tenant that readers must heed, by age. One request, strongly consistent.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    pub async fn deletes(&self, tenant: &TenantId) -> Result<Vec<DeleteRow>, StorageError> {
        self.delete_rows(&deletes_of(tenant)).await
    }

    /// The requests of a tenant whose lines no reader can meet any more, by age.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    pub async fn past_deletes(&self, tenant: &TenantId) -> Result<Vec<DeleteRow>, StorageError> {
        self.delete_rows(&past_of(tenant)).await
    }

    async fn delete_rows(&self, pk: &str) -> Result<Vec<DeleteRow>, StorageError> {
        let state = &self.tables.state;
        let items = self.items(self.query(state, pk), usize::MAX).await?;
        let rows = items.into_iter();
        let rows = rows.map(|found| DeleteRow::from_item(state, found));
        let mut rows = rows.collect::<Result<Vec<_>, _>>()?;
        rows.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        Ok(rows)
    }

    /// Every tenant that has requests or had some once.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    pub async fn delete_tenants(&self) -> Result<Vec<TenantId>, StorageError> {
        let state = &self.tables.state;
        let items = self.items(self.query(state, TENANTS), usize::MAX).await?;
        let read = |found: Item| {
            let fields = Fields::new(state, found);
            TenantId::parse(&fields.sk).map_err(|e| fields.broken("sk", &e.to_string()))
        };
        items.into_iter().map(read).collect()
    }

    /// Takes a request back that is still as it was read; answers whether it was. One request.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn cancel_delete(
        &self,
        tenant: &TenantId,
        row: &DeleteRow,
    ) -> Result<bool, StorageError> {
        let pk = deletes_of(tenant);
        let request = self
            .client
            .delete_item()
            .table_name(&self.tables.state)
            .set_key(Some(item::key(&pk, row.id.as_str())));
        let request = match &row.progress {
            Progress::Received => request.condition_expression(
                "attribute_exists(pk) AND attribute_not_exists(#through) AND \
                 attribute_not_exists(#processed)",
            ),
            Progress::Through { day, .. } => request
                .condition_expression("#through = :through AND attribute_not_exists(#processed)")
                .expression_attribute_values(":through", number(day.number())),
            Progress::Processed(_) => return Ok(false),
        };
        let request = request
            .expression_attribute_names("#through", "through")
            .expression_attribute_names("#processed", "processed");
        let held = if_held(
            || format!("dynamodb.DeleteItem `{pk}`"),
            request.send().await,
        )?;
        Ok(held.is_some())
    }

    /// Notes how far a request has come; answers whether it is still there. One request.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn advance_delete(
        &self,
        tenant: &TenantId,
        id: &str,
        progress: &Progress,
    ) -> Result<bool, StorageError> {
        let attributes = progress.attributes();
        if attributes.is_empty() {
            return Ok(true);
        }
        let pk = deletes_of(tenant);
        let mut request = self
            .client
            .update_item()
            .table_name(&self.tables.state)
            .set_key(Some(item::key(&pk, id)))
            .condition_expression("attribute_exists(pk)");
        let mut sets = Vec::new();
        for (name, value) in attributes {
            sets.push(format!("#{name} = :{name}"));
            request = request
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), value);
        }
        let request = request.update_expression(format!("SET {}", sets.join(", ")));
        let held = if_held(
            || format!("dynamodb.UpdateItem `{pk}`"),
            request.send().await,
        )?;
        Ok(held.is_some())
    }

    /// Puts a request that is over among those of the past, where it is kept until a time at least.
    /// Only when every query has ended that may have read segments as they were before. Two
    /// requests, which may be repeated.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn retire_delete(
        &self,
        tenant: &TenantId,
        row: &DeleteRow,
        kept: Duration,
    ) -> Result<(), StorageError> {
        let state = &self.tables.state;
        let mut past = row.to_item(past_of(tenant));
        let from = match &row.progress {
            Progress::Processed(time) => *time,
            _ => row.created,
        };
        let kept = i64::try_from(kept.as_secs()).unwrap_or(i64::MAX);
        let until = (from.nanos() / NANOS_PER_SECOND).saturating_add(kept);
        past.insert("ttl".to_owned(), number(until));
        self.write_all(vec![Write::put(state, past)?]).await?;
        let own = item::key(deletes_of(tenant), row.id.as_str());
        self.write_all(vec![Write::delete(state, own)?]).await
    }
}

fn deletes_of(tenant: &TenantId) -> String {
    format!("deletes/{tenant}")
}

fn past_of(tenant: &TenantId) -> String {
    format!("deleted/{tenant}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_back() {
        let day = Day::parse("2026-01-31").unwrap();
        for progress in [
            Progress::Received,
            Progress::Through {
                day,
                percent: 0,
                left: Vec::new(),
            },
            Progress::Through {
                day,
                percent: 99,
                left: vec![Day::from_number(7), day],
            },
            Progress::Processed(Timestamp::from_seconds(9)),
        ] {
            let row = DeleteRow {
                id: "0a1b2c3d".to_owned(),
                query: "{app=\"x\"}".to_owned(),
                start: Timestamp::from_seconds(-1),
                end: Timestamp::from_nanos(7),
                created: Timestamp::from_seconds(8),
                progress,
            };
            let item = row.to_item("deletes/t".to_owned());
            assert_eq!(DeleteRow::from_item("state", item).unwrap(), row);
        }
        for missing in ["query", "start", "end", "created"] {
            let row = DeleteRow {
                id: "0a1b2c3d".to_owned(),
                query: String::new(),
                start: Timestamp::MIN,
                end: Timestamp::MAX,
                created: Timestamp::MIN,
                progress: Progress::Received,
            };
            let mut item = row.to_item("deletes/t".to_owned());
            item.remove(missing);
            let error = DeleteRow::from_item("state", item).unwrap_err().to_string();
            assert!(error.contains(missing), "{error}");
        }
    }
}
