//! Go's `text/template` with Loki's functions, for `line_format` and `label_format`.
//!
//! [`Template::parse`] reads a text once; [`Template::render`] writes a line of each [`Data`].
//! Reading order: `lexer`, `parser`, `ast` (text to tree), `exec` (the tree over a line),
//! `functions`, `value`, `print` and `time` (what is computed, and how it is written), `reads`
//! (what a template needs to know). Texts of errors are Go's.
//!
//! Which label or line is set to the result, and what becomes of an error, is not known here.
//! `host` and `sink` bound what a template may cost, by the constants of `limits.rs`.

mod ast;
mod data;
mod error;
mod exec;
mod float;
mod functions;
mod host;
mod integer;
mod lexer;
mod parser;
mod print;
mod quote;
mod reads;
mod sink;
mod time;
mod value;

pub use data::Data;
pub use error::{RenderError, TemplateError};
pub use host::Scratch;

use exec::Execution;
use parser::Templates;
use reads::Reads;

/// What is said of expressions in templates that take too much together.
pub(crate) const EXPRESSIONS_TOO_LARGE: &str =
    "the regular expressions of templates are too large all together; make them simpler";

/// A compiled template. It never changes, and threads may share it.
#[derive(Debug)]
pub struct Template {
    name: Box<str>,
    text: Box<str>,
    lists: Templates,
    reads: Reads,
    expression_bytes: usize,
}

/// The labels that a template can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fields {
    /// These, sorted.
    Names(Vec<String>),
    /// Any of them.
    All,
}

impl Template {
    /// Compiles `text`. The `name`, `line` or `label`, is what errors call it.
    ///
    /// # Errors
    /// What is wrong with the text, as Go says it: `template: line:1: unclosed action`.
    pub fn parse(name: &str, text: &str) -> Result<Self, TemplateError> {
        let (lists, expression_bytes) = parser::parse(name, text)?;
        let reads = Reads::of(name, &lists);
        Ok(Self {
            name: name.into(),
            text: text.into(),
            lists,
            reads,
            expression_bytes,
        })
    }

    /// Bytes that its regular expressions take, about.
    #[must_use]
    pub fn expression_bytes(&self) -> usize {
        self.expression_bytes
    }

    /// The labels that it can read.
    #[must_use]
    pub fn fields(&self) -> Fields {
        self.reads.fields()
    }

    /// Whether it can read the line.
    #[must_use]
    pub fn reads_line(&self) -> bool {
        self.reads.line
    }

    /// Whether it can read the time of the line.
    #[must_use]
    pub fn reads_timestamp(&self) -> bool {
        self.reads.timestamp
    }

    /// Appends what it makes of `data`; on an error `out` is as it was.
    ///
    /// # Errors
    /// What went wrong, as Go says it, or which of our bounds was met.
    pub fn render(
        &self,
        data: &dyn Data,
        scratch: &mut Scratch,
        out: &mut Vec<u8>,
    ) -> Result<(), RenderError> {
        let start = out.len();
        let result = Execution::new(self, scratch.host(data), out).run();
        if result.is_err() {
            out.truncate(start);
        }
        result
    }
}

#[cfg(test)]
mod tests;
