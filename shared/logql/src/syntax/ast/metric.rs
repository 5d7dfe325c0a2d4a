//! Metric expressions: range and vector aggregations, binary operations, literals.

use super::{LabelFilter, LogExpr, Span};

/// An expression that yields numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricExpr {
    /// What it computes.
    pub kind: MetricKind,
    /// The whole expression.
    pub span: Span,
}

/// Every kind of metric expression.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricKind {
    /// `rate({…}[5m])`
    Range(RangeAggregation),
    /// `sum by (a) (…)`
    Vector(VectorAggregation),
    /// `a / b`
    Binary(Box<Binary>),
    /// `5`
    Literal(f64),
    /// `vector(5)`
    VectorLiteral(f64),
    /// `label_replace(…)`
    LabelReplace(Box<LabelReplace>),
}

/// A function over the lines of a sliding window.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeAggregation {
    /// Which function.
    pub op: RangeOp,
    /// The number before the range: the quantile.
    pub parameter: Option<f64>,
    /// What it runs over.
    pub range: LogRange,
    /// `by (…)` or `without (…)` after the parentheses.
    pub grouping: Option<Grouping>,
}

/// `{…} | … | unwrap x [5m] offset 1h`
#[derive(Clone, Debug, PartialEq)]
pub struct LogRange {
    /// Selector and pipeline, without the unwrap.
    pub log: LogExpr,
    /// The value of each line, where it is not the line itself.
    pub unwrap: Option<Unwrap>,
    /// Length of the window in nanoseconds.
    pub range: i64,
    /// How far back the window lies, in nanoseconds; negative is ahead.
    pub offset: i64,
    /// The whole range expression.
    pub span: Span,
}

/// `| unwrap duration(x) | __error__=""`
#[derive(Clone, Debug, PartialEq)]
pub struct Unwrap {
    /// The label whose value is taken.
    pub label: String,
    /// How its text becomes a number.
    pub conversion: Conversion,
    /// Label filters that run after the conversion.
    pub filters: Vec<LabelFilter>,
    /// From its `|` on.
    pub span: Span,
}

/// How `unwrap` reads a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Conversion {
    /// A plain number.
    Plain,
    /// `bytes(x)`
    Bytes,
    /// `duration(x)`: seconds.
    Duration,
    /// `duration_seconds(x)`: the same, printed as written.
    DurationSeconds,
}

/// The functions over a window (spec `logql.md` §13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RangeOp {
    /// `count_over_time`
    Count,
    /// `rate`
    Rate,
    /// `rate_counter`
    RateCounter,
    /// `bytes_over_time`
    Bytes,
    /// `bytes_rate`
    BytesRate,
    /// `sum_over_time`
    Sum,
    /// `avg_over_time`
    Avg,
    /// `min_over_time`
    Min,
    /// `max_over_time`
    Max,
    /// `stddev_over_time`
    Stddev,
    /// `stdvar_over_time`
    Stdvar,
    /// `quantile_over_time`
    Quantile,
    /// `first_over_time`
    First,
    /// `last_over_time`
    Last,
    /// `absent_over_time`
    Absent,
}

impl RangeOp {
    /// Every function, for tables.
    pub const ALL: [Self; 15] = [
        Self::Count,
        Self::Rate,
        Self::RateCounter,
        Self::Bytes,
        Self::BytesRate,
        Self::Sum,
        Self::Avg,
        Self::Min,
        Self::Max,
        Self::Stddev,
        Self::Stdvar,
        Self::Quantile,
        Self::First,
        Self::Last,
        Self::Absent,
    ];

    /// The function's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count_over_time",
            Self::Rate => "rate",
            Self::RateCounter => "rate_counter",
            Self::Bytes => "bytes_over_time",
            Self::BytesRate => "bytes_rate",
            Self::Sum => "sum_over_time",
            Self::Avg => "avg_over_time",
            Self::Min => "min_over_time",
            Self::Max => "max_over_time",
            Self::Stddev => "stddev_over_time",
            Self::Stdvar => "stdvar_over_time",
            Self::Quantile => "quantile_over_time",
            Self::First => "first_over_time",
            Self::Last => "last_over_time",
            Self::Absent => "absent_over_time",
        }
    }
}

/// A function over the series of one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorAggregation {
    /// Which function.
    pub op: VectorOp,
    /// The k of `topk`, `bottomk`, `approx_topk`.
    pub parameter: Option<u64>,
    /// What it runs over.
    pub inner: Box<MetricExpr>,
    /// Absent means "by nothing".
    pub grouping: Option<Grouping>,
}

