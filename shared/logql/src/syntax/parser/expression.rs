//! Whole expressions: operands, binary operators and their modifiers.
//!
//! From loose to tight: `or`; `and`, `unless`; comparisons; `+ -`; `* / %`; `^` (to the right).
//! Loki's grammar takes log expressions as operands and refuses them by meaning, hence
//! [`Expression`] for both kinds.

use super::{Grown, Parser};
use crate::syntax::ast::{
    Binary, BinaryOp, Cardinality, LogExpr, Matching, MetricExpr, MetricKind, Variants,
};
use crate::syntax::lexer::token::{Symbol, Token};
use crate::syntax::{SyntaxError, check};

/// What an expression turned out to be.
pub(in crate::syntax) enum Expression {
    /// Lines.
    Log(LogExpr),
    /// Numbers.
    Metric(MetricExpr),
    /// Several kinds of numbers.
    Variants(Variants),
}

/// An operator that waits for its right side.
struct Pending {
    op: BinaryOp,
    returns_bool: bool,
    matching: Option<Matching>,
}

impl Parser<'_> {
    /// `query`
    pub(super) fn expression(&mut self) -> Result<Grown<Expression>, SyntaxError> {
        let first = self.operand()?;
        self.operators_after(first)
    }

    /// `metricExpr`
    pub(super) fn metric(&mut self) -> Result<Grown<MetricExpr>, SyntaxError> {
        let whole = self.expression()?;
        self.only_metric(whole)
    }

    /// The rest of a `metricExpr` that starts with a number.
    pub(super) fn metric_after(
        &mut self,
        first: Grown<MetricExpr>,
    ) -> Result<Grown<MetricExpr>, SyntaxError> {
        let Grown { node, span, height } = first;
        let first = Grown {
            node: Expression::Metric(node),
            span,
            height,
        };
        let whole = self.operators_after(first)?;
        self.only_metric(whole)
    }

    fn only_metric(&self, whole: Grown<Expression>) -> Result<Grown<MetricExpr>, SyntaxError> {
        let Grown { node, span, height } = whole;
        match node {
            Expression::Metric(node) => Ok(Grown { node, span, height }),
            // An operator could have made it an operand; what stands here is none.
            Expression::Log(_) | Expression::Variants(_) => Err(self.unexpected(&[])),
        }
    }

    /// An expression without operators outside parentheses.
    fn operand(&mut self) -> Result<Grown<Expression>, SyntaxError> {
        let start = self.next.span;
        let metric = match self.next.token {
            Token::Symbol(Symbol::OpenBrace) => {
                let log = self.log()?;
                let span = log.span;
                return Ok(Grown {
                    node: Expression::Log(log),
                    span,
                    height: 1,
                });
            }
            Token::Symbol(Symbol::OpenParen) => return self.parenthesised(),
            Token::Symbol(Symbol::Variants) => {
                let variants = self.variants()?;
                let span = variants.span;
                return Ok(Grown {
                    node: Expression::Variants(variants),
                    span,
                    height: 1,
                });
            }
            Token::Number(_) | Token::Symbol(Symbol::Plus | Symbol::Minus) => self.literal()?,
            Token::RangeOp(op) => self.range_aggregation(op)?,
            Token::VectorOp(op) => self.vector_aggregation(op)?,
            Token::Function(function) => self.function(function)?,
            _ => return Err(self.unexpected_start()),
        };
        let (kind, height) = metric;
        let span = self.since(start);
        Ok(Grown {
            node: Expression::Metric(MetricExpr { kind, span }),
            span,
            height,
        })
    }

    fn parenthesised(&mut self) -> Result<Grown<Expression>, SyntaxError> {
        self.enter()?;
        let start = self.bump()?.span;
        let inner = self.expression()?;
        if matches!(inner.node, Expression::Variants(_)) || !self.at(Symbol::CloseParen) {
            return Err(self.unexpected(&[]));
        }
        self.bump()?;
        self.leave();
        Ok(Grown {
            span: self.since(start),
            ..inner
        })
    }

    /// Operators and operands behind `first`; those that bind tighter are combined first.
    fn operators_after(
        &mut self,
        first: Grown<Expression>,
    ) -> Result<Grown<Expression>, SyntaxError> {
        let mut left = first;
        let mut waiting: Vec<(Grown<Expression>, Pending)> = Vec::new();
        loop {
            let op = self.binary_op();
            while let Some((before, pending)) =
                waiting.pop_if(|(_, waits)| op.is_none_or(|op| combines_before(waits.op, op)))
            {
                left = self.combine(before, pending, left)?;
            }
            let Some(op) = op else {
                return Ok(left);
            };
            self.bump()?;
            let pending = self.modifiers(op)?;
            let right = self.operand()?;
            waiting.push((std::mem::replace(&mut left, right), pending));
        }
    }

    fn combine(
        &mut self,
        left: Grown<Expression>,
        pending: Pending,
        right: Grown<Expression>,
    ) -> Result<Grown<Expression>, SyntaxError> {
        let span = left.span.to(right.span);
        let height = self.above(left.height, right.height, span)?;
        let checked = check::operands(pending.op, &left.node, &right.node);
        self.defer_checked(checked, span);
        let kind = match (left.node, right.node) {
            (Expression::Metric(left), Expression::Metric(right)) => {
                let Pending {
                    op,
                    returns_bool,
                    matching,
                } = pending;
                MetricKind::Binary(Box::new(Binary {
                    op,
                    returns_bool,
                    matching,
                    left,
                    right,
                }))
            }
            // Refused by the check; the rest is still parsed, since an error of form comes first.
            _ => MetricKind::Literal(0.0),
        };
        Ok(Grown {
            node: Expression::Metric(MetricExpr { kind, span }),
            span,
            height,
        })
    }

    fn binary_op(&self) -> Option<BinaryOp> {
        let Token::Symbol(symbol) = self.next.token else {
            return None;
        };
        Some(match symbol {
            Symbol::Or => BinaryOp::Or,
            Symbol::And => BinaryOp::And,
            Symbol::Unless => BinaryOp::Unless,
            Symbol::EqualEqual => BinaryOp::Equal,
            Symbol::NotEqual => BinaryOp::NotEqual,
            Symbol::LessEqual => BinaryOp::LessOrEqual,
            Symbol::Less => BinaryOp::Less,
            Symbol::GreaterEqual => BinaryOp::GreaterOrEqual,
            Symbol::Greater => BinaryOp::Greater,
            Symbol::Plus => BinaryOp::Add,
            Symbol::Minus => BinaryOp::Subtract,
            Symbol::Star => BinaryOp::Multiply,
            Symbol::Slash => BinaryOp::Divide,
            Symbol::Percent => BinaryOp::Modulo,
            Symbol::Caret => BinaryOp::Power,
            _ => return None,
        })
    }

    /// `[bool] [on|ignoring (…) [group_left|group_right [(…)]]]`
    fn modifiers(&mut self, op: BinaryOp) -> Result<Pending, SyntaxError> {
        let returns_bool = self.take(Symbol::Bool)?;
        let on = self.at(Symbol::On);
        let mut matching = None;
        if on || self.at(Symbol::Ignoring) {
            self.bump()?;
            let labels = self.label_names()?;
            let cardinality = self.cardinality()?;
            matching = Some(Matching {
                on,
                labels,
                cardinality,
            });
        }
        Ok(Pending {
            op,
            returns_bool,
            matching,
        })
    }

    fn cardinality(&mut self) -> Result<Cardinality, SyntaxError> {
        let left = self.at(Symbol::GroupLeft);
        if !left && !self.at(Symbol::GroupRight) {
            return Ok(Cardinality::OneToOne);
        }
        self.bump()?;
        // A parenthesis here always opens the labels, never the right operand.
        let labels = if self.at(Symbol::OpenParen) {
            self.label_names()?
        } else {
            Vec::new()
        };
        Ok(if left {
            Cardinality::GroupLeft(labels)
        } else {
            Cardinality::GroupRight(labels)
        })
    }
}

/// Whether `waiting`, on the left, takes the operand between it and `next`.
const fn combines_before(waiting: BinaryOp, next: BinaryOp) -> bool {
    // Of equals the left one comes first, but `2^3^2` is `2^(3^2)`.
    match next {
        BinaryOp::Power => false,
        _ => tightness(waiting) >= tightness(next),
    }
}

/// How tightly an operator binds.
const fn tightness(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 0,
        BinaryOp::And | BinaryOp::Unless => 1,
        BinaryOp::Equal
        | BinaryOp::NotEqual
        | BinaryOp::LessOrEqual
        | BinaryOp::Less
        | BinaryOp::GreaterOrEqual
        | BinaryOp::Greater => 2,
        BinaryOp::Add | BinaryOp::Subtract => 3,
        BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Modulo => 4,
        BinaryOp::Power => 5,
    }
}
