//! The bounds of this function, each with its consequence.

use std::time::Duration;

/// How long a run takes up new work: until the next run starts. One merge more may follow, some
/// 20 s where S3 is slow, far within the function's time limit of 2 minutes. The next run goes on
/// where this one stopped.
pub const BUDGET: Duration = Duration::from_secs(50);

/// How long a partition is one run's. It starts with the run, so it is longer than the function's
/// time limit; after a run was killed its partitions wait as long.
pub const LEASE: Duration = Duration::from_secs(300);

/// The least time between the removal of a row and the deletion of its object, in seconds: a run
/// (2 minutes, and its clock stands at its start), the longest query (30 s) and the five minutes in
/// which a repeated push writes the same key, with room. `retention_delete_delay` may be longer.
pub const GRACE_SECONDS: i64 = 1800;

/// Partitions whose rows are read side by side to see whether there is work.
pub const LOOKS: usize = 8;

/// Days back that are looked at each hour. Loki's `reject_old_samples_max_age` is a week, so this
/// is where late lines arrive; older days are looked at once a day.
pub const LATE_DAYS: i32 = 8;

/// Stored bytes of a merged segment; of one that would be larger, the inputs are merged in halves.
/// It is in memory as a whole until it is stored.
pub const MAX_BYTES: usize = 128 << 20;

/// Bytes that a merge has decoded at one time: a chunk of each input, 1 to 2 MiB each. Inputs that
/// need more are merged in halves.
pub const MAX_OPEN_BYTES: usize = 128 << 20;

/// Weight of what is merged at a time: line bytes, stored bytes and [`ROW_WEIGHT`] for each row.
pub const MERGE_WEIGHT: u64 = 64 << 20;

/// Memory of a decoded row beside its line: time, offset, order, references to metadata.
pub const ROW_WEIGHT: u64 = 32;

/// Segments of one merge. Each is named in the merged row with 16 bytes that every query of the
/// day reads; storage allows 8,192.
pub const MERGE_INPUTS: usize = 1024;

/// Level-0 weight of a partition at which it is merged at once, however young.
pub const READY_WEIGHT: u64 = MERGE_WEIGHT / 4;

/// Level-0 segments of a partition at which it is merged at once: each costs a query a GET.
pub const READY_INPUTS: usize = 64;

/// Seconds that the oldest level-0 segment waits for others. Shorter waits cost more PUTs for the
/// same lines, longer ones cost queries more GETs.
pub const SETTLE_SECONDS: i64 = 300;

/// Objects that are fetched side by side.
pub const FETCHES: usize = 16;
