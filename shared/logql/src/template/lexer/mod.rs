//! Text to tokens, one at a time: [`Lexer::next`] answers a [`Token`], whose [`Kind`] the parser
//! looks at.
//!
//! What is wrong with a text is a token, too, since Go complains only once the parser gets there.
//! `scan` knows numbers, and where names and actions end.

mod scan;

use std::borrow::Cow;

use scan::{
    SPACES, code_point, has_left_trim, is_alphanumeric, is_terminator, number_len, right_delim,
};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something wrong; the token's text says what.
    Error,
    Bool,
    /// A character without a meaning of its own, such as a comma.
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    End,
    Field,
    Identifier,
    Keyword(Keyword),
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawText,
    RightDelim,
    RightParen,
    Space,
    Quoted,
    Text,
    Variable,
}

/// Words (and the dot) that are no names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Block,
    Break,
    Continue,
    Define,
    Dot,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

/// A piece of the template.
#[derive(Clone, Debug)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    /// Its first byte.
    pub(super) pos: usize,
    pub(super) text: Cow<'t, str>,
    /// Its first line, from 1.
    pub(super) line: usize,
}

impl Token<'_> {
    /// As complaints quote it.
    pub(super) fn shown(&self) -> String {
        match self.kind {
            Kind::End => "EOF".to_owned(),
            Kind::Error => self.text.to_string(),
            Kind::Keyword(_) => format!("<{}>", self.text),
            _ if self.text.len() > 10 => {
                let head: String = self.text.chars().take(10).collect();
                format!("{}...", crate::template::quote::quoted(&head))
            }
            _ => crate::template::quote::quoted(&self.text),
        }
    }
}

