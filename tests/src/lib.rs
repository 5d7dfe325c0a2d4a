//! What the whole-system tests share: the built commands as processes, and what they talk to.
//!
//! Reading order: [`commands`] (where cargo puts the binaries), [`host`] (a `narvi` on a data
//! folder), [`client`] (asks it), [`push`] (bodies of pushes), [`noise`] (lines that do not
//! compress), [`lines`] (what is stored); then for the functions [`cloud`] (DynamoDB, S3 and the
//! environment of AWS), [`function`] (a binary with its Lambda Runtime API), [`events`]; below both
//! [`server`] (a small HTTP server) and [`s3`] (objects in memory on it).
//!
//! Holds no test. Waits only for what happens: for a line of output, for an answer, for the end of
//! a process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "all of it runs in tests, where a step that fails is the test's failure"
)]

pub mod client;
pub mod cloud;
pub mod commands;
pub mod events;
pub mod function;
pub mod host;
pub mod lines;
pub mod noise;
pub mod push;
pub mod s3;
pub mod server;

/// Nanoseconds since the epoch.
#[must_use]
pub fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.expect("the clock is past 1970").as_nanos()).expect("before 2262")
}
