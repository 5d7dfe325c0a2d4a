//! Trees of metric queries, from text to answer, over results of scans made by hand.
//!
//! The data has a table for each `job`; a query's scan of `{job="x"}` answers with table `x`, at
//! the steps 1 s, 2 s, 3 s, or for an instant query the last of them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, its helpers too"
)]

use narvi_logql::eval::{Form, evaluate};
use narvi_logql::metric::{ABSENT, Folding, Grid, Matrix, MatrixSeries, aggregate, labels_of};
use narvi_logql::plan::{MetricPlan, Node, Plan, Scan};
use narvi_logql::running::Running;
use narvi_logql::syntax::parse;
use narvi_model::answer::{QueryResult, Series};
use narvi_model::{Labels, Timestamp};

const NONE: f64 = ABSENT;

/// Job, labels, values.
type Row = (
    &'static str,
    &'static [(&'static str, &'static str)],
    [f64; 3],
);

const DATA: &[Row] = &[
    ("api", &[("env", "prod"), ("pod", "a")], [1.0, 2.0, 3.0]),
    ("api", &[("env", "prod"), ("pod", "b")], [4.0, NONE, 3.0]),
    ("api", &[("env", "dev"), ("pod", "c")], [NONE, NONE, 5.0]),
    ("web", &[("env", "prod"), ("team", "x")], [10.0, 20.0, 2.0]),
    ("gap", &[("a", "1")], [NONE, 7.0, NONE]),
];

fn table(scan: &Scan, grid: Grid) -> Matrix {
    let job = scan.source.matchers[0].value();
    let rows = DATA.iter().filter(|(name, ..)| *name == job);
    let series = rows.map(|(_, labels, values)| MatrixSeries {
        labels: Labels::from_pairs(labels.iter().copied()),
        cells: values[3 - grid.len()..].to_vec(),
    });
    let series = series.collect();
    // What was pushed into the scan is a sum of counts.
    aggregate(Folding::Sum, &scan.key, Matrix { grid, series })
}

/// `{a="1"} 2@1 3@2`: the labels, and each value with its second.
fn text(series: &Series) -> String {
    let samples = series.samples.iter();
    let samples = samples.map(|sample| format!(" {}@{}", sample.value, sample.millis / 1000));
    format!("{}{}", series.labels, samples.collect::<String>())
}

fn answer(query: &str, form: Form) -> String {
    let plan = match parse(query).map(|parsed| Plan::new(&parsed)) {
        Ok(Ok(Plan::Metric(plan))) => plan,
        Ok(Err(error)) => return error.to_string(),
        other => panic!("{query}: {other:?}"),
    };
    let (first, last) = (Timestamp::from_seconds(1), Timestamp::from_seconds(3));
    let grid = match form {
        Form::Range => Grid::range(first, last, 1_000_000_000).unwrap(),
        Form::Instant => Grid::instant(last),
    };
    let scans = plan.scans.iter().map(|scan| table(scan, grid)).collect();
    match evaluate(&plan, scans, grid, form, &Running::default()) {
        Err(error) => error.to_string(),
        Ok(QueryResult::Scalar(sample)) => format!("{}@{}", sample.value, sample.millis / 1000),
        Ok(QueryResult::Matrix(series) | QueryResult::Vector(series)) => {
            series.iter().map(text).collect::<Vec<_>>().join(" ")
        }
        Ok(QueryResult::Streams(_)) => panic!("{query}: lines"),
    }
}

/// `api`, `web`, `gap` in a query stand for a count of that job.
#[track_caller]
fn check_form(query: &str, form: Form, want: &str) {
    let mut written = query.to_owned();
    for job in ["api", "web", "gap"] {
        written = written.replace(job, &format!("count_over_time({{job=\"{job}\"}}[1s])"));
    }
    assert_eq!(answer(&written, form), want, "{query}");
}

#[track_caller]
fn range(query: &str, want: &str) {
    check_form(query, Form::Range, want);
}

#[track_caller]
fn instant(query: &str, want: &str) {
    check_form(query, Form::Instant, want);
}

