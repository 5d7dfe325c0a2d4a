//! Generated trees: what is printed is read again as the same tree, on one line and laid out.

use narvi_logql::syntax::ast::{Query, Variants};
use narvi_logql::syntax::{parse, pretty};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::log_trees::{NOWHERE, log};
use super::metric_trees::{log_range, metric};

fn query() -> impl Strategy<Value = Query> {
    let variants = (vec(metric(), 1..3), log_range()).prop_map(|(metrics, of)| {
        Query::Variants(Variants {
            metrics,
            of,
            span: NOWHERE,
        })
    });
    prop_oneof![
        4 => log().prop_map(Query::Log),
        4 => metric().prop_map(Query::Metric),
        1 => variants,
    ]
}

/// The tree as text without its spans.
fn shape(query: &Query) -> String {
    let text = format!("{query:#?}");
    let mut lines = text.lines();
    let mut out = String::new();
    while let Some(line) = lines.next() {
        if line.trim() == "span: Span {" {
            lines.by_ref().take(3).for_each(drop);
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// Reads `text`, which must be `query`.
fn read_again(text: &str, query: &Query) -> Result<Query, TestCaseError> {
    let read = parse(text).map_err(|error| TestCaseError::fail(format!("{text}\n{error}")))?;
    prop_assert!(shape(&read) == shape(query), "{text}\n{read}");
    Ok(read)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn syntax_reads_what_it_prints(query in query()) {
        let printed = query.to_string();
        prop_assert_eq!(read_again(&printed, &query)?.to_string(), printed);
        let laid_out = pretty(&query);
        prop_assert_eq!(pretty(&read_again(&laid_out, &query)?), laid_out);
    }

    #[test]
    fn syntax_takes_any_text(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn syntax_takes_any_tokens(words in vec(word(), 0..30)) {
        if let Ok(query) = parse(&words.join(" ")) {
            prop_assert!(parse(&query.to_string()).is_ok(), "{query}");
        }
    }
}

fn word() -> impl Strategy<Value = &'static str> {
    select(WORDS.split_whitespace().collect::<Vec<_>>())
}

/// What a query is made of, for texts that are nearly one.
const WORDS: &str = r#"
    { } ( ) {a="b"} | |= != = =~ , or and unless by without on ignoring group_left bool offset
    rate sum topk sum_over_time vector label_replace ip a b "x" `y` 5 5s 5KB [5m] json logfmt
    unwrap drop line_format + - ^ == > --strict variants of
"#;
