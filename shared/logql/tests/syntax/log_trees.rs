//! Trees of log expressions, generated.

use narvi_logql::syntax::ast::{
    Comparison, Extraction, FilterText, LabelCondition, LabelFilter, LabelFilterKind, LabelFormat,
    LabelFormatValue, LabelItem, LineFilter, LineFilterOp, LogExpr, Number, Selector, Span, Stage,
    StageKind,
};
use narvi_logql::syntax::parse;
use narvi_model::{MatchOp, Matcher};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

pub(super) const NOWHERE: Span = Span { start: 0, end: 0 };

/// Names, of which many are functions elsewhere.
pub(super) fn name() -> impl Strategy<Value = String> {
    let tricky = select(vec![
        "rate", "sum", "ip", "bytes", "duration", "vector", "日本", "_", "é1",
    ]);
    prop_oneof!["[a-z_][a-z0-9_]{0,6}", tricky.prop_map(str::to_owned)]
        .prop_filter("reserved", |name| {
            parse(&format!("{{{name}=\"x\"}}")).is_ok()
        })
}

pub(super) fn names() -> impl Strategy<Value = Vec<String>> {
    vec(name(), 0..3)
}

pub(super) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z \"\\\\\n\t`]{0,6}",
        any::<String>().prop_filter("a NUL", |s| !s.contains('\0'))
    ]
}

fn matcher() -> impl Strategy<Value = Matcher> {
    let plain = (
        name(),
        select(vec![MatchOp::Equal, MatchOp::NotEqual]),
        text().boxed(),
    );
    let ops = select(vec![MatchOp::Regex, MatchOp::NotRegex]);
    let regex = (name(), ops, "[a-z.*]{0,5}\\|\\\\d".boxed());
    prop_oneof![plain, regex].prop_filter_map("a broken expression", |(name, op, value)| {
        Matcher::new(&name, op, &value).ok()
    })
}

fn selector() -> impl Strategy<Value = Selector> {
    (vec(matcher(), 0..2), 0..2_usize).prop_map(|(mut matchers, at)| {
        let narrow = Matcher::new("app", MatchOp::Equal, "x").unwrap();
        matchers.insert(at.min(matchers.len()), narrow);
        Selector {
            matchers,
            span: NOWHERE,
        }
    })
}

pub(super) fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<i32>().prop_map(f64::from),
        any::<f64>().prop_filter("no literal", |value| value.is_finite()),
        Just(0.0),
    ]
}

/// Bytes beyond 2^53 are not counted one by one by Loki either.
fn amount() -> impl Strategy<Value = Number> {
    prop_oneof![
        number().prop_map(Number::Plain),
        any::<i64>().prop_map(|nanos| Number::Duration(nanos / 2)),
        (0_u64..1 << 53).prop_map(Number::Bytes),
        (0_u64..100, 0_u32..5).prop_map(|(n, power)| Number::Bytes(n * 1000_u64.pow(power) / 10)),
    ]
}

fn condition() -> impl Strategy<Value = LabelCondition> {
    let comparisons = select(vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
    ]);
    let ops = select(vec![MatchOp::Equal, MatchOp::NotEqual]);
    prop_oneof![
        matcher().prop_map(LabelCondition::Text),
        (name(), comparisons, amount()).prop_map(|(name, comparison, number)| {
            LabelCondition::Number {
                name,
                comparison,
                number,
            }
        }),
        (name(), ops, text()).prop_map(|(name, op, pattern)| LabelCondition::Ip {
            name,
            op,
            pattern
        }),
    ]
}

pub(super) fn label_filter() -> impl Strategy<Value = LabelFilter> {
    let filter = |kind| LabelFilter {
        kind,
        span: NOWHERE,
    };
    let leaf = condition().prop_map(move |one| filter(LabelFilterKind::Condition(one)));
    leaf.prop_recursive(3, 8, 2, move |inner| {
        (inner.clone(), inner, any::<bool>()).prop_map(move |(left, right, and)| {
            let (left, right) = (Box::new(left), Box::new(right));
            filter(if and {
                LabelFilterKind::And(left, right)
            } else {
                LabelFilterKind::Or(left, right)
            })
        })
    })
}

