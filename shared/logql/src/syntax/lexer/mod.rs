//! [`Lexer`]: text to tokens, one at a time, as Loki's scanner cuts them.
//!
//! | File | What it reads |
//! |---|---|
//! | this | blanks, comments, names, signs, and which reader a character calls for |
//! | [`strings`] | `"…"` with Go's escapes, `` `…` ``, `'…'` |
//! | [`numbers`] | numbers, durations, sizes, `[5m]` |
//! | [`token`] | what comes out |
//!
//! Function names are functions only before `(` (or `by (`, `without (`); elsewhere they are
//! names, so that `{rate="x"}` and `| duration > 5s` work. All fixed words ignore case. Knows
//! nothing of what may follow what.

pub(super) mod numbers;
mod strings;
pub(super) mod token;

use super::SyntaxError;
use super::ast::Span;
use token::{Flag, Lexeme, Symbol, Token};

/// A position in a text; [`Lexer::next`] reads on.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

/// What a reader found: the token, its length, and whether it is put together of several.
struct Read<'a> {
    token: Token<'a>,
    len: usize,
    assembled: bool,
}

/// What a reader refuses, in Go's words; `assembled` as in [`Lexeme`].
struct Refusal {
    message: String,
    assembled: bool,
}

impl Refusal {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            assembled: false,
        }
    }
}

impl<'a> Lexer<'a> {
    /// At the start of `text`, behind its byte order mark.
    pub(super) fn new(text: &'a str) -> Self {
        let at = if text.starts_with('\u{feff}') {
            '\u{feff}'.len_utf8()
        } else {
            0
        };
        Self { text, at }
    }

    /// The whole text.
    pub(super) const fn text(&self) -> &'a str {
        self.text
    }

    /// The next token; at the end, [`Token::End`] for ever.
    pub(super) fn next(&mut self) -> Result<Lexeme<'a>, SyntaxError> {
        self.skip_blanks()?;
        let start = self.at;
        match read(self.rest()) {
            Ok(read) => {
                self.at += read.len;
                Ok(Lexeme {
                    token: read.token,
                    span: span(start, self.at),
                    assembled: read.assembled,
                })
            }
            Err(refusal) => Err(self.refuse(start, refusal)),
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn refuse(&self, start: usize, refusal: Refusal) -> SyntaxError {
        let place = Lexeme {
            token: Token::Unknown,
            span: span(start, start),
            assembled: refusal.assembled,
        };
        SyntaxError::at(self.text, &place, refusal.message)
    }

    /// Blanks and comments: `# …`, `// …` to the end of the line and `/* … */`.
    fn skip_blanks(&mut self) -> Result<(), SyntaxError> {
        loop {
            let rest = self.rest();
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
            self.at += blanks;
            let rest = self.rest();
            if rest.starts_with('#') || rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let Some(end) = comment.find("*/") else {
                    return Err(self.refuse(self.at, Refusal::new("comment not terminated")));
                };
                self.at += end + 4;
            } else {
                return Ok(());
            }
        }
    }
}

/// The span of two offsets; queries are far below 4 GiB.
fn span(start: usize, end: usize) -> Span {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span {
        start: offset(start),
        end: offset(end),
    }
}

/// Reads one token at the start of `rest`, which does not start with a blank.
fn read(rest: &str) -> Result<Read<'_>, Refusal> {
    let mut chars = rest.chars();
    let (Some(first), second) = (chars.next(), chars.next()) else {
        return Ok(Read {
            token: Token::End,
            len: 0,
            assembled: false,
        });
    };
    match first {
        '\0' => Err(Refusal::new("invalid character NUL")),
        '"' => strings::quoted(rest),
        '`' => strings::raw(rest),
        '\'' => strings::character(rest),
        '[' => numbers::range(rest),
        '0'..='9' => numbers::number(rest),
        '.' if second.is_some_and(|c| c.is_ascii_digit()) => numbers::number(rest),
        '-' => Ok(minus(rest)),
        c if c == '_' || c.is_alphabetic() => Ok(word(rest)),
        _ => Ok(sign(rest)),
    }
}

