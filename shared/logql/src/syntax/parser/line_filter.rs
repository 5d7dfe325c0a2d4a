//! `|= "a" or "b"`: line filters.

use super::Parser;
use crate::syntax::SyntaxError;
use crate::syntax::ast::{FilterText, LineFilter, LineFilterOp, Stage, StageKind};
use crate::syntax::lexer::token::{Function, Symbol, Token};

impl Parser<'_> {
    /// `lineFilter`, if one stands here.
    pub(super) fn line_filter(&mut self) -> Result<Option<Stage>, SyntaxError> {
        let Token::Symbol(symbol) = self.next.token else {
            return Ok(None);
        };
        let op = match symbol {
            Symbol::PipeEqual => LineFilterOp::Contains,
            Symbol::NotEqual => LineFilterOp::NotContains,
            Symbol::PipeMatches => LineFilterOp::Regex,
            Symbol::NotMatches => LineFilterOp::NotRegex,
            Symbol::PipePattern => LineFilterOp::Pattern,
            Symbol::NotPattern => LineFilterOp::NotPattern,
            _ => return Ok(None),
        };
        let start = self.bump()?.span;
        let mut alternatives = vec![self.filter_text(op)?];
        // An `or` here never joins two queries.
        while self.take(Symbol::Or)? {
            alternatives.push(self.filter_text(op)?);
        }
        let kind = StageKind::LineFilter(LineFilter { op, alternatives });
        Ok(Some(Stage {
            kind,
            span: self.since(start),
        }))
    }

    fn filter_text(&mut self, op: LineFilterOp) -> Result<FilterText, SyntaxError> {
        match self.next.token {
            Token::Text(_) => {
                let text = self.text()?;
                if matches!(op, LineFilterOp::Regex | LineFilterOp::NotRegex) {
                    self.weigh(&text)?;
                }
                Ok(FilterText::Text(text))
            }
            Token::Function(Function::Ip) => Ok(FilterText::Ip(self.ip()?)),
            _ => Err(self.unexpected(&["STRING", "ip"])),
        }
    }

    /// `ip "(" STRING ")"`
    pub(super) fn ip(&mut self) -> Result<String, SyntaxError> {
        self.bump()?;
        self.demand(Symbol::OpenParen)?;
        let pattern = self.text()?;
        self.demand(Symbol::CloseParen)?;
        Ok(pattern)
    }
}
