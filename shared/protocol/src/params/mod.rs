//! Parameters of read requests, by the rules and in the words of Loki (spec `http-api.md` §0.2).
//!
//! [`range_query`], [`instant_query`], [`tail_query`], [`volume_query`], [`field_query`],
//! [`pattern_query`], [`delete_query`] and [`bounds`] read what an endpoint needs out of a look-up;
//! under them [`time`] reads points in time, [`duration`] steps and intervals, [`count`] limits and
//! directions. `now` is an argument. An empty parameter is an absent one, as in Go.

mod count;
mod delete;
mod detected;
mod duration;
mod index;
mod range;
mod tail;
mod time;

pub use count::{Direction, parse_direction, parse_limit};
pub use delete::{DeleteParams, delete_list, delete_query};
pub use detected::{FieldParams, PatternParams, field_query, pattern_query};
pub use duration::{default_step, parse_interval, parse_step};
pub use index::{VolumeParams, closed_bounds, shard_bytes, volume_query, volume_range_query};
pub use range::{Bounds, InstantParams, RangeParams, bounds, instant_query, range_query};
pub use tail::{TailParams, tail_query};
pub use time::parse_time;

use crate::limits::MAX_DELAY_SECONDS;

/// A parameter that cannot be read or breaks a rule; always a 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// One of `start`, `end` and `since`.
    #[error("could not parse '{name}' parameter: {reason}")]
    Named {
        /// Which.
        name: &'static str,
        /// Go's or Prometheus' text.
        reason: String,
    },
    /// Not a number; Go's text.
    #[error("{0}")]
    Number(String),
    /// Neither seconds nor a duration.
    #[error("cannot parse {0:?} to a valid duration")]
    Duration(String),
    /// More than 292 years.
    #[error("cannot parse {0:?} to a valid duration. It overflows int64")]
    DurationRange(String),
    /// A step of nothing or less.
    #[error(
        "zero or negative query resolution step widths are not accepted. Try a positive integer"
    )]
    Step,
    /// Too many points in a series.
    #[error(
        "exceeded maximum resolution of 11,000 points per time series. \
         Try increasing the value of the step parameter"
    )]
    Points,
    /// An interval below nothing.
    #[error("interval must be >= 0")]
    Interval,
    /// A limit of nothing or less.
    #[error("limit must be a positive value")]
    Limit,
    /// A direction that is none.
    #[error("invalid direction '{0}'")]
    Direction(String),
    /// A live tail that would be held back for too long.
    #[error("delay_for can't be greater than {MAX_DELAY_SECONDS}")]
    Delay,
    /// Volumes by something that is neither.
    #[error("invalid aggregation option")]
    Aggregation,
    /// Shards of nothing.
    #[error("targetBytesPerShard must be a positive value")]
    ShardBytes,
    /// A request to delete that is none.
    #[error("{0}")]
    Delete(String),
    /// Not a size.
    #[error("{0}")]
    Size(String),
    /// The end comes before the start.
    #[error("end timestamp must not be before or equal to start time")]
    EndBeforeStart,
}

impl ParamError {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        400
    }
}

/// Go's text for what `strconv.ParseInt` and `strconv.Atoi` do not read.
fn not_a_number(function: &str, text: &str, error: &std::num::ParseIntError) -> String {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    let reason = match error.kind() {
        PosOverflow | NegOverflow => "value out of range",
        _ => "invalid syntax",
    };
    let mut quoted = String::new();
    // Writing to a string cannot fail.
    let _ = narvi_model::write_quoted(&mut quoted, text);
    format!("strconv.{function}: parsing {quoted}: {reason}")
}
