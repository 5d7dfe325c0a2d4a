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
