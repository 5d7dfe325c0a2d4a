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

/// Partitions that are looked at, and worked on, side by side. Merges among them wait for
/// [`MEMORY`].
pub const WORKERS: usize = 8;

/// Days back that are looked at each hour. Loki's `reject_old_samples_max_age` is a week, so this
/// is where late lines arrive; older days are looked at once a day.
pub const LATE_DAYS: i32 = 8;

/// Memory of all merges of a run that are under way, by their own estimate; further ones wait. A
/// merge of full size takes two thirds of it: inputs, what is decoded of them, and the result.
pub const MEMORY: u64 = 448 << 20;

/// Stored bytes at which a merge takes no further input, which is why a merged segment has at most
/// half as much again. Less makes more segments of a day, and queries pay a GET for each footer;
/// more makes merges that take more memory and time than a run has: 96 MiB are some 800 MiB of
/// lines, 5 to 10 s of one core.
pub const TARGET_BYTES: u64 = 64 << 20;

/// Stored bytes of a merged segment; of one that would be larger, the inputs are merged in halves.
/// Only another `chunk_encoding` than that of the inputs makes so much of them.
pub const MAX_BYTES: usize = 128 << 20;

/// Bytes that a merge may have decoded at one time; inputs that need more are merged in halves.
/// Twice the estimate, because metadata is not in it.
pub const MAX_OPEN_BYTES: usize = 2 * OPEN_BYTES as usize;

/// Estimated bytes that a merge decodes of all inputs at one time: 64 of those with full chunks.
pub const OPEN_BYTES: u64 = 128 << 20;

/// Bytes of a decoded chunk: 1 MiB of lines and their rows. Of a smaller segment, all of it.
pub const OPEN_CHUNK: u64 = 2 << 20;

/// Memory of a decoded row beside its line: time, offset, references to metadata.
pub const ROW_BYTES: u64 = 32;

/// Bytes of a decoded footer for each stored one: a chunk's 30 bytes are 150, and labels are
/// compressed.
pub const OPEN_FOOTER: u64 = 8;

/// Segments of one merge. Each is named in the merged row with 16 bytes that every query of the
/// day reads until that row is merged on; storage allows 8,192.
pub const MERGE_INPUTS: usize = 1024;

/// Pushes of a partition that are merged at once, however young: each costs a query a GET.
pub const READY_INPUTS: usize = 64;

/// Pushes with this part of [`TARGET_BYTES`], 4 MiB, are merged at once, too.
pub const READY_SHARE: u64 = 16;

/// Seconds that the oldest push waits for others. Shorter waits cost more PUTs for the same lines,
/// longer ones cost queries more GETs.
pub const SETTLE_SECONDS: i64 = 300;

/// Segments of level 1 that are merged at once: two hours of the slowest kind.
pub const HOURS_INPUTS: usize = 24;

/// Seconds that the oldest segment of level 1 waits for others.
pub const HOURS_SECONDS: i64 = 3600;

/// Seconds after its end at which a day is over, and seconds that late pushes then wait for others.
/// A shorter wait writes the same late lines more often.
pub const OVER_SECONDS: i64 = 3600;

/// Rows of a past day are merged where the smaller ones have at least one in so many of the bytes
/// of the largest. More would write a day more often for the same late lines, less would leave more
/// segments: each is then larger by this factor than all smaller ones together.
pub const LATE_SHARE: u64 = 4;

/// A segment of this level is not merged on: a row has two digits for its level, and rewriting what
/// is left after retention takes a level each time. Each merge of a past day makes a segment grow
/// by a quarter or drops repeats, so only a client that sends the same lines again and again, each
/// time in other pushes, gets there.
pub const TOP_LEVEL: u8 = 80;

/// Pages of 1 MB of a partition that are read at once, and with them the pushes that a plan is made
/// of: 32 MiB for each of [`WORKERS`], however many there are after compaction stood still. What
/// comes behind them is read when they are merged.
pub const PUSH_PAGES: usize = 32;

/// Objects that a merge fetches side by side.
pub const FETCHES: usize = 64;

/// Rows of streams of an open day from which they are packed: 66 read units of each query, where
/// the pack has 3 and none the second time. Packing removes each row for a write unit, as much as
/// 76 queries pay for reading it.
pub const PACK_HOUR: usize = 1000;

/// The same of a day that is over, to which hardly any new streams come: 3 read units, and most of
/// the time that the catalog takes of a query which filters answer. Of fewer, rows are little more
/// than the head and the body that would be read instead.
pub const PACK_DAY: usize = 32;

/// The level of segments after whose merges an open day is looked at: hours. A look at each merge
/// of pushes would be one each five minutes, mostly for nothing.
pub const PACK_LEVEL: u8 = 2;
