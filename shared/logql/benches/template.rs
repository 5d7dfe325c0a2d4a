//! How fast lines are made: of labels only, with functions, with `printf`, in a loop.
//!
//! `cargo bench -p narvi-logql --bench template`. Each round renders one line of eight labels.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use narvi_logql::template::{Data, Scratch, Template};

/// A line as an access log has it.
struct Line {
    labels: [(&'static str, &'static str); 8],
}

const LINE: Line = Line {
    labels: [
        ("app", "frontend"),
        ("duration", "1.25s"),
        ("json", r#"{"user":"ada","roles":["a","b"]}"#),
        ("level", "info"),
        ("method", "GET"),
        ("path", "/api/v1/cart/checkout"),
        ("status", "200"),
        ("traceID", "85107926812c36f785107926812c36f7"),
    ],
};

impl Data for Line {
    fn label(&self, name: &str) -> Option<&str> {
        let found = self
            .labels
            .binary_search_by(|(known, _)| (*known).cmp(name))
            .ok()?;
        self.labels.get(found).map(|(_, value)| *value)
    }

    fn labels(&self, visit: &mut dyn FnMut(&str, &str)) {
        self.labels
            .iter()
            .for_each(|(name, value)| visit(name, value));
    }

    fn line(&self) -> &[u8] {
        b"level=info method=GET path=/api/v1/cart/checkout status=200 duration=1.25s"
    }

    fn timestamp(&self) -> i64 {
        1_768_471_207_686_583_000
    }

    fn now(&self) -> i64 {
        1_768_471_207_686_583_000
    }
}

const TEMPLATES: [(&str, &str); 8] = [
    ("labels", "{{.method}} {{.path}} {{.status}}"),
    ("pipeline", "{{.traceID | trunc 8 | upper}} {{.path}}"),
    (
        "functions",
        "{{ToUpper .level}} {{replace `/` `.` .path}} {{default `-` .user}}",
    ),
    (
        "condition",
        "{{if eq .level `error`}}!{{else if eq .status `200`}}ok{{end}} {{.path}}",
    ),
    ("regex", "{{regexReplaceAll `/v\\d+/` .path `/`}}"),
    ("printf", "{{printf `%-8s %5s %s` .method .status .path}}"),
    (
        "time",
        "{{__timestamp__ | date `2006-01-02T15:04:05.000Z07:00`}} {{.path}}",
    ),
    (
        "json",
        "{{range $i, $r := (fromJson .json).roles}}{{$i}}={{$r}} {{end}}",
    ),
];

fn render(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("template");
    group.throughput(Throughput::Elements(1));
    for (name, text) in TEMPLATES {
        let Ok(template) = Template::parse("line", text) else {
            unreachable!("`{text}` is a template");
        };
        let (mut scratch, mut out) = (Scratch::new(), Vec::new());
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                out.clear();
                let result = template.render(black_box(&LINE), &mut scratch, &mut out);
                assert!(result.is_ok());
                black_box(out.len())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, render);
criterion_main!(benches);
