//! [`EngineError`]: why a query has no answer, in Loki's words where Loki has any.

use narvi_logql::eval::EvalError;
use narvi_logql::logs::{LogError, TooManyBytes};
use narvi_logql::metric::{MatchError, PartialError};
use narvi_logql::plan::{PlanError, ScanError};
use narvi_logql::running::Halt;
use narvi_logql::syntax::SyntaxError;
use narvi_storage::StorageError;

/// What the caller should make of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The query or a parameter is wrong, or asks for too much (400).
    Invalid,
    /// The query is sound and yet has no answer; the text says why (500, as in Loki).
    Refused,
    /// The time was up (504).
    Timeout,
    /// The tenant may not query at all (429).
    Disabled,
    /// A fault that passes (503).
    Unavailable,
    /// Stored data cannot be read, or a mistake in Narvi (500).
    Fault,
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The query does not parse.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// The query parses and cannot run.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Over a limit of the tenant, or a parameter that does not fit; the text says which.
    #[error("{0}")]
    Refused(String),
    /// The lines cannot be made numbers of.
    #[error(transparent)]
    Scan(ScanError),
    /// The lines are too much for an answer.
    #[error(transparent)]
    Lines(#[from] TooManyBytes),
    /// Nobody waits for the answer any more, or its parts take too much memory together.
    #[error(transparent)]
    Halt(#[from] Halt),
    /// The numbers cannot be put together.
    #[error(transparent)]
    Eval(EvalError),
    /// More series of volumes than the tenant may ask for.
    #[error("the query hit the max number of series limit (limit: {0} series)")]
    TooManyVolumes(usize),
    /// The time was up.
    #[error(
        "request timed out, decrease the duration of the request or add more label matchers \
         (prefer exact match over regex match) to reduce the amount of data processed"
    )]
    Timeout,
    /// The tenant has no parallelism, which is Loki's way to say that it may not query.
    #[error("querying is disabled, please contact your Loki operator")]
    Disabled,
    /// Objects or catalog failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The bytes of a segment are not what they must be.
    #[error("segment `{segment}` is corrupt: {reason}")]
    Corrupt {
        /// Its id.
        segment: String,
        /// The field and what is wrong with it.
        reason: String,
    },
    /// Segments were merged and deleted while they were read; the same question has an answer.
    #[error("segments were merged and deleted while they were read, try again")]
    Moved,
    /// A worker died.
    #[error("a worker failed, which is a fault in narvi: {0}")]
    Worker(String),
}

impl EngineError {
    /// What the caller should make of it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Eval(EvalError::Matching(MatchError::TooManySeries(_))) => ErrorKind::Invalid,
            Self::Plan(PlanError::ApproxTopkDisabled) | Self::Eval(_) | Self::TooManyVolumes(_) => {
                ErrorKind::Refused
            }
            Self::Syntax(_) | Self::Plan(_) | Self::Refused(_) | Self::Scan(_) | Self::Lines(_) => {
                ErrorKind::Invalid
            }
            Self::Halt(Halt::Crowded) => ErrorKind::Invalid,
            Self::Timeout | Self::Halt(Halt::Stopped) => ErrorKind::Timeout,
            Self::Disabled => ErrorKind::Disabled,
            Self::Moved => ErrorKind::Unavailable,
            Self::Storage(error) if error.kind() == narvi_storage::ErrorKind::Unavailable => {
                ErrorKind::Unavailable
            }
            Self::Storage(_) | Self::Corrupt { .. } | Self::Worker(_) => ErrorKind::Fault,
        }
    }

    /// Whether the same work may do when it runs alone.
    pub(crate) const fn is_crowded(&self) -> bool {
        matches!(self, Self::Halt(Halt::Crowded))
    }

    pub(crate) fn corrupt(
        segment: &narvi_segment::SegmentId,
        error: &narvi_segment::FormatError,
    ) -> Self {
        Self::Corrupt {
            segment: segment.to_string(),
            reason: error.to_string(),
        }
    }
}

impl From<ScanError> for EngineError {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::Halt(halt) => halt.into(),
            error => Self::Scan(error),
        }
    }
}

impl From<PartialError> for EngineError {
    fn from(error: PartialError) -> Self {
        ScanError::from(error).into()
    }
}

impl From<LogError> for EngineError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::TooManyBytes(error) => error.into(),
            LogError::Halt(halt) => halt.into(),
        }
    }
}

impl From<EvalError> for EngineError {
    fn from(error: EvalError) -> Self {
        match error {
            EvalError::Halt(halt) => halt.into(),
            error => Self::Eval(error),
        }
    }
}
