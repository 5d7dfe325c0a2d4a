//! LogQL as text: [`parse`] makes a tree ([`ast`]), `Display` and [`pretty()`] make a text of it.
//!
//! | File | What it does |
//! |---|---|
//! | [`ast`] | the tree |
//! | `lexer/` | text to tokens |
//! | `parser/` | tokens to the tree, a file for each part of the grammar |
//! | `check` | refuses what is well-formed but cannot be meant |
//! | `captures`, `regexp` | the part of a pattern's and an expression's syntax that checks need |
//! | `printer/` | the tree as canonical text, on one line |
//! | `pretty` | the tree over several lines |
//! | `hint` | the name that a misspelt one probably is |
//! | [`SyntaxError`] | why a text is no query, in Loki's words |
//!
//! Regular expressions of line filters, templates and paths stay text here: the plan compiles them.
//! Nothing here calls itself deeper than [`limits`] allow, whatever the text.
//!
//! # Grammar
//!
//! Blanks and comments (`# …`, `// …`, `/* … */`) may stand between any two tokens. Fixed words
//! ignore case. Function words are functions only before `(`, `by (` or `without (`, else names.
//!
//! ```text
//! query       := logExpr | metricExpr | variants
//! logExpr     := selector stage* | "(" logExpr ")"
//! selector    := "{" [matcher ("," matcher)*] "}"
//! matcher     := IDENT ("=" | "!=" | "=~" | "!~") STRING
//! stage       := lineFilter | "|" parser | "|" labelFilter | "|" "decolorize"
//!              | "|" "line_format" STRING | "|" "label_format" format ("," format)*
//!              | "|" ("drop" | "keep") item ("," item)*
//! lineFilter  := ("|=" | "!=" | "|~" | "!~" | "|>" | "!>") sought ("or" sought)*
//! sought      := STRING | "ip" "(" STRING ")"
//! parser      := "json" [extraction ("," extraction)*] | "unpack"
//!              | "logfmt" ("--strict" | "--keep-empty")* [extraction ("," extraction)*]
//!              | "regexp" STRING | "pattern" STRING
//! extraction  := IDENT ["=" STRING]
//! format      := IDENT "=" (IDENT | STRING)
//! item        := IDENT | matcher
//! labelFilter := condition | "(" labelFilter ")" | labelFilter ["and" | "or" | ","] labelFilter
//! condition   := matcher | IDENT ("=" | "!=") "ip" "(" STRING ")"
//!              | IDENT ("=" | "==" | "!=" | ">" | ">=" | "<" | "<=") amount
//! amount      := ["+" | "-"] NUMBER | DURATION | BYTES
//!
//! metricExpr  := rangeAgg | vectorAgg | literal | "(" metricExpr ")" | metricExpr op metricExpr
//!              | "vector" "(" NUMBER ")"
//!              | "label_replace" "(" metricExpr ("," STRING){4} ")"
//! rangeAgg    := RANGE_OP "(" [NUMBER ","] logRange ")" [grouping]
//! logRange    := selector stage* [unwrap] window | selector window stage* [unwrap]
//!              | "(" selector stage* [unwrap] ")" window | "(" selector ")" window unwrap
//!              | "(" logRange ")"
//! window      := RANGE ["offset" DURATION]
//! unwrap      := "|" "unwrap" (IDENT | CONVERSION "(" IDENT ")") ("|" labelFilter)*
//! vectorAgg   := VECTOR_OP [grouping] "(" [NUMBER ","] metricExpr ")"
//!              | VECTOR_OP "(" [NUMBER ","] metricExpr ")" [grouping]
//! grouping    := ("by" | "without") labels
//! labels      := "(" [IDENT ("," IDENT)*] ")"
//! literal     := ["+" | "-"] NUMBER
//! op          := OPERATOR ["bool"] [("on" | "ignoring") labels [side [labels]]]
//! side        := "group_left" | "group_right"
//! variants    := "variants" "(" metricExpr ("," metricExpr)* ")" "of" "(" logRange ")"
//! ```
//!
//! Precedence: of metric operators see `parser/expression.rs`, of label filters
//! `parser/label_filter.rs`.

