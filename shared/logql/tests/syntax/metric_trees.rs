//! Trees of metric expressions, generated.

use narvi_logql::syntax::ast::{
    Binary, BinaryOp, Cardinality, Conversion, Grouping, LabelReplace, LogRange, Matching,
    MetricExpr, MetricKind, RangeAggregation, RangeOp, Unwrap, VectorAggregation, VectorOp,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::log_trees::{NOWHERE, label_filter, log, name, names, number, text};

const MILLI: i64 = 1_000_000;

fn unwrap() -> impl Strategy<Value = Unwrap> {
    let conversions = select(vec![
        Conversion::Plain,
        Conversion::Bytes,
        Conversion::Duration,
        Conversion::DurationSeconds,
    ]);
    (name(), conversions, vec(label_filter(), 0..2)).prop_map(|(label, conversion, filters)| {
        Unwrap {
            label,
            conversion,
            filters,
            span: NOWHERE,
        }
    })
}

pub(super) fn log_range() -> impl Strategy<Value = LogRange> {
    let range = (0_i64..1 << 40).prop_map(|millis| millis * MILLI);
    let offset = prop_oneof![
        Just(0),
        any::<i32>().prop_map(|millis| i64::from(millis) * MILLI),
        any::<i32>().prop_map(i64::from),
    ];
    (log(), option::of(unwrap()), range, offset).prop_map(|(log, unwrap, range, offset)| LogRange {
        log,
        unwrap,
        range,
        offset,
        span: NOWHERE,
    })
}

fn grouping() -> impl Strategy<Value = Grouping> {
    prop_oneof![
        names().prop_map(Grouping::By),
        names().prop_map(Grouping::Without)
    ]
}

fn range_aggregation() -> impl Strategy<Value = MetricKind> {
    let parameter = (0_u32..2000).prop_map(|n| f64::from(n) / 1000.0);
    let parts = (
        select(RangeOp::ALL.to_vec()),
        parameter,
        log_range(),
        option::of(grouping()),
    );
    (parts, unwrap()).prop_map(|((op, parameter, mut range, grouping), unwrap)| {
        let takes = |ops: &[RangeOp]| ops.contains(&op);
        if takes(&[RangeOp::Count, RangeOp::Bytes, RangeOp::BytesRate]) {
            range.unwrap = None;
        } else if !takes(&[RangeOp::Rate, RangeOp::Absent]) {
            range.unwrap.get_or_insert(unwrap);
        }
        let plain = takes(&[
            RangeOp::Sum,
            RangeOp::Rate,
            RangeOp::RateCounter,
            RangeOp::Absent,
        ]) || range.unwrap.is_none();
        let grouping = grouping.filter(|_| !plain);
        let parameter = Some(parameter).filter(|_| op == RangeOp::Quantile);
        MetricKind::Range(RangeAggregation {
            op,
            parameter,
            range,
            grouping,
        })
    })
}

fn vector_aggregation(
    inner: impl Strategy<Value = MetricExpr>,
) -> impl Strategy<Value = MetricKind> {
    let parts = (
        select(VectorOp::ALL.to_vec()),
        1_u64..100,
        inner,
        option::of(grouping()),
    );
    parts.prop_map(|(op, parameter, inner, grouping)| {
        let ranks = matches!(
            op,
            VectorOp::Topk | VectorOp::Bottomk | VectorOp::ApproxTopk
        );
        let ungrouped = matches!(
            op,
            VectorOp::ApproxTopk | VectorOp::Sort | VectorOp::SortDesc
        );
        // A function needs series.
        let is_series = matches!(inner.kind, MetricKind::Range(_) | MetricKind::Vector(_));
        let series = MetricExpr {
            kind: MetricKind::VectorLiteral(1.5),
            span: NOWHERE,
        };
        MetricKind::Vector(VectorAggregation {
            op,
            parameter: Some(parameter).filter(|_| ranks),
            inner: Box::new(if is_series { inner } else { series }),
            grouping: grouping.filter(|_| !ungrouped),
        })
    })
}

fn binary(inner: impl Strategy<Value = MetricExpr> + Clone) -> impl Strategy<Value = MetricKind> {
    use BinaryOp::*;
    let ops = select(vec![
        Or,
        And,
        Unless,
        Equal,
        NotEqual,
        LessOrEqual,
        Less,
        GreaterOrEqual,
        Greater,
        Add,
        Subtract,
        Multiply,
        Divide,
        Modulo,
        Power,
    ]);
    let cardinality = prop_oneof![
        Just(Cardinality::OneToOne),
        names().prop_map(Cardinality::GroupLeft),
        names().prop_map(Cardinality::GroupRight),
    ];
    let matching =
        (any::<bool>(), names(), cardinality).prop_map(|(on, labels, cardinality)| Matching {
            on,
            labels,
            cardinality,
        });
    let modifiers = (any::<bool>(), option::of(matching));
    (ops, modifiers, inner.clone(), inner).prop_map(|(op, modifiers, left, right)| {
        let (returns_bool, matching) = modifiers;
        // Sets have no literals; whether an operation is one of literals alone is not known here.
        let any_literal = [&left, &right]
            .iter()
            .any(|side| matches!(side.kind, MetricKind::Literal(_) | MetricKind::Binary(_)));
        let op = if op.is_set() && any_literal { Add } else { op };
        MetricKind::Binary(Box::new(Binary {
            op,
            returns_bool,
            matching,
            left,
            right,
        }))
    })
}

fn label_replace(inner: impl Strategy<Value = MetricExpr>) -> impl Strategy<Value = MetricKind> {
    (inner, text(), text(), text()).prop_map(|(inner, destination, replacement, source)| {
        let is_series = matches!(inner.kind, MetricKind::Range(_) | MetricKind::Vector(_));
        let series = MetricExpr {
            kind: MetricKind::VectorLiteral(1.5),
            span: NOWHERE,
        };
        MetricKind::LabelReplace(Box::new(LabelReplace {
            inner: if is_series { inner } else { series },
            destination,
            replacement,
            source,
            regex: "(.*)\\d".to_owned(),
        }))
    })
}

pub(super) fn metric() -> impl Strategy<Value = MetricExpr> {
    let expr = |kind| MetricExpr {
        kind,
        span: NOWHERE,
    };
    let leaf = prop_oneof![
        range_aggregation(),
        number().prop_map(MetricKind::Literal),
        number().prop_map(|value| MetricKind::VectorLiteral(value.abs())),
    ];
    leaf.prop_map(expr).prop_recursive(3, 12, 2, move |inner| {
        let kind = prop_oneof![
            vector_aggregation(inner.clone()),
            binary(inner.clone()),
            label_replace(inner),
        ];
        kind.prop_map(expr)
    })
}
