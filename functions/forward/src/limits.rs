//! The bounds of this function, each with its consequence. Limits of tenants are
//! [`narvi_model::Limits`], those of the data itself [`narvi_aws_logs::limits`].

/// Most labels of `NARVI_FORWARD_LABELS`, and of a rule of `NARVI_FORWARD_S3`. With the three that
/// are always there either stays within the 15 that streams have by default. Beyond it: the
/// function does not start.
pub const FIXED_LABELS: usize = 12;

/// Most records of an event of Kinesis, Lambda's own number. Their data together has
/// [`narvi_aws_logs::limits::BATCH_BYTES`] at most after decompression; what is beyond is sent
/// again as the beginning of the next event. Beyond this number: an error.
pub const KINESIS_RECORDS: usize = 10_000;

/// Most objects of an event of S3, which sends one. Beyond it: an error.
pub const OBJECTS: usize = 100;

/// Most bytes of an object as stored. Memory holds it with its lines. Beyond it: an error, so that
/// the event ends where failures go.
pub const OBJECT_BYTES: u64 = 64 << 20;

/// Most rules of `NARVI_FORWARD_S3`. Beyond it: the function does not start.
pub const S3_RULES: usize = 100;
