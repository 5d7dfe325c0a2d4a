//! Every bound of this crate, each with what happens at it.

use std::time::Duration;

use narvi_model::NANOS_PER_SECOND;

/// How long a process goes by what it knows of who is connected, in nanoseconds. A tail that begins
/// is told of pushes only when it is over, and gets what comes in meanwhile otherwise. In return a
/// busy container asks DynamoDB once in five seconds and not with each push: half a read unit,
/// about three cents a month.
pub const KNOWN_NANOS: i64 = 5 * NANOS_PER_SECOND;

/// How long a push waits for its lines to be sent to all tails, and as long for the list of them.
/// API Gateway takes a frame in about 20 ms. What is not sent by then is dropped.
pub const DELIVERY_WAIT: Duration = Duration::from_millis(500);

/// How long a connection that could not be reached is left alone, in nanoseconds, so that it holds
/// up one push in five seconds and not each.
pub const LAG_NANOS: i64 = 5 * NANOS_PER_SECOND;

/// How long after its beginning a connection that is said to be gone may yet have to come, in
/// nanoseconds: API Gateway lets a client in after the row is written.
pub const BEGINNING_NANOS: i64 = 10 * NANOS_PER_SECOND;

/// Bytes of one message: what API Gateway takes.
pub const FRAME_BYTES: usize = 128 << 10;

/// Tenants of which a process remembers who is connected. Beyond it all are forgotten at once.
pub const TENANTS: usize = 1000;

/// Connections of which a process remembers what they missed. Beyond it those that come later are
/// not left alone, and not told of what they missed.
pub const LAGGING: usize = 1000;

/// Entries that a process remembers as missed of a connection, Loki's number. More are forgotten.
pub const MISSED: usize = 1000;
