//! [`Catalog`]: which streams and segments exist, in three tables of DynamoDB.
//!
//! | table | pk | sk | file |
//! |---|---|---|---|
//! | streams | `tenant/day/shard` | stream id | `streams.rs` |
//! | streams | `tenant/day/shard` | `pack`, `pack/name/part` | `packs.rs`, `packing.rs` |
//! | segments | `tenant/day/shard` | `level/first time/id` | `segments.rs`, `merge.rs` |
//! | state | `partitions` | `day/tenant/shard` | `streams.rs` |
//! | state | `garbage` | `due/object key` | `garbage.rs` |
//! | state | `lease/name` | `lease` | `lease.rs` |
//! | state | `rule-tenants` | tenant | `rules.rs` |
//! | state | `rules/tenant`, `alerts/tenant` | `namespace/group` | `rules.rs` |
//! | state | `delete-tenants` | tenant | `deletes.rs` |
//! | state | `deletes/tenant`, `deleted/tenant` | id of a request | `deletes.rs` |
//! | state | `tails/tenant` | connection | `tails.rs` |
//! | state | `tail/connection` | `tail` | `tails.rs` |
//!
//! Reads of streams, segments, rules, alert states and deletes are strongly consistent, for every
//! day: a late push, a merge and a deletion may change any of them, and a query of several pages
//! that are read from different replicas may miss a segment that has moved between them. Why and at
//! which price: `docs/decisions/0002-catalog-keys.md`. Does not know objects: callers store bytes
//! first.

mod deletes;
mod garbage;
mod item;
mod lease;
mod merge;
mod packing;
mod packs;
mod partition;
mod row;
mod rules;
mod segments;
mod streams;
mod sweep;
mod tables;
mod tails;
mod traffic;
mod visible;

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use narvi_model::{Day, TenantId};
use narvi_segment::SegmentId;

use crate::limits::PACK_CACHE_BYTES;
use packs::PackCache;

pub use deletes::{DeleteRow, Progress};
pub use garbage::Garbage;
pub use lease::{Claim, Lease};
pub use partition::Partition;
pub use row::{ObjectName, Place, SegmentRow, StreamRow};
pub use rules::RuleGroupRow;
pub use sweep::Sweep;
pub use tables::TableNames;
pub use tails::TailRow;
pub use visible::{left_behind, split_left_behind, visible};

/// The catalog. Clones share the client and what is cached; every method may be repeated after an
/// error.
#[derive(Clone, Debug)]
pub struct Catalog {
    client: Client,
    tables: Arc<TableNames>,
    packs: Arc<PackCache>,
    shards: u16,
}

impl Catalog {
    /// Uses `client` as it is set up; `Connection::catalog` makes one with the right time-outs.
    /// `shards` of 0 is 1.
    #[must_use]
    pub fn new(client: Client, tables: TableNames, shards: u16) -> Self {
        Self {
            client,
            tables: Arc::new(tables),
            packs: Arc::new(PackCache::new(PACK_CACHE_BYTES)),
            shards: shards.max(1),
        }
    }

    /// The shard that a segment's rows belong to, and with it the streams of its push.
    #[must_use]
    pub fn shard_of(&self, id: &SegmentId) -> u16 {
        // The id is a hash, so its first bytes spread evenly.
        let [high, low, ..] = *id.as_bytes();
        u16::from_be_bytes([high, low]) % self.shards
    }

    /// Every partition that a tenant's day may have.
    fn partitions_of(&self, tenant: &TenantId, day: Day) -> impl Iterator<Item = Partition> {
        let tenant = tenant.clone();
        (0..self.shards).map(move |shard| Partition {
            tenant: tenant.clone(),
            day,
            shard,
        })
    }
}
