//! What describes the data: the index, detected labels and fields, patterns; through the handler,
//! as API Gateway brings requests.

#![cfg(test)]
// As in the binary: a query is a future in a future in a future.
#![recursion_limit = "256"]

#[path = "explore/detected.rs"]
mod detected;
#[path = "explore/index.rs"]
mod index;
#[path = "explore/packed.rs"]
mod packed;
#[path = "explore/patterns.rs"]
mod patterns;
mod support;
