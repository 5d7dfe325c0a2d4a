//! How many lines a second patterns are found in, on one core.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use narvi_logql::patterns::Patterns;

/// Lines of a few forms, as services write them.
fn lines() -> Vec<String> {
    let kinds = ["invoice", "thumbnail", "report"];
    let line = |n: usize| match n % 4 {
        0 => format!(
            "processed job id={n} kind={} took {}ms",
            kinds[n % 3],
            n % 250
        ),
        1 => format!(r#"{{"level":"info","msg":"order placed","order":{n},"ok":true}}"#),
        2 => format!(
            r#"10.0.0.{} - - "GET /cart/{n} HTTP/1.1" 200 {}"#,
            n % 255,
            n * 7 % 5000
        ),
        _ => format!(
            "ts={n} caller=flush.go:{} level=warn msg=\"retry\" try={}",
            n % 90,
            n % 5
        ),
    };
    (0..10_000).map(line).collect()
}

fn find(criterion: &mut Criterion) {
    let lines = lines();
    let mut group = criterion.benchmark_group("patterns");
    group.throughput(Throughput::Elements(lines.len() as u64));
    group.bench_function("add", |bencher| {
        bencher.iter(|| {
            let mut patterns = Patterns::default();
            for (n, line) in lines.iter().enumerate() {
                patterns.add(line.as_bytes(), "info", n as i64 / 100);
            }
            patterns.finish()
        });
    });
    group.finish();
}

criterion_group!(benches, find);
criterion_main!(benches);
