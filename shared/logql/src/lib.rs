//! LogQL: syntax, plan, stages, metric evaluation over columns. Pure, synchronous, no IO.
