//! [`Tokens`]: the lexer, with tokens that can be put back.

use std::borrow::Cow;

use crate::template::lexer::{Kind, Lexer, Token};

/// A stream of tokens.
pub(super) struct Tokens<'t> {
    lexer: Lexer<'t>,
    /// Those put back, the next one last.
    back: Vec<Token<'t>>,
    /// The line of the last token that the lexer made, by which Go places complaints.
    line: usize,
}

impl<'t> Tokens<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            lexer: Lexer::new(text),
            back: Vec::with_capacity(4),
            line: 1,
        }
    }

    /// Where a complaint is placed.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    pub(super) fn next(&mut self) -> Token<'t> {
        self.back.pop().unwrap_or_else(|| {
            let token = self.lexer.next();
            self.line = token.line;
            token
        })
    }

    /// Puts a token back.
    pub(super) fn back(&mut self, token: Token<'t>) {
        self.back.push(token);
    }

    pub(super) fn peek(&mut self) -> Kind {
        let token = self.next();
        let kind = token.kind;
        self.back(token);
        kind
    }

    pub(super) fn next_non_space(&mut self) -> Token<'t> {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    /// The kind of the next token but spaces, which are dropped.
    pub(super) fn peek_non_space(&mut self) -> Kind {
        let token = self.next_non_space();
        let kind = token.kind;
        self.back(token);
        kind
    }

    /// Where the next token but spaces begins; spaces are dropped.
    pub(super) fn place(&mut self) -> usize {
        let token = self.next_non_space();
        let pos = token.pos;
        self.back(token);
        pos
    }

    /// Whether the next token is this one.
    pub(super) fn is_next(&mut self, kind: Kind, text: &str) -> bool {
        let token = self.next();
        let is = token.kind == kind && token.text == Cow::Borrowed(text);
        self.back(token);
        is
    }
}