/// Reads tokens from the left.
pub(super) struct Lexer<'t> {
    text: &'t str,
    /// The next byte to look at.
    pos: usize,
    line: usize,
    in_action: bool,
    parens: usize,
    failed: bool,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            pos: 0,
            line: 1,
            in_action: false,
            parens: 0,
            failed: false,
        }
    }

    /// The next token; at the end, and behind an error, [`Kind::End`].
    pub(super) fn next(&mut self) -> Token<'t> {
        if self.failed {
            return self.token(Kind::End, self.pos);
        }
        if self.in_action {
            self.action()
        } else {
            self.plain()
        }
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.pos..).unwrap_or_default()
    }

    /// Makes a token of everything up to `end`, and goes there.
    fn token(&mut self, kind: Kind, end: usize) -> Token<'t> {
        let text = self.text.get(self.pos..end).unwrap_or_default();
        let token = Token {
            kind,
            pos: self.pos,
            text: Cow::Borrowed(text),
            line: self.line,
        };
        self.skip(text.len());
        token
    }

    /// Goes on by some bytes.
    fn skip(&mut self, len: usize) {
        let passed = self.rest().get(..len).unwrap_or_default();
        self.line += passed.bytes().filter(|byte| *byte == b'\n').count();
        self.pos += len;
    }

    fn error(&mut self, text: impl Into<Cow<'t, str>>) -> Token<'t> {
        self.failed = true;
        Token {
            kind: Kind::Error,
            pos: self.pos,
            text: text.into(),
            line: self.line,
        }
    }

    /// Text outside of actions; comments in it are passed over.
    fn plain(&mut self) -> Token<'t> {
        loop {
            let rest = self.rest();
            let Some(at) = rest.find("{{") else {
                let kind = if rest.is_empty() {
                    Kind::End
                } else {
                    Kind::Text
                };
                return self.token(kind, self.text.len());
            };
            let inside = rest.get(at + 2..).unwrap_or_default();
            let trims = has_left_trim(inside);
            let before = rest.get(..at).unwrap_or_default();
            let kept = if trims {
                before.trim_end_matches(SPACES)
            } else {
                before
            };
            if !kept.is_empty() {
                // The spaces that are cut off go with the next call.
                return self.token(Kind::Text, self.pos + kept.len());
            }
            self.skip(at);
            let marker = if trims { 2 } else { 0 };
            if inside
                .get(marker..)
                .is_some_and(|body| body.starts_with("/*"))
            {
                if let Some(wrong) = self.comment(2 + marker) {
                    return wrong;
                }
                continue;
            }
            let token = self.token(Kind::LeftDelim, self.pos + 2);
            self.skip(marker);
            self.in_action = true;
            self.parens = 0;
            return token;
        }
    }

    /// Passes a comment whose `/*` is `start` bytes away; answers what is wrong with it.
    fn comment(&mut self, start: usize) -> Option<Token<'t>> {
        self.skip(start);
        let Some(end) = self.rest().get(2..).and_then(|body| body.find("*/")) else {
            return Some(self.error("unclosed comment"));
        };
        let behind = self.rest().get(end + 4..).unwrap_or_default();
        let Some((delim, trims)) = right_delim(behind) else {
            // Go says this of the token that begins with the comment.
            return Some(self.error("comment ends before closing delimiter"));
        };
        self.skip(end + 4 + delim);
        if trims {
            self.skip_spaces();
        }
        None
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.skip(rest.len() - rest.trim_start_matches(SPACES).len());
    }

    /// Inside of `{{ }}`.
    fn action(&mut self) -> Token<'t> {
        let rest = self.rest();
        if let Some((len, _)) = right_delim(rest) {
            if self.parens > 0 {
                return self.error("unclosed left paren");
            }
            return self.close(len);
        }
        let Some(first) = rest.chars().next() else {
            return self.error("unclosed action");
        };
        let next = rest
            .get(first.len_utf8()..)
            .and_then(|tail| tail.chars().next());
        let one = self.pos + first.len_utf8();
        match first {
            c if SPACES.contains(&c) => self.spaces(),
            '=' => self.token(Kind::Assign, one),
            ':' if next == Some('=') => self.token(Kind::Declare, one + 1),
            ':' => self.error("expected :="),
            '|' => self.token(Kind::Pipe, one),
            '"' => self.quoted('"', Kind::Quoted, "unterminated quoted string"),
            '\'' => self.quoted('\'', Kind::CharConstant, "unterminated character constant"),
            '`' => match rest.get(1..).and_then(|body| body.find('`')) {
                Some(end) => self.token(Kind::RawText, one + end + 1),
                None => self.error("unterminated raw quoted string"),
            },
            '$' => self.name_behind(Kind::Variable),
            '.' if next.is_some_and(|c| !c.is_ascii_digit()) => self.name_behind(Kind::Field),
            '.' | '+' | '-' | '0'..='9' => self.number(),
            c if is_alphanumeric(c) => self.word(),
            '(' => {
                self.parens += 1;
                self.token(Kind::LeftParen, one)
            }
            ')' if self.parens == 0 => self.error("unexpected right paren"),
            ')' => {
                self.parens -= 1;
                self.token(Kind::RightParen, one)
            }
            c if c.is_ascii_graphic() => self.token(Kind::Char, one),
            c => self.error(format!(
                "unrecognized character in action: {}",
                code_point(Some(c))
            )),
        }
    }

    /// The `}}`, which is longer with its trim marker.
    fn close(&mut self, len: usize) -> Token<'t> {
        self.skip(len - 2);
        let token = self.token(Kind::RightDelim, self.pos + 2);
        if len > 2 {
            self.skip_spaces();
        }
        self.in_action = false;
        token
    }

    /// A run of spaces, without the one that belongs to ` -}}`.
    fn spaces(&mut self) -> Token<'t> {
        let rest = self.rest();
        let len = rest.len() - rest.trim_start_matches(SPACES).len();
        // Spaces are one byte each; a lone one before a marker was taken with the delimiter.
        let last = rest.get(len - 1..).unwrap_or_default();
        let kept = if right_delim(last).is_some() {
            len - 1
        } else {
            len
        };
        self.token(Kind::Space, self.pos + kept)
    }

    fn quoted(&mut self, quote: char, kind: Kind, unterminated: &'static str) -> Token<'t> {
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            let c = if c == '\\' {
                match chars.next() {
                    Some((_, escaped)) if escaped != '\n' => continue,
                    _ => break,
                }
            } else {
                c
            };
            if c == '\n' {
                break;
            }
            if c == quote {
                return self.token(kind, self.pos + at + 1);
            }
        }
        self.error(unterminated)
    }

    /// `$name`, `.name`, or the sign alone.
    fn name_behind(&mut self, kind: Kind) -> Token<'t> {
        let body = self.rest().get(1..).unwrap_or_default();
        let len = body.find(|c| !is_alphanumeric(c)).unwrap_or(body.len());
        let behind = body.get(len..).unwrap_or_default();
        if !is_terminator(behind) {
            let text = format!("bad character {}", code_point(behind.chars().next()));
            return self.error(text);
        }
        let kind = match kind {
            Kind::Field if len == 0 => Kind::Keyword(Keyword::Dot),
            kind => kind,
        };
        self.token(kind, self.pos + 1 + len)
    }

    fn word(&mut self) -> Token<'t> {
        let rest = self.rest();
        let len = rest.find(|c| !is_alphanumeric(c)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at_checked(len).unwrap_or((rest, ""));
        if !is_terminator(behind) {
            let text = format!("bad character {}", code_point(behind.chars().next()));
            return self.error(text);
        }
        let kind = match word {
            "true" | "false" => Kind::Bool,
            "block" => Kind::Keyword(Keyword::Block),
            "break" => Kind::Keyword(Keyword::Break),
            "continue" => Kind::Keyword(Keyword::Continue),
            "define" => Kind::Keyword(Keyword::Define),
            "else" => Kind::Keyword(Keyword::Else),
            "end" => Kind::Keyword(Keyword::End),
            "if" => Kind::Keyword(Keyword::If),
            "nil" => Kind::Keyword(Keyword::Nil),
            "range" => Kind::Keyword(Keyword::Range),
            "template" => Kind::Keyword(Keyword::Template),
            "with" => Kind::Keyword(Keyword::With),
            _ => Kind::Identifier,
        };
        self.token(kind, self.pos + len)
    }

    fn number(&mut self) -> Token<'t> {
        let text = self.rest();
        let mut end = match number_len(text) {
            Ok(len) => len,
            Err(len) => return self.bad_number(len),
        };
        let mut kind = Kind::Number;
        let tail = text.get(end..).unwrap_or_default();
        if tail.starts_with(['+', '-']) {
            kind = Kind::Complex;
            end += match number_len(tail) {
                Ok(len) if tail.get(..len).is_some_and(|part| part.ends_with('i')) => len,
                Ok(len) | Err(len) => return self.bad_number(end + len),
            };
        }
        self.token(kind, self.pos + end)
    }

    fn bad_number(&mut self, len: usize) -> Token<'t> {
        let text = self.rest().get(..len).unwrap_or_default();
        self.error(format!(
            "bad number syntax: {}",
            crate::template::quote::quoted(text)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &[(Kind, &str)]) {
        let mut lexer = Lexer::new(text);
        let mut found = Vec::new();
        loop {
            let token = lexer.next();
            if token.kind == Kind::End {
                break;
            }
            found.push((token.kind, token.text.into_owned()));
        }
        let found: Vec<_> = found
            .iter()
            .map(|(kind, text)| (*kind, text.as_str()))
            .collect();
        assert_eq!(found, want, "{text}");
    }

    #[test]
    fn texts_and_trims() {
        use Kind::{Field, LeftDelim, RightDelim, Space, Text};
        check("a b", &[(Text, "a b")]);
        check(
            "a \n{{- .b -}}\n c",
            &[
                (Text, "a"),
                (LeftDelim, "{{"),
                (Field, ".b"),
                (RightDelim, "}}"),
                (Text, "c"),
            ],
        );
        check("a {{- /* x */ -}} b", &[(Text, "a"), (Text, "b")]);
        check("{{/* x */}}", &[]);
        check(
            "{{.a  -}}",
            &[
                (LeftDelim, "{{"),
                (Field, ".a"),
                (Space, " "),
                (RightDelim, "}}"),
            ],
        );
    }
}
