//! How fast levels are found: every line that is pushed goes through it.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use narvi_model::{Labels, Limits};
use narvi_protocol::level::LevelDetector;

/// Lines of about 200 bytes, each found out in another way.
const LINES: [(&str, &str); 4] = [
    (
        "logfmt",
        "ts=2024-01-02T03:04:05.123456Z caller=metrics.go:159 component=frontend org_id=fake \
         traceID=1f2e3d4c5b6a7988 latency=fast query=\"{app=\\\"x\\\"}\" duration=12ms status=200 \
         level=info",
    ),
    (
        "json",
        r#"{"currency":"USD","http.req.id":"7a4b3296-8642","http.req.method":"GET","http.req.path":
            "/product/OLJCESPC7Z","message":"request started","session":"523","severity":"debug"}"#,
    ),
    (
        "word",
        "2026-01-15 10:00:00,123 [http-nio-8080-exec-7] INFO o.s.web.servlet.DispatcherServlet - \
         completed initialization of the servlet in 12 ms, and went on to serve what came after",
    ),
    (
        "nothing",
        "10.12.0.7 - - [15/Jan/2026:10:00:00 +0000] \"GET /api/v1/items?page=7 HTTP/1.1\" 200 5316 \
         \"https://example.com/\" \"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\" 0.012",
    ),
];

fn levels(c: &mut Criterion) {
    let limits = Limits::default();
    let detector = LevelDetector::new(&limits.log_level_fields, 2);
    let none = Labels::empty();
    let mut group = c.benchmark_group("level");
    for (name, line) in LINES {
        group.throughput(Throughput::Bytes(line.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| detector.of_entry(&none, black_box(line.as_bytes())));
        });
    }
    group.finish();
}

criterion_group!(benches, levels);
criterion_main!(benches);
