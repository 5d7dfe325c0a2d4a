//! Label text: [`parse`] reads `{a="x", b='y', c=`z`}` by the rules of Prometheus' metric syntax.
//!
//! Also `foo{…}` and `{"foo", …}` (a metric name, kept as `__name__`) and quoted UTF-8 names.
//! Errors have Prometheus' texts and places, since collectors' users search for them.

use std::fmt::Write as _;

use narvi_model::{Labels, write_quoted};

use super::quoted::{scan, unquote};

/// Why label text is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelsError {
    /// It cannot be read.
    #[error("{line}:{column}: parse error: {reason}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
        /// Prometheus' text.
        reason: String,
    },
    /// It can be read, but a name occurs twice, even if with one value.
    #[error("stream '{stream}' has duplicate label name: '{name}'")]
    Duplicate {
        /// All labels, sorted.
        stream: String,
        /// The name.
        name: String,
    },
}

/// Reads label text. Labels of empty value are dropped: an absent and an empty label are one.
///
/// # Errors
/// [`LabelsError::Syntax`] for the first place that breaks the syntax, [`LabelsError::Duplicate`]
/// for the first name that occurs twice.
pub fn parse(text: &str) -> Result<Labels, LabelsError> {
    let mut pairs = Parser { text, at: 0 }
        .metric()
        .map_err(|mistake| mistake.locate(text))?;
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    if let Some(pair) = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let name = pair[0].0.clone();
        return Err(LabelsError::Duplicate {
            stream: print(&pairs),
            name,
        });
    }
    Ok(Labels::of_stream(pairs))
}

/// Labels of a JSON object. Loki writes them as text with bare names and reads that, so a name that
/// is no identifier fails like broken text does.
///
/// # Errors
/// As [`parse`].
pub(super) fn from_pairs(pairs: Vec<(String, String)>) -> Result<Labels, LabelsError> {
    let plain = |name: &str| {
        name.bytes()
            .enumerate()
            .all(|(at, c)| is_name_byte(c) && (at > 0 || !c.is_ascii_digit()))
    };
    if pairs
        .iter()
        .all(|(name, _)| !name.is_empty() && plain(name))
    {
        return Ok(Labels::of_stream(pairs));
    }
    let sorted = Labels::from_pairs(pairs);
    let pairs: Vec<_> = sorted
        .iter()
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .collect();
    parse(&print(&pairs))
}

fn print(pairs: &[(String, String)]) -> String {
    let mut out = String::from("{");
    for (n, (name, value)) in pairs.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(out, "{}{name}=", if n > 0 { ", " } else { "" });
        let _ = write_quoted(&mut out, value);
    }
    out.push('}');
    out
}

/// What is wrong, and at which byte.
struct Mistake {
    at: usize,
    reason: String,
}

impl Mistake {
    fn locate(self, text: &str) -> LabelsError {
        let before = &text.as_bytes()[..self.at.min(text.len())];
        let line = 1 + before.iter().filter(|&&c| c == b'\n').count();
        let line_start = before
            .iter()
            .rposition(|&c| c == b'\n')
            .map_or(0, |at| at + 1);
        let column = before.len() - line_start + 1;
        LabelsError::Syntax {
            line,
            column,
            reason: self.reason,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Name,
    Text,
    /// `=`, `,` and what is known but never expected: `=~`, `!=`, `!~`.
    Sign,
    Close,
}

#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    kind: Kind,
    at: usize,
    text: &'a str,
}

impl Token<'_> {
    fn is(&self, sign: &str) -> bool {
        self.kind == Kind::Sign && self.text == sign
    }

    /// As Prometheus' `Item.desc`.
    fn describe(&self) -> String {
        let mut quoted = String::new();
        let cut: String = self.text.chars().take(10).collect();
        let is_cut = self.kind != Kind::Name && cut.len() < self.text.len();
        let shown = if is_cut { &cut } else { self.text };
        // Writing to a string cannot fail.
        let _ = write_quoted(&mut quoted, shown);
        let dots = if is_cut { "..." } else { "" };
        match self.kind {
            Kind::Name => format!("identifier {quoted}"),
            Kind::Text => format!("string {quoted}{dots}"),
            Kind::Sign | Kind::Close => quoted,
        }
    }

    fn unexpected<T>(&self, expected: &str) -> Result<T, Mistake> {
        let reason = format!(
            "unexpected {} in label set, expected {expected}",
            self.describe()
        );
        Err(Mistake {
            at: self.at,
            reason,
        })
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    /// `name`, `name{…}`, `{…}` or nothing at all, which is no labels.
    fn metric(&mut self) -> Result<Vec<(String, String)>, Mistake> {
        let mut pairs = Vec::new();
        self.skip_space();
        let name = self.take_while(|c| is_name_byte(c) || c == b':');
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            return self.stray(self.at - name.len());
        }
        if !name.is_empty() {
            pairs.push(("__name__".to_owned(), name.to_owned()));
        }
        self.skip_space();
        if self.peek() == Some(b'{') {
            self.at += 1;
            self.label_set(&mut pairs)?;
            self.skip_space();
        }
        if self.at < self.text.len() {
            return self.stray(self.at);
        }
        Ok(pairs)
    }

