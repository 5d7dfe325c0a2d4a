//! The bounds of this crate, each with its consequence. Limits of tenants are
//! [`narvi_model::Limits`].

/// Segments up to this size lie in their catalog row. An S3 PUT costs as much as 8 units of
/// DynamoDB writes (us-east-1, on demand: $5.00 and $0.625 a million), and a unit writes 1 KiB, so
/// a row of up to 8 KiB is never dearer than a row and an object; it also saves the query a GET.
/// The compactor moves the bytes to S3 later.
pub const INLINE_BYTES: usize = 8 << 10;

/// Streams that a container remembers having written rows for, about 100 bytes each. A stream that
/// is forgotten costs a write unit when it comes again, nothing else.
pub const KNOWN_STREAMS: usize = 100_000;

/// Different reasons that a refusal lists. The others are counted: a push of 100,000 lines that are
/// too old would otherwise be answered with megabytes that no collector prints.
pub const REASONS: usize = 100;

/// Bytes of one reason; labels of a stream that breaks their limits can be a megabyte.
pub const REASON_BYTES: usize = 8 << 10;

/// Tenants whose rate is remembered, about 200 bytes each. With more of them all are forgotten, so
/// that each may push its burst anew.
pub const RATED_TENANTS: usize = 10_000;

/// Streams of all tenants whose rate is remembered, about 70 bytes each. With more of them the idle
/// ones are forgotten; where that does not halve them, all are.
pub const RATED_STREAMS: usize = 200_000;

/// Nanoseconds after which a stream that nothing was pushed to is not active any more, which is
/// how long Loki keeps one in memory by default.
pub const IDLE_STREAM_NANOS: i64 = 30 * 60 * 1_000_000_000;

/// Nanoseconds between two searches for idle streams of a tenant that has as many as it may have:
/// for so long a new one may be refused although another has gone idle.
pub const IDLE_SEARCH_NANOS: i64 = 60 * 1_000_000_000;

/// Entries that the refusal of a stream names, as in Loki.
pub const NAMED_ENTRIES: usize = 10;

/// Levels whose metadata the entries of a push share; further ones get a set for each entry.
pub const REMEMBERED_LEVELS: usize = 16;
