//! `{…} | … | unwrap x [5m] offset 1h`: what a range aggregation runs over.
//!
//! The range may stand before or behind the pipeline, `offset` always directly behind the range.

use super::Parser;
use crate::syntax::SyntaxError;
use crate::syntax::ast::{Conversion, LogExpr, LogRange, Selector, Span, Stage, Unwrap};
use crate::syntax::lexer::token::{Function, Symbol, Token};

/// The parts of a range before it is known where they end.
struct Parts {
    selector: Selector,
    stages: Vec<Stage>,
    unwrap: Option<Unwrap>,
    /// Range and offset.
    window: Option<(i64, i64)>,
}

impl Parser<'_> {
    /// `logRange`
    pub(super) fn log_range(&mut self) -> Result<LogRange, SyntaxError> {
        let start = self.next.span;
        let parts = self.range_parts()?;
        let Some((range, offset)) = parts.window else {
            return Err(self.unexpected(expected_after(&parts)));
        };
        let span = self.since(start);
        self.require_matcher(&parts.selector);
        let log_end = parts
            .stages
            .last()
            .map_or(parts.selector.span, |stage| stage.span);
        let log_span = parts.selector.span.to(log_end);
        let log = LogExpr {
            selector: parts.selector,
            stages: parts.stages,
            span: log_span,
        };
        Ok(LogRange {
            log,
            unwrap: parts.unwrap,
            range,
            offset,
            span,
        })
    }

    fn range_parts(&mut self) -> Result<Parts, SyntaxError> {
        if self.at(Symbol::OpenParen) {
            return self.parenthesised_parts();
        }
        if !self.at(Symbol::OpenBrace) {
            return Err(self.unexpected(&["{", "("]));
        }
        let selector = self.selector()?;
        let mut parts = Parts {
            selector,
            stages: Vec::new(),
            unwrap: None,
            window: None,
        };
        parts.window = self.window()?;
        self.pipeline(&mut parts)?;
        if parts.window.is_none() {
            parts.window = self.window()?;
        }
        Ok(parts)
    }

    /// `"(" logRange ")"`, or a log expression in parentheses and the range behind them.
    fn parenthesised_parts(&mut self) -> Result<Parts, SyntaxError> {
        self.enter()?;
        self.bump()?;
        let mut parts = self.range_parts()?;
        self.expect_or(Symbol::CloseParen, expected_after(&parts))?;
        self.leave();
        if parts.window.is_some() {
            return Ok(parts);
        }
        parts.window = self.window()?;
        if parts.window.is_none() {
            return Err(self.unexpected(&["RANGE"]));
        }
        if parts.stages.is_empty() && parts.unwrap.is_none() {
            parts.unwrap = self.unwrap_after_range()?;
        }
        Ok(parts)
    }

    /// Stages, then an unwrap.
    fn pipeline(&mut self, parts: &mut Parts) -> Result<(), SyntaxError> {
        loop {
            if !self.at(Symbol::Pipe) {
                match self.line_filter()? {
                    Some(stage) => parts.stages.push(stage),
                    None => return Ok(()),
                }
                continue;
            }
            let start = self.bump()?.span;
            if self.at(Symbol::Unwrap) {
                parts.unwrap = Some(self.unwrap_stage(start)?);
                return Ok(());
            }
            parts.stages.push(self.stage(start)?);
        }
    }

    fn unwrap_after_range(&mut self) -> Result<Option<Unwrap>, SyntaxError> {
        if !self.at(Symbol::Pipe) {
            return Ok(None);
        }
        let start = self.bump()?.span;
        if !self.at(Symbol::Unwrap) {
            return Err(self.unexpected(&["unwrap"]));
        }
        Ok(Some(self.unwrap_stage(start)?))
    }

    /// `RANGE [offset]`
    fn window(&mut self) -> Result<Option<(i64, i64)>, SyntaxError> {
        let Token::Range(range) = self.next.token else {
            return Ok(None);
        };
        self.bump()?;
        if !self.take(Symbol::Offset)? {
            return Ok(Some((range, 0)));
        }
        let Token::Duration(offset) = self.next.token else {
            return Err(self.unexpected(&["DURATION"]));
        };
        self.bump()?;
        Ok(Some((range, offset)))
    }

    /// `unwrap`, at its word behind the `|` at `start`.
    fn unwrap_stage(&mut self, start: Span) -> Result<Unwrap, SyntaxError> {
        self.bump()?;
        let conversion = match self.next.token {
            Token::Function(Function::Bytes) => Conversion::Bytes,
            Token::Function(Function::Duration) => Conversion::Duration,
            Token::Function(Function::DurationSeconds) => Conversion::DurationSeconds,
            _ => Conversion::Plain,
        };
        let label = if conversion == Conversion::Plain {
            let conversions = [
                "IDENTIFIER",
                "BYTES_CONV",
                "DURATION_CONV",
                "DURATION_SECONDS_CONV",
            ];
            self.name_or(&conversions)?
        } else {
            self.bump()?;
            self.demand(Symbol::OpenParen)?;
            let label = self.name()?;
            self.demand(Symbol::CloseParen)?;
            label
        };
        let label = label.to_owned();
        let mut filters = Vec::new();
        while self.take(Symbol::Pipe)? {
            filters.push(self.label_filter()?);
        }
        Ok(Unwrap {
            label,
            conversion,
            filters,
            span: self.since(start),
        })
    }
}

