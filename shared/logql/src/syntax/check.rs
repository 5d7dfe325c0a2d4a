//! What is well-formed but cannot be meant: the checks that Loki's parser makes of a finished node.
//!
//! Every function answers with Loki's text. Stages whose texts are compiled later (templates, line
//! filters, paths) are the plan's to refuse.

use std::collections::HashSet;

use narvi_model::{MatchOp, Matcher};

use super::ast::{
    BinaryOp, Grouping, MetricExpr, MetricKind, RangeAggregation, RangeOp, Selector, VectorOp,
};
use super::parser::Expression;
use super::{captures, regexp};

/// Loki's text for a selector that would read every stream.
const NEEDS_MATCHER: &str = "queries require at least one regexp or equality matcher that does not \
     have an empty-compatible value. For instance, app=~\".*\" does not meet this requirement, but \
     app=~\".+\" will";

/// A selector needs a matcher that an absent label does not meet.
pub(super) fn selector(selector: &Selector) -> Result<(), String> {
    let narrows = |matcher: &Matcher| {
        matches!(matcher.op(), MatchOp::Equal | MatchOp::Regex) && !matcher.matches_empty()
    };
    if selector.matchers.iter().any(narrows) {
        return Ok(());
    }
    Err(NEEDS_MATCHER.to_owned())
}

/// A function over a vector needs series, which a plain number has not.
pub(super) fn has_streams(inner: &MetricExpr) -> Result<(), String> {
    match constant(inner) {
        Some(_) => Err(NEEDS_MATCHER.to_owned()),
        None => Ok(()),
    }
}

/// Both sides of an operator are numbers, and of a set operator not literal ones.
pub(super) fn operands(op: BinaryOp, left: &Expression, right: &Expression) -> Result<(), String> {
    for (side, operand) in [("left", left), ("right", right)] {
        let name = match operand {
            Expression::Metric(_) => continue,
            Expression::Log(log) if log.stages.is_empty() => "MatchersExpr",
            Expression::Log(_) => "PipelineExpr",
            Expression::Variants(_) => "MultiVariantExpr",
        };
        return Err(format!(
            "unexpected type for {side} leg of binary operation ({}): *syntax.{name}",
            op.as_str()
        ));
    }
    if !op.is_set() {
        return Ok(());
    }
    for (side, operand) in [("left", left), ("right", right)] {
        let Expression::Metric(metric) = operand else {
            continue;
        };
        if let Some(value) = constant(metric) {
            let op = op.as_str();
            return Err(format!(
                "unexpected literal for {side} leg of logical/set binary operation ({op}): \
                 {value:.6}"
            ));
        }
    }
    Ok(())
}

/// The parameter of a range aggregation, from the number as written.
pub(super) fn range_parameter(op: RangeOp, written: Option<&str>) -> Result<Option<f64>, String> {
    let name = op.as_str();
    match (op, written) {
        (RangeOp::Quantile, None) => Err(format!("parameter required for operation {name}")),
        (RangeOp::Quantile, Some(text)) => super::lexer::numbers::float(text)
            .map(Some)
            .map_err(|reason| format!("invalid parameter for operation {name}: {reason}")),
        (_, Some(text)) => Err(format!(
            "parameter {text} not supported for operation {name}"
        )),
        (_, None) => Ok(None),
    }
}

/// Grouping and unwrap where the function takes them.
pub(super) fn range_aggregation(aggregation: &RangeAggregation) -> Result<(), String> {
    let name = aggregation.op.as_str();
    let groups = matches!(
        aggregation.op,
        RangeOp::Avg
            | RangeOp::Min
            | RangeOp::Max
            | RangeOp::Stddev
            | RangeOp::Stdvar
            | RangeOp::Quantile
            | RangeOp::First
            | RangeOp::Last
    );
    if aggregation.grouping.is_some() && !groups {
        return Err(format!("grouping not allowed for {name} aggregation"));
    }
    let unwraps = aggregation.range.unwrap.is_some();
    match aggregation.op {
        RangeOp::Count | RangeOp::Bytes | RangeOp::BytesRate if unwraps => {
            Err(format!("invalid aggregation {name} with unwrap"))
        }
        RangeOp::Count | RangeOp::Bytes | RangeOp::BytesRate | RangeOp::Rate | RangeOp::Absent => {
            Ok(())
        }
        _ if unwraps => Ok(()),
        _ => Err(format!("invalid aggregation {name} without unwrap")),
    }
}

