//! The bounds of this crate, each with its consequence. Limits of tenants are
//! [`narvi_model::Limits`].

/// Most bytes of an event's or request's data after decompression. CloudWatch Logs sends about
/// 1 MB compressed at most, which is some 20 MB of logs; memory is for as much again while segments
/// are written. Beyond it: an error.
pub const BATCH_BYTES: usize = 64 << 20;

/// Most log events of a batch. Each is 50 bytes of JSON at least but costs about 150 of memory.
/// Beyond it: an error.
pub const BATCH_EVENTS: usize = 500_000;

/// Most lines of an event or request, of all its records together; each costs about 100 bytes of
/// memory beside its text. Beyond it: an error.
pub const LINES: usize = 1_000_000;

/// Bytes of a message's own words that an error repeats; a log line is no part of any.
pub const QUOTED_BYTES: usize = 200;
