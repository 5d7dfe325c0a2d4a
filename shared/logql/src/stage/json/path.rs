//! Paths into JSON, as `| json a="b.c[0]"` has them: text to [`Part`]s.
//!
//! A path is a field, `["any key"]` or `[0]`, then more of these, fields behind a dot. Errors are
//! in Loki's words; which tokens it says it expected depends on where it stopped.

use std::iter::Peekable;
use std::str::Chars;

use crate::limits::MAX_PATH_PARTS;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// Into an object.
    Field(String),
    /// Into an array.
    Index(u64),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    End,
    Dot,
    Open,
    Close,
    Text(String),
    Field(String),
    Index(u64),
}

impl Token {
    const fn name(&self) -> &'static str {
        match self {
            Self::End => "$end",
            Self::Dot => "DOT",
            Self::Open => "LSB",
            Self::Close => "RSB",
            Self::Text(_) => "STRING",
            Self::Field(_) => "FIELD",
            Self::Index(_) => "INDEX",
        }
    }
}

/// The steps of a path; the error says what is wrong with it.
pub(super) fn parse(path: &str) -> Result<Vec<Part>, String> {
    let parts = parts(path).and_then(|parts| match parts.len() {
        0..=MAX_PATH_PARTS => Ok(parts),
        many => Err(format!(
            "{many} parts are more than the {MAX_PATH_PARTS} that a path may have"
        )),
    });
    parts.map_err(|cause| format!("cannot parse expression [{path}]: {cause}"))
}

fn parts(path: &str) -> Result<Vec<Part>, String> {
    let mut lexer = Lexer {
        rest: path.chars().peekable(),
        error: None,
    };
    let mut parts = Vec::new();
    match lexer.next() {
        Token::Field(field) => parts.push(Part::Field(field)),
        Token::Open => parts.push(lexer.access()?),
        other => return Err(unexpected(&other, ", expecting LSB or FIELD")),
    }
    loop {
        match lexer.next() {
            Token::Open => parts.push(lexer.access()?),
            Token::Dot => match lexer.next() {
                Token::Field(field) => parts.push(Part::Field(field)),
                other => return Err(unexpected(&other, ", expecting FIELD")),
            },
            Token::End => return lexer.error.map_or(Ok(parts), Err),
            other => return Err(unexpected(&other, "")),
        }
    }
}

fn unexpected(token: &Token, expecting: &str) -> String {
    format!("syntax error: unexpected {}{expecting}", token.name())
}

/// Cuts a path into tokens. What is no token ends the path; that counts as the error only where
/// the path may end.
struct Lexer<'a> {
    rest: Peekable<Chars<'a>>,
    error: Option<String>,
}

impl Lexer<'_> {
    /// What is behind `[`.
    fn access(&mut self) -> Result<Part, String> {
        let part = match self.next() {
            Token::Text(key) => Part::Field(key),
            Token::Index(index) => Part::Index(index),
            other => return Err(unexpected(&other, ", expecting STRING or INDEX")),
        };
        match self.next() {
            Token::Close => Ok(part),
            other => Err(unexpected(&other, ", expecting RSB")),
        }
    }

    fn next(&mut self) -> Token {
        if self.error.is_some() {
            return Token::End;
        }
        while self.rest.next_if(|c| is_space(*c)).is_some() {}
        let is_letter = |c: &char| c.is_ascii_alphabetic() || *c == '_';
        if self.rest.peek().is_some_and(is_letter) {
            let is_more = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
            let field = std::iter::from_fn(|| self.rest.next_if(is_more));
            return Token::Field(field.collect());
        }
        if self.rest.peek().is_some_and(char::is_ascii_digit) {
            return self.index();
        }
        match self.rest.next() {
            None | Some('\0') => Token::End,
            Some('.') => Token::Dot,
            Some('[') => Token::Open,
            Some(']') => Token::Close,
            Some('"') => {
                // A bracket ends a string as well.
                let is_more = |c: &char| !matches!(c, '"' | ']' | '\0');
                let text = self.rest.by_ref().take_while(is_more);
                Token::Text(text.collect())
            }
            Some(other) => self.fail(format!("unexpected char {other}")),
        }
    }

    fn index(&mut self) -> Token {
        let mut digits = String::new();
        loop {
            match self.rest.peek().copied() {
                Some('.') => return self.fail("cannot use float as array index".to_owned()),
                Some(c) if is_space(c) || c == ']' => break,
                Some(c) if c.is_ascii_digit() => digits.push(c),
                other => {
                    let other = other.unwrap_or('\0');
                    return self.fail(format!("non-integer value: {other}"));
                }
            }
            self.rest.next();
        }
        match digits.parse::<i64>() {
            Ok(index) => Token::Index(index.unsigned_abs()),
            Err(_) => {
                let error = format!("strconv.Atoi: parsing \"{digits}\": value out of range");
                self.fail(error)
            }
        }
    }

    fn fail(&mut self, error: String) -> Token {
        self.error = Some(error);
        Token::End
    }
}

const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let field = |text: &str| Part::Field(text.to_owned());
        for (path, want) in [
            ("a", vec![field("a")]),
            ("_a1.b", vec![field("_a1"), field("b")]),
            (" a . b ", vec![field("a"), field("b")]),
            (
                "a[0][12].c",
                vec![field("a"), Part::Index(0), Part::Index(12), field("c")],
            ),
            (r#"["k k"]["0"]"#, vec![field("k k"), field("0")]),
            ("[ 3 ]", vec![Part::Index(3)]),
        ] {
            assert_eq!(parse(path).unwrap(), want, "{path}");
        }
    }

    #[test]
    fn mistakes() {
        for (path, want) in [
            ("", "syntax error: unexpected $end, expecting LSB or FIELD"),
            (".a", "syntax error: unexpected DOT, expecting LSB or FIELD"),
            (
                "-a",
                "syntax error: unexpected $end, expecting LSB or FIELD",
            ),
            ("b..c", "syntax error: unexpected DOT, expecting FIELD"),
            ("b.0", "syntax error: unexpected $end, expecting FIELD"),
            (
                "[x]",
                "syntax error: unexpected FIELD, expecting STRING or INDEX",
            ),
            (
                "[",
                "syntax error: unexpected $end, expecting STRING or INDEX",
            ),
            (
                "a[0",
                "syntax error: unexpected $end, expecting STRING or INDEX",
            ),
            (
                "a[1.5]",
                "syntax error: unexpected $end, expecting STRING or INDEX",
            ),
            (r#"a["b" "#, "syntax error: unexpected $end, expecting RSB"),
            ("a b", "syntax error: unexpected FIELD"),
            ("a]", "syntax error: unexpected RSB"),
            ("a-b", "unexpected char -"),
            ("a 1.5", "cannot use float as array index"),
            ("a 1x", "non-integer value: x"),
        ] {
            let want = format!("cannot parse expression [{path}]: {want}");
            assert_eq!(parse(path), Err(want), "{path}");
        }
        assert!(parse("a[9223372036854775807]").is_ok());
        assert!(parse("a[9223372036854775808]").is_err());
        assert!(parse(&"[0]".repeat(MAX_PATH_PARTS)).is_ok());
        assert!(parse(&"[0]".repeat(MAX_PATH_PARTS + 1)).is_err());
    }
}
