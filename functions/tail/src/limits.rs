//! Every bound of this function, each with what happens at it.

use narvi_model::NANOS_PER_SECOND;

/// How long a connection is told of lines, in nanoseconds: API Gateway ends it after two hours. Its
/// rows are no longer heeded then, in case nobody has heard of its end.
pub const LIFE_NANOS: i64 = 2 * 3600 * NANOS_PER_SECOND;

/// Bytes of the header that says how a client wants its answers, which is kept and sent back in
/// every frame. Longer ones are refused.
pub const FLAGS_BYTES: usize = 1024;
