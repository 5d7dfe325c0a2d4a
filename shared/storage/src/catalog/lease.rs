//! [`Lease`]: one owner at a time, until it ends, with a fencing token that grows.
//!
//! An owner that has slept through the end of its lease still believes in it; what it then commits
//! names its token, and `merge.rs` refuses it. Times are arguments.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::ReturnValue;
use narvi_model::{NANOS_PER_SECOND, Timestamp};

use super::item::{self, Fields, Item, number, text};
use super::{Catalog, Partition};
use crate::StorageError;
use crate::failure::if_held;
use crate::limits::{LEASE_KEPT_SECONDS, LEASE_MAX};

/// The only sort key below a lease's partition key.
const SORT_KEY: &str = "lease";

/// The condition under which a lease is still the one that was given.
pub(super) const STILL_HELD: &str = "#token = :token AND #owner = :owner";

/// The right to do something alone for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// To what.
    pub name: String,
    /// Who holds it: unique to one run of one process.
    pub owner: String,
    /// Higher than that of every earlier holder.
    pub token: u64,
    /// From when on another owner may take it.
    pub expires: Timestamp,
}

impl Lease {
    /// The one name under which a partition is taken.
    #[must_use]
    pub fn name_of(partition: &Partition) -> String {
        format!("segments/{partition}")
    }

    pub(super) fn key(&self) -> Item {
        key(&self.name)
    }

    pub(super) fn lost(&self) -> StorageError {
        StorageError::LostLease {
            name: self.name.clone(),
            token: self.token,
        }
    }
}

fn key(name: &str) -> Item {
    item::key(format!("lease/{name}"), SORT_KEY)
}

/// Who wants to be alone, from when on, and for how long at most.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Unique to one run of one process.
    pub owner: &'a str,
    /// When the run has started.
    pub now: Timestamp,
    /// Longer than the run can take.
    pub ttl: Duration,
}

impl Catalog {
    /// Does `work` alone among all that change rows of a partition, and gives the lease back
    /// whatever comes of it; `None`, and nothing is done, while another owner has the partition.
    /// Whoever is killed within leaves the lease to end by itself.
    ///
    /// # Errors
    /// Those of `work`; `Unavailable` or `Corrupt` where the lease cannot be taken. One that cannot
    /// be given back is none.
    pub async fn alone<T, E: From<StorageError>>(
        &self,
        partition: &Partition,
        claim: Claim<'_>,
        work: impl AsyncFnOnce(&Lease) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        let Claim { owner, now, ttl } = claim;
        let name = Lease::name_of(partition);
        let Some(lease) = self.acquire(&name, owner, now, ttl).await? else {
            return Ok(None);
        };
        let done = work(&lease).await;
        if let Err(error) = self.release(&lease).await {
            tracing::debug!(%error, "a lease is left to end by itself");
        }
        done.map(Some)
    }

    /// Takes a lease that is free, has ended, is this owner's already, or ends so late that a clock
    /// was wrong when it was taken; `None` while another
    /// owner holds it. Each success has a new token, so of two runs under one name only the last
    /// commits.
    ///
    /// # Errors
    /// `Unavailable`, `Corrupt`.
    pub async fn acquire(
        &self,
        name: &str,
        owner: &str,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<Lease>, StorageError> {
        let expires = end(now, ttl);
        let update = "SET #owner = :owner, #expires = :expires, #ttl = :ttl ADD #token :one";
        let free = "attribute_not_exists(#token) OR #expires <= :now OR #expires > :never OR \
                    #owner = :owner";
        let request = lasting(self.update_lease(name), expires)
            .update_expression(update)
            .condition_expression(free)
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#token", "token")
            .expression_attribute_values(":owner", text(owner))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":now", number(now.nanos()))
            .expression_attribute_values(":never", number(end(now, LEASE_MAX).nanos()))
            .return_values(ReturnValue::UpdatedNew);
        let Some(mut found) = self.update(name, request).await? else {
            return Ok(None);
        };
        found.extend(key(name));
        let token = Fields::new(&self.tables.state, found).number("token")?;
        Ok(Some(Lease {
            name: name.to_owned(),
            owner: owner.to_owned(),
            token,
            expires,
        }))
    }

    /// Makes a lease last until `ttl` from `now`; the token stays. Also good after its end, as long
    /// as nobody else has taken it.
    ///
    /// # Errors
    /// `LostLease`, `Unavailable`.
    pub async fn renew(
        &self,
        lease: &Lease,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Lease, StorageError> {
        let expires = end(now, ttl);
        self.set_end(lease, expires).await?;
        Ok(Lease {
            expires,
            ..lease.clone()
        })
    }

    /// Gives a lease back, so that others need not wait for its end. The row stays, and with it the
    /// count of tokens.
    ///
    /// # Errors
    /// `LostLease`, which the caller may well ignore, `Unavailable`.
    pub async fn release(&self, lease: &Lease) -> Result<(), StorageError> {
        // An end before every time; the row is forgotten from the lease's own end on.
        let request = self
            .held(lease)
            .update_expression("SET #expires = :expires")
            .expression_attribute_names("#expires", "expires")
            .expression_attribute_values(":expires", number(Timestamp::MIN.nanos()));
        self.update(&lease.name, request)
            .await?
            .map(drop)
            .ok_or_else(|| lease.lost())
    }

    async fn set_end(&self, lease: &Lease, expires: Timestamp) -> Result<(), StorageError> {
        let request = lasting(self.held(lease), expires)
            .update_expression("SET #expires = :expires, #ttl = :ttl");
        self.update(&lease.name, request)
            .await?
            .map(drop)
            .ok_or_else(|| lease.lost())
    }

    fn held(&self, lease: &Lease) -> UpdateItemFluentBuilder {
        self.update_lease(&lease.name)
            .condition_expression(STILL_HELD)
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#token", "token")
            .expression_attribute_values(":owner", text(&lease.owner))
            .expression_attribute_values(":token", number(lease.token))
    }

    fn update_lease(&self, name: &str) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.tables.state)
            .set_key(Some(key(name)))
    }

    /// The changed attributes; `None` where the condition does not hold.
    async fn update(
        &self,
        name: &str,
        request: UpdateItemFluentBuilder,
    ) -> Result<Option<Item>, StorageError> {
        let held = if_held(
            || format!("dynamodb.UpdateItem lease `{name}`"),
            request.send().await,
        )?;
        Ok(held.map(|answer| answer.attributes.unwrap_or_default()))
    }
}

fn lasting(request: UpdateItemFluentBuilder, expires: Timestamp) -> UpdateItemFluentBuilder {
    let forgotten = expires
        .plus(LEASE_KEPT_SECONDS * NANOS_PER_SECOND)
        .seconds();
    request
        .expression_attribute_names("#expires", "expires")
        .expression_attribute_names("#ttl", "ttl")
        .expression_attribute_values(":expires", number(expires.nanos()))
        .expression_attribute_values(":ttl", number(forgotten))
}

fn end(now: Timestamp, ttl: Duration) -> Timestamp {
    now.plus(i64::try_from(ttl.as_nanos()).unwrap_or(i64::MAX))
}
