//! Queries that want too much: each has its answer or a clear refusal, in bounded time, memory and
//! stack. The parser's own bounds have their tests in `syntax`, those of templates beside them.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

mod expressions;
mod metrics;
mod run;

use narvi_logql::batch::Batch;
use narvi_logql::metric::Grid;
use narvi_model::Timestamp;

use run::{Data, ask, lines};

/// What the text of a query is refused with that combines too much.
const COMBINES: &str = "combines more than";

#[track_caller]
fn check(query: &str, data: &Data<'_>, want: &str) {
    let shown: String = query.chars().take(100).collect();
    let got = ask(query, data);
    let start: String = got.chars().take(300).collect();
    assert!(got.contains(want), "{shown}: {start}");
}

fn instant() -> Grid {
    Grid::instant(Timestamp::from_seconds(1_000_000))
}

/// As many steps as a query may have.
fn steps() -> Grid {
    let (start, end) = (Timestamp::from_seconds(0), Timestamp::from_seconds(10_999));
    Grid::range(start, end, 1_000_000_000).unwrap()
}

/// Some lines of every kind.
fn few(_: usize) -> Batch {
    let json = format!(
        r#"{{"a": {}1{}, "n": 7}}"#,
        r#"{"a": "#.repeat(500),
        "}".repeat(500)
    );
    lines(
        1,
        [
            json,
            "a=1 b=2".to_owned(),
            "x".repeat(256 << 10),
            String::new(),
        ],
    )
}

/// Over a few lines, at one instant.
#[track_caller]
fn over_few(query: &str, want: &str) {
    let data = Data {
        grid: instant(),
        batches: 1,
        batch: &few,
    };
    check(query, &data, want);
}

fn many(count: usize, part: impl Fn(usize) -> String, separator: &str) -> String {
    (0..count).map(part).collect::<Vec<_>>().join(separator)
}

#[test]
fn deep_texts() {
    let nested = |open: &str, inner: &str, close: &str, depth: usize| {
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    over_few(&nested("(", "1", ")", 10_000), COMBINES);
    over_few(&nested("(", r#"{a="b"}"#, ")", 10_000), COMBINES);
    over_few(&nested("sum(", "vector(1)", ")", 5_000), "nests functions");
    over_few(&nested("(1 + ", "vector(1)", ")", 5_000), COMBINES);
    over_few(&many(5_000, |_| "vector(1)".to_owned(), " + "), COMBINES);
    over_few(&many(512, |_| "vector(1)".to_owned(), " + "), "1 series");
    over_few(&nested("(vector(1) or ", "vector(1)", ")", 500), "1 series");
    for join in [" and ", " or ", ", "] {
        let filter = |count| {
            format!(
                r#"{{a="b"}} | {}"#,
                many(count, |n| format!("a{n}!=`x`"), join)
            )
        };
        over_few(&filter(5_000), COMBINES);
        over_few(&filter(512), "4 lines");
    }
    let path = format!(r#"{{a="b"}} | json x="a{}""#, ".a".repeat(10_000));
    over_few(&path, "stage");
    over_few(r#"{a="b"} | json x="a.a.a.a.a.a""#, "4 lines");
    over_few(r#"{a="b"} | json | unpack"#, "4 lines");
    over_few(
        &"x".repeat(131_072),
        "input size too long (131072 > 131072)",
    );
    over_few(
        &format!(r#"{{a="b"}} |= "{}""#, "x".repeat(131_057)),
        "1 lines",
    );
}

#[test]
fn many_stages() {
    over_few(
        &format!(r#"{{a="b"}} {}"#, "|= `` != `q` ".repeat(9_000)),
        "4 lines",
    );
    over_few(
        &format!(r#"{{a="b"}} {}"#, "| json | logfmt ".repeat(500)),
        "4 lines",
    );
    let formats = many(9_000, |n| format!("l{n}=app"), ",");
    over_few(&format!(r#"{{a="b"}} | label_format {formats}"#), "4 lines");
    let drops = many(9_000, |n| format!("l{n}"), ",");
    over_few(&format!(r#"{{a="b"}} | json | drop {drops}"#), "4 lines");
    over_few(&format!(r#"{{a="b"}} | json | keep {drops}"#), "4 lines");
    let paths = many(6_000, |n| format!("l{n}=`a.a[{n}]`"), ",");
    over_few(&format!(r#"{{a="b"}} | json {paths}"#), "4 lines");
    over_few(&format!(r#"{{a="b"}} | logfmt {drops}"#), "4 lines");
    let captures = many(9_000, |n| format!("<c{n}>"), " ");
    over_few(&format!(r#"{{a="b"}} | pattern "{captures}""#), "4 lines");
    over_few(
        &format!(r#"{{a="b"}} |> "{}""#, "<_>x".repeat(30_000)),
        "0 lines",
    );
}

#[test]
fn templates() {
    let over_many = |stages: &str, want: &str| {
        let batch = |n: usize| {
            lines(
                n as i64 * 100,
                (0..100).map(|n| format!("{n} {}", "x".repeat(1_000))),
            )
        };
        let data = Data {
            grid: instant(),
            batches: 100,
            batch: &batch,
        };
        check(&format!("{{a=`b`}} {stages}"), &data, want);
    };
    for action in [
        "repeat 1000000000 `a`",
        "range 9223372036854775807}}{{end",
        "define `r`}}{{template `r` .}}{{end}}{{template `r` .",
    ] {
        over_few(
            &format!("{{a=`b`}} | line_format \"{{{{ {action} }}}}\""),
            "4 lines, TemplateFormatErr",
        );
    }
    // Go writes no number that wide either.
    over_few(
        "{a=`b`} | line_format `{{ printf \"%1000000000d\" 1 }}`",
        "4 lines",
    );
    let doubled = "| label_format a=\"{{.a}}{{.a}}{{__line__}}\" ".repeat(40);
    over_few(
        &format!("{{a=`b`}} {doubled}"),
        "4 lines, TemplateFormatErr",
    );
    over_many("| line_format \"{{repeat 1000000 `a`}}\"", "lines");
    over_many("| label_format x=\"{{repeat 1000000 `a`}}\"", "lines");
    over_many(&doubled, "lines");
}
