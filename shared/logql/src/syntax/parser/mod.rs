//! The parser: recursive descent over [`Lexer`] with one token of lookahead.
//!
//! [`Parser`] here holds the place, the expectations and the errors; every file beside it adds the
//! rules of one part of the grammar (see [`syntax`](super)):
//!
//! | File | Rules |
//! |---|---|
//! | `expression` | `query`, `metricExpr` and its operators |
//! | `aggregation` | `rangeAgg`, `vectorAgg`, `grouping` |
//! | `function` | `label_replace`, `vector`, `variants`, literals |
//! | `range` | `logRange`, `unwrap`, `offset` |
//! | `log` | `logExpr`, `selector`, `stage` |
//! | `line_filter`, `label_filter`, `items` | what stages are made of |
//!
//! Errors are those of Loki's generated parser: what was found, and what could stand there where
//! that is four things at most. The lists are written out at each place that expects something.
//! Operators and parentheses are parsed in a loop with a stack of what waits, so only calls nest
//! the parser.

mod aggregation;
mod expression;
mod function;
mod items;
mod label_filter;
mod line_filter;
mod log;
mod range;

use std::cmp::Reverse;

use narvi_model::{MatchOp, Matcher};

pub(super) use expression::Expression;

use super::SyntaxError;
use super::ast::Span;
use super::hint;
use super::lexer::Lexer;
use super::lexer::token::{Lexeme, Symbol, Token};
use super::limits::{MAX_HEIGHT, MAX_NESTING, MAX_WAITING};
use super::regexp::Expressions;

/// A text on its way to a tree.
pub(super) struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The token that is looked at and not yet taken.
    next: Lexeme<'a>,
    /// The end of the token taken last.
    last: Span,
    nesting: usize,
    /// Selectors may match every stream.
    any_selector: bool,
    expressions: Expressions,
    /// The outermost error of meaning: reported once the text turned out to be well-formed.
    deferred: Option<SyntaxError>,
}

/// A node with the place it takes, parentheses included, and the height of its tree.
struct Grown<T> {
    node: T,
    span: Span,
    height: usize,
}

impl<'a> Parser<'a> {
    /// At the first token of `text`.
    pub(super) fn new(text: &'a str) -> Result<Self, SyntaxError> {
        let mut lexer = Lexer::new(text);
        let next = lexer.next()?;
        Ok(Self {
            lexer,
            next,
            last: Span::default(),
            nesting: 0,
            any_selector: false,
            expressions: Expressions::default(),
            deferred: None,
        })
    }

    /// The whole text as one expression whose selectors may match every stream.
    pub(super) fn selector_query(mut self) -> Result<Expression, SyntaxError> {
        self.any_selector = true;
        self.query()
    }

    /// The whole text as one expression.
    pub(super) fn query(mut self) -> Result<Expression, SyntaxError> {
        let whole = self.expression()?;
        if self.next.token != Token::End {
            return Err(self.unexpected(&[]));
        }
        self.deferred.map_or(Ok(whole.node), Err)
    }

