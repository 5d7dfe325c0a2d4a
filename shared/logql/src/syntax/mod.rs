//! LogQL as text: the tree ([`ast`]).

pub mod ast;
