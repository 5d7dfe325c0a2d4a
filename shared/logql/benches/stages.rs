//! How many bytes of lines a second run through each kind of stage, on one core.
//!
//! `cargo bench -p narvi-logql`. Each query counts what is left of one chunk of about 1 MiB; where
//! it groups `by`, the stages need to make only those labels, where it groups `without`, all. A
//! group for each stage; lines of one kind come from one function.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use narvi_logql::batch::{Batch, LineColumn, Selection};
use narvi_logql::logs::Arrival;
use narvi_logql::metric::Grid;
use narvi_logql::plan::{MetricPlan, Plan, Scan};
use narvi_logql::running::Running;
use narvi_logql::syntax::parse;
use narvi_model::{Labels, Timestamp};

const CHUNK_BYTES: usize = 1 << 20;
const HOUR: i64 = 3_600_000_000_000;

/// Numbers that look random and are the same in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)) % below
    }

    fn pick(&mut self, of: &[&'static str]) -> &'static str {
        of[self.next(of.len() as u64) as usize]
    }
}

const LEVELS: [&str; 5] = ["info", "info", "debug", "warn", "error"];
const METHODS: [&str; 4] = ["GET", "GET", "POST", "DELETE"];
const PATHS: [&str; 3] = ["/api/cart", "/api/checkout", "/health"];

/// `level=info caller=cart.go:12 …`
fn logfmt_line(numbers: &mut Numbers) -> String {
    format!(
        "ts=2026-01-15T10:00:{:02}.{:03}Z level={} caller=cart.go:{} org_id={} \
         traceID={:016x} msg=\"{}\" duration={}ms size={}KB status={}",
        numbers.next(60),
        numbers.next(1000),
        numbers.pick(&LEVELS),
        numbers.next(400),
        numbers.next(20),
        numbers.next(u64::MAX),
        numbers.pick(&["query done", "request canceled", r#"flush \"chunk\" now"#]),
        numbers.next(3000),
        numbers.next(900),
        numbers.pick(&["200", "200", "404", "500"]),
    )
}

/// `10.0.3.7 - - [15/Jan/2026:10:00:07 +0000] "GET /health HTTP/1.1" 200 5 …`
fn access_line(numbers: &mut Numbers) -> String {
    format!(
        "10.0.{}.{} - - [15/Jan/2026:10:00:{:02} +0000] \"{} {}/{} HTTP/1.1\" {} {} \"-\" \
         \"Mozilla/5.0 (X11; Linux x86_64)\" rt=0.{:03}",
        numbers.next(4),
        numbers.next(256),
        numbers.next(60),
        numbers.pick(&METHODS),
        numbers.pick(&PATHS),
        numbers.next(10_000),
        numbers.pick(&["200", "200", "304", "500"]),
        numbers.next(50_000),
        numbers.next(1000),
    )
}

/// `logfmt_line` as a terminal shows it.
fn coloured_line(numbers: &mut Numbers) -> String {
    let line = logfmt_line(numbers);
    line.replace("level=", "\x1b[36mlevel\x1b[0m=")
        .replace("msg=", "\x1b[1mmsg\x1b[0m=")
}

/// `{"ts":"…","level":"info",…}`
fn json_line(numbers: &mut Numbers) -> String {
    format!(
        concat!(
            r#"{{"ts":"2026-01-15T10:00:{:02}Z","level":"{}","caller":"cart.go:{}","http":"#,
            r#"{{"method":"{}","path":"{}/{}","status":{},"user agent":"curl/8.1"}},"#,
            r#""tags":["a","b"],"took_ms":{}.5,"trace":"{:016x}","msg":"{}"}}"#,
        ),
        numbers.next(60),
        numbers.pick(&LEVELS),
        numbers.next(400),
        numbers.pick(&METHODS),
        numbers.pick(&PATHS),
        numbers.next(10_000),
        numbers.pick(&["200", "200", "404", "500"]),
        numbers.next(3000),
        numbers.next(u64::MAX),
        numbers.pick(&["query done", "request canceled", r#"flush \"chunk\" now"#]),
    )
}

/// `logfmt_line` as Promtail packs it.
fn packed_line(numbers: &mut Numbers) -> String {
    let line = logfmt_line(numbers)
        .replace('\\', r"\\")
        .replace('"', r#"\""#);
    format!(
        r#"{{"_entry":"{line}","container":"c{}","zone":"a"}}"#,
        numbers.next(3)
    )
}

/// A chunk of lines within one hour.
fn chunk(line: fn(&mut Numbers) -> String) -> Batch {
    let mut numbers = Numbers(1);
    let mut lines = LineColumn::default();
    while lines.bytes.len() < CHUNK_BYTES {
        lines.bytes.extend_from_slice(line(&mut numbers).as_bytes());
        lines.ends.push(lines.bytes.len() as u32);
        lines.bytes.push(b'\n');
    }
    Batch {
        stream: Labels::from_pairs([("app", "shop"), ("pod", "shop-7d4b9c6f5-x2x9q")]),
        timestamps: (0..lines.ends.len() as i64).collect(),
        lines,
        ..Batch::default()
    }
}

/// The scan of a query that has one.
fn scan(query: &str) -> Option<Scan> {
    let Plan::Metric(MetricPlan { mut scans, .. }) = Plan::new(&parse(query).ok()?).ok()? else {
        return None;
    };
    scans.pop()
}

/// One group: `grouping` and stages of each query over a chunk of one kind of line.
fn group(
    c: &mut Criterion,
    name: &str,
    line: fn(&mut Numbers) -> String,
    queries: &[(&str, &str)],
) {
    let mut batch = chunk(line);
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Bytes(batch.lines.bytes.len() as u64));
    let window = Grid::instant(Timestamp::from_nanos(HOUR)).window(HOUR, 0);
    let running = Running::default();
    for (grouping, stages) in queries {
        let query = format!("sum {grouping} (count_over_time({{app=\"shop\"}} {stages} [1h]))");
        let Some(scan) = scan(&query) else {
            continue;
        };
        let mut state = scan.state(window, &running);
        group.bench_function(format!("{grouping} {stages}"), |b| {
            b.iter(|| {
                let mut partial = scan.start(window, &running);
                batch.selection = Selection::Run(0..batch.rows());
                let left = scan.run((&mut partial, &mut state), &mut batch, Arrival(0));
                (black_box(left.ok()), partial)
            });
        });
    }
}

fn line_filters(c: &mut Criterion) {
    let queries = [
        ("", r#"|= "status=500""#),
        ("", r#"!= "level=debug" |= "status=500""#),
        ("", r#"|= "canceled" or "flush""#),
        ("", r#"|~ "status=5..$""#),
        ("", r#"|~ "(?i)CANCELED""#),
        ("", r#"|~ "caller=cart.go:3[0-9]+ .*duration=2""#),
        ("", r#"|> "<_> level=error <_> status=500""#),
    ];
    group(c, "line filter", logfmt_line, &queries);
    group(c, "ip", access_line, &[("", r#"|= ip("10.0.3.0/28")"#)]);
}

fn logfmt(c: &mut Criterion) {
    let all = "without (ts, caller, traceID, duration, size)";
    let queries = [
        ("by (level)", "| logfmt"),
        ("by (status)", "| logfmt"),
        ("by (nothing)", "| logfmt"),
        ("by (status)", "| logfmt status"),
        (all, "| logfmt"),
        (all, "| logfmt --strict --keep-empty"),
    ];
    group(c, "logfmt", logfmt_line, &queries);
}

fn json(c: &mut Criterion) {
    let all = "without (ts, caller, trace, took_ms, http_path)";
    let queries = [
        ("by (level)", "| json"),
        ("by (http_status)", "| json"),
        ("by (msg)", "| json"),
        ("by (nothing)", "| json"),
        (
            "by (status, msg)",
            r#"| json status="http.status", msg, tag="tags[0]""#,
        ),
        (all, "| json"),
    ];
    group(c, "json", json_line, &queries);
    group(
        c,
        "unpack",
        packed_line,
        &[("by (container)", "| unpack"), ("", "| unpack | logfmt")],
    );
}

fn pattern(c: &mut Criterion) {
    let stage = r#"| pattern `<ip> - <_> [<_>] "<method> <path> <_>" <status> <size> <_>rt=<rt>`"#;
    let queries = [
        ("by (method)", stage),
        ("by (status)", stage),
        ("without (ip, path, size, rt)", stage),
    ];
    group(c, "pattern", access_line, &queries);
}

fn regexp(c: &mut Criterion) {
    let stage = r#"| regexp `"(?P<method>\w+) (?P<path>\S+) [^"]*" (?P<status>\d+) (?P<size>\d+)`"#;
    let queries = [("by (status)", stage), ("without (path, size)", stage)];
    group(c, "regexp", access_line, &queries);
}

fn decolorize(c: &mut Criterion) {
    let queries = [
        ("", "| decolorize"),
        ("by (level)", "| decolorize | logfmt"),
    ];
    group(c, "decolorize", coloured_line, &queries);
    group(c, "decolorize, plain", logfmt_line, &queries[..1]);
}

fn labels(c: &mut Criterion) {
    let queries = [
        ("", r#"| logfmt | level="error""#),
        ("", r#"| logfmt | level=~"error|warn""#),
        ("", "| logfmt | status >= 500"),
        ("", "| logfmt | duration > 1s"),
        ("", "| logfmt | size > 500KB or level > 5"),
        ("", "| pod=~`shop-.*-x2x9q`"),
        ("without (level)", "| logfmt level, status | drop level"),
        ("without (level)", "| logfmt level, status | keep status"),
    ];
    group(c, "label filter, drop, keep", logfmt_line, &queries);
}

fn formats(c: &mut Criterion) {
    let queries = [
        ("by (l)", "| logfmt | label_format l=level"),
        (
            "by (l)",
            "| logfmt | label_format l=`{{.level}}-{{.status}}`",
        ),
        ("by (l)", "| logfmt | label_format l=`{{.level | ToUpper}}`"),
        (
            "",
            "| logfmt | line_format `{{.level}} {{.msg}} {{.status}}`",
        ),
    ];
    group(c, "label_format, line_format", logfmt_line, &queries);
}

criterion_group!(
    benches,
    line_filters,
    logfmt,
    json,
    pattern,
    regexp,
    decolorize,
    labels,
    formats
);
criterion_main!(benches);
