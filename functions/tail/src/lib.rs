//! The Lambda that live tails connect to: it writes down who wants to be told of what, and sends
//! what was stored before.
//!
//! Reading order: [`Handler`] (events of a WebSocket API in, statuses out), `connect` (whether a
//! connection is let in), [`Later`] with [`SelfInvocation`] (who sends the past of a tail, once
//! there is a connection), [`Past`] and [`Historian`] (what that is), `told` (nothing twice),
//! [`limits`]. What is stored from the handover on is told by who stores it (`narvi-live`). Why so:
//! `docs/decisions/0016-the-past-of-a-tail.md`.

mod connect;
mod handler;
mod history;
mod later;
pub mod limits;
mod self_invocation;
mod told;

pub use handler::Handler;
pub use history::{Historian, Past};
pub use later::{Later, LaterError};
pub use self_invocation::SelfInvocation;
