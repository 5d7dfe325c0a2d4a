//! [`TailRow`]: who is being told of lines as they come in. A connection that has ended without a
//! word stays in the list until its time is over, or until somebody fails to reach it.
//!
//! Each has two rows, as an end names the connection and not its tenant. Does not know what a
//! connection is.

use narvi_model::{NANOS_PER_SECOND, TenantId, Timestamp};

use super::Catalog;
use super::item::{self, Fields, Item, number, text};
use super::traffic::Write;
use crate::failure::failure;
use crate::{StorageError, limits};

/// The only sort key below the partition key of a connection.
const SORT_KEY: &str = "tail";

/// One live tail of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TailRow {
    /// The id of its connection, unique over all tenants and times.
    pub connection: String,
    /// What it asks, as written.
    pub query: String,
    /// How it wants its answers, as the client wrote it.
    pub flags: String,
    /// Whether it wants the frames of the legacy endpoint.
    pub is_legacy: bool,
    /// When it began.
    pub opened: Timestamp,
    /// Pushes that arrive then or later are told by who stores them; it learns of earlier ones in
    /// another way.
    pub live: Timestamp,
    /// When it is over, whatever else happens.
    pub expires: Timestamp,
}

impl Catalog {
    /// Writes a tail over an earlier one of its connection; one request.
    ///
    /// # Errors
    /// `Invalid` and `TooMuch` for what does not fit into a row, `Unavailable`.
    pub async fn put_tail(&self, tenant: &TenantId, row: &TailRow) -> Result<(), StorageError> {
        check(row)?;
        let mut listed = item::key(tails_of(tenant), row.connection.as_str());
        for (name, value) in [("query", &row.query), ("flags", &row.flags)] {
            listed.insert(name.to_owned(), text(value));
        }
        for (name, time) in [
            ("opened", row.opened),
            ("live", row.live),
            ("expires", row.expires),
        ] {
            listed.insert(name.to_owned(), number(time.nanos()));
        }
        listed.insert("legacy".to_owned(), number(i64::from(row.is_legacy)));
        let mut owner = key_of(&row.connection);
        owner.insert("tenant".to_owned(), text(tenant.as_str()));
        let ttl = number(row.expires.nanos() / NANOS_PER_SECOND);
        owner.insert("ttl".to_owned(), ttl.clone());
        listed.insert("ttl".to_owned(), ttl);
        let state = &self.tables.state;
        let writes = vec![Write::put(state, listed)?, Write::put(state, owner)?];
        self.write_all(writes).await
    }

    /// The tails of a tenant that are not over at `now`, at most [`limits::TAILS_MAX`].
    ///
    /// One request, and the only one of the catalog that is eventually consistent: it stands
    /// between a push and its answer, and callers keep what it says for seconds anyway.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    pub async fn tails(
        &self,
        tenant: &TenantId,
        now: Timestamp,
    ) -> Result<Vec<TailRow>, StorageError> {
        let query = self.query(&self.tables.state, &tails_of(tenant));
        let query = query.consistent_read(false);
        let items = self.items(query, limits::TAILS_MAX).await?;
        let read = |found| {
            let mut fields = Fields::new(&self.tables.state, found);
            let time = |nanos| Timestamp::from_nanos(nanos);
            Ok(TailRow {
                query: fields.text("query")?,
                flags: fields.text("flags")?,
                is_legacy: fields.number::<u8>("legacy")? != 0,
                opened: time(fields.number("opened")?),
                live: time(fields.number("live")?),
                expires: time(fields.number("expires")?),
                connection: fields.sk,
            })
        };
        let rows: Result<Vec<TailRow>, StorageError> = items.into_iter().map(read).collect();
        let mut rows = rows?;
        rows.retain(|row| row.expires > now);
        Ok(rows)
    }

    /// Deletes a tail of a tenant; an absent one is fine. One request.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn delete_tail(
        &self,
        tenant: &TenantId,
        connection: &str,
    ) -> Result<(), StorageError> {
        let state = &self.tables.state;
        let listed = Write::delete(state, item::key(tails_of(tenant), connection))?;
        let owner = Write::delete(state, key_of(connection))?;
        self.write_all(vec![listed, owner]).await
    }

    /// Whose tail a connection is; `None` where it is none. One request.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    pub async fn tenant_of_tail(&self, connection: &str) -> Result<Option<TenantId>, StorageError> {
        let request = self
            .client
            .get_item()
            .table_name(&self.tables.state)
            .set_key(Some(key_of(connection)))
            .consistent_read(true);
        let what = || format!("dynamodb.GetItem `tail/{connection}`");
        let answer = request.send().await.map_err(|e| failure(what(), e))?;
        let Some(found) = answer.item else {
            return Ok(None);
        };
        let mut fields = Fields::new(&self.tables.state, found);
        let tenant = TenantId::parse(&fields.text("tenant")?);
        tenant
            .map(Some)
            .map_err(|e| fields.broken("tenant", &e.to_string()))
    }
}

fn tails_of(tenant: &TenantId) -> String {
    format!("tails/{tenant}")
}

fn key_of(connection: &str) -> Item {
    item::key(format!("tail/{connection}"), SORT_KEY)
}

fn check(row: &TailRow) -> Result<(), StorageError> {
    let TailRow {
        connection,
        query,
        flags,
        ..
    } = row;
    if connection.is_empty() {
        return Err(StorageError::invalid("id of a connection", "is empty"));
    }
    for (what, size, limit) in [
        (
            "bytes of the id of a connection",
            connection.len(),
            limits::SORT_KEY_MAX,
        ),
        (
            "bytes of the query of a tail",
            query.len() + flags.len(),
            limits::DOCUMENT_MAX,
        ),
    ] {
        if size > limit {
            return Err(StorageError::TooMuch {
                what: what.to_owned(),
                size,
                limit,
                way_out: "ask a shorter query",
            });
        }
    }
    Ok(())
}
