//! Errors whose status and text Loki fixes, whatever caused them (spec `http-api.md` §0.4).
//!
//! Clients match some of these texts, so they are Loki's to the letter. How a body is ended and
//! which headers it gets is the gateway's to know.

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
            Self::NoStreams => 422,
        }
    }
}

/// A `google.rpc.Status` with a message alone, which is what OpenTelemetry exporters are told
/// (spec `http-api.md` §3).
#[must_use]
pub fn rpc_status(message: &str) -> Vec<u8> {
    // Field 2, a string; its length in groups of seven bits, the lowest first.
    let mut out = vec![0x12];
    let mut length = message.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(message.as_bytes());
    out
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    #[derive(Clone, PartialEq, prost::Message)]
    struct Status {
        #[prost(int32, tag = "1")]
        code: i32,
        #[prost(string, tag = "2")]
        message: String,
    }

    #[test]
    fn statuses_can_be_read() {
        for message in ["", "é", &"x".repeat(300)] {
            let status = Status::decode(rpc_status(message).as_slice()).unwrap();
            assert_eq!((status.code, status.message.as_str()), (0, message));
        }
    }
}