/// A flag, a negative duration, or the sign alone.
fn minus(rest: &str) -> Read<'_> {
    for (text, flag) in [
        ("--strict", Flag::Strict),
        ("--keep-empty", Flag::KeepEmpty),
    ] {
        let whole = |tail: &str| !tail.starts_with(is_name_char);
        if rest.strip_prefix(text).is_some_and(whole) {
            return Read {
                token: Token::Flag(flag),
                len: text.len(),
                assembled: true,
            };
        }
    }
    numbers::negative_duration(rest).unwrap_or_else(|| sign(rest))
}

fn is_name_char(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// A name, reserved word or function.
fn word(rest: &str) -> Read<'_> {
    let (word, after) = rest.split_at(rest.find(|c| !is_name_char(c)).unwrap_or(rest.len()));
    let lower = word.to_ascii_lowercase();
    let token = match Token::function(&lower) {
        Some(function) if is_called(after) => function,
        _ => Symbol::word(&lower).map_or(Token::Name(word), Token::Symbol),
    };
    Read {
        token,
        len: word.len(),
        assembled: false,
    }
}

/// Whether a call's parenthesis follows, or a grouping that is followed by one.
fn is_called(after: &str) -> bool {
    let after = after.trim_start();
    let grouping = ["by", "without"].into_iter().find_map(|word| {
        let head = after.get(..word.len())?;
        head.eq_ignore_ascii_case(word)
            .then(|| after.get(word.len()..))?
    });
    grouping.map_or(after, str::trim_start).starts_with('(')
}

/// The longest sign.
fn sign(rest: &str) -> Read<'_> {
    let double = rest.get(..2).and_then(Symbol::sign).map(|sign| (sign, 2));
    let single = || rest.get(..1).and_then(Symbol::sign).map(|sign| (sign, 1));
    match double.or_else(single) {
        Some((sign, len)) => Read {
            token: Token::Symbol(sign),
            len,
            assembled: len == 2,
        },
        None => {
            let len = rest.chars().next().map_or(0, char::len_utf8);
            Read {
                token: Token::Unknown,
                len,
                assembled: false,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> String {
        let mut lexer = Lexer::new(text);
        let mut names = Vec::new();
        loop {
            match lexer.next() {
                Ok(lexeme) if lexeme.token == Token::End => return names.join(" "),
                Ok(lexeme) => names.push(lexeme.token.name()),
                Err(error) => return error.to_string(),
            }
        }
    }

    #[track_caller]
    fn check(text: &str, want: &str) {
        assert_eq!(names(text), want, "{text}");
    }

    #[test]
    fn words_are_functions_only_when_called() {
        check("rate(", "RATE (");
        check("rate (", "RATE (");
        check("rate=", "IDENTIFIER =");
        check("sum by (a)", "SUM by ( IDENTIFIER )");
        check("SUM WithOut(", "SUM without (");
        check("sum by a", "IDENTIFIER by IDENTIFIER");
        check(
            "duration_seconds(x) ip( bytes(",
            "DURATION_SECONDS_CONV ( IDENTIFIER ) ip ( BYTES_CONV (",
        );
        check("Json JSON json", "json json json");
        check("日本 _a9", "IDENTIFIER IDENTIFIER");
    }

    #[test]
    fn comments_and_blanks() {
        check("\u{feff}1 # 2\n3 // 4\n/* 5 \n */6", "NUMBER NUMBER NUMBER");
        check("1 / 2 #", "NUMBER / NUMBER");
        check(
            "1 /* 2",
            "parse error at line 1, col 3: comment not terminated",
        );
        check("\"# no // comment\"", "STRING");
    }

    #[test]
    fn signs() {
        check("|=|~|>!=!~!>=~==>=<=", "|= |~ |> != !~ !> =~ == >= <=");
        check("| = ! ; ~", "| = IDENTIFIER IDENTIFIER IDENTIFIER");
        check(
            "--strict --keep-empty --bogus --stricter",
            "PARSER_FLAG PARSER_FLAG - - IDENTIFIER - - IDENTIFIER",
        );
        check("a\0", "parse error at line 1, col 2: invalid character NUL");
    }
}
