//! The bounds of this function, each with its consequence. Limits of tenants are
//! [`narvi_model::Limits`].

/// Most bytes of an event's data after decompression. CloudWatch Logs sends about 1 MB compressed
/// at most, which is some 20 MB of logs; memory is for as much again while segments are written.
/// Beyond it: an error, so that the event ends where failures go.
pub const BATCH_BYTES: usize = 64 << 20;

/// Most log events of a batch. Each is 50 bytes of JSON at least but costs about 150 of memory.
/// Beyond it: an error, as above.
pub const BATCH_EVENTS: usize = 500_000;

/// Most labels of `NARVI_FORWARD_LABELS`, and of a rule of `NARVI_FORWARD_S3`. With the three that
/// are always there either stays within the 15 that streams have by default. Beyond it: the
/// function does not start.
pub const FIXED_LABELS: usize = 12;

/// Bytes of an event's own words that an error repeats; a log line is no part of any.
pub const QUOTED_BYTES: usize = 200;

/// Most records of an event of Kinesis, Lambda's own number. Their data together has
/// [`BATCH_BYTES`] at most after decompression; what is beyond is sent again as the beginning of
/// the next event. Beyond this number: an error.
pub const KINESIS_RECORDS: usize = 10_000;

/// Most objects of an event of S3, which sends one. Beyond it: an error.
pub const OBJECTS: usize = 100;

/// Most bytes of an object as stored. Memory holds it with its lines. Beyond it: an error, so that
/// the event ends where failures go.
pub const OBJECT_BYTES: u64 = 64 << 20;

/// Most rules of `NARVI_FORWARD_S3`. Beyond it: the function does not start.
pub const S3_RULES: usize = 100;
