//! Every bound of this crate, each with what happens beyond it. Knows no tenant: those limits are
//! [`narvi_model::Limits`].

/// Largest request body in bytes after base64 is undone; more is a 413. Loki's `max_recv_msg_size`.
/// API Gateway itself stops at 10 MB and Lambda at 6 MB, so only local mode ever gets here.
pub const MAX_BODY_BYTES: usize = 100 << 20;

/// Largest form body in bytes; more is a 413, as on Loki's read path.
pub const MAX_FORM_BYTES: usize = 10 << 20;

/// Most parameters of a query string or form; more is a 400. Go's `net/url` stops there, too.
pub const MAX_PARAMS: usize = 10_000;

/// Smallest answer in bytes that is compressed: a smaller one fits a network packet either way.
pub const MIN_GZIP_BYTES: usize = 1_400;

/// Largest answer of a Lambda function in bytes, as JSON with the body escaped or in base64.
/// Beyond it the runtime drops the answer and the client sees a bare 500, so we answer before that.
pub const MAX_LAMBDA_ANSWER_BYTES: usize = 6 << 20;

/// What the rest of an answer (status, headers, JSON punctuation) may take of the 6 MB.
pub const ANSWER_ENVELOPE_BYTES: usize = 16 << 10;

/// Most tenants in `overrides`; more is a configuration error. Keeps a start-up short.
pub const MAX_OVERRIDES: usize = 10_000;
