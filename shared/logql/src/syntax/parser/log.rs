//! Log expressions: the selector, the pipeline, and which stage a word starts.

use super::Parser;
use crate::syntax::ast::{LogExpr, Selector, Span, Stage, StageKind};
use crate::syntax::lexer::token::{Symbol, Token};
use crate::syntax::{SyntaxError, check};

impl Parser<'_> {
    /// `logExpr` without parentheses, at its brace.
    pub(super) fn log(&mut self) -> Result<LogExpr, SyntaxError> {
        let selector = self.selector()?;
        let start = selector.span;
        self.require_matcher(&selector);
        let mut stages = Vec::new();
        loop {
            if let Some(stage) = self.line_filter()? {
                stages.push(stage);
            } else if self.at(Symbol::Pipe) {
                let start = self.bump()?.span;
                stages.push(self.stage(start)?);
            } else {
                return Ok(LogExpr {
                    selector,
                    stages,
                    span: self.since(start),
                });
            }
        }
    }

    /// `selector`
    pub(super) fn selector(&mut self) -> Result<Selector, SyntaxError> {
        let start = self.demand(Symbol::OpenBrace)?;
        let mut matchers = Vec::new();
        if self.take(Symbol::CloseBrace)? {
            return Ok(Selector {
                matchers,
                span: self.since(start),
            });
        }
        let mut expected: &[&str] = &["IDENTIFIER", "}"];
        loop {
            let name = self.name_or(expected)?;
            let op = self
                .match_op()
                .ok_or_else(|| self.unexpected(&["=", "=~", "!~", "!="]))?;
            self.bump()?;
            let value = self.text()?;
            matchers.push(self.matcher(name, op, &value)?);
            if !self.take(Symbol::Comma)? {
                break;
            }
            expected = &["IDENTIFIER"];
        }
        self.expect_or(Symbol::CloseBrace, &["}", ","])?;
        Ok(Selector {
            matchers,
            span: self.since(start),
        })
    }

    /// Refuses a selector that would read every stream.
    pub(super) fn require_matcher(&mut self, selector: &Selector) {
        if !self.any_selector {
            self.defer_checked(check::selector(selector), selector.span);
        }
    }

    /// `stage` but for line filters, behind the `|` at `start`.
    pub(super) fn stage(&mut self, start: Span) -> Result<Stage, SyntaxError> {
        let kind = match self.next.token {
            Token::Symbol(symbol) => self.stage_of(symbol)?,
            Token::Name(_) => StageKind::LabelFilter(self.label_filter()?),
            _ => return Err(self.unexpected(&[])),
        };
        Ok(Stage {
            kind,
            span: self.since(start),
        })
    }

    fn stage_of(&mut self, symbol: Symbol) -> Result<StageKind, SyntaxError> {
        if symbol == Symbol::OpenParen {
            return Ok(StageKind::LabelFilter(self.label_filter()?));
        }
        let known = matches!(
            symbol,
            Symbol::Json
                | Symbol::Logfmt
                | Symbol::Regexp
                | Symbol::Pattern
                | Symbol::Unpack
                | Symbol::LineFormat
                | Symbol::LabelFormat
                | Symbol::Decolorize
                | Symbol::Drop
                | Symbol::Keep
        );
        if !known {
            return Err(self.unexpected(&[]));
        }
        self.bump()?;
        Ok(match symbol {
            Symbol::Json => StageKind::Json(self.extractions()?),
            Symbol::Logfmt => self.logfmt()?,
            Symbol::Regexp => {
                let pattern = self.text()?;
                self.weigh(&pattern)?;
                check::regexp_stage(&pattern).map_err(|message| self.refused(message))?;
                StageKind::Regexp(pattern)
            }
            Symbol::Pattern => {
                let pattern = self.text()?;
                check::pattern_stage(&pattern).map_err(|message| self.refused(message))?;
                StageKind::Pattern(pattern)
            }
            Symbol::LineFormat => StageKind::LineFormat(self.text()?),
            Symbol::LabelFormat => StageKind::LabelFormat(self.label_formats()?),
            Symbol::Drop => StageKind::Drop(self.label_items()?),
            Symbol::Keep => StageKind::Keep(self.label_items()?),
            Symbol::Decolorize => StageKind::Decolorize,
            _ => StageKind::Unpack,
        })
    }

    fn refused(&self, message: String) -> SyntaxError {
        SyntaxError::semantic(message, self.last)
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
    fn stages() {
        check(
            "{a=\"b\",c!~`d`}|=\"x\"or ip(\"1.1.1.1\")!=\"y\"|JSON|json e,f=\"g.h\"",
            "{a=\"b\", c!~\"d\"} |= \"x\" or ip(\"1.1.1.1\") != \"y\" | json \
             | json e=\"e\",f=\"g.h\"",
        );
        check(
            "{a=\"b\"} | logfmt --keep-empty --strict x | logfmt | unpack | decolorize",
            "{a=\"b\"} | logfmt --strict --keep-empty x=\"x\" | logfmt | unpack | decolorize",
        );
        check(
            "{a=\"b\"} | regexp `(?P<x>\\d)` | pattern \"<y> <_>\" | line_format `{{.x}}`",
            "{a=\"b\"} | regexp \"(?P<x>\\\\d)\" | pattern \"<y> <_>\" | line_format \"{{.x}}\"",
        );
        check(
            "{a=\"b\"} | label_format x=y, z=\"{{.w}}\" | drop x, y=\"1\" | keep z, rate!~\"2\"",
            "{a=\"b\"} | label_format x=y,z=\"{{.w}}\" | drop x,y=\"1\" | keep z,rate!~\"2\"",
        );
    }

    #[test]
    fn selectors() {
        check("{日本=\"x\", rate=\"y\"}", "{日本=\"x\", rate=\"y\"}");
        let at = |column: usize, message: &str| {
            format!("parse error at line 1, col {column}: syntax error: unexpected {message}")
        };
        check("{json=\"x\"}", &at(2, "json, expecting IDENTIFIER or }"));
        check("{app=\"foo\"", &at(11, "$end, expecting } or ,"));
        check("{app=\"foo\",}", &at(12, "}, expecting IDENTIFIER"));
        check("{app.x=\"y\"}", &at(5, "., expecting = or =~ or !~ or !="));
        check("{app='x'}", &at(6, "IDENTIFIER, expecting STRING"));
    }

    #[test]
    fn mistakes() {
        let at = |column: usize, message: &str| {
            format!("parse error at line 1, col {column}: syntax error: unexpected {message}")
        };
        check("{a=\"b\"} |=", &at(11, "$end, expecting STRING or ip"));
        check(
            "{a=\"b\"} |= \"x\" or",
            &at(18, "$end, expecting STRING or ip"),
        );
        check("{a=\"b\"} | json x=5", &at(18, "NUMBER, expecting STRING"));
        check("{a=\"b\"} | json x,", &at(18, "$end, expecting IDENTIFIER"));
        check(
            "{a=\"b\"} | label_format x=",
            &at(26, "$end, expecting IDENTIFIER or STRING"),
        );
        check("{a=\"b\"} | label_format x", &at(25, "$end, expecting ="));
        check("{a=\"b\"} | unwrap x", &at(11, "unwrap"));
        check("{a=\"b\"} | regexp", &at(17, "$end, expecting STRING"));
        check(
            "{a=\"b\"} | pattern \"abc\"",
            "parse error : invalid pattern parser: at least one capture is required",
        );
        check(
            "{a=\"b\"} | regexp \"(.*)\"",
            "parse error : invalid regexp parser: at least one named capture must be supplied",
        );
    }
}
