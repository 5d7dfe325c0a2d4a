//! Texts, statuses and content types of errors (spec `http-api.md` §0.4), and how a body is ended.
//!
//! Reads answer the bare message; pushes, the ruler and deletes end it with a newline, as Go's
//! `http.Error` does. Clients match some of these texts, so they are Loki's to the letter.

/// Content type of every successful answer with a JSON body.
pub const JSON: &str = "application/json; charset=UTF-8";

/// Content type of every error, and of the few answers that are text.
pub const TEXT: &str = "text/plain; charset=utf-8";

/// The header that Loki sends with errors, so that browsers do not guess.
pub const NO_SNIFF: (&str, &str) = ("X-Content-Type-Options", "nosniff");

/// An error whose status and text Loki fixes, whatever caused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fixed {
    /// The query took longer than it may. Grafana tries again where it reads `timed out`.
    #[error(
        "request timed out, decrease the duration of the request or add more label matchers \
         (prefer exact match over regex match) to reduce the amount of data processed"
    )]
    TimedOut,
    /// The client went away.
    #[error("the request was cancelled by the client")]
    Cancelled,
    /// The tenant may not query.
    #[error("querying is disabled, please contact your Loki operator")]
    QueryingDisabled,
    /// Too many queries of the tenant wait.
    #[error("too many outstanding requests")]
    TooManyOutstanding,
    /// The body of a query is longer than 10 MiB.
    #[error("http: request body too large")]
    BodyTooLarge,
    /// There is no such path.
    #[error("404 page not found\n")]
    NotFound,
    /// A push of no streams.
    #[error("error at least one valid stream is required for ingestion")]
    NoStreams,
}

impl Fixed {
    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::TimedOut => 504,
            Self::Cancelled => 499,
            Self::QueryingDisabled | Self::TooManyOutstanding => 429,
            Self::BodyTooLarge => 413,
            Self::NotFound => 404,
            Self::NoStreams => 422,
        }
    }
}

/// The body of a failed push, delete or ruler call.
#[must_use]
pub fn write_path_body(message: &str) -> String {
    format!("{message}\n")
}
