//! How long a query is on its way before the first line is looked at: text to tree, tree to plan,
//! tree to text.
//!
//! `cargo bench -p narvi-logql --bench parse`. The last query is as long as one that a dashboard
//! with a variable of many values sends.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use narvi_logql::plan::Plan;
use narvi_logql::syntax::parse;

/// Values of the variable.
const VALUES: usize = 1000;

fn queries() -> [(&'static str, String); 4] {
    let pods: Vec<String> = (0..VALUES).map(|n| format!("checkout-{n:05}")).collect();
    [
        (
            "selector",
            r#"{app="checkout", env="prod"} |= "error""#.into(),
        ),
        (
            "pipeline",
            r#"{app="checkout"} |= "error" | json status="http.status"
                | status >= 500 and method=~"GET|PUT"
                | line_format "{{.method}} {{.path | upper}}""#
                .into(),
        ),
        (
            "metric",
            r#"topk(5, sum by (path) (rate({app="checkout"} | logfmt | duration > 1s [5m]))
                / ignoring (method) group_left sum by (path) (rate({app="checkout"}[5m])))"#
                .into(),
        ),
        (
            "a variable of 1,000 values",
            format!(
                r#"sum by (pod) (count_over_time({{pod=~"{}"}}[1m]))"#,
                pods.join("|")
            ),
        ),
    ]
}

fn parsing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    for (name, query) in queries() {
        group.throughput(Throughput::Bytes(query.len() as u64));
        let id = |step| BenchmarkId::new(step, name);
        group.bench_function(id("text to tree"), |bencher| {
            bencher.iter(|| parse(black_box(&query)).is_ok());
        });
        let Ok(tree) = parse(&query) else {
            unreachable!("`{name}` is a query");
        };
        assert!(Plan::new(&tree).is_ok(), "`{name}` has a plan");
        group.bench_function(id("tree to plan"), |bencher| {
            bencher.iter(|| Plan::new(black_box(&tree)).is_ok());
        });
        group.bench_function(id("tree to text"), |bencher| {
            bencher.iter(|| black_box(&tree).to_string().len());
        });
    }
    group.finish();
}

criterion_group!(benches, parsing);
criterion_main!(benches);
