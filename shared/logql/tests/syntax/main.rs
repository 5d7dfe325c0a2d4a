//! The syntax layer from outside: texts from files, generated trees, and texts made to break it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

mod generated;
mod log_trees;
mod metric_trees;

use narvi_logql::syntax::ast::Query;
use narvi_logql::syntax::limits::{MAX_HEIGHT, MAX_NESTING, MAX_QUERY_BYTES, MAX_WAITING};
use narvi_logql::syntax::{
    parse, parse_log, parse_metric, parse_selector, pretty, require_matcher,
};

/// Cases of a data file: paragraphs of a query and, behind `=> `, what comes of it.
fn cases(file: &str) -> impl Iterator<Item = (&str, &str)> {
    file.split("\n\n").map(|case| {
        let case = case.trim_start_matches('\n').trim_end_matches('\n');
        let (query, want) = case
            .rsplit_once("\n=> ")
            .unwrap_or_else(|| panic!("no `=>`: {case}"));
        (query, want)
    })
}

#[test]
fn syntax_of_queries() {
    for (text, want) in cases(include_str!("data/queries.txt")) {
        let query = parse(text).unwrap_or_else(|error| panic!("{text}\n{error}"));
        let printed = query.to_string();
        assert_eq!(printed, want, "{text}");
        assert_eq!(
            parse(&printed).unwrap().to_string(),
            printed,
            "printing twice changes nothing"
        );
        assert_eq!(
            parse(&pretty(&query)).unwrap().to_string(),
            printed,
            "{}",
            pretty(&query)
        );
    }
}

#[test]
fn syntax_errors() {
    for (text, want) in cases(include_str!("data/syntax_errors.txt")) {
        let error = parse(text).expect_err(text);
        assert_eq!(error.to_string(), want, "{text}");
        assert!(error.span().end as usize <= text.len(), "{text}");
    }
}

#[test]
fn syntax_of_selectors() {
    let selector = parse_selector("{a=\"b\", c=~\"d.*\"}").unwrap();
    assert_eq!(selector.to_string(), "{a=\"b\", c=~\"d.*\"}");
    require_matcher(&selector).unwrap();
    for everything in ["{}", "{a=\"\"}", "{a!=\"x\"}", "{a=~\".*\"}"] {
        let selector = parse_selector(everything).unwrap();
        let error = require_matcher(&selector).unwrap_err().to_string();
        assert!(
            error.starts_with("parse error : queries require at least one"),
            "{error}"
        );
        assert_eq!(parse(everything).unwrap_err().to_string(), error);
    }
    for other in [
        "{a=\"b\"} |= \"x\"",
        "rate({a=\"b\"}[5m])",
        "1",
        "{} | json",
    ] {
        let error = parse_selector(other).unwrap_err();
        assert_eq!(
            error.to_string(),
            "only label matchers are supported",
            "{other}"
        );
    }
    let error = parse_selector("{a=}").unwrap_err().to_string();
    assert_eq!(
        error,
        "parse error at line 1, col 4: syntax error: unexpected }, expecting STRING"
    );
}

#[test]
fn syntax_of_one_kind() {
    assert!(parse_log("{a=\"b\"}").is_ok());
    assert!(parse_log("1").is_err());
    assert!(parse_metric("1").is_ok());
    assert!(parse_metric("{a=\"b\"}").is_err());
}

#[test]
fn syntax_refuses_long_texts() {
    let pad = |len: usize| format!("{{a=\"{}\"}}", "b".repeat(len - 6));
    assert!(parse(&pad(MAX_QUERY_BYTES - 1)).is_ok());
    assert_eq!(
        parse(&pad(MAX_QUERY_BYTES)).unwrap_err().to_string(),
        "parse error : input size too long (131072 > 131072)"
    );
}

/// Runs with the stack of a worker thread, which is what a query gets.
fn on_a_small_stack(check: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(2 << 20);
        builder.spawn_scoped(scope, check).unwrap().join().unwrap();
    });
}

