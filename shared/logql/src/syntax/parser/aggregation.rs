//! `rate(…)` and `sum by (…) (…)`: the two families of aggregations and their grouping.

use super::{Grown, Parser, above};
use crate::syntax::ast::{
    Grouping, MetricExpr, MetricKind, RangeAggregation, RangeOp, VectorAggregation, VectorOp,
};
use crate::syntax::lexer::token::{Symbol, Token};
use crate::syntax::limits::MAX_LISTED;
use crate::syntax::{SyntaxError, check};

impl<'a> Parser<'a> {
    /// `rangeAgg`, at the name of its function; with its height.
    pub(super) fn range_aggregation(
        &mut self,
        op: RangeOp,
    ) -> Result<(MetricKind, usize), SyntaxError> {
        let start = self.bump()?.span;
        self.enter()?;
        self.demand(Symbol::OpenParen)?;
        let written = match self.next.token {
            Token::Number(number) => {
                self.bump()?;
                self.demand(Symbol::Comma)?;
                Some(number)
            }
            Token::Symbol(Symbol::OpenBrace | Symbol::OpenParen) => None,
            _ => return Err(self.unexpected(&["NUMBER", "{", "("])),
        };
        let range = self.log_range()?;
        self.demand(Symbol::CloseParen)?;
        self.leave();
        let grouping = self.grouping()?;
        let span = self.since(start);
        let (parameter, refused) = match check::range_parameter(op, written) {
            Ok(parameter) => (parameter, None),
            Err(message) => (None, Some(message)),
        };
        let aggregation = RangeAggregation {
            op,
            parameter,
            range,
            grouping,
        };
        let checked = refused.map_or_else(|| check::range_aggregation(&aggregation), Err);
        self.defer_checked(checked, span);
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
            self.demand(Symbol::OpenParen)?;
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
        let height = above(inner.height, 0, span)?;
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
        self.demand(Symbol::OpenParen)?;
        let mut names = Vec::new();
        if self.take(Symbol::CloseParen)? {
            return Ok(names);
        }
        names.push(self.name_or(&["IDENTIFIER", ")"])?.to_owned());
        while self.take(Symbol::Comma)? {
            names.push(self.name()?.to_owned());
            if names.len() > MAX_LISTED {
                let message = format!("query lists more than {MAX_LISTED} labels in one place");
                return Err(SyntaxError::semantic(message, self.last));
            }
        }
        self.expect_or(Symbol::CloseParen, &[",", ")"])?;
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use crate::syntax::parse;

    #[track_caller]
    fn check(query: &str, want: &str) {
        let range = "{a=\"b\"}[5m]";
        let got = match parse(&query.replace('$', range)) {
            Ok(query) => query.to_string().replace(range, "$"),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, want, "{query}");
    }

    #[test]
    fn forms() {
        check("RATE ($)", "rate($)");
        check("sum(rate($)) by (x, y)", "sum by (x,y)(rate($))");
        check("Sum Without (x) (rate($))", "sum without (x)(rate($))");
        check("sum by () (rate($))", "sum by ()(rate($))");
        check("topk(5, rate($)) by (x)", "topk by (x)(5,rate($))");
        check("sum(2 * rate($))", "sum((2 * rate($)))");
        check(
            "quantile_over_time(0.5, {a=\"b\"} | unwrap x [5m]) without (x, y)",
            "quantile_over_time(0.5,{a=\"b\"} | unwrap x[5m]) without (x,y)",
        );
        check("sort_desc(rate($))", "sort_desc(rate($))");
    }

    #[test]
    fn meaning() {
        for (query, want) in [
            ("topk(rate($))", "parameter required for operation topk"),
            ("topk(1.5, rate($))", "invalid parameter topk(1.5,"),
            (
                "topk(0, rate($))",
                "invalid parameter (must be greater than 0) topk(0",
            ),
            (
                "sum(2, rate($))",
                "unsupported parameter for operation sum(2,",
            ),
            (
                "approx_topk(2, rate($)) by (x)",
                "grouping not allowed for approx_topk aggregation",
            ),
            (
                "rate($) by (x)",
                "grouping not allowed for rate aggregation",
            ),
            (
                "sort(rate($)) by (x)",
                "sort and sort_desc doesn't allow grouping by ",
            ),
            (
                "sum_over_time($)",
                "invalid aggregation sum_over_time without unwrap",
            ),
            (
                "quantile_over_time($)",
                "parameter required for operation quantile_over_time",
            ),
            (
                "avg_over_time(0.5, $)",
                "parameter 0.5 not supported for operation avg_over_time",
            ),
            // The outermost counts.
            (
                "topk(0, sum_over_time($))",
                "invalid parameter (must be greater than 0) topk(0",
            ),
            (
                "rate($) + sum(2, sum_over_time($))",
                "unsupported parameter for operation sum(2,",
            ),
        ] {
            check(query, &format!("parse error : {want}"));
        }
    }

    #[test]
    fn form() {
        let at = |column: usize, message: &str| {
            format!("parse error at line 1, col {column}: syntax error: unexpected {message}")
        };
        check("sum by (x) rate($)", &at(12, "RATE, expecting ("));
        check("sum by (x,) (rate($))", &at(11, "), expecting IDENTIFIER"));
        check(
            "sum by (x y) (rate($))",
            &at(11, "IDENTIFIER, expecting , or )"),
        );
        check("sum by (x) (rate($)) by (y)", &at(32, "by"));
        check("rate(5 $)", &at(8, "{, expecting ,"));
        check("rate(\"x\")", &at(6, "STRING, expecting NUMBER or { or ("));
    }
}
