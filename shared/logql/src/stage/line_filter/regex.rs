//! Regular expressions: one pass over the buffer of all lines where that is sound.
//!
//! A search over the whole buffer finds exactly the lines that a search of each line would, if no
//! line holds a newline of its own and the expression is rewritten so that `^ $ \A \z` stand at
//! lines and no class takes a newline. What cannot be rewritten is searched line by line.

use std::ops::Range;

use narvi_model::regexp::Expression;
use regex::bytes::Regex;
use regex_syntax::hir::{Class, ClassBytesRange, ClassUnicodeRange, Hir, HirKind, Look};

use crate::batch::LineColumn;
use crate::required::{Required, of_pattern};

/// An expression to be found anywhere in a line.
#[derive(Debug)]
pub(super) struct RegexSearch {
    /// Searches one line.
    line: Regex,
    /// Searches many lines at once; a match never holds a newline.
    buffer: Option<Regex>,
    finds_all: bool,
}

impl RegexSearch {
    pub(super) fn compile(pattern: &str) -> Result<Self, String> {
        let expression = Expression::parse(pattern)?;
        let line = expression.compile()?;
        // It has been parsed just now, so that it can be is sure.
        let hir = regex_syntax::parse(expression.as_rust()).ok();
        let finds_all = hir.as_ref().is_some_and(finds_all);
        let buffer = hir.as_ref().and_then(by_lines);
        let buffer = buffer.map(|hir| expression.reworded(hir.to_string()));
        Ok(Self {
            line,
            buffer: buffer.and_then(|expression| expression.compile().ok()),
            finds_all,
        })
    }

    /// Whether every line matches for sure.
    pub(super) fn finds_all(&self) -> bool {
        self.finds_all
    }

    /// What a line that is found holds.
    pub(super) fn required(&self) -> Required {
        of_pattern(self.line.as_str())
    }

    pub(super) fn is_match(&self, line: &[u8]) -> bool {
        self.line.is_match(line)
    }

    /// The first row of `rows` that matches.
    pub(super) fn next(&self, lines: &LineColumn, mut rows: Range<u32>) -> Option<u32> {
        if rows.is_empty() {
            return None;
        }
        let Some(buffer) = self.buffer.as_ref().filter(|_| !lines.has_newlines) else {
            return rows.find(|&row| self.is_match(lines.line(row)));
        };
        let haystack = &lines.bytes[..lines.end(rows.end - 1)];
        let end = buffer.shortest_match_at(haystack, lines.start(rows.start))?;
        Some(lines.row_at(end, rows.start))
    }
}

/// `.*`, the empty expression and their like, which match at the start of any line.
fn finds_all(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty => true,
        HirKind::Repetition(repetition) => repetition.min == 0,
        HirKind::Capture(capture) => finds_all(&capture.sub),
        HirKind::Concat(parts) => parts.iter().all(finds_all),
        HirKind::Alternation(parts) => parts.iter().any(finds_all),
        _ => false,
    }
}

/// The expression over a buffer of lines; `None` where there is none.
fn by_lines(hir: &Hir) -> Option<Hir> {
    let parts = |parts: &[Hir]| parts.iter().map(by_lines).collect::<Option<Vec<_>>>();
    Some(match hir.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) if literal.0.contains(&b'\n') => return None,
        HirKind::Literal(literal) => Hir::literal(literal.0.clone()),
        HirKind::Class(class) => Hir::class(without_newline(class)),
        HirKind::Look(Look::Start) => Hir::look(Look::StartLF),
        HirKind::Look(Look::End) => Hir::look(Look::EndLF),
        HirKind::Look(Look::StartCRLF | Look::EndCRLF) => return None,
        HirKind::Look(look) => Hir::look(*look),
        HirKind::Repetition(repetition) => {
            let sub = Box::new(by_lines(&repetition.sub)?);
            Hir::repetition(regex_syntax::hir::Repetition {
                sub,
                ..repetition.clone()
            })
        }
        // The groups themselves are of no use here.
        HirKind::Capture(capture) => by_lines(&capture.sub)?,
        HirKind::Concat(subs) => Hir::concat(parts(subs)?),
        HirKind::Alternation(subs) => Hir::alternation(parts(subs)?),
    })
}

fn without_newline(class: &Class) -> Class {
    let mut class = class.clone();
    match &mut class {
        Class::Unicode(set) => {
            let newline = [ClassUnicodeRange::new('\n', '\n')];
            set.difference(&regex_syntax::hir::ClassUnicode::new(newline));
        }
        Class::Bytes(set) => {
            let newline = [ClassBytesRange::new(b'\n', b'\n')];
            set.difference(&regex_syntax::hir::ClassBytes::new(newline));
        }
    }
    class
}
