//! Every bound of the local host, each with what happens at it.

use std::time::Duration;

/// How long requests and runs that are under way may go on after a stop was asked for; then they
/// are cut. Longer than the 28 s that a query may take.
pub(crate) const STOP_GRACE: Duration = Duration::from_secs(30);

/// How long the embedded DynamoDB may take to finish its last requests once everything else
/// stopped.
pub(crate) const DYNAMO_STOP_GRACE: Duration = Duration::from_secs(5);

/// How long a client may take to send a body; then it gets a 408. Without it a stalled client would
/// keep its part of [`BODY_BUDGET`] for ever.
pub(crate) const BODY_READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes of request bodies that are in memory at once; requests beyond it wait. A body of unknown
/// length (chunked) counts as the largest. While a body becomes an event and is decoded again it is
/// held up to three times, so this bounds bodies to about 1.5 GiB.
pub(crate) const BODY_BUDGET: u32 = 512 << 20;

/// Frames of at most 128 KiB that wait for a client of a live tail. When they are as many a push
/// waits for it, as long as `narvi-live` lets it, and what comes then is dropped.
pub(crate) const FRAMES_WAITING: usize = 64;

/// How long a client of a live tail may take to receive one frame; then it is cut off.
pub(crate) const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a live tail is pinged, as Loki does: proxies cut connections that are still.
pub(crate) const PING_INTERVAL: Duration = Duration::from_secs(1);

/// How long a live tail may go on, as in Loki; then it is closed.
pub(crate) const TAIL_LIFE: Duration = Duration::from_secs(3600);

/// Bytes of a message from a client of a live tail, which nobody reads; more cut it off.
pub(crate) const CLIENT_MESSAGE_BYTES: usize = 64 << 10;

/// How often the embedded DynamoDB looks for rows whose time to live is over. Nothing depends on
/// it: readers check the time themselves.
pub(crate) const TTL_SWEEP_INTERVAL: Duration = Duration::from_secs(600);
