//! Errors of the engine and of parameters as Loki's answers (spec `http-api.md` §0.4).

use narvi_engine::{EngineError, ErrorKind};
use narvi_gateway::Response;
use narvi_protocol::params::ParamError;

/// Why a read has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(transparent)]
    Param(#[from] ParamError),
    #[error(transparent)]
    Syntax(#[from] narvi_logql::syntax::SyntaxError),
    #[error("{0}")]
    Text(String),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Refusal {
    /// The answer; faults of ours are logged as well.
    pub(crate) fn into_response(self) -> Response {
        let status = match &self {
            Self::Param(_) | Self::Syntax(_) | Self::Text(_) => 400,
            Self::Engine(error) => match error.kind() {
                ErrorKind::Invalid => 400,
                ErrorKind::Timeout => 504,
                ErrorKind::Disabled => 429,
                ErrorKind::Unavailable => 503,
                ErrorKind::Refused | ErrorKind::Fault => 500,
            },
        };
        let text = self.to_string();
        if status >= 500 {
            tracing::error!(status, error = text, "a read failed");
        }
        let response = Response::read_error(status, &text);
        match status {
            503 => response.with_header("retry-after", "1".to_owned()),
            _ => response,
        }
    }
}
