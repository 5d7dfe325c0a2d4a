//! The edge of every function: API Gateway events to typed requests and back, configuration,
//! telemetry.
//!
//! Reading order: [`Request`] (what is asked) with [`Params`] and [`capture`], [`Response`] (what
//! is answered) and [`fit_lambda`], [`Call`] (an event made by hand), [`Config`] (how it is
//! set up) and [`Shown`] (what of it is shown), [`scheduled_at`] (what a timer's event says),
//! [`SocketEvent`] (what a WebSocket API tells), [`telemetry`], [`Metrics`] and [`exposition`].
//!
//! Knows neither endpoints, storage nor the SDK, and runs no tasks.

mod answer_limit;
mod config;
mod counters;
mod event;
pub mod limits;
mod metrics;
mod params;
mod path;
mod request;
mod response;
mod schedule;
mod socket;
pub mod telemetry;

pub use answer_limit::fit_lambda;
pub use config::{
    Compactor, Config, ConfigError, Defaults, Ruler, Server, Shown, expand_variables, to_yaml,
};
pub use counters::exposition;
pub use event::Call;
pub use metrics::{Metric, Metrics, Unit};
pub use params::{Params, ParamsError};
pub use path::{capture, decode_path};
pub use request::{Request, RequestError, TENANT_HEADER};
pub use response::{Response, Surface};
pub use schedule::scheduled_at;
pub use socket::{SOCKET_PATH, SocketEvent, connect_event, disconnect_event};

/// The clock: for `main.rs` and for events that carry no time. Everything below takes time as an
/// argument.
#[must_use]
pub fn now() -> narvi_model::Timestamp {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    // A clock before 1970 is taken as 1970, one after 2262 as 2262.
    let nanos = since_epoch.map(|elapsed| i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX));
    narvi_model::Timestamp::from_nanos(nanos.unwrap_or(0))
}
