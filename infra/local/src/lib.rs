//! Narvi in one process: the handlers of `functions/*`, fed with the events that API Gateway would
//! send.
//!
//! Reading order: [`Args`] (what may be asked for), [`Host`] (start, serve, stop) with
//! [`HostError`]; inside: `data_folder` (one process per folder), `dynamo` (the embedded catalog),
//! `services` (objects and catalog), `functions` (the handlers), `door` (who may come in), `route`
//! (who answers a path), `http` (HTTP to events and back), `tails` (WebSockets, with `channels`),
//! `timers` (what runs by the clock), `local_api` (what exists here only).
//!
//! What holds after a crash: an answer of 204 means that the push's rows are in SQLite (WAL,
//! `synchronous=FULL`: every commit is flushed) and its objects in flushed files, so neither `kill
//! -9` nor, on a disk that flushes when told to, a loss of power takes an acknowledged line.

mod args;
mod channels;
mod data_folder;
mod door;
mod dynamo;
mod error;
mod functions;
mod host;
mod http;
mod limits;
mod local_api;
mod route;
mod services;
mod tails;
mod timers;

pub use args::Args;
pub use error::HostError;
pub use host::Host;
