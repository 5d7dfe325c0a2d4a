//! Whole expressions: operands, binary operators and their modifiers.
//!
//! From loose to tight: `or`; `and`, `unless`; comparisons; `+ -`; `* / %`; `^` (to the right).
//! Loki's grammar takes log expressions as operands and refuses them by meaning, hence
//! [`Expression`] for both kinds.

use super::{Grown, Parser, above};
use crate::syntax::ast::{
    Binary, BinaryOp, Cardinality, LogExpr, Matching, MetricExpr, MetricKind, Span, Variants,
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

/// An operator with its modifiers.
struct Operator {
    op: BinaryOp,
    returns_bool: bool,
    matching: Option<Matching>,
}

/// What the operand that is being read is part of.
enum Waiting {
    /// A parenthesis that is still open, and where.
    Parenthesis(Span),
    /// A left side and its operator; apart, since open parentheses may be many.
    Left(Box<(Grown<Expression>, Operator)>),
}

impl Waiting {
    /// Whether this is a left side that takes the operand before `next` does.
    fn combines_before(&self, next: Option<BinaryOp>) -> bool {
        match self {
            Self::Parenthesis(_) => false,
            Self::Left(left) => next.is_none_or(|next| combines_before(left.1.op, next)),
        }
    }
}

impl Parser<'_> {
    /// `query`
    pub(super) fn expression(&mut self) -> Result<Grown<Expression>, SyntaxError> {
        let mut waiting = Vec::new();
        let first = self.parenthesised_operand(&mut waiting)?;
        self.operators_after(first, waiting)
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
        let whole = self.operators_after(first, Vec::new())?;
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

    /// The next operand; its opening parentheses wait to be closed.
    fn parenthesised_operand(
        &mut self,
        waiting: &mut Vec<Waiting>,
    ) -> Result<Grown<Expression>, SyntaxError> {
        while self.at(Symbol::OpenParen) {
            let start = self.bump()?.span;
            self.wait(waiting, Waiting::Parenthesis(start))?;
        }
        self.operand()
    }

    /// Operators, operands and closing parentheses behind `operand`; what binds tighter is
    /// combined first. A loop, so that long chains and many parentheses cost no stack.
    fn operators_after(
        &mut self,
        mut operand: Grown<Expression>,
        mut waiting: Vec<Waiting>,
    ) -> Result<Grown<Expression>, SyntaxError> {
        loop {
            let op = self.binary_op();
            while let Some(before) = waiting.pop_if(|before| before.combines_before(op)) {
                if let Waiting::Left(left) = before {
                    operand = self.combine(left.0, left.1, operand)?;
                }
            }
            if let Some(op) = op {
                self.bump()?;
                let left = Box::new((operand, self.modifiers(op)?));
                self.wait(&mut waiting, Waiting::Left(left))?;
                operand = self.parenthesised_operand(&mut waiting)?;
                continue;
            }
            let Some(Waiting::Parenthesis(start)) = waiting.pop() else {
                return Ok(operand);
            };
            let variants = matches!(operand.node, Expression::Variants(_));
            if variants || !self.take(Symbol::CloseParen)? {
                return Err(self.unexpected(&[]));
            }
            operand.span = self.since(start);
        }
    }

    fn combine(
        &mut self,
        left: Grown<Expression>,
        operator: Operator,
        right: Grown<Expression>,
    ) -> Result<Grown<Expression>, SyntaxError> {
        let span = left.span.to(right.span);
        let height = above(left.height, right.height, span)?;
        let checked = check::operands(operator.op, &left.node, &right.node);
        self.defer_checked(checked, span);
        let kind = match (left.node, right.node) {
            (Expression::Metric(left), Expression::Metric(right)) => {
                let Operator {
                    op,
                    returns_bool,
                    matching,
                } = operator;
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
    fn modifiers(&mut self, op: BinaryOp) -> Result<Operator, SyntaxError> {
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
        Ok(Operator {
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

#[cfg(test)]
mod tests {
    use crate::syntax::parse;

    #[track_caller]
    fn check(query: &str, want: &str) {
        let got = match parse(query) {
            Ok(query) => query.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, want, "{query}");
    }

    #[test]
    fn precedence() {
        check("1 + 2 * 3 - 4", "((1 + (2 * 3)) - 4)");
        check("2 ^ 3 ^ 2 * 5", "((2 ^ (3 ^ 2)) * 5)");
        check("1 - 2 - 3", "((1 - 2) - 3)");
        check("1 < 2 + 3 == 4", "((1 < (2 + 3)) == 4)");
        check("-2 ^ +3 - -1", "((-2 ^ 3) - -1)");
        check("(1 + 2) * 3", "((1 + 2) * 3)");
        check(
            "vector(1) or vector(2) and vector(3) unless vector(4)",
            "(vector(1.000000) or \
             ((vector(2.000000) and vector(3.000000)) unless vector(4.000000)))",
        );
    }

    #[test]
    fn modifiers() {
        check("vector(1) >= bool 2", "(vector(1.000000) >= bool 2)");
        check("1 + bool on(a, b) 2", "(1 + bool on (a,b) 2)");
        check(
            "1 / ignoring() group_left 2",
            "(1 / ignoring () group_left () 2)",
        );
        check(
            "1 / ON (a) Group_Right (b, c) 2",
            "(1 / on (a) group_right (b,c) 2)",
        );
        check(
            "1 + group_left 2",
            "parse error at line 1, col 5: syntax error: unexpected group_left",
        );
        check(
            "1 + on(a) group_left (sum(vector(1)))",
            "parse error at line 1, col 23: syntax error: unexpected SUM, \
             expecting IDENTIFIER or )",
        );
    }

    #[test]
    fn operands() {
        let kind = "parse error : unexpected type for";
        let rate = "rate({a=\"b\"}[5m])";
        check(
            &format!("{rate} + {{a=\"b\"}} |= \"x\""),
            &format!("{kind} right leg of binary operation (+): *syntax.PipelineExpr"),
        );
        check(
            &format!("({{a=\"b\"}}) and {rate}"),
            &format!("{kind} left leg of binary operation (and): *syntax.MatchersExpr"),
        );
        let literal = "parse error : unexpected literal for";
        check(
            &format!("{rate} or 0"),
            &format!("{literal} right leg of logical/set binary operation (or): 0.000000"),
        );
        check(
            &format!("(1 + 2 * 3) unless {rate}"),
            &format!("{literal} left leg of logical/set binary operation (unless): 7.000000"),
        );
        // An error of form counts before one of meaning, even one further left.
        check(
            "1 or 2 )",
            "parse error at line 1, col 8: syntax error: unexpected )",
        );
    }

    #[test]
    fn parentheses() {
        check("({a=\"b\"} |= \"c\")", "{a=\"b\"} |= \"c\"");
        check(
            "({a=\"b\"}) |= \"c\"",
            "parse error at line 0, col 11: syntax error: unexpected |=",
        );
        check("((1))", "1");
        check(
            "()",
            "parse error at line 1, col 2: syntax error: unexpected )",
        );
    }
}
