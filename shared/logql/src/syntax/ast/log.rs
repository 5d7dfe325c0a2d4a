//! Log expressions: a [`Selector`] and the [`Stage`]s that its lines run through.

use narvi_model::{MatchOp, Matcher};

use super::Span;

/// A selector with its pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct LogExpr {
    /// Which streams.
    pub selector: Selector,
    /// What happens to each line, in order.
    pub stages: Vec<Stage>,
    /// The whole expression.
    pub span: Span,
}

/// `{app="x", env=~"p.*"}`; a query needs one matcher that an absent label does not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// In the order written.
    pub matchers: Vec<Matcher>,
    /// From brace to brace.
    pub span: Span,
}

/// One step of a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// What it does.
    pub kind: StageKind,
    /// From its operator or `|` on.
    pub span: Span,
}

/// Every kind of stage.
#[derive(Clone, Debug, PartialEq)]
pub enum StageKind {
    /// `|= "a" or "b"`
    LineFilter(LineFilter),
    /// `| json [a="b.c", …]`; without extractions, everything.
    Json(Vec<Extraction>),
    /// `| logfmt [--strict] [--keep-empty] [a="b", …]`
    Logfmt {
        /// Stop at the first mistake and say so.
        strict: bool,
        /// Keep keys without a value.
        keep_empty: bool,
        /// Without extractions, everything.
        extractions: Vec<Extraction>,
    },
    /// `| regexp "(?P<a>…)"`
    Regexp(String),
    /// `| pattern "<a> <_>"`
    Pattern(String),
    /// `| unpack`
    Unpack,
    /// `| a = "b" and c > 5`
    LabelFilter(LabelFilter),
    /// `| line_format "{{.a}}"`
    LineFormat(String),
    /// `| label_format a=b, c="{{.d}}"`
    LabelFormat(Vec<LabelFormat>),
    /// `| decolorize`
    Decolorize,
    /// `| drop a, b="c"`
    Drop(Vec<LabelItem>),
    /// `| keep a, b="c"`
    Keep(Vec<LabelItem>),
}

/// `|= "a" or "b"`: every alternative takes the one operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineFilter {
    /// How the line is compared.
    pub op: LineFilterOp,
    /// Never empty; more than one after `or`.
    pub alternatives: Vec<FilterText>,
}

/// The operator of a line filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineFilterOp {
    /// `|=`
    Contains,
    /// `!=`
    NotContains,
    /// `|~`
    Regex,
    /// `!~`
    NotRegex,
    /// `|>`
    Pattern,
    /// `!>`
    NotPattern,
}

impl LineFilterOp {
    /// The operator as written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Contains => "|=",
            Self::NotContains => "!=",
            Self::Regex => "|~",
            Self::NotRegex => "!~",
            Self::Pattern => "|>",
            Self::NotPattern => "!>",
        }
    }

    /// Whether a line that has what is looked for is dropped.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        matches!(self, Self::NotContains | Self::NotRegex | Self::NotPattern)
    }
}

/// What a line filter looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterText {
    /// A text, expression or pattern.
    Text(String),
    /// `ip("10.0.0.0/8")`
    Ip(String),
}

/// `a="b.c"` of `json` and `logfmt`; a bare `a` means `a="a"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extraction {
    /// The label that is made.
    pub name: String,
    /// The path or key that it is taken from.
    pub path: String,
    /// The whole extraction.
    pub span: Span,
}

/// One item of `label_format`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelFormat {
    /// The label that is written.
    pub name: String,
    /// Where its value comes from.
    pub value: LabelFormatValue,
}

/// The right side of a `label_format` item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelFormatValue {
    /// `a=b`: the label `b` is renamed.
    Rename(String),
    /// `a="{{.b}}"`
    Template(String),
}

/// One item of `drop` or `keep`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelItem {
    /// The label whatever its value.
    Name(String),
    /// The label where its value matches.
    Matcher(Matcher),
}

/// A condition on labels.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelFilter {
    /// A comparison or a combination.
    pub kind: LabelFilterKind,
    /// The whole condition.
    pub span: Span,
}

/// A comparison, or two conditions combined. `,` and mere juxtaposition are `And` as well.
#[derive(Clone, Debug, PartialEq)]
pub enum LabelFilterKind {
    /// Both sides are always evaluated.
    And(Box<LabelFilter>, Box<LabelFilter>),
    /// The right side is not evaluated where the left is true.
    Or(Box<LabelFilter>, Box<LabelFilter>),
    /// One comparison.
    Condition(LabelCondition),
}

/// One comparison of a label with a literal.
#[derive(Clone, Debug, PartialEq)]
pub enum LabelCondition {
    /// `a =~ "b"`
    Text(Matcher),
    /// `a >= 5`, `a < 5s`, `a == 5KB`
    Number {
        /// The label.
        name: String,
        /// How it is compared.
        comparison: Comparison,
        /// With what.
        number: Number,
    },
    /// `a = ip("10.0.0.0/8")`; `op` is `=` or `!=`.
    Ip {
        /// The label.
        name: String,
        /// `=` or `!=`.
        op: MatchOp,
        /// An address, a network or a range.
        pattern: String,
    },
}

/// How numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `==` (also `=`)
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
}

/// A literal of a label filter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A plain number.
    Plain(f64),
    /// Nanoseconds.
    Duration(i64),
    /// Bytes.
    Bytes(u64),
}