pub mod ast;
pub(crate) mod captures;
mod check;
mod error;
mod hint;
mod lexer;
pub mod limits;
mod parser;
mod pretty;
mod printer;
mod regexp;

use ast::{LogExpr, MetricExpr, Query, Selector, Span};
use parser::{Expression, Parser};

pub use error::SyntaxError;
pub use pretty::pretty;

/// Reads a query.
///
/// # Errors
/// Where `text` is no query, or one that cannot be meant; the text is Loki's.
pub fn parse(text: &str) -> Result<Query, SyntaxError> {
    Ok(match expression(text)? {
        Expression::Log(log) => Query::Log(log),
        Expression::Metric(metric) => Query::Metric(metric),
        Expression::Variants(variants) => Query::Variants(variants),
    })
}

/// Reads a query that answers with lines.
///
/// # Errors
/// As [`parse`], and for every other kind of query.
pub fn parse_log(text: &str) -> Result<LogExpr, SyntaxError> {
    match parse(text)? {
        Query::Log(log) => Ok(log),
        Query::Metric(MetricExpr { span, .. }) | Query::Variants(ast::Variants { span, .. }) => {
            Err(SyntaxError::semantic(
                "only log selector is supported",
                span,
            ))
        }
    }
}

/// Reads a query that answers with lines, of a selector that may match every stream.
///
/// # Errors
/// As [`parse_log`].
pub fn parse_open_log(text: &str) -> Result<LogExpr, SyntaxError> {
    match Parser::new(checked(text)?)?.selector_query()? {
        Expression::Log(log) => Ok(log),
        Expression::Metric(_) | Expression::Variants(_) => Err(SyntaxError::semantic(
            "only log selector is supported",
            whole(text),
        )),
    }
}

/// Reads a query that answers with numbers.
///
/// # Errors
/// As [`parse`], and for every other kind of query.
pub fn parse_metric(text: &str) -> Result<MetricExpr, SyntaxError> {
    match parse(text)? {
        Query::Metric(metric) => Ok(metric),
        Query::Log(LogExpr { span, .. }) | Query::Variants(ast::Variants { span, .. }) => Err(
            SyntaxError::semantic("only metric queries are supported", span),
        ),
    }
}

/// Reads a plain selector. `{}` and others that match every stream are taken: whether that is too
/// much is the endpoint's to decide ([`require_matcher`]).
///
/// # Errors
/// As [`parse`]; `only label matchers are supported`, without Loki's prefix, for every other query.
pub fn parse_selector(text: &str) -> Result<Selector, SyntaxError> {
    match Parser::new(checked(text)?)?.selector_query()? {
        Expression::Log(LogExpr {
            selector, stages, ..
        }) if stages.is_empty() => Ok(selector),
        _ => Err(SyntaxError::bare(
            "only label matchers are supported",
            whole(text),
        )),
    }
}

/// Refuses a selector that would read every stream.
///
/// # Errors
/// Loki's `queries require at least one regexp or equality matcher …`.
pub fn require_matcher(selector: &Selector) -> Result<(), SyntaxError> {
    check::selector(selector).map_err(|message| SyntaxError::semantic(message, selector.span))
}

fn expression(text: &str) -> Result<Expression, SyntaxError> {
    Parser::new(checked(text)?)?.query()
}

/// Refuses texts that are too long to be read.
fn checked(text: &str) -> Result<&str, SyntaxError> {
    let (len, limit) = (text.len(), limits::MAX_QUERY_BYTES);
    if len >= limit {
        let message = format!("input size too long ({len} > {limit})");
        return Err(SyntaxError::semantic(message, whole(text)));
    }
    Ok(text)
}

fn whole(text: &str) -> Span {
    Span {
        start: 0,
        end: u32::try_from(text.len()).unwrap_or(u32::MAX),
    }
}