/// What may stand behind these parts: the range where it is missing, else the parenthesis.
fn expected_after(parts: &Parts) -> &'static [&'static str] {
    match (&parts.window, &parts.unwrap) {
        (Some(_), _) => &[")"],
        (None, Some(_)) => &["RANGE", "|"],
        (None, None) => &[],
    }
}

#[cfg(test)]
mod tests {
    use crate::syntax::parse;

    #[track_caller]
    fn check(range: &str, want: &str) {
        let got = match parse(&format!("max_over_time({range})")) {
            Ok(query) => {
                let text = query.to_string();
                let inner = text.strip_prefix("max_over_time(");
                inner
                    .and_then(|text| text.strip_suffix(')'))
                    .unwrap()
                    .to_owned()
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(got, want, "{range}");
    }

    #[test]
    fn forms() {
        let want = "{a=\"b\"} | json | unwrap x[5m]";
        check("{a=\"b\"} | json | unwrap x [5m]", want);
        check("{a=\"b\"}[5m] | json | unwrap x", want);
        check("({a=\"b\"} | json | unwrap x)[5m]", want);
        check("(({a=\"b\"} | json | unwrap x [5m]))", want);
        let want = "{a=\"b\"} | unwrap x[1h] offset 1h30m0s";
        check("{a=\"b\"}[60m] offset 90m | unwrap x", want);
        check("({a=\"b\"})[1h] offset 1.5h | unwrap x", want);
        check(
            "{a=\"b\"} | unwrap x [1h] offset -1h30m",
            "{a=\"b\"} | unwrap x[1h] offset -1h30m0s",
        );
        check(
            "{a=\"b\"} | unwrap Duration(x) | y=1 | z=\"2\" [1d12h]",
            "{a=\"b\"} | unwrap duration(x) | y==1 | z=\"2\"[1d12h]",
        );
        check(
            "{a=\"b\"} | unwrap bytes [0]",
            "{a=\"b\"} | unwrap bytes[0s]",
        );
    }

    #[test]
    fn mistakes() {
        let at = |line: usize, column: usize, message: &str| {
            format!("parse error at line {line}, col {column}: syntax error: unexpected {message}")
        };
        let unwrap = "{a=\"b\"} | unwrap";
        check(
            &format!("{unwrap} x | json [5m]"),
            &at(1, 36, "json, expecting IDENTIFIER or ("),
        );
        check(
            &format!("{unwrap} x"),
            &at(1, 33, "), expecting RANGE or |"),
        );
        check(
            &format!("{unwrap} [5m]"),
            &at(
                0,
                32,
                "RANGE, expecting IDENTIFIER or BYTES_CONV or DURATION_CONV or \
                 DURATION_SECONDS_CONV",
            ),
        );
        check(
            "{a=\"b\"}[5m] offset 1",
            &at(1, 34, "NUMBER, expecting DURATION"),
        );
        check(
            "{a=\"b\"}[5m] |= \"x\" offset 1h",
            &at(1, 34, "offset, expecting )"),
        );
        check("({a=\"b\"})", &at(1, 24, "), expecting RANGE"));
        check("5, 6", &at(1, 18, "NUMBER, expecting { or ("));
        check("{a=\"b\"}[5m][5m]", &at(0, 26, "RANGE, expecting )"));
    }
}
