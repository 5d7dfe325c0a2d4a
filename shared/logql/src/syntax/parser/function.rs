//! What yields numbers without aggregating: literals, `vector`, `label_replace`, `variants`.

use super::{Parser, above};
use crate::syntax::ast::{LabelReplace, MetricKind, Span, Variants};
use crate::syntax::lexer::numbers;
use crate::syntax::lexer::token::{Function, Symbol};
use crate::syntax::{SyntaxError, check};

impl Parser<'_> {
    /// `literal`; with its height.
    pub(super) fn literal(&mut self) -> Result<(MetricKind, usize), SyntaxError> {
        let start = self.next.span;
        let sign = self.sign()?;
        let number = self.number()?;
        let span = self.since(start);
        Ok((self.literal_of(number, sign, span), 1))
    }

    /// `+`, `-` or nothing, as a factor.
    pub(super) fn sign(&mut self) -> Result<f64, SyntaxError> {
        if self.take(Symbol::Minus)? {
            return Ok(-1.0);
        }
        self.take(Symbol::Plus)?;
        Ok(1.0)
    }

    /// The literal of a number token.
    pub(super) fn literal_of(&mut self, number: &str, sign: f64, span: Span) -> MetricKind {
        let value = numbers::float(number).unwrap_or_else(|reason| {
            let message = format!("unable to parse literal as a float: {reason}");
            self.defer(SyntaxError::semantic(message, span));
            0.0
        });
        MetricKind::Literal(sign * value)
    }

    /// A function that starts an expression; with its height.
    pub(super) fn function(
        &mut self,
        function: Function,
    ) -> Result<(MetricKind, usize), SyntaxError> {
        match function {
            Function::Vector => self.vector(),
            Function::LabelReplace => self.label_replace(),
            _ => Err(self.unexpected(&[])),
        }
    }

    fn vector(&mut self) -> Result<(MetricKind, usize), SyntaxError> {
        self.bump()?;
        self.demand(Symbol::OpenParen)?;
        let number = self.number()?;
        let value = numbers::float(number).unwrap_or_else(|reason| {
            let message = format!("unable to parse vectorExpr as a float: {reason}");
            self.defer(SyntaxError::semantic(message, self.last));
            0.0
        });
        self.demand(Symbol::CloseParen)?;
        Ok((MetricKind::VectorLiteral(value), 1))
    }

    fn label_replace(&mut self) -> Result<(MetricKind, usize), SyntaxError> {
        let start = self.bump()?.span;
        self.enter()?;
        self.demand(Symbol::OpenParen)?;
        let inner = self.metric()?;
        self.expect_or(Symbol::Comma, &[])?;
        let destination = self.text()?;
        self.demand(Symbol::Comma)?;
        let replacement = self.text()?;
        self.demand(Symbol::Comma)?;
        let source = self.text()?;
        self.demand(Symbol::Comma)?;
        let regex = self.text()?;
        self.weigh(&regex)?;
        self.demand(Symbol::CloseParen)?;
        self.leave();
        let span = self.since(start);
        let height = above(inner.height, 0, span)?;
        self.defer_checked(check::has_streams(&inner.node), inner.span);
        self.defer_checked(check::label_replace(&regex), span);
        let inner = inner.node;
        let replace = LabelReplace {
            inner,
            destination,
            replacement,
            source,
            regex,
        };
        Ok((MetricKind::LabelReplace(Box::new(replace)), height))
    }

    /// `variants "(" metricExpr ("," metricExpr)* ")" of "(" logRange ")"`
    pub(super) fn variants(&mut self) -> Result<Variants, SyntaxError> {
        let start = self.bump()?.span;
        self.enter()?;
        self.demand(Symbol::OpenParen)?;
        let mut metrics = vec![self.metric()?.node];
        while self.take(Symbol::Comma)? {
            metrics.push(self.metric()?.node);
        }
        self.expect_or(Symbol::CloseParen, &[])?;
        self.demand(Symbol::Of)?;
        self.demand(Symbol::OpenParen)?;
        let of = self.log_range()?;
        self.demand(Symbol::CloseParen)?;
        self.leave();
        Ok(Variants {
            metrics,
            of,
            span: self.since(start),
        })
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
    fn literals() {
        for (query, want) in [
            ("-3", "-3"),
            ("+1_000.50", "1000.5"),
            ("100000000", "1e+08"),
            (".00001", "1e-05"),
            ("vector(.1234567)", "vector(0.1234567)"),
            ("vector(2)", "vector(2.000000)"),
        ] {
            check(query, want);
            check(want, want);
        }
        let cause = "strconv.ParseFloat: parsing \"0x10\": invalid syntax";
        check(
            "0x10",
            &format!("parse error : unable to parse literal as a float: {cause}"),
        );
        check(
            "vector(0x10)",
            &format!("parse error : unable to parse vectorExpr as a float: {cause}"),
        );
    }

    #[test]
    fn functions() {
        let rate = "rate({a=\"b\"}[5m])";
        check(
            &format!("label_replace({rate}, \"a\", \"$1\", \"b\", \"(.*)\")"),
            &format!("label_replace({rate},\"a\",\"$1\",\"b\",\"(.*)\")"),
        );
        check(
            &format!("label_replace({rate}, \"a\", \"$1\", \"b\", \"(\")"),
            "parse error : invalid regex in label_replace: error parsing regexp: \
             missing closing ): `^(?:()$`",
        );
        check(
            &format!("variants({rate}, sum({rate})) of ({{a=\"b\"}} | json [5m])"),
            &format!("variants({rate}, sum({rate})) of ({{a=\"b\"}} | json[5m])"),
        );
        check(
            "variants(vector(1))",
            "parse error at line 1, col 20: syntax error: unexpected $end, expecting of",
        );
    }
}
