//! Printing log expressions: `{a="b"} |= "x" | json | c>5`.

use std::fmt::{self, Display, Formatter};

use narvi_model::duration;

use super::{Quoted, joined};
use crate::syntax::ast::{
    Comparison, Extraction, FilterText, LabelCondition, LabelFilter, LabelFilterKind, LabelFormat,
    LabelFormatValue, LabelItem, LineFilter, LogExpr, Number, Selector, Stage, StageKind,
};
use crate::syntax::lexer::numbers;

impl Display for LogExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.selector.fmt(f)?;
        self.stages
            .iter()
            .try_for_each(|stage| write!(f, " {stage}"))
    }
}

impl Display for Selector {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        joined(f, &self.matchers, ", ")?;
        f.write_str("}")
    }
}

impl Display for Stage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl Display for StageKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineFilter(filter) => filter.fmt(f),
            Self::Json(extractions) => {
                f.write_str("| json")?;
                self::extractions(f, extractions)
            }
            Self::Logfmt {
                strict,
                keep_empty,
                extractions,
            } => {
                f.write_str("| logfmt")?;
                f.write_str(if *strict { " --strict" } else { "" })?;
                f.write_str(if *keep_empty { " --keep-empty" } else { "" })?;
                self::extractions(f, extractions)
            }
            Self::Regexp(pattern) => write!(f, "| regexp {}", Quoted(pattern)),
            Self::Pattern(pattern) => write!(f, "| pattern {}", Quoted(pattern)),
            Self::Unpack => f.write_str("| unpack"),
            Self::LabelFilter(filter) => write!(f, "| {filter}"),
            Self::LineFormat(template) => write!(f, "| line_format {}", Quoted(template)),
            Self::LabelFormat(formats) => {
                f.write_str("| label_format ")?;
                joined(f, formats, ",")
            }
            Self::Decolorize => f.write_str("| decolorize"),
            Self::Drop(items) => {
                f.write_str("| drop ")?;
                joined(f, items, ",")
            }
            Self::Keep(items) => {
                f.write_str("| keep ")?;
                joined(f, items, ",")
            }
        }
    }
}

fn extractions(f: &mut Formatter<'_>, all: &[Extraction]) -> fmt::Result {
    if !all.is_empty() {
        f.write_str(" ")?;
    }
    joined(f, all, ",")
}

impl Display for Extraction {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, Quoted(&self.path))
    }
}

impl Display for LineFilter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.op.as_str())?;
        joined(f, &self.alternatives, " or ")
    }
}

impl Display for FilterText {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => Quoted(text).fmt(f),
            Self::Ip(pattern) => write!(f, "ip({})", Quoted(pattern)),
        }
    }
}

impl Display for LabelFormat {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.value {
            LabelFormatValue::Rename(from) => write!(f, "{}={from}", self.name),
            LabelFormatValue::Template(text) => write!(f, "{}={}", self.name, Quoted(text)),
        }
    }
}

impl Display for LabelItem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Matcher(matcher) => matcher.fmt(f),
        }
    }
}

impl Display for LabelFilter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            LabelFilterKind::And(left, right) => write!(f, "( {left} , {right} )"),
            LabelFilterKind::Or(left, right) => write!(f, "( {left} or {right} )"),
            LabelFilterKind::Condition(condition) => condition.fmt(f),
        }
    }
}

impl Display for LabelCondition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(matcher) => matcher.fmt(f),
            Self::Number {
                name,
                comparison,
                number,
            } => {
                write!(f, "{name}{}{number}", comparison.as_str())
            }
            Self::Ip { name, op, pattern } => {
                write!(f, "{name}{}ip({})", op.as_str(), Quoted(pattern))
            }
        }
    }
}

impl Comparison {
    /// The operator in its canonical form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
        }
    }
}

impl Display for Number {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(value) => write!(f, "{value}"),
            Self::Duration(nanos) => f.write_str(&duration::to_go(*nanos)),
            Self::Bytes(bytes) => f.write_str(&size(*bytes)),
        }
    }
}

/// `5.0kB`, `10MB`, `999B`: rounded to one decimal below ten, to none above, as Loki prints it; all
/// bytes where that reads as another size.
fn size(bytes: u64) -> String {
    const UNITS: [(&str, f64); 5] = [
        ("PB", 1e15),
        ("TB", 1e12),
        ("GB", 1e9),
        ("MB", 1e6),
        ("kB", 1e3),
    ];
    // `0B` would read as the start of a binary number.
    if bytes == 0 {
        return "0kB".to_owned();
    }
    let exact = format!("{bytes}B");
    let Some((name, unit)) = UNITS.into_iter().find(|(_, unit)| bytes as f64 >= *unit) else {
        return exact;
    };
    let value = (bytes as f64 / unit * 10.0 + 0.5).floor() / 10.0;
    let decimals = usize::from(value < 10.0);
    let short = format!("{value:.decimals$}{name}");
    if numbers::size(&short) == Some(bytes) {
        short
    } else {
        exact
    }
}
