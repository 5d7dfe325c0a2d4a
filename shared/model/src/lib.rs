//! Vocabulary of Narvi: the words that every other crate speaks. No IO, no clock, no environment.
//!
//! Reading order: [`TenantId`] (who), [`Labels`] and [`StreamId`] (which stream), [`Timestamp`],
//! [`TimeRange`] and [`Day`] (when), [`Entry`] (what), [`Matcher`] (which streams are asked for),
//! [`regexp`] (expressions in texts of users), [`answer`] (what a query returns), [`Limits`] (how
//! much of it all a tenant may have).
//!
//! Constructors refuse what breaks a rule; a value that exists is valid.

pub mod answer;
mod bytesize;
mod chunk_encoding;
mod deletion_mode;
mod direction;
pub mod duration;
mod entry;
mod label_name;
mod labels;
mod limits;
mod matcher;
mod moment;
mod otlp_config;
pub mod regexp;
mod rfc3339;
mod stream;
mod strictest;
mod tenant;
mod time;

pub use bytesize::{ByteSize, ByteSizeError};
pub use chunk_encoding::ChunkEncoding;
pub use deletion_mode::DeletionMode;
pub use direction::Direction;
pub use entry::{Entry, Line, Metadata};
pub use label_name::{LabelNameError, is_label_name, label_name};
pub use labels::{Label, Labels, write_quoted};
pub use limits::{BlockedQuery, Limits, LimitsPatch, Overrides, Period, RetentionStream};
pub use matcher::{MatchOp, Matcher, matches_all};
pub use moment::Moment;
pub use otlp_config::{
    AttributeAction, AttributeRule, NamePattern, OtlpConfig, ResourceAttributes,
};
pub use rfc3339::parse_rfc3339;
pub use stream::{StreamId, StreamIdError};
pub use tenant::{TenantError, TenantId};
pub use time::{Day, NANOS_PER_DAY, NANOS_PER_MILLI, NANOS_PER_SECOND, TimeRange, Timestamp};
