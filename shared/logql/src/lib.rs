//! LogQL: syntax, plan, stages and metric evaluation over columns. Pure, synchronous, no IO.

pub mod syntax;
