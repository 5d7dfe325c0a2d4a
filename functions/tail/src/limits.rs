//! Every bound of this function, each with what happens at it.

use std::time::Duration;

use narvi_model::NANOS_PER_SECOND;

/// How long a connection is told of lines, in nanoseconds: API Gateway ends it after two hours. Its
/// rows are no longer heeded then, in case nobody has heard of its end.
pub const LIFE_NANOS: i64 = 2 * 3600 * NANOS_PER_SECOND;

/// Bytes of the header that says how a client wants its answers, which is kept and sent back in
/// every frame. Longer ones are refused.
pub const FLAGS_BYTES: usize = 1024;

/// How long after a tail is written down those who store take over, in nanoseconds, on AWS: they
/// remember for [`narvi_live::limits::KNOWN_NANOS`] who is connected, and DynamoDB may show them
/// what was a second ago. What is pushed meanwhile is looked for, in [`LOOKS`].
pub const HANDOVER_NANOS: i64 = narvi_live::limits::KNOWN_NANOS + SLACK_NANOS;

/// How much of the time before the handover may pass while a tail is written down, in nanoseconds;
/// it is written again with a later one otherwise.
pub const SLACK_NANOS: i64 = 2 * NANOS_PER_SECOND;

/// How often a tail is written down before it is refused with 503.
pub const ATTEMPTS: u32 = 3;

/// When pushes that arrived before the handover are looked for, after it: most are stored within
/// half a second, and storage gives up after 19. Each look is a query.
pub const LOOKS: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(30)];

/// Most lines of such a look. A tenant that stores more of them in a few seconds has a tail that
/// nobody could read; it gets the first.
pub const LOOK_ENTRIES: usize = 50_000;

/// How far ahead of the clock such a look goes, in nanoseconds; far above `creation_grace_period`.
pub const AHEAD_NANOS: i64 = 24 * 3600 * NANOS_PER_SECOND;

/// How long one frame may take to be sent; then it is tried again.
pub const POST_WAIT: Duration = Duration::from_secs(5);

/// How often a frame is tried before the lines before a tail are given up.
pub const POST_ATTEMPTS: u32 = 3;

/// Between two attempts. A connection that has just begun is not there before its function has
/// answered, so it is tried for [`narvi_live::limits::BEGINNING_NANOS`].
pub const POST_PAUSE: Duration = Duration::from_millis(100);

/// How long Lambda may take to accept that a tail's past is to be sent; then the tail is refused.
pub const INVOKE_WAIT: Duration = Duration::from_secs(5);
