//! The bounds of this function, each with its consequence.

use std::time::Duration;

/// How long a run takes up new work: a page of garbage or a partition more may follow, within the
/// function's time limit of 5 minutes. The next run goes on where this one stopped.
pub const BUDGET: Duration = Duration::from_secs(240);

/// How long a partition is one run's. It starts with the run, so it is longer than the function's
/// time limit.
pub const LEASE: Duration = Duration::from_secs(600);

/// The least time between the removal of a row and the deletion of its object, in seconds: a run
/// (5 minutes, and its clock stands at its start), the longest query (30 s) and the five minutes
/// in which a repeated push writes the same key, with room. `retention_delete_delay` may be longer.
pub const GRACE_SECONDS: i64 = 1800;

/// Seconds that a day's streams are kept after its last line may have been pushed. An ingest
/// container remembers which stream rows it has written and does not write them again; this is
/// longer than containers live.
pub const FORGET_SECONDS: i64 = 86_400;

/// Objects that are deleted, and taken off the list, at a time: what one request to S3 takes.
pub const DELETES: usize = 1000;

/// Partitions whose rows are read side by side.
pub const LOOKS: usize = 8;

/// Garbage that one call of the catalog returns at most: with so many there may be more.
pub const GARBAGE_PAGE: usize = narvi_storage::limits::GARBAGE_MAX;
