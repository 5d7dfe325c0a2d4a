//! Printing metric expressions: `(sum by (a)(rate({…}[5m])) / 2)`.

use std::fmt::{self, Display, Formatter};

use narvi_model::duration;

use super::{Quoted, joined};
use crate::syntax::ast::{
    Binary, Cardinality, Conversion, Grouping, LabelReplace, LogRange, MetricExpr, MetricKind,
    RangeAggregation, Unwrap, Variants, VectorAggregation,
};

impl Display for MetricExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            MetricKind::Range(aggregation) => aggregation.fmt(f),
            MetricKind::Vector(aggregation) => aggregation.fmt(f),
            MetricKind::Binary(binary) => binary.fmt(f),
            MetricKind::Literal(value) => f.write_str(&literal(*value)),
            MetricKind::VectorLiteral(value) => write!(f, "vector({})", vector_literal(*value)),
            MetricKind::LabelReplace(replace) => replace.fmt(f),
        }
    }
}

impl Display for Variants {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("variants(")?;
        joined(f, &self.metrics, ", ")?;
        write!(f, ") of ({})", self.of)
    }
}

impl Display for RangeAggregation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.op.as_str())?;
        if let Some(parameter) = self.parameter {
            write!(f, "{parameter},")?;
        }
        write!(f, "{})", self.range)?;
        self.grouping
            .as_ref()
            .map_or(Ok(()), |grouping| write!(f, " {grouping}"))
    }
}

impl Display for LogRange {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.log.fmt(f)?;
        if let Some(unwrap) = &self.unwrap {
            write!(f, " {unwrap}")?;
        }
        write!(f, "[{}]", duration::to_prometheus(self.range))?;
        if self.offset != 0 {
            write!(f, " offset {}", duration::to_go(self.offset))?;
        }
        Ok(())
    }
}

impl Display for Unwrap {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let label = &self.label;
        match self.conversion {
            Conversion::Plain => write!(f, "| unwrap {label}")?,
            Conversion::Bytes => write!(f, "| unwrap bytes({label})")?,
            Conversion::Duration => write!(f, "| unwrap duration({label})")?,
            Conversion::DurationSeconds => write!(f, "| unwrap duration_seconds({label})")?,
        }
        self.filters
            .iter()
            .try_for_each(|filter| write!(f, " | {filter}"))
    }
}

impl Display for VectorAggregation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.op.as_str())?;
        if let Some(grouping) = &self.grouping {
            write!(f, " {grouping}")?;
        }
        f.write_str("(")?;
        if let Some(parameter) = self.parameter {
            write!(f, "{parameter},")?;
        }
        write!(f, "{})", self.inner)
    }
}

impl Display for Grouping {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (word, labels) = match self {
            Self::By(labels) => ("by", labels),
            Self::Without(labels) => ("without", labels),
        };
        write!(f, "{word} ({})", labels.join(","))
    }
}

impl Display for Binary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "({} ", self.left)?;
        self.write_operator(f)?;
        write!(f, " {})", self.right)
    }
}

impl Binary {
    /// The operator with its modifiers: `/ on (a) group_left (b)`.
    pub(in crate::syntax) fn write_operator(&self, f: &mut impl fmt::Write) -> fmt::Result {
        f.write_str(self.op.as_str())?;
        if self.returns_bool {
            f.write_str(" bool")?;
        }
        let Some(matching) = &self.matching else {
            return Ok(());
        };
        let word = if matching.on { "on" } else { "ignoring" };
        write!(f, " {word} ({})", matching.labels.join(","))?;
        // Parentheses always: without them those of the right side would be taken for these.
        match &matching.cardinality {
            Cardinality::OneToOne => Ok(()),
            Cardinality::GroupLeft(labels) => write!(f, " group_left ({})", labels.join(",")),
            Cardinality::GroupRight(labels) => write!(f, " group_right ({})", labels.join(",")),
        }
    }
}

impl Display for LabelReplace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "label_replace({}", self.inner)?;
        for text in [
            &self.destination,
            &self.replacement,
            &self.source,
            &self.regex,
        ] {
            write!(f, ",{}", Quoted(text))?;
        }
        f.write_str(")")
    }
}

/// As Go's `%v`: an exponent below 1e-4 and from 1e6 on.
fn literal(value: f64) -> String {
    let plain = value == 0.0 || (1e-4..1e6).contains(&value.abs());
    if plain {
        return value.to_string();
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent
        .strip_prefix('-')
        .map_or(('+', exponent), |e| ('-', e));
    format!("{digits}e{sign}{exponent:0>2}")
}

/// As Go's `%f`, where six decimals are enough.
fn vector_literal(value: f64) -> String {
    let text = format!("{value:.6}");
    if text.parse() == Ok(value) {
        text
    } else {
        value.to_string()
    }
}
