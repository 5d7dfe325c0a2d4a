//! `| a="1" and b > 5, c=ip("…")`: label filters, with the odd precedence of Loki's grammar.
//!
//! `and` binds tighter than `or`. A comma, or nothing at all, means `and` too, but takes the single
//! condition on its left and everything on its right:
//!
//! | Text | Meaning |
//! |---|---|
//! | `a or b, c` | `a or (b and c)` |
//! | `a, b or c` | `a and (b or c)` |
//! | `a and b or c` | `(a and b) or c` |
//! | `a and b, c or d` | `a and (b and (c or d))` |

use narvi_model::MatchOp;

use super::{Grown, Parser};
use crate::syntax::ast::{Comparison, LabelCondition, LabelFilter, LabelFilterKind, Number};
use crate::syntax::lexer::numbers;
use crate::syntax::lexer::token::{Function, Symbol, Token};
use crate::syntax::{SyntaxError, hint};

/// What stands between two conditions.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Join {
    Or,
    And,
    /// A comma or nothing.
    Beside,
}

impl Join {
    /// Whether this, on the left, takes the condition between it and `next`.
    const fn combines_before(self, next: Self) -> bool {
        match (self, next) {
            (Self::Beside, _) | (_, Self::Beside) | (Self::Or, Self::And) => false,
            (Self::And, _) | (Self::Or, Self::Or) => true,
        }
    }
}

impl Parser<'_> {
    /// `labelFilter`
    pub(super) fn label_filter(&mut self) -> Result<LabelFilter, SyntaxError> {
        Ok(self.conditions()?.node)
    }

    fn conditions(&mut self) -> Result<Grown<LabelFilter>, SyntaxError> {
        let mut left = self.condition()?;
        let mut waiting: Vec<(Grown<LabelFilter>, Join)> = Vec::new();
        loop {
            let join = self.join();
            while let Some((before, waits)) =
                waiting.pop_if(|(_, waits)| join.is_none_or(|join| waits.combines_before(join)))
            {
                left = self.joined(before, waits, left)?;
            }
            let Some(join) = join else {
                return Ok(left);
            };
            if join != Join::Beside || self.at(Symbol::Comma) {
                self.bump()?;
            }
            let right = self.condition()?;
            waiting.push((std::mem::replace(&mut left, right), join));
        }
    }

    fn join(&self) -> Option<Join> {
        match self.next.token {
            Token::Symbol(Symbol::Or) => Some(Join::Or),
            Token::Symbol(Symbol::And) => Some(Join::And),
            Token::Symbol(Symbol::Comma | Symbol::OpenParen) | Token::Name(_) => Some(Join::Beside),
            _ => None,
        }
    }

    fn joined(
        &mut self,
        left: Grown<LabelFilter>,
        join: Join,
        right: Grown<LabelFilter>,
    ) -> Result<Grown<LabelFilter>, SyntaxError> {
        let span = left.span.to(right.span);
        let height = self.above(left.height, right.height, span)?;
        let (left, right) = (Box::new(left.node), Box::new(right.node));
        let kind = match join {
            Join::Or => LabelFilterKind::Or(left, right),
            Join::And | Join::Beside => LabelFilterKind::And(left, right),
        };
        Ok(Grown {
            node: LabelFilter { kind, span },
            span,
            height,
        })
    }

    /// One comparison, or conditions in parentheses.
    fn condition(&mut self) -> Result<Grown<LabelFilter>, SyntaxError> {
        let start = self.next.span;
        if self.at(Symbol::OpenParen) {
            self.enter()?;
            self.bump()?;
            let inner = self.conditions()?;
            self.expect_or(Symbol::CloseParen, &[])?;
            self.leave();
            return Ok(Grown {
                span: self.since(start),
                ..inner
            });
        }
        let name = self.name_or(&["IDENTIFIER", "("])?;
        let condition = self.comparison_of(name)?;
        let span = self.since(start);
        let kind = LabelFilterKind::Condition(condition);
        Ok(Grown {
            node: LabelFilter { kind, span },
            span,
            height: 1,
        })
    }

    /// Operator and value behind a label's name.
    fn comparison_of(&mut self, name: &str) -> Result<LabelCondition, SyntaxError> {
        let Some((matches, compares)) = self.condition_op() else {
            // Perhaps no label was meant but a stage.
            return Err(self.unexpected(&[]).with_hint(hint::stage(name)));
        };
        self.bump()?;
        let name = name.to_owned();
        match (&self.next.token, matches, compares) {
            (Token::Text(_), Some(op), _) => {
                let value = self.text()?;
                Ok(LabelCondition::Text(self.matcher(&name, op, &value)?))
            }
            (_, Some(_), None) => Err(self.unexpected(&["STRING"])),
            (Token::Function(Function::Ip), Some(op), Some(_)) => Ok(LabelCondition::Ip {
                name,
                op,
                pattern: self.ip()?,
            }),
            (_, _, Some(comparison)) => Ok(LabelCondition::Number {
                name,
                comparison,
                number: self.literal_number()?,
            }),
            (_, None, None) => Err(self.unexpected(&[])),
        }
    }

    /// The operator here, as one of texts and as one of numbers.
    fn condition_op(&self) -> Option<(Option<MatchOp>, Option<Comparison>)> {
        let Token::Symbol(symbol) = self.next.token else {
            return None;
        };
        let comparison = match symbol {
            Symbol::Equal | Symbol::EqualEqual => Some(Comparison::Equal),
            Symbol::NotEqual => Some(Comparison::NotEqual),
            Symbol::Greater => Some(Comparison::Greater),
            Symbol::GreaterEqual => Some(Comparison::GreaterOrEqual),
            Symbol::Less => Some(Comparison::Less),
            Symbol::LessEqual => Some(Comparison::LessOrEqual),
            _ => None,
        };
        let matches = self.match_op();
        (matches.is_some() || comparison.is_some()).then_some((matches, comparison))
    }

    /// A number, duration or size.
    fn literal_number(&mut self) -> Result<Number, SyntaxError> {
        let number = match self.next.token {
            Token::Duration(nanos) => Number::Duration(nanos),
            Token::Bytes(bytes) => Number::Bytes(bytes),
            Token::Number(_) | Token::Symbol(Symbol::Plus | Symbol::Minus) => {
                let sign = self.sign()?;
                // What is no decimal number (`0x10`) counts as 0, as in Loki.
                let value = numbers::float(self.number()?).unwrap_or(0.0);
                return Ok(Number::Plain(sign * value));
            }
            _ => return Err(self.unexpected(&[])),
        };
        self.bump()?;
        Ok(number)
    }
}