/// The parameter of a vector aggregation, from the number as written, and its grouping.
pub(super) fn vector_parameter(
    op: VectorOp,
    written: Option<&str>,
    grouping: Option<&Grouping>,
) -> Result<Option<u64>, String> {
    let name = op.as_str();
    match (op, written) {
        (VectorOp::Topk | VectorOp::Bottomk | VectorOp::ApproxTopk, None) => {
            Err(format!("parameter required for operation {name}"))
        }
        (VectorOp::Topk | VectorOp::Bottomk | VectorOp::ApproxTopk, Some(text)) => {
            // Go's `Atoi` reads an `int64`.
            let count = text
                .parse::<i64>()
                .map_err(|_| format!("invalid parameter {name}({text},"))?;
            if count <= 0 {
                return Err(format!(
                    "invalid parameter (must be greater than 0) {name}({text}"
                ));
            }
            if op == VectorOp::ApproxTopk && grouping.is_some() {
                return Err(format!("grouping not allowed for {name} aggregation"));
            }
            Ok(Some(count.unsigned_abs()))
        }
        (_, Some(text)) => Err(format!(
            "unsupported parameter for operation {name}({text},"
        )),
        (VectorOp::Sort | VectorOp::SortDesc, None) if names_labels(grouping) => {
            // The space at the end is Loki's.
            Err("sort and sort_desc doesn't allow grouping by ".to_owned())
        }
        (_, None) => Ok(None),
    }
}

fn names_labels(grouping: Option<&Grouping>) -> bool {
    match grouping {
        Some(Grouping::By(labels) | Grouping::Without(labels)) => !labels.is_empty(),
        None => false,
    }
}

/// The expression of `label_replace` compiles.
pub(super) fn label_replace(regex: &str) -> Result<(), String> {
    let anchored = format!("^(?:{regex})$");
    regexp::check(&anchored).map_err(|reason| format!("invalid regex in label_replace: {reason}"))
}

/// The expression of `regexp` compiles and names what it captures, each name once.
pub(super) fn regexp_stage(pattern: &str) -> Result<(), String> {
    let refuse = |reason: String| format!("invalid regexp parser: {reason}");
    let names = regexp::capture_names(pattern).map_err(refuse)?;
    if names.is_empty() {
        return Err(refuse(
            "at least one named capture must be supplied".to_owned(),
        ));
    }
    let mut seen = HashSet::new();
    match names.iter().find(|name| !seen.insert(*name)) {
        Some(name) => Err(refuse(format!("duplicate extracted label name '{name}'"))),
        None => Ok(()),
    }
}

/// The pattern of `pattern` captures something, with text between captures, each name once.
pub(super) fn pattern_stage(pattern: &str) -> Result<(), String> {
    captures::check(pattern).map_err(|reason| format!("invalid pattern parser: {reason}"))
}

/// The value of an expression of literals alone.
fn constant(expr: &MetricExpr) -> Option<f64> {
    match &expr.kind {
        MetricKind::Literal(value) => Some(*value),
        MetricKind::Binary(binary) if !binary.op.is_set() => {
            // The right side first: it is the shallow one in a long chain.
            let right = constant(&binary.right)?;
            Some(fold(binary.op, constant(&binary.left)?, right))
        }
        _ => None,
    }
}

fn fold(op: BinaryOp, left: f64, right: f64) -> f64 {
    let truth = |holds: bool| f64::from(u8::from(holds));
    match op {
        BinaryOp::Add => left + right,
        BinaryOp::Subtract => left - right,
        BinaryOp::Multiply => left * right,
        BinaryOp::Divide | BinaryOp::Modulo if right == 0.0 => f64::NAN,
        BinaryOp::Divide => left / right,
        BinaryOp::Modulo => left % right,
        BinaryOp::Power => left.powf(right),
        BinaryOp::Equal => truth(left == right),
        BinaryOp::NotEqual => truth(left != right),
        BinaryOp::Less => truth(left < right),
        BinaryOp::LessOrEqual => truth(left <= right),
        BinaryOp::Greater => truth(left > right),
        BinaryOp::GreaterOrEqual => truth(left >= right),
        // Never folded: sets have no literals.
        BinaryOp::Or | BinaryOp::And | BinaryOp::Unless => f64::NAN,
    }
}
