//! Bounds of this crate, each with what happens beyond it.

/// Cells (series times steps) that one range aggregation may fill, 8 bytes each; the labels of its
/// series count as cells, too. Beyond it the query is refused with the advice to narrow it; 16 Mi
/// cells are 128 MiB.
pub(crate) const MAX_CELLS: usize = 16 << 20;

/// Bytes of values, labels and lines that all partial results of a query hold together, whatever
/// number of them is being computed. Beyond it they are computed one after the other, and if that
/// does not help either the query is refused. One and the total that it goes into always fit.
pub(crate) const MAX_QUERY_BYTES: usize = 2 * MAX_CELLS * size_of::<f64>();

/// Bytes by which a part of a query asks for more of them.
pub(crate) const SHARE_BYTES: usize = 64 << 10;

/// Memory of the entries of a log answer. Beyond it the query is refused with the advice to ask for
/// less: what templates make of lines may be larger than all that was read. An answer of Lambda
/// has 6 MB at most.
pub(crate) const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Bytes that stages may make of one line: the lines and labels that they write, all together.
/// Beyond it templates write no more and the line has the error `TemplateFormatErr`; a query may
/// have thousands of templates, each writing the longest line.
pub(crate) const MAX_LINE_MEMORY: usize = 32 << 20;

/// Label names and raw keys that a worker remembers between chunks. Beyond it the worker forgets
/// those that the query does not name: lines with keys of their own must not fill memory.
pub(crate) const MAX_NAMES: usize = 64 << 10;

/// Bytes of a key, those of the objects around it included, that can become a label. A longer one
/// makes none, and what is within it is not looked at.
pub(crate) const MAX_KEY_BYTES: usize = 1 << 10;

/// Parts of a path that a query takes values from. Beyond it the query is refused: a line is looked
/// through once for each array on the way.
pub(crate) const MAX_PATH_PARTS: usize = 64;

/// Bytes of names and raw keys that a worker remembers within a chunk. Beyond it keys that are new
/// make no labels until the next chunk.
pub(crate) const MAX_NAME_BYTES: usize = 32 << 20;

/// Blocks, `else if`s and parentheses inside each other in a template, and the same while it runs,
/// where a template that calls another counts, too. Beyond it the template is refused or stops with
/// an error; it bounds the stack, 256 KiB of it in a build without optimisation.
pub(crate) const MAX_TEMPLATE_DEPTH: usize = 100;

/// Bytes of one template. Beyond it the query is refused; the text of a query has 128 KiB at most,
/// so only one that was made elsewhere can meet it.
pub(crate) const MAX_TEMPLATE_TEXT: usize = 256 << 10;

/// Steps of rendering a template once: actions, arguments, rounds of a loop, and one for each 64
/// bytes that a function reads or writes. Beyond it the line has the error `TemplateFormatErr`;
/// they take milliseconds.
pub(crate) const MAX_TEMPLATE_STEPS: usize = 200_000;

/// Bytes that a template renders. Beyond it the line has the error `TemplateFormatErr`. Loki's
/// longest line is 256 KB by default.
pub(crate) const MAX_TEMPLATE_OUTPUT: usize = 1 << 20;

/// Bytes of one text or list that a function makes, and of all while a template is rendered once.
/// Beyond it the line has the error `TemplateFormatErr`.
pub(crate) const MAX_TEMPLATE_MEMORY: usize = 8 << 20;

/// Memory that a scratch keeps from one line to the next; one that grew larger is given back.
pub(crate) const KEPT_TEMPLATE_MEMORY: usize = 256 << 10;

/// Compiled size of an expression in a template. It is smaller than that of a filter, since one
/// that is not a literal is compiled for each line.
pub(crate) const MAX_TEMPLATE_REGEX_BYTES: usize = 1 << 20;

/// Bytes that the expressions which stand in templates may take once compiled, those of all
/// templates of a pipeline together. Beyond it the query is refused.
pub(crate) const MAX_TEMPLATE_EXPRESSIONS: usize = 16 << 20;

/// Bytes that each of them counts as beside its size, for what it remembers.
pub(crate) const TEMPLATE_EXPRESSION_BYTES: usize = 64 << 10;

/// Steps that compiling an expression for a line counts as.
pub(crate) const TEMPLATE_REGEX_STEPS: usize = 2_000;

/// Forms of lines that patterns are told apart by. Beyond it the rarer half is forgotten; an answer
/// has 300 at most.
pub(crate) const MAX_PATTERN_FORMS: usize = 2048;

/// Forms with the same texts between their words. Beyond it a line that is like none of them joins
/// the one that it is most like.
pub(crate) const MAX_PATTERN_GROUP: usize = 32;

/// Shapes of lines whose form is remembered. Beyond it all are looked for again.
pub(crate) const MAX_PATTERN_SHAPES: usize = 64 << 10;

/// Words of a line that patterns look at; the last one is all the rest.
pub(crate) const MAX_PATTERN_WORDS: usize = 64;

/// Bytes of a line that patterns look at. The word that goes beyond it is all the rest; lines with
/// as many bytes between two words are in no pattern.
pub(crate) const MAX_PATTERN_LINE: usize = 4 << 10;

/// Bytes of a word that can be part of a pattern.
pub(crate) const MAX_PATTERN_WORD: usize = 64;