/// The functions over series (spec `logql.md` §14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VectorOp {
    /// `sum`
    Sum,
    /// `avg`
    Avg,
    /// `min`
    Min,
    /// `max`
    Max,
    /// `count`
    Count,
    /// `stddev`
    Stddev,
    /// `stdvar`
    Stdvar,
    /// `topk`
    Topk,
    /// `bottomk`
    Bottomk,
    /// `approx_topk`
    ApproxTopk,
    /// `sort`
    Sort,
    /// `sort_desc`
    SortDesc,
}

impl VectorOp {
    /// Every function, for tables.
    pub const ALL: [Self; 12] = [
        Self::Sum,
        Self::Avg,
        Self::Min,
        Self::Max,
        Self::Count,
        Self::Stddev,
        Self::Stdvar,
        Self::Topk,
        Self::Bottomk,
        Self::ApproxTopk,
        Self::Sort,
        Self::SortDesc,
    ];

    /// The function's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
            Self::Count => "count",
            Self::Stddev => "stddev",
            Self::Stdvar => "stdvar",
            Self::Topk => "topk",
            Self::Bottomk => "bottomk",
            Self::ApproxTopk => "approx_topk",
            Self::Sort => "sort",
            Self::SortDesc => "sort_desc",
        }
    }
}

/// `by (a, b)` or `without (a, b)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Grouping {
    /// Only these labels remain.
    By(Vec<String>),
    /// All labels but these remain.
    Without(Vec<String>),
}

/// `left op [bool] [on|ignoring …] [group_left|group_right …] right`
#[derive(Clone, Debug, PartialEq)]
pub struct Binary {
    /// Which operator.
    pub op: BinaryOp,
    /// Comparisons give 0 or 1 instead of dropping samples.
    pub returns_bool: bool,
    /// How series of both sides find each other; `None`: all labels, one to one.
    pub matching: Option<Matching>,
    /// The left side.
    pub left: MetricExpr,
    /// The right side.
    pub right: MetricExpr,
}

/// The operators, from the loosest to the tightest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `or`
    Or,
    /// `and`
    And,
    /// `unless`
    Unless,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<=`
    LessOrEqual,
    /// `<`
    Less,
    /// `>=`
    GreaterOrEqual,
    /// `>`
    Greater,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `^`
    Power,
}

impl BinaryOp {
    /// The operator as written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Unless => "unless",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::LessOrEqual => "<=",
            Self::Less => "<",
            Self::GreaterOrEqual => ">=",
            Self::Greater => ">",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
            Self::Power => "^",
        }
    }

    /// `and`, `or`, `unless`.
    #[must_use]
    pub const fn is_set(self) -> bool {
        matches!(self, Self::Or | Self::And | Self::Unless)
    }

    /// `==` to `>`.
    #[must_use]
    pub const fn is_comparison(self) -> bool {
        matches!(
            self,
            Self::Equal
                | Self::NotEqual
                | Self::LessOrEqual
                | Self::Less
                | Self::GreaterOrEqual
                | Self::Greater
        )
    }
}

/// How the series of two sides find each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matching {
    /// True for `on`, false for `ignoring`.
    pub on: bool,
    /// The labels of `on` or `ignoring`.
    pub labels: Vec<String>,
    /// Which side may have several series for one of the other.
    pub cardinality: Cardinality,
}

/// Which side is the "many" side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cardinality {
    /// One series to one.
    OneToOne,
    /// `group_left (a, b)`: the left side is many; the labels are copied from the right.
    GroupLeft(Vec<String>),
    /// `group_right (a, b)`
    GroupRight(Vec<String>),
}

/// `label_replace(v, "dst", "replacement", "src", "regex")`
#[derive(Clone, Debug, PartialEq)]
pub struct LabelReplace {
    /// The vector.
    pub inner: MetricExpr,
    /// The label that is written.
    pub destination: String,
    /// What is written, with `$1`.
    pub replacement: String,
    /// The label that is read.
    pub source: String,
    /// What its value must match as a whole.
    pub regex: String,
}

/// `variants(count_over_time({…}[5m]), …) of ({…}[5m])`
#[derive(Clone, Debug, PartialEq)]
pub struct Variants {
    /// The metric queries.
    pub metrics: Vec<MetricExpr>,
    /// The lines that all of them read.
    pub of: LogRange,
    /// The whole expression.
    pub span: Span,
}
