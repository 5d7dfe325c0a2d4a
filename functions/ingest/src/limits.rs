//! The bounds of this function, each with its consequence. Limits of tenants are
//! [`narvi_model::Limits`]; bounds of decoding are `narvi_protocol::limits`, of what is stored
//! [`narvi_intake::limits`].

/// Largest body of a push on AWS, before decompression. Lambda takes events of 6 MB, in which a
/// binary body is base64 (four bytes for three) between other fields, so a little more than this
/// never arrives: API Gateway answers 413 by itself. Beyond it: our 413, which says what to set.
pub const LAMBDA_BODY_BYTES: usize = 4_500_000;

/// Largest body where no Lambda stands in between: Loki's `max_recv_msg_size`. Beyond it: 413.
pub const BODY_BYTES: usize = 100 << 20;

/// Seconds after which a client should try again when storage is unavailable.
pub const RETRY_AFTER_SECONDS: u32 = 1;

/// Longest id of a request of Firehose, which is a UUID. It is answered as it came and is metadata
/// of lines. Beyond it: 400.
pub const REQUEST_ID_BYTES: usize = 256;

/// Longest text of an error that Firehose is told; what is beyond is cut off. Firehose writes it
/// into its own log.
pub const ERROR_MESSAGE_BYTES: usize = 8 << 10;