    fn bump(&mut self) -> Result<Lexeme<'a>, SyntaxError> {
        let following = self.lexer.next()?;
        let taken = std::mem::replace(&mut self.next, following);
        self.last = taken.span;
        Ok(taken)
    }

    fn at(&self, symbol: Symbol) -> bool {
        self.next.token == Token::Symbol(symbol)
    }

    /// Takes `symbol` if it stands here.
    fn take(&mut self, symbol: Symbol) -> Result<bool, SyntaxError> {
        let found = self.at(symbol);
        if found {
            self.bump()?;
        }
        Ok(found)
    }

    /// Takes `symbol`, the only thing that may stand here.
    fn demand(&mut self, symbol: Symbol) -> Result<Span, SyntaxError> {
        self.expect_or(symbol, &[symbol.as_str()])
    }

    /// Takes `symbol`, one of the `expected`.
    fn expect_or(&mut self, symbol: Symbol, expected: &[&str]) -> Result<Span, SyntaxError> {
        if !self.at(symbol) {
            return Err(self.unexpected(expected));
        }
        Ok(self.bump()?.span)
    }

    fn name_or(&mut self, expected: &[&str]) -> Result<&'a str, SyntaxError> {
        let Token::Name(name) = self.next.token else {
            return Err(self.unexpected(expected));
        };
        self.bump()?;
        Ok(name)
    }

    fn name(&mut self) -> Result<&'a str, SyntaxError> {
        self.name_or(&["IDENTIFIER"])
    }

    fn text(&mut self) -> Result<String, SyntaxError> {
        if !matches!(self.next.token, Token::Text(_)) {
            return Err(self.unexpected(&["STRING"]));
        }
        match self.bump()?.token {
            Token::Text(text) => Ok(text),
            _ => Ok(String::new()),
        }
    }

    fn number(&mut self) -> Result<&'a str, SyntaxError> {
        let Token::Number(number) = self.next.token else {
            return Err(self.unexpected(&["NUMBER"]));
        };
        self.bump()?;
        Ok(number)
    }

    /// `name op "value"` from its operator on; a broken expression is refused at once.
    fn matcher(&mut self, name: &str, op: MatchOp, value: &str) -> Result<Matcher, SyntaxError> {
        if matches!(op, MatchOp::Regex | MatchOp::NotRegex) {
            self.weigh(value)?;
        }
        Matcher::new(name, op, value)
            .map_err(|error| SyntaxError::semantic(error.to_string(), self.last))
    }

    /// Counts a regular expression, before it is compiled.
    fn weigh(&mut self, pattern: &str) -> Result<(), SyntaxError> {
        let counted = self.expressions.add(pattern);
        counted.map_err(|message| SyntaxError::semantic(message, self.last))
    }

    /// The operator of a matcher, if one stands here.
    fn match_op(&self) -> Option<MatchOp> {
        match self.next.token {
            Token::Symbol(Symbol::Equal) => Some(MatchOp::Equal),
            Token::Symbol(Symbol::NotEqual) => Some(MatchOp::NotEqual),
            Token::Symbol(Symbol::Matches) => Some(MatchOp::Regex),
            Token::Symbol(Symbol::NotMatches) => Some(MatchOp::NotRegex),
            _ => None,
        }
    }

    /// From `start` to the end of the token taken last.
    fn since(&self, start: Span) -> Span {
        start.to(self.last)
    }

    /// The error that the token here cannot stand here. `expected` in the order of Loki's tokens,
    /// empty where more than four things may follow.
    fn unexpected(&self, expected: &[&str]) -> SyntaxError {
        let mut message = format!("syntax error: unexpected {}", self.next.token.name());
        for (n, name) in expected.iter().enumerate() {
            message.push_str(if n == 0 { ", expecting " } else { " or " });
            message.push_str(name);
        }
        SyntaxError::at(self.lexer.text(), &self.next, message)
    }

    /// As [`Parser::unexpected`] where an expression starts: a name is then a misspelt function.
    fn unexpected_start(&self) -> SyntaxError {
        let hint = match self.next.token {
            Token::Name(name) => hint::function(name),
            _ => None,
        };
        self.unexpected(&[]).with_hint(hint)
    }

    /// Remembers an error of meaning. Loki checks a finished tree from the root down, so of several
    /// errors the one of the outermost, then the leftmost node counts.
    fn defer(&mut self, error: SyntaxError) {
        let rank = |error: &SyntaxError| (error.span().start, Reverse(error.span().end));
        // A later error of an equal place is that of the outer node.
        if self
            .deferred
            .as_ref()
            .is_none_or(|known| rank(&error) <= rank(known))
        {
            self.deferred = Some(error);
        }
    }

    /// Defers the error of a check.
    fn defer_checked(&mut self, checked: Result<(), String>, span: Span) {
        if let Err(message) = checked {
            self.defer(SyntaxError::semantic(message, span));
        }
    }

    /// Goes into a call; [`Parser::leave`] goes out. An error ends the parse, so it need not.
    fn enter(&mut self) -> Result<(), SyntaxError> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            let message = format!(
                "query nests functions more than {MAX_NESTING} deep; leave out needless ones"
            );
            return Err(SyntaxError::semantic(message, self.next.span));
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.nesting -= 1;
    }

    /// Puts `more` on the stack of what waits for its end.
    fn wait<T>(&self, waiting: &mut Vec<T>, more: T) -> Result<(), SyntaxError> {
        waiting.push(more);
        if waiting.len() > MAX_WAITING {
            return Err(too_high(self.next.span));
        }
        Ok(())
    }
}

/// The height of a node above subtrees of these heights.
fn above(left: usize, right: usize, span: Span) -> Result<usize, SyntaxError> {
    let height = 1 + left.max(right);
    if height > MAX_HEIGHT {
        return Err(too_high(span));
    }
    Ok(height)
}

fn too_high(span: Span) -> SyntaxError {
    let message = format!(
        "query combines more than {MAX_HEIGHT} terms; use a regular expression or several queries"
    );
    SyntaxError::semantic(message, span)
}
