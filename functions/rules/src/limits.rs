//! Every bound of this crate, each with what happens beyond it. Limits of tenants (rules of a
//! group, groups) are `narvi_model::Limits`.

use std::time::Duration;

/// Largest rule group in bytes as posted; more is a 413. The catalog would not take it either.
pub const GROUP_BYTES: usize = narvi_storage::limits::DOCUMENT_MAX;

/// Groups that one run evaluates at the same time; more wait. A query uses every core by itself.
pub const GROUPS_AT_ONCE: usize = 4;

/// States of groups that one request for alerts or rules reads at the same time; more wait.
pub const STATES_AT_ONCE: usize = 16;

/// Alerts of one request to Alertmanager, as Prometheus sends them; more are a further request.
pub const ALERTS_PER_REQUEST: usize = 256;

/// Requests to Alertmanagers under way at once; more wait, each at most [`DELIVERY_TIMEOUT`].
pub const DELIVERIES_AT_ONCE: usize = 8;

/// How long Alertmanager has for its answer (Loki's `notification_timeout`); what is not delivered
/// by then is sent again with the next evaluation.
pub const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);

/// Nanoseconds that a resolved alert is kept and sent again, so that Alertmanager learns of it even
/// after a while out of reach (Prometheus' `resolvedRetention`); then it is forgotten.
pub const RESOLVED_RETENTION: i64 = 15 * 60 * narvi_model::NANOS_PER_SECOND;

/// Nanoseconds between two runs of the schedule: an interval below it is evaluated this often.
pub const SCHEDULE: i64 = 60 * narvi_model::NANOS_PER_SECOND;
