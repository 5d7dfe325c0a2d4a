//! Limits of the syntax layer, each with what it costs to exceed it.

/// Bytes of a query text from which on it is refused, as in Loki. Bounds the work of every
/// later step, all of which are linear in the text.
pub const MAX_QUERY_BYTES: usize = 131_072;

/// Calls inside each other (`sum(max(rate(…)))`); beyond that the query is refused. The parser
/// calls itself once a level, about 20 KiB in a debug build; worker threads have 2 MiB of stack.
pub const MAX_NESTING: usize = 64;

/// Nodes from the root of a tree of conditions or of numbers to its lowest leaf; beyond that the
/// query is refused. `1+1+1+…` grows a tree to the left without any nesting, and printing,
/// planning and dropping a tree call themselves once a level.
pub const MAX_HEIGHT: usize = 512;

/// Open parentheses and left sides that wait for their end; beyond that the query is refused. The
/// canonical text of the highest tree has that many.
pub const MAX_WAITING: usize = 2 * MAX_HEIGHT;

/// Names in one list of labels (`by (…)`, `on (…)`, `group_left (…)`); beyond that the query is
/// refused. Each line or series is looked through for each of them.
pub const MAX_LISTED: usize = 256;

/// Regular expressions of a query, those of templates aside; beyond that it is refused. Each
/// remembers up to some MiB of what it has worked out.
pub const MAX_EXPRESSIONS: usize = 100;

/// Bytes that they may take once compiled, all together; beyond that the query is refused.
pub const MAX_EXPRESSION_BYTES: usize = 16 << 20;

/// Longest name for which a similar known name is looked up; longer ones get no hint.
pub const MAX_HINT_BYTES: usize = 32;