    fn label_set(&mut self, pairs: &mut Vec<(String, String)>) -> Result<(), Mistake> {
        loop {
            let name = self.token()?;
            match name.kind {
                Kind::Close => return Ok(()),
                Kind::Name | Kind::Text => {}
                _ => return name.unexpected(r#"identifier or "}""#),
            }
            let mut next = self.token()?;
            if next.is("=") {
                let value = self.token()?;
                if value.kind != Kind::Text {
                    return value.unexpected("string");
                }
                pairs.push((name_of(&name)?, text_of(&value)?));
                next = self.token()?;
            } else if name.kind == Kind::Text {
                pairs.push(("__name__".to_owned(), text_of(&name)?));
            } else {
                return next.unexpected(r#""=""#);
            }
            match next.kind {
                Kind::Close => return Ok(()),
                _ if next.is(",") => {}
                _ => return next.unexpected(r#""," or "}""#),
            }
        }
    }

    /// The next token inside braces.
    fn token(&mut self) -> Result<Token<'a>, Mistake> {
        self.skip_space();
        let at = self.at;
        let Some(first) = self.peek() else {
            return Err(Mistake {
                at,
                reason: "unexpected end of input inside braces".to_owned(),
            });
        };
        let rest = &self.text[at..];
        let (kind, len) = match first {
            b'}' => (Kind::Close, 1),
            b',' => (Kind::Sign, 1),
            b'=' => (Kind::Sign, if rest.starts_with("=~") { 2 } else { 1 }),
            b'!' if rest.starts_with("!=") || rest.starts_with("!~") => (Kind::Sign, 2),
            b'"' | b'\'' | b'`' => (
                Kind::Text,
                scan(rest).map_err(|e| Mistake {
                    at,
                    reason: e.to_owned(),
                })?,
            ),
            _ if is_name_byte(first) && !first.is_ascii_digit() => {
                let len = rest
                    .bytes()
                    .position(|c| !is_name_byte(c))
                    .unwrap_or(rest.len());
                (Kind::Name, len)
            }
            b'{' => {
                return Err(Mistake {
                    at,
                    reason: "unexpected left brace '{'".to_owned(),
                });
            }
            _ => {
                let shown = quote_char(rest);
                let reason = format!("unexpected character inside braces: {shown}");
                return Err(Mistake { at, reason });
            }
        };
        self.at += len;
        Ok(Token {
            kind,
            at,
            text: &rest[..len],
        })
    }

    /// Text outside of braces where there must be none.
    fn stray<T>(&self, at: usize) -> Result<T, Mistake> {
        let rest = &self.text[at..];
        let len = rest
            .bytes()
            .position(|c| !is_name_byte(c))
            .unwrap_or(rest.len());
        let reason = if len > 0 && !rest.starts_with(|c: char| c.is_ascii_digit()) {
            let token = Token {
                kind: Kind::Name,
                at,
                text: &rest[..len],
            };
            format!("unexpected {}", token.describe())
        } else if rest.is_empty() {
            "unexpected end of input".to_owned()
        } else {
            format!("unexpected character: {}", quote_char(rest))
        };
        Err(Mistake { at, reason })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Passes over white space and comments, which run from `#` to the end of the line.
    fn skip_space(&mut self) {
        loop {
            self.take_while(|c| matches!(c, b' ' | b'\t' | b'\n' | b'\r'));
            if self.peek() != Some(b'#') {
                return;
            }
            self.take_while(|c| c != b'\n');
        }
    }

    fn take_while(&mut self, mut keep: impl FnMut(u8) -> bool) -> &'a str {
        let start = self.at;
        // Stops before or after whole characters: `keep` tells ASCII from the rest alike for
        // every byte of a character.
        while self.peek().is_some_and(&mut keep) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }
}

fn name_of(token: &Token<'_>) -> Result<String, Mistake> {
    match token.kind {
        Kind::Text => text_of(token),
        _ => Ok(token.text.to_owned()),
    }
}

fn text_of(token: &Token<'_>) -> Result<String, Mistake> {
    unquote(token.text).map_err(|reason| Mistake {
        at: token.at,
        reason: reason.to_owned(),
    })
}

const fn is_name_byte(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_'
}

/// The first character of `rest` in single quotes, as Go's `%q` prints it.
fn quote_char(rest: &str) -> String {
    match rest.chars().next() {
        Some('\'') => r"'\''".to_owned(),
        Some('"') => "'\"'".to_owned(),
        Some(c) => {
            let mut quoted = String::new();
            // Writing to a string cannot fail.
            let _ = write_quoted(&mut quoted, c.encode_utf8(&mut [0; 4]));
            format!("'{}'", quoted.trim_matches('"'))
        }
        None => "''".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, want: Result<&str, &str>) {
        let got = parse(text)
            .map(|l| l.to_string())
            .map_err(|e| e.to_string());
        assert_eq!(got.as_deref().map_err(String::as_str), want, "{text}");
    }

    #[test]
    fn accepted() {
        check(r#"{a="x", b='y', c=`z`}"#, Ok(r#"{a="x", b="y", c="z"}"#));
        check(r#"{b="2",a="1",}"#, Ok(r#"{a="1", b="2"}"#));
        check(r#" { a = "x" } "#, Ok(r#"{a="x"}"#));
        check("{a=\"x\", # why\n b=\"y\"}", Ok(r#"{a="x", b="y"}"#));
        check(r#"{a="x",b=""}"#, Ok(r#"{a="x"}"#));
        check("{}", Ok("{}"));
        check("", Ok("{}"));
        check("foo", Ok(r#"{__name__="foo"}"#));
        check(r#"foo:bar{a="x"}"#, Ok(r#"{__name__="foo:bar", a="x"}"#));
        check(r#"{"foo", a="x"}"#, Ok(r#"{__name__="foo", a="x"}"#));
        check(r#"{"a.b"="c"}"#, Ok(r#"{"a.b"="c"}"#));
        check(r#"{a="é🎉\n\"q\""}"#, Ok(r#"{a="é🎉\n\"q\""}"#));
    }

    #[test]
    fn refused() {
        check(
            r#"{a.b="x"}"#,
            Err("1:3: parse error: unexpected character inside braces: '.'"),
        );
        check(
            r#"{é="x"}"#,
            Err("1:2: parse error: unexpected character inside braces: 'é'"),
        );
        check(
            r#"{1a="x"}"#,
            Err("1:2: parse error: unexpected character inside braces: '1'"),
        );
        check(
            r#"{a="x" b="y"}"#,
            Err(r#"1:8: parse error: unexpected identifier "b" in label set, expected "," or "}""#),
        );
        check(
            "{a=x}",
            Err(r#"1:4: parse error: unexpected identifier "x" in label set, expected string"#),
        );
        check(
            "{a}",
            Err(r#"1:3: parse error: unexpected "}" in label set, expected "=""#),
        );
        check(
            r#"{a=~"x"}"#,
            Err(r#"1:3: parse error: unexpected "=~" in label set, expected "=""#),
        );
        check(
            r#"{,}"#,
            Err(r#"1:2: parse error: unexpected "," in label set, expected identifier or "}""#),
        );
        check(
            r#"{a="x""#,
            Err("1:7: parse error: unexpected end of input inside braces"),
        );
        check(
            r#"{a="x}"#,
            Err("1:4: parse error: unterminated quoted string"),
        );
        check("{\na=`x", Err("2:3: parse error: unterminated raw string"));
        check(
            r#"{a="x"} foo"#,
            Err(r#"1:9: parse error: unexpected identifier "foo""#),
        );
        check(
            r#"{a="x"}}"#,
            Err("1:8: parse error: unexpected character: '}'"),
        );
        check("9{}", Err("1:1: parse error: unexpected character: '9'"));
        check(
            r#"{a="1",b="2",a="1"}"#,
            Err(r#"stream '{a="1", a="1", b="2"}' has duplicate label name: 'a'"#),
        );
    }

    #[test]
    fn names_of_json_are_bare() {
        let pairs = |name: &str| vec![(name.to_owned(), "x".to_owned())];
        let text = |name: &str| from_pairs(pairs(name)).unwrap_err().to_string();
        assert_eq!(
            text("a.b"),
            "1:3: parse error: unexpected character inside braces: '.'"
        );
        assert_eq!(
            text(""),
            r#"1:2: parse error: unexpected "=" in label set, expected identifier or "}""#
        );
        assert_eq!(
            from_pairs(pairs("a_b")).unwrap().to_string(),
            r#"{a_b="x"}"#
        );
    }

    proptest! {
        #[test]
        fn reads_what_labels_print(
            pairs in prop::collection::btree_map(
                "[a-zA-Z_.é \"]{1,8}",
                "\\PC{1,12}|[\\x00-\\x7f]+",
                0..6,
            )
        ) {
            let labels = Labels::of_stream(pairs);
            prop_assert_eq!(parse(&labels.to_string()), Ok(labels));
        }

        #[test]
        fn never_panics(text in "[{}=,\"'`\\\\a-c#\n é.]{0,30}") {
            let _ = parse(&text);
        }
    }
}