fn line_filter() -> impl Strategy<Value = LineFilter> {
    let ops = select(vec![
        LineFilterOp::Contains,
        LineFilterOp::NotContains,
        LineFilterOp::Regex,
        LineFilterOp::NotRegex,
        LineFilterOp::Pattern,
        LineFilterOp::NotPattern,
    ]);
    let sought = prop_oneof![
        text().prop_map(FilterText::Text),
        text().prop_map(FilterText::Ip)
    ];
    (ops, vec(sought, 1..3)).prop_map(|(op, alternatives)| LineFilter { op, alternatives })
}

fn extractions() -> impl Strategy<Value = Vec<Extraction>> {
    let one = (name(), text());
    vec(
        one.prop_map(|(name, path)| Extraction {
            name,
            path,
            span: NOWHERE,
        }),
        0..3,
    )
}

fn items() -> impl Strategy<Value = Vec<LabelItem>> {
    let item = prop_oneof![
        name().prop_map(LabelItem::Name),
        matcher().prop_map(LabelItem::Matcher),
    ];
    vec(item, 1..3)
}

fn stage() -> impl Strategy<Value = Stage> {
    let value = prop_oneof![
        name().prop_map(LabelFormatValue::Rename),
        text().prop_map(LabelFormatValue::Template),
    ];
    let format = (name(), value).prop_map(|(name, value)| LabelFormat { name, value });
    let logfmt = (any::<bool>(), any::<bool>(), extractions());
    let kind = prop_oneof![
        line_filter().prop_map(StageKind::LineFilter),
        extractions().prop_map(StageKind::Json),
        logfmt.prop_map(|(strict, keep_empty, extractions)| {
            StageKind::Logfmt {
                strict,
                keep_empty,
                extractions,
            }
        }),
        "\\(\\?P<[a-z]{1,3}>[a-z.+]{1,3}\\)\\\\d"
            .prop_filter("broken", |text| parse(&format!(
                "{{a=\"b\"}} | regexp `{text}`"
            ))
            .is_ok())
            .prop_map(StageKind::Regexp),
        "<[a-z]{1,3}> <_>\"".prop_map(StageKind::Pattern),
        Just(StageKind::Unpack),
        Just(StageKind::Decolorize),
        label_filter().prop_map(StageKind::LabelFilter),
        text().prop_map(StageKind::LineFormat),
        vec(format, 1..3).prop_map(StageKind::LabelFormat),
        items().prop_map(StageKind::Drop),
        items().prop_map(StageKind::Keep),
    ];
    kind.prop_map(|kind| Stage {
        kind,
        span: NOWHERE,
    })
}

pub(super) fn log() -> impl Strategy<Value = LogExpr> {
    let stages = vec(stage(), 0..4).prop_filter("cannot be written", |stages| {
        !stages
            .windows(2)
            .any(|pair| is_taken_for_a_matcher(&pair[0].kind, &pair[1].kind))
    });
    (selector(), stages).prop_map(|(selector, stages)| LogExpr {
        selector,
        stages,
        span: NOWHERE,
    })
}

/// `| drop a != "b"` always is one stage.
fn is_taken_for_a_matcher(first: &StageKind, second: &StageKind) -> bool {
    let StageKind::LineFilter(filter) = second else {
        return false;
    };
    let (StageKind::Drop(items) | StageKind::Keep(items)) = first else {
        return false;
    };
    matches!(items.last(), Some(LabelItem::Name(_)))
        && matches!(
            filter.op,
            LineFilterOp::NotContains | LineFilterOp::NotRegex
        )
}
