//! [`SyntaxError`]: why a text is no query, in Loki's words.
//!
//! Clients show and match these texts, so they are Loki's to the letter, with Loki's habits: errors
//! of meaning carry no place, and the line of a token that the lexer put together itself (`|=`,
//! `[5m]`, `5s`) is 0.

use std::fmt;

use super::ast::Span;
use super::lexer::token::Lexeme;

/// A text that is not a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SyntaxError {
    message: String,
    place: Place,
    span: Span,
    hint: Option<&'static str>,
}

/// What the text says of the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Line and column, both from 1 and in characters.
    At { line: usize, column: usize },
    /// An error of the whole: `parse error : …`.
    Nowhere,
    /// No error of the text as such: the message alone.
    Bare,
}

impl SyntaxError {
    /// An error of meaning: the text is well-formed but says what cannot be.
    #[must_use]
    pub fn semantic(message: impl Into<String>, span: Span) -> Self {
        Self {
            message: message.into(),
            place: Place::Nowhere,
            span,
            hint: None,
        }
    }

    /// A query of the wrong kind: the message stands alone.
    pub(super) fn bare(message: &str, span: Span) -> Self {
        Self {
            message: message.to_owned(),
            place: Place::Bare,
            span,
            hint: None,
        }
    }

    /// An error in `text` at a token.
    pub(super) fn at(text: &str, token: &Lexeme<'_>, message: impl Into<String>) -> Self {
        // Where nothing was read, Loki knows no place.
        let place = if text.is_empty() {
            Place::Nowhere
        } else {
            Place::of(text, token)
        };
        Self {
            message: message.into(),
            place,
            span: token.span,
            hint: None,
        }
    }

    /// With the known name that was probably meant.
    pub(super) fn with_hint(mut self, hint: Option<&'static str>) -> Self {
        self.hint = hint;
        self
    }

    /// What is wrong, without place and hint.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where in the text.
    #[must_use]
    pub const fn span(&self) -> Span {
        self.span
    }

    /// The function or stage that was probably meant by a misspelt one.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        self.hint
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::At { line, column } => {
                write!(
                    f,
                    "parse error at line {line}, col {column}: {}",
                    self.message
                )?;
            }
            Place::Nowhere => write!(f, "parse error : {}", self.message)?,
            Place::Bare => f.write_str(&self.message)?,
        }
        // Anywhere else Loki's text says more, and clients may match it.
        match self.hint {
            Some(hint) if self.message == "syntax error: unexpected IDENTIFIER" => {
                write!(f, "; did you mean `{hint}`?")
            }
            _ => Ok(()),
        }
    }
}

impl Place {
    fn of(text: &str, token: &Lexeme<'_>) -> Self {
        let before = text.get(..token.span.start as usize).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = 1 + before.bytes().filter(|b| *b == b'\n').count();
        Self::At {
            line: if token.assembled { 0 } else { line },
            column: 1 + before.get(line_start..).unwrap_or_default().chars().count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::syntax::parse;

    #[track_caller]
    fn check(query: &str, want: &str) {
        assert_eq!(parse(query).unwrap_err().to_string(), want);
    }

    #[test]
    fn places_count_characters() {
        check(
            "{app=\"é\"}\n  }",
            "parse error at line 2, col 3: syntax error: unexpected }",
        );
        check(
            "1 +\n",
            "parse error at line 2, col 1: syntax error: unexpected $end",
        );
        check("", "parse error : syntax error: unexpected $end");
    }

    #[test]
    fn hints() {
        check(
            "rat({a=\"b\"}[5m])",
            "parse error at line 1, col 1: syntax error: unexpected IDENTIFIER; \
             did you mean `rate`?",
        );
        let error = parse("{a=\"b\"} | jsn").unwrap_err();
        assert_eq!(error.hint(), Some("json"));
        assert_eq!(
            error.to_string(),
            "parse error at line 1, col 14: syntax error: unexpected $end"
        );
    }
}