#[test]
fn metrics_of_aggregations() {
    range("sum(api)", "{} 5@1 2@2 11@3");
    range(
        "sum by (env) (api)",
        r#"{env="dev"} 5@3 {env="prod"} 5@1 2@2 6@3"#,
    );
    range("max by (team) (web)", r#"{team="x"} 10@1 20@2 2@3"#);
    range("count(api)", "{} 2@1 1@2 3@3");
    range("stdvar(api)", "{} 2.25@1 0@2 0.8888888888888888@3");
    range("avg without (pod) (gap)", r#"{a="1"} 7@2"#);
    instant("sum(gap)", "");
}

#[test]
fn metrics_of_rankings() {
    range(
        "topk(1, api)",
        r#"{env="dev", pod="c"} 5@3 {env="prod", pod="a"} 2@2 {env="prod", pod="b"} 4@1"#,
    );
    // By labels, though ranked by value.
    instant(
        "topk(2, api)",
        r#"{env="dev", pod="c"} 5@3 {env="prod", pod="a"} 3@3"#,
    );
    instant(
        "bottomk by (env) (1, api)",
        r#"{env="dev", pod="c"} 5@3 {env="prod", pod="a"} 3@3"#,
    );
    instant(
        "sort(api)",
        r#"{env="prod", pod="a"} 3@3 {env="prod", pod="b"} 3@3 {env="dev", pod="c"} 5@3"#,
    );
    // A sort anywhere leaves the order to evaluation.
    instant(
        "sort(sum by (env) (web)) or sum by (env) (api)",
        r#"{env="prod"} 2@3 {env="dev"} 5@3"#,
    );
    instant(
        "sort_desc(-1 * api)",
        r#"{env="prod", pod="a"} -3@3 {env="prod", pod="b"} -3@3 {env="dev", pod="c"} -5@3"#,
    );
    range(
        "sort(sum by (env) (api))",
        r#"{env="dev"} 5@3 {env="prod"} 5@1 2@2 6@3"#,
    );
    instant(
        "approx_topk(2, api)",
        "approx_topk is not enabled. See -limits.shard_aggregations",
    );
}

#[test]
fn metrics_of_operators() {
    range(
        "sum by (env) (api) / on(env) sum by (env) (web)",
        r#"{env="prod"} 0.5@1 0.1@2 3@3"#,
    );
    range(
        "api * on(env) group_left(team) web",
        r#"{env="prod", pod="a", team="x"} 10@1 40@2 6@3 {env="prod", pod="b", team="x"} 40@1 6@3"#,
    );
    range(
        "api > 3",
        r#"{env="dev", pod="c"} 5@3 {env="prod", pod="b"} 4@1"#,
    );
    range("3 < bool web", r#"{env="prod", team="x"} 1@1 1@2 0@3"#);
    range(
        "api + on(env) web",
        "multiple matches for labels: many-to-one matching must be explicit \
         (group_left/group_right)",
    );
    instant(
        "web + on(env) api",
        "found duplicate series on the right hand-side;many-to-many matching not allowed: \
         matching labels must be unique on one side",
    );
    instant("gap + on() gap", "");
    range("gap + on() gap", "{} 14@2");
    range("api and on(env) web > 15", r#"{env="prod", pod="a"} 2@2"#);
    range("sum(gap) or vector(0)", "{} 0@1 7@2 0@3");
    range("vector(1) unless gap", "{} 1@1 1@2 1@3");
    range("vector(1) unless on() gap", "{} 1@1 1@3");
}

#[test]
fn metrics_of_numbers() {
    range("1 + 2 * 3 ^ 2", "{} 19@1 19@2 19@3");
    instant("7 / 2", "3.5@3");
    instant("1 > 2", "0@3");
    instant("1 < bool 2", "1@3");
    instant("-1 / 0", "NaN@3");
    instant("vector(2) > 1", "{} 2@3");
    instant("vector(2) < 1", "");
    instant("2 ^ vector(3)", "{} 8@3");
    instant("sum(vector(3)) + 1", "{} 4@3");
}

#[test]
fn metrics_of_absence() {
    let check = |job: &str, want: &str| {
        let written = format!("count_over_time({{job=\"{job}\"}}[1s])");
        let plan = match Plan::new(&parse(&written).unwrap()) {
            Ok(Plan::Metric(plan)) => plan,
            other => panic!("{other:?}"),
        };
        let (first, last) = (Timestamp::from_seconds(1), Timestamp::from_seconds(3));
        let grid = Grid::range(first, last, 1_000_000_000).unwrap();
        let scans = vec![table(&plan.scans[0], grid)];
        let root = Node::Absent {
            labels: labels_of(&plan.scans[0].source.matchers),
            inner: Box::new(plan.root),
        };
        let plan = MetricPlan { root, ..plan };
        let answer = evaluate(&plan, scans, grid, Form::Range, &Running::default());
        let QueryResult::Matrix(series) = answer.unwrap() else {
            panic!("not a matrix");
        };
        assert_eq!(series.iter().map(text).collect::<String>(), want);
    };
    check("gap", r#"{job="gap"} 1@1 1@3"#);
    check("web", "");
    check("none", r#"{job="none"} 1@1 1@2 1@3"#);
}

#[test]
fn metrics_of_replaced_labels() {
    range(
        r#"label_replace(web, "who", "$1-$2", "team", "(.)(.*)")"#,
        r#"{env="prod", team="x", who="x-"} 10@1 20@2 2@3"#,
    );
    // Series that become alike stay two samples at an instant, and share a line over a range.
    instant(
        r#"label_replace(sum by (pod) (api), "pod", "", "pod", "[ab]")"#,
        r#"{} 3@3 {} 3@3 {pod="c"} 5@3"#,
    );
    range(
        r#"label_replace(sum by (pod) (api), "pod", "", "pod", "[ab]")"#,
        r#"{} 1@1 4@1 2@2 3@3 3@3 {pod="c"} 5@3"#,
    );
    range(
        r#"sum by (p) (label_replace(api, "p", "$0", "pod", "[ab]"))"#,
        r#"{} 5@3 {p="a"} 1@1 2@2 3@3 {p="b"} 4@1 3@3"#,
    );
}
