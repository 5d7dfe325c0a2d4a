//! Every limit of this crate with its consequence. Numbers of AWS are as published for us-east-1.

use std::time::Duration;

/// Time to open a connection. Within a region it takes milliseconds; a second means a lost packet,
/// and a new attempt finds another address.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Time for one attempt of a DynamoDB request. The slowest of them, a page of 1 MB, takes well
/// under a second; after this the attempt is dropped and repeated.
pub const DYNAMODB_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);

/// Time for a DynamoDB request with all its attempts. Together with S3's it stays under the 28 s in
/// which a push or a query must be answered, so that the client gets a 503 and not a cut
/// connection.
pub const DYNAMODB_TIMEOUT: Duration = Duration::from_secs(9);

/// Time until S3 answers one attempt, for the first bytes of a large body too; each
/// [`S3_BYTES_PER_SECOND`] of a body that is sent or fetched adds a second.
pub const S3_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// The slowest transfer that is still waited for. A Lambda gets about 75 MB/s, so this is a fault.
pub const S3_BYTES_PER_SECOND: u64 = 8 << 20;

/// Attempts of one request, the first included. More would not fit into the time-outs above.
pub const ATTEMPTS: u32 = 3;

/// Pause before the second attempt; it doubles, and the SDK makes it random.
pub const FIRST_BACKOFF: Duration = Duration::from_millis(50);

/// Longest pause between two attempts.
pub const MAX_BACKOFF: Duration = Duration::from_secs(1);

/// Keys in one S3 `DeleteObjects` and entries in one page of a list: what S3 allows.
pub const S3_PAGE: usize = 1000;

/// Keys of objects in bytes: what S3 allows.
pub const OBJECT_KEY_MAX: usize = 1024;

/// Bytes of a sort key: what DynamoDB allows. Long names of rule groups are refused by it.
pub const SORT_KEY_MAX: usize = 1024;

/// Items in one `BatchWriteItem`: what DynamoDB allows.
pub const BATCH_ITEMS: usize = 25;

/// Times that the rest of a batch is sent again after DynamoDB has left a part of it unwritten.
/// With the pauses in between this is about 6 s; then the write is `Unavailable`, and may be
/// repeated.
pub const BATCH_ATTEMPTS: u32 = 8;

/// Batches of one call in flight at once: the first push of a tenant with 5,000 streams takes 200.
pub const BATCHES_IN_FLIGHT: usize = 4;

/// Pages of 1 MB that one query of a partition may have. A partition beyond it needs the compactor
/// or more shards; reading on would only run out of memory.
pub const PAGES_MAX: usize = 1000;

/// Bytes of a segment that ride inside its row. The design's threshold is 8 KiB; the row also holds
/// the lists below, and all of them together stay under DynamoDB's 400 KB an item.
pub const INLINE_MAX: usize = 128 << 10;

/// Streams that a segment row lists, 8 bytes each. A row with more lists none, which means "may
/// hold any stream": a query then reads the segment's footer, which costs one GET; a longer list
/// would cost every query of the day more read units than that.
pub const STREAMS_LISTED_MAX: usize = 8192;

/// Segments that one merged segment may replace, 16 bytes each. A merge of more is refused: merge
/// fewer at a time, and the results again.
pub const REPLACES_MAX: usize = 8192;

/// Bytes of packed streams that a process keeps, some 125 for each stream of a day: 30 days of
/// 18,000. What has no room is read again by the next query, a read unit for each 4 KiB as stored.
pub const PACK_CACHE_BYTES: u64 = 64 << 20;

/// Times that a reader looks for the pack of a partition that is replaced while it reads. A pack
/// is replaced some times a day.
pub const PACK_READS: usize = 4;

/// Streams of a partition that are packed. Those beyond it keep rows of their own: who packs holds
/// all of them in memory, half a KiB each and more.
pub const PACK_STREAMS: usize = 200_000;

/// Bodies of a pack, of 300 KiB of labels each before compression. Only streams with many KiB of
/// labels make so many; they keep rows of their own.
pub const PACK_PARTS: usize = 999;

/// Bodies that are written at a time. Each is up to 300 write units, and a partition of DynamoDB
/// takes 1,000 a second.
pub const PACK_PARTS_AT_ONCE: usize = 4;

/// Loose rows are packed where they are at least one in so many of what is packed already. More
/// would write a pack anew for few rows, less would leave many to be read by each query.
pub const PACK_SHARE: usize = 16;

/// Highest level of a segment: the sort key has two digits for it.
pub const LEVEL_MAX: u8 = 99;

/// Bytes of the text of a rule group or of its alert state, so that the item stays under 400 KB.
pub const DOCUMENT_MAX: usize = 380 << 10;

/// Bytes of the query of a delete request. Every log query of the tenant reads the requests that
/// are not over; 200 of this size are one page of DynamoDB and 200 read units, some 1/40 cent.
pub const DELETE_QUERY_MAX: usize = 4 << 10;

/// Rows of live tails of a tenant that are read. Who opens one is held to the tenant's limit, far
/// below; more than this are left out, and get no lines.
pub const TAILS_MAX: usize = 1000;

/// Rows of garbage that one call returns; forget those, then ask again.
pub const GARBAGE_MAX: usize = 10_000;

/// Rows of garbage of which all keys are held at once, some 20 MB. With more there is no telling
/// whether an object without a row is on the list, and the sweep waits.
pub const GARBAGE_KEYS_MAX: usize = 100_000;

/// Length of the bucket in an object's key, in seconds. See [`crate::SegmentRow::object_key`]. The
/// grace before an object is deleted must be longer.
pub const KEY_BUCKET_SECONDS: i64 = 300;

/// No lease ends later than this from now, unless a clock was wrong: it is as good as free. On a
/// machine of one's own a process may die while the clock is years ahead.
pub const LEASE_MAX: Duration = Duration::from_secs(7 * 86_400);

/// Seconds after its end that a lease is remembered. Its fencing token starts anew after that, long
/// after any Lambda that held it is gone.
pub const LEASE_KEPT_SECONDS: i64 = 30 * 86_400;

/// Times that the state of a new table is asked for, a second apart.
pub const TABLE_POLLS: u32 = 60;
