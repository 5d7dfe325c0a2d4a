//! The bounds of this function, each with its consequence.

use std::time::Duration;

/// How long a run takes up new work: a page of garbage or a partition more may follow, within the
/// function's time limit of 5 minutes. The next run goes on where this one stopped.
pub const BUDGET: Duration = Duration::from_secs(240);

/// How long a partition is one run's. It starts with the run, so it is longer than the function's
/// time limit: whoever may still commit has the lease.
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

/// Requests to delete of a tenant that are not over: every query of the tenant reads and compiles
/// them. More are refused.
pub const REQUESTS: usize = 200;

/// Seconds that a request is listed after it was processed: 30 days.
pub const DELETES_KEPT: u64 = 30 * 86_400;

/// Days in which a request has left something, as in a damaged segment, and that are tried again
/// while all others are done: their list is in the row that queries read. With more of them the
/// request goes no further than the day behind the last.
pub const DAYS_LEFT: usize = 64;

/// Looks for what was pushed while a partition was rewritten; after them it is left to the next
/// run.
pub const SECOND_LOOKS: usize = 3;

/// Ids that are tried for a new request. They are hashes of 32 bits, of which few are taken.
pub const ID_ATTEMPTS: usize = 4;

/// Looks at a request that is cancelled while a run takes it further.
pub const CANCEL_ATTEMPTS: usize = 4;

/// Garbage that one call of the catalog returns at most: with so many there may be more.
pub const GARBAGE_PAGE: usize = narvi_storage::limits::GARBAGE_MAX;

/// Seconds after it was written at which an object without a row is an orphan. Whoever could write
/// the row has been ended by AWS after 15 minutes.
pub const ORPHAN_SECONDS: i64 = 86_400;

/// Seconds from the beginning of one walk through all objects to that of the next. A walk costs a
/// request for each 1,000 objects; what a crash leaves costs its storage for a day or two more.
pub const SWEEP_SECONDS: i64 = 86_400;

/// Seconds after which a walk judges objects of every age again, and not only those that have come
/// of age since the last: for what a catalog has lost otherwise.
pub const FULL_SECONDS: i64 = 30 * 86_400;

/// Pages of 1,000 objects that one run lists: ten seconds of S3. The next run goes on.
pub const SWEEP_PAGES: usize = 100;
