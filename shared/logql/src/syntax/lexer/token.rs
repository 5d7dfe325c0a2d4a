//! [`Lexeme`]: one [`Token`] with its place; [`Symbol`] and [`Function`], the fixed words.
//!
//! The names that error texts use for tokens live here, since they are Loki's.

use crate::syntax::ast::{RangeOp, Span, VectorOp};

/// A token and where it stands.
#[derive(Clone, Debug)]
pub(in crate::syntax) struct Lexeme<'a> {
    /// What it is.
    pub token: Token<'a>,
    /// Where it stands.
    pub span: Span,
    /// Put together from several scans, for which Loki reports line 0.
    pub assembled: bool,
}

/// One word or sign of a query.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::syntax) enum Token<'a> {
    /// The end of the text.
    End,
    /// A sign that LogQL does not have; Loki calls it an identifier.
    Unknown,
    /// A name.
    Name(&'a str),
    /// A string, without quotes and escapes.
    Text(String),
    /// A number as written.
    Number(&'a str),
    /// Nanoseconds.
    Duration(i64),
    /// Bytes.
    Bytes(u64),
    /// `[5m]`, nanoseconds.
    Range(i64),
    /// `--strict` or `--keep-empty`.
    Flag(Flag),
    /// A sign or a reserved word.
    Symbol(Symbol),
    /// A function over a range, before its parenthesis.
    RangeOp(RangeOp),
    /// An aggregation, before its parenthesis or grouping.
    VectorOp(VectorOp),
    /// Another function, before its parenthesis.
    Function(Function),
}

/// The flags of `logfmt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::syntax) enum Flag {
    /// `--strict`
    Strict,
    /// `--keep-empty`
    KeepEmpty,
}

/// Functions that are no aggregation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::syntax) enum Function {
    /// `label_replace`
    LabelReplace,
    /// `vector`
    Vector,
    /// `bytes`
    Bytes,
    /// `duration`
    Duration,
    /// `duration_seconds`
    DurationSeconds,
    /// `ip`
    Ip,
}

impl Function {
    const ALL: [Self; 6] = [
        Self::LabelReplace,
        Self::Vector,
        Self::Bytes,
        Self::Duration,
        Self::DurationSeconds,
        Self::Ip,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::LabelReplace => "label_replace",
            Self::Vector => "vector",
            Self::Bytes => "bytes",
            Self::Duration => "duration",
            Self::DurationSeconds => "duration_seconds",
            Self::Ip => "ip",
        }
    }

    const fn token_name(self) -> &'static str {
        match self {
            Self::LabelReplace => "LABEL_REPLACE",
            Self::Vector => "VECTOR",
            Self::Bytes => "BYTES_CONV",
            Self::Duration => "DURATION_CONV",
            Self::DurationSeconds => "DURATION_SECONDS_CONV",
            Self::Ip => "ip",
        }
    }
}

impl Token<'_> {
    /// The function that `word` (in lower case) names before a parenthesis.
    pub(super) fn function(word: &str) -> Option<Token<'static>> {
        let range = RangeOp::ALL
            .into_iter()
            .find(|op| op.as_str() == word)
            .map(Token::RangeOp);
        let vector = || VectorOp::ALL.into_iter().find(|op| op.as_str() == word);
        let other = || {
            Function::ALL
                .into_iter()
                .find(|function| function.as_str() == word)
        };
        range
            .or_else(|| vector().map(Token::VectorOp))
            .or_else(|| other().map(Token::Function))
    }

    /// What error texts call it.
    pub(in crate::syntax) fn name(&self) -> String {
        match self {
            Self::End => "$end".to_owned(),
            Self::Unknown | Self::Name(_) => "IDENTIFIER".to_owned(),
            Self::Text(_) => "STRING".to_owned(),
            Self::Number(_) => "NUMBER".to_owned(),
            Self::Duration(_) => "DURATION".to_owned(),
            Self::Bytes(_) => "BYTES".to_owned(),
            Self::Range(_) => "RANGE".to_owned(),
            Self::Flag(_) => "PARSER_FLAG".to_owned(),
            Self::Symbol(symbol) => symbol.as_str().to_owned(),
            Self::RangeOp(op) => op.as_str().to_ascii_uppercase(),
            Self::VectorOp(op) => op.as_str().to_ascii_uppercase(),
            Self::Function(function) => function.token_name().to_owned(),
        }
    }
}

/// Declares [`Symbol`] with its texts, which serve the lexer and the error texts alike.
macro_rules! symbols {
    (
        signs: { $($sign:ident $sign_text:literal)* }
        words: { $($word:ident $word_text:literal)* }
    ) => {
        /// A sign or a reserved word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(in crate::syntax) enum Symbol { $($sign,)* $($word,)* }

        impl Symbol {
            /// As written.
            pub(in crate::syntax) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$sign => $sign_text,)*
                    $(Self::$word => $word_text,)*
                }
            }

            /// The sign that is exactly `text`.
            pub(super) fn sign(text: &str) -> Option<Self> {
                match text {
                    $($sign_text => Some(Self::$sign),)*
                    _ => None,
                }
            }

            /// The reserved word that is exactly `word`, in lower case.
            pub(super) fn word(word: &str) -> Option<Self> {
                match word {
                    $($word_text => Some(Self::$word),)*
                    _ => None,
                }
            }
        }
    };
}

symbols! {
    signs: {
        OpenBrace "{" CloseBrace "}" OpenParen "(" CloseParen ")" OpenBracket "[" CloseBracket "]"
        Comma "," Dot "." Pipe "|" Equal "=" NotEqual "!=" Matches "=~" NotMatches "!~"
        PipeEqual "|=" PipeMatches "|~" PipePattern "|>" NotPattern "!>"
        EqualEqual "==" Greater ">" GreaterEqual ">=" Less "<" LessEqual "<="
        Plus "+" Minus "-" Star "*" Slash "/" Percent "%" Caret "^"
    }
    words: {
        By "by" Without "without" Bool "bool" Offset "offset" On "on" Ignoring "ignoring"
        GroupLeft "group_left" GroupRight "group_right" Or "or" And "and" Unless "unless"
        Json "json" Regexp "regexp" Logfmt "logfmt" Unpack "unpack" Pattern "pattern"
        LineFormat "line_format" LabelFormat "label_format" Unwrap "unwrap"
        Decolorize "decolorize" Drop "drop" Keep "keep" Variants "variants" Of "of"
    }
}