#[track_caller]
fn refused(text: &str, reason: &str) {
    let error = parse(text).unwrap_err().to_string();
    assert!(error.contains(reason), "{error}");
}

fn nest(depth: usize, open: &str, inner: &str, close: &str) -> String {
    format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
}

/// The tree can be read, printed, laid out and read again.
#[track_caller]
fn accepted(text: &str) {
    let tree = parse(text).unwrap();
    let printed = tree.to_string();
    assert_eq!(parse(&printed).unwrap().to_string(), printed);
    // Indented, the highest trees are too long to be read.
    let laid_out = pretty(&tree);
    if laid_out.len() < MAX_QUERY_BYTES {
        assert_eq!(parse(&laid_out).unwrap().to_string(), printed);
    }
}

#[test]
fn syntax_bounds_nesting() {
    on_a_small_stack(|| {
        for (open, inner, close) in [
            ("sum(", "vector(1)", ")"),
            ("sum without (a) (1 + (", "vector(1)", "))"),
            ("label_replace(", "vector(1)", ",\"a\",\"b\",\"c\",\"d\")"),
        ] {
            accepted(&nest(MAX_NESTING, open, inner, close));
            refused(
                &nest(MAX_NESTING + 1, open, inner, close),
                "nests functions",
            );
            refused(&nest(5_000, open, "", ""), "nests functions");
        }
        let ranges = |depth| format!("rate({})", nest(depth, "(", "{a=\"b\"}[5m]", ")"));
        accepted(&ranges(MAX_NESTING - 1));
        refused(&ranges(60_000), "nests functions");
    });
}

#[test]
fn syntax_bounds_parentheses() {
    on_a_small_stack(|| {
        accepted(&nest(MAX_WAITING, "(", "1", ")"));
        refused(&nest(MAX_WAITING + 1, "(", "1", ")"), "combines more than");
        refused(&"(".repeat(100_000), "combines more than");
        refused(&"1^(".repeat(30_000), "combines more than");
        let filters = |depth| format!("{{a=\"b\"}} | {}", nest(depth, "(", "c=1", ")"));
        accepted(&filters(MAX_WAITING));
        refused(&filters(60_000), "combines more than");
    });
}

#[test]
fn syntax_bounds_chains() {
    on_a_small_stack(|| {
        for operator in ["+", "^", "==", "%"] {
            let chain = |terms: usize| vec!["1"; terms].join(operator);
            accepted(&chain(MAX_HEIGHT));
            refused(&chain(MAX_HEIGHT + 1), "combines more than");
            refused(&chain(40_000), "combines more than");
        }
        for join in [" or ", " and ", ", ", " "] {
            let chain = |terms: usize| format!("{{a=\"b\"}} | {}", vec!["c=1"; terms].join(join));
            accepted(&chain(MAX_HEIGHT));
            refused(&chain(MAX_HEIGHT + 1), "combines more than");
            refused(&chain(12_000), "combines more than");
        }
    });
}

#[test]
fn syntax_is_linear() {
    // Each would take minutes if a part of the lexer or parser were quadratic.
    let many = |unit: &str| unit.repeat((MAX_QUERY_BYTES - 100) / unit.len());
    for text in [
        many("rate "),
        many("sum by"),
        many("1."),
        many("5d"),
        many("1-"),
        many("/*"),
        many("# \n"),
        many("\"\\d"),
        many("`"),
        many("[5m"),
        many("{a="),
        many("<a>"),
        many("\\"),
    ] {
        let _ = parse(&text);
    }
    let pipeline = format!("{{a=\"b\"}} {}", many("|= \"x\" "));
    let Query::Log(log) = parse(&pipeline).unwrap() else {
        panic!("a log query")
    };
    assert!(log.stages.len() > 18_000);
    let captures = format!("{{a=\"b\"}} | pattern \"{}\"", many("<a> "));
    refused(&captures, "duplicate capture name");
}
