//! Tests of this crate from outside: stores of objects, the catalog, and faults of both.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod merges;
#[cfg(test)]
mod objects;
#[cfg(test)]
mod packs;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod state;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tails;
