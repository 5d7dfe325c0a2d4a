//! `rate(…)` and `sum by (…) (…)`: the two families of aggregations and their grouping.

use super::{Grown, Parser};
use crate::syntax::ast::{
    Grouping, MetricExpr, MetricKind, RangeAggregation, RangeOp, VectorAggregation, VectorOp,
};
use crate::syntax::lexer::token::{Symbol, Token};
use crate::syntax::{SyntaxError, check};

impl<'a> Parser<'a> {
    /// `rangeAgg`, at the name of its function; with its height.
    pub(super) fn range_aggregation(
        &mut self,
        op: RangeOp,
    ) -> Result<(MetricKind, usize), SyntaxError> {
        let start = self.bump()?.span;
        self.enter()?;
        self.expect(Symbol::OpenParen)?;
        let written = match self.next.token {
            Token::Number(number) => {
                self.bump()?;
                self.expect(Symbol::Comma)?;
                Some(number)
            }
            Token::Symbol(Symbol::OpenBrace | Symbol::OpenParen) => None,
            _ => return Err(self.unexpected(&["NUMBER", "{", "("])),
        };
        let range = self.log_range()?;
        self.expect(Symbol::CloseParen)?;
        self.leave();
        let grouping = self.grouping()?;
        let span = self.since(start);
        let parameter = check::range_parameter(op, written).unwrap_or_else(|message| {
            self.defer(SyntaxError::semantic(message, span));
            None
        });
        let aggregation = RangeAggregation {
            op,
            parameter,
            range,
            grouping,
        };
        if written.is_none() || parameter.is_some() {
            self.defer_checked(check::range_aggregation(&aggregation), span);
        }
        Ok((MetricKind::Range(aggregation), 1))
    }

    /// `vectorAgg`, at the name of its function; with its height.
    pub(super) fn vector_aggregation(
        &mut self,
        op: VectorOp,
    ) -> Result<(MetricKind, usize), SyntaxError> {
        let start = self.bump()?.span;
        self.enter()?;
        let leading = self.grouping()?;
        if leading.is_none() {
            self.expect_or(Symbol::OpenParen, &["(", "by", "without"])?;
        } else {
            self.expect(Symbol::OpenParen)?;
        }
        let (written, inner) = self.vector_arguments()?;
        if !self.at(Symbol::CloseParen) {
            return Err(self.unexpected(&[]));
        }
        self.bump()?;
        self.leave();
        let grouping = match leading {
            None => self.grouping()?,
            leading => leading,
        };
        let span = self.since(start);
        let height = self.above(inner.height, 0, span)?;
        self.defer_checked(check::has_streams(&inner.node), inner.span);
        let parameter =
            check::vector_parameter(op, written, grouping.as_ref()).unwrap_or_else(|message| {
                self.defer(SyntaxError::semantic(message, span));
                None
            });
        let inner = Box::new(inner.node);
        let aggregation = VectorAggregation {
            op,
            parameter,
            inner,
            grouping,
        };
        Ok((MetricKind::Vector(aggregation), height))
    }

    /// `[NUMBER ","] metricExpr`; only the comma tells a parameter from a literal.
    fn vector_arguments(&mut self) -> Result<(Option<&'a str>, Grown<MetricExpr>), SyntaxError> {
        let Token::Number(number) = self.next.token else {
            return Ok((None, self.metric()?));
        };
        let span = self.bump()?.span;
        if self.take(Symbol::Comma)? {
            return Ok((Some(number), self.metric()?));
        }
        let kind = self.literal_of(number, 1.0, span);
        let literal = Grown {
            node: MetricExpr { kind, span },
            span,
            height: 1,
        };
        Ok((None, self.metric_after(literal)?))
    }

    /// `by (…)`, `without (…)` or nothing.
    fn grouping(&mut self) -> Result<Option<Grouping>, SyntaxError> {
        if self.take(Symbol::By)? {
            return Ok(Some(Grouping::By(self.label_names()?)));
        }
        if self.take(Symbol::Without)? {
            return Ok(Some(Grouping::Without(self.label_names()?)));
        }
        Ok(None)
    }

    /// `(a, b)`, possibly empty.
    pub(super) fn label_names(&mut self) -> Result<Vec<String>, SyntaxError> {
        self.expect(Symbol::OpenParen)?;
        let mut names = Vec::new();
        if self.take(Symbol::CloseParen)? {
            return Ok(names);
        }
        names.push(self.name_or(&["IDENTIFIER", ")"])?.to_owned());
        while self.take(Symbol::Comma)? {
            names.push(self.name()?.to_owned());
        }
        self.expect_or(Symbol::CloseParen, &[",", ")"])?;
        Ok(names)
    }
}
