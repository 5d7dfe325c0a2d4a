//! [`StorageError`]: what failed, where, and by its [`ErrorKind`] what the caller should do about
//! it.
//!
//! Does not know the SDK: `failure.rs` turns the errors of the SDK into these.

use std::error::Error;
use std::fmt;

/// What stands behind an error of a service.
pub(crate) type Source = Box<dyn Error + Send + Sync>;

/// What to do about an error; decides HTTP status and retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The caller asked for something that no state of the storage allows (400).
    Invalid,
    /// Over a limit of the storage; ask for less at a time (413).
    TooMuch,
    /// A fault that passes; the same call may work later (503). Every call here may be repeated.
    Unavailable,
    /// Stored bytes or rows are not what they must be; a repeat will not help (500).
    Corrupt,
    /// Wrong names, permissions or a mistake in Narvi; a repeat will not help (500).
    Bug,
    /// The thing does not exist (404).
    NotFound,
    /// Somebody else was first; read again and decide anew (409).
    Conflict,
}

/// Why an operation on objects or on the catalog failed.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Throttling, a fault of the service or of the network, or a time-out, after all attempts.
    #[error("{what} is unavailable, try again: {}", Chain(source.as_ref()))]
    Unavailable {
        /// The operation and the thing, as ``s3.PutObject `key` ``.
        what: String,
        /// What the last attempt answered.
        source: Source,
    },
    /// No such object.
    #[error("object `{key}` does not exist")]
    NotFound {
        /// Its key.
        key: String,
    },
    /// The state is not what the operation needs.
    #[error("{what}")]
    Conflict {
        /// The thing, its state and the way out.
        what: String,
    },
    /// The lease went to somebody else; drop the work.
    #[error("lease `{name}` with token {token} is lost to another owner; drop this work")]
    LostLease {
        /// The lease.
        name: String,
        /// The fencing token that is no longer good.
        token: u64,
    },
    /// Something stored cannot be read as what it must be.
    #[error("{what} is corrupt: {reason}")]
    Corrupt {
        /// Table, key and attribute, or the object and range.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An argument that cannot be stored.
    #[error("{what}: {reason}")]
    Invalid {
        /// The argument.
        what: String,
        /// The rule that it breaks.
        reason: String,
    },
    /// An argument over a limit of this crate.
    #[error("{what} is {size} but at most {limit} can be stored; {way_out}")]
    TooMuch {
        /// The argument.
        what: String,
        /// Its size.
        size: usize,
        /// The constant of `limits.rs`.
        limit: usize,
        /// What to do instead.
        way_out: &'static str,
    },
    /// The service understood and refused: names, permissions, credentials or a mistake of ours.
    #[error("{what} was refused, check names and permissions: {}", Chain(source.as_ref()))]
    Refused {
        /// The operation and the thing.
        what: String,
        /// What the service answered.
        source: Source,
    },
}

impl StorageError {
    /// What the caller should do about it.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Conflict { .. } | Self::LostLease { .. } => ErrorKind::Conflict,
            Self::Corrupt { .. } => ErrorKind::Corrupt,
            Self::Invalid { .. } => ErrorKind::Invalid,
            Self::TooMuch { .. } => ErrorKind::TooMuch,
            Self::Refused { .. } => ErrorKind::Bug,
        }
    }

    pub(crate) fn corrupt(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Corrupt {
            what: what.into(),
            reason: reason.into(),
        }
    }

    pub(crate) fn invalid(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid {
            what: what.into(),
            reason: reason.into(),
        }
    }
}

/// Prints an error and its causes in one line: the SDK's own text says only "service error".
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.to_string();
        f.write_str(&text)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            // Some libraries print their cause themselves.
            if !text.contains(&error.to_string()) {
                text = error.to_string();
                write!(f, ": {text}")?;
            }
            cause = error.source();
        }
        Ok(())
    }
}
