//! Bounds of this crate, each with what happens beyond it.

/// Compiled size of one regular expression. Beyond it the query is refused: a tenant's expression
/// must not take the memory of the others.
pub(crate) const MAX_REGEX_BYTES: usize = 4 << 20;

/// Cells (series times steps) that one range aggregation may fill, 8 bytes each. Beyond it the
/// query is refused with the advice to narrow it; 16 Mi cells are 128 MiB.
pub(crate) const MAX_CELLS: usize = 16 << 20;

/// Label names and raw keys that a worker remembers between chunks. Beyond it the worker forgets
/// those that the query does not name: lines with keys of their own must not fill memory.
pub(crate) const MAX_NAMES: usize = 64 << 10;
