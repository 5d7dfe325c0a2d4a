//! Tests of this crate from outside: stores of objects, the catalog, and faults of both.

mod catalog;
mod faults;
mod objects;
mod support;
