//! The bounds of this function, each with its consequence.

use std::time::Duration;

/// Most users and tokens together. Every token is compared with each of them. Beyond it: the
/// document is refused.
pub const CALLERS: usize = 1_000;

/// Largest cost of a bcrypt hash: each step doubles the time, and 14 is about a second, in which
/// anybody can keep a core busy with a wrong password. Beyond it: the document is refused.
pub const BCRYPT_COST: u32 = 14;

/// Longest `Authorization` header. API Gateway takes 10,240 bytes of headers together. Beyond it:
/// unknown credentials.
pub const HEADER_BYTES: usize = 8 << 10;

/// Passwords that have been found right and need no hash again, about 100 bytes each. A password
/// that is forgotten is hashed again, nothing else.
pub const KNOWN_PASSWORDS: usize = 10_000;

/// Time for one request to SSM. A function has 10 s to start, in which [`SSM_ATTEMPTS`] fit.
pub const SSM_TIMEOUT: Duration = Duration::from_secs(3);

/// How often SSM is asked before the start fails; the next request starts anew.
pub const SSM_ATTEMPTS: u32 = 3;

/// Between two attempts.
pub const SSM_PAUSE: Duration = Duration::from_millis(100);
