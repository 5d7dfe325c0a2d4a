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

use super::{Grown, Parser, above};
use crate::syntax::ast::{Comparison, LabelCondition, LabelFilter, LabelFilterKind, Number, Span};
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

/// What the comparison that is being read is part of.
enum Waiting {
    /// A parenthesis that is still open, and where.
    Parenthesis(Span),
    /// A left side.
    Left(Box<Grown<LabelFilter>>, Join),
}

impl Waiting {
    /// Whether this is a left side that takes the condition before `next` does.
    fn combines_before(&self, next: Option<Join>) -> bool {
        match self {
            Self::Parenthesis(_) => false,
            Self::Left(_, join) => next.is_none_or(|next| join.combines_before(next)),
        }
    }
}

impl Parser<'_> {
    /// `labelFilter`; a loop, as for the operators of metric expressions.
    pub(super) fn label_filter(&mut self) -> Result<LabelFilter, SyntaxError> {
        let mut waiting = Vec::new();
        let mut filter = self.parenthesised_condition(&mut waiting)?;
        loop {
            let join = self.join();
            while let Some(before) = waiting.pop_if(|before| before.combines_before(join)) {
                if let Waiting::Left(left, join) = before {
                    filter = joined(*left, join, filter)?;
                }
            }
            if let Some(join) = join {
                if join != Join::Beside || self.at(Symbol::Comma) {
                    self.bump()?;
                }
                self.wait(&mut waiting, Waiting::Left(Box::new(filter), join))?;
                filter = self.parenthesised_condition(&mut waiting)?;
                continue;
            }
            let Some(Waiting::Parenthesis(start)) = waiting.pop() else {
                return Ok(filter.node);
            };
            self.expect_or(Symbol::CloseParen, &[])?;
            filter.span = self.since(start);
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

    /// The next comparison; its opening parentheses wait to be closed.
    fn parenthesised_condition(
        &mut self,
        waiting: &mut Vec<Waiting>,
    ) -> Result<Grown<LabelFilter>, SyntaxError> {
        while self.at(Symbol::OpenParen) {
            let start = self.bump()?.span;
            self.wait(waiting, Waiting::Parenthesis(start))?;
        }
        let start = self.next.span;
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

fn joined(
    left: Grown<LabelFilter>,
    join: Join,
    right: Grown<LabelFilter>,
) -> Result<Grown<LabelFilter>, SyntaxError> {
    let span = left.span.to(right.span);
    let height = above(left.height, right.height, span)?;
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

#[cfg(test)]
mod tests {
    use crate::syntax::parse;

    #[track_caller]
    fn check(filter: &str, want: &str) {
        let got = match parse(&format!("{{a=\"b\"}} | {filter}")) {
            Ok(query) => query.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(got.trim_start_matches("{a=\"b\"} | "), want, "{filter}");
    }

    #[test]
    fn precedence() {
        check("a=1 or b=2, c=3", "( a==1 or ( b==2 , c==3 ) )");
        check("a=1, b=2 or c=3", "( a==1 , ( b==2 or c==3 ) )");
        check("a=1 b=2 or c=3", "( a==1 , ( b==2 or c==3 ) )");
        check("a=1 and b=2 or c=3", "( ( a==1 , b==2 ) or c==3 )");
        check("a=1 or b=2 and c=3", "( a==1 or ( b==2 , c==3 ) )");
        check(
            "a=1 and b=2, c=3 or d=4",
            "( a==1 , ( b==2 , ( c==3 or d==4 ) ) )",
        );
        check("a=1 and b=2 and c=3", "( ( a==1 , b==2 ) , c==3 )");
        check("a=1 or b=2 or c=3", "( ( a==1 or b==2 ) or c==3 )");
        check("(a=1 or b=2), c=3", "( ( a==1 or b==2 ) , c==3 )");
        check(
            "a=1 (b=2 or c=3) d=4",
            "( a==1 , ( ( b==2 or c==3 ) , d==4 ) )",
        );
    }

    #[test]
    fn conditions() {
        check("a != \"x\" AND b =~ `y.*`", "( a!=\"x\" , b=~\"y.*\" )");
        check("a >= 5s and b < 1.5h", "( a>=5s , b<1h30m0s )");
        check("a > -5s and b < -2", "( a>-5s , b<-2 )");
        check("size != 5KB", "size!=5.0kB");
        check("size <= 20MiB", "size<=20971520B");
        check("addr = ip(\"10.0.0.0/8\")", "addr=ip(\"10.0.0.0/8\")");
        check(
            "ip = \"x\" and duration > 1 and bytes > 2",
            "( ( ip=\"x\" , duration>1 ) , bytes>2 )",
        );
        check("hex = 0x10", "hex==0");
    }

    #[test]
    fn mistakes() {
        let at = |column: usize, message: &str| {
            format!("parse error at line 1, col {column}: syntax error: {message}")
        };
        check("a == \"x\"", &at(16, "unexpected STRING"));
        check("a =~ 5", &at(16, "unexpected NUMBER, expecting STRING"));
        check("a > ip(\"x\")", &at(15, "unexpected ip"));
        check(
            "a=1 and",
            &at(18, "unexpected $end, expecting IDENTIFIER or ("),
        );
        check("()", &at(12, "unexpected ), expecting IDENTIFIER or ("));
        check("(a=1", &at(15, "unexpected $end"));
        check("a=1 json", &at(15, "unexpected json"));
        check("a=1kb", &at(16, "unexpected $end"));
        check(
            "a=~\"(\"",
            "parse error : error parsing regexp: missing closing ): `(`",
        );
    }
}
