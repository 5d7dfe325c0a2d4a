//! Live tails: tells those who are connected of lines that were stored.
//!
//! Reading order: [`Live`] (before a push is stored: who will be told of what; then: tell them),
//! [`Post`] (how a connection is reached) with [`GatewayPost`]; inside: `listeners` (who is
//! connected, remembered for seconds), `matching` (which lines a tail asks for), `lags` (who could
//! not be reached, and what they missed), [`limits`].
//!
//! A push is never refused or held up for the sake of a tail: what cannot be sent within
//! [`limits::DELIVERY_WAIT`] is dropped, and told of as dropped with the next line. Reads no clock
//! but for that wait. Why it is done by who stores: `docs/decisions/0010-who-tells-live-tails.md`.

mod gateway_post;
mod lags;
pub mod limits;
mod listeners;
mod live;
mod matching;
mod post;

pub use gateway_post::GatewayPost;
pub use listeners::form;
pub use live::{Live, News};
pub use post::{Post, PostError, Posted};
