//! Plans arbitrary texts, as queries and as the stages of one, and runs them over a few lines at an
//! instant and over some steps: whatever comes of it, nothing panics, and the memory stays bounded.
//!
//! `cargo +nightly fuzz run run -- -dict=fuzz/parse.dict`, from `shared/logql`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use narvi_logql::batch::{Batch, LineColumn, MetadataColumn, Selection};
use narvi_logql::eval::{Form, evaluate};
use narvi_logql::logs::{Arrival, LogPartial};
use narvi_logql::metric::Grid;
use narvi_logql::plan::{LogPlan, MetricPlan, Plan, Scan};
use narvi_logql::running::Running;
use narvi_logql::syntax::parse;
use narvi_model::{Direction, Labels, Timestamp};

const LINES: [&str; 8] = [
    "",
    "10.0.0.1 - bob [now] \"GET /x?a=b HTTP/1.1\" 200 57 1m30s",
    "level=info msg=\"a \\\"b\\\"\" v=1.5 took=10ms size=2KiB err= x=y=z",
    r#"{"a":{"b":[1,{"c":null}],"d":"\u00e9\n"},"v":2,"app":"z","_entry":"v=3","e":""}"#,
    r#"{"a": truncated"#,
    "h\u{e9}llo \u{65e5}\u{672c} \u{1b}[31mred\u{1b}[0m ::1 2001:db8::68",
    "two\nlines \0 and\ttabs",
    "v=NaN v=Inf v=-1e308 9223372036854775807",
];

fn batch() -> Batch {
    let mut lines = LineColumn::default();
    for line in LINES {
        lines.has_newlines |= line.contains('\n');
        lines.bytes.extend_from_slice(line.as_bytes());
        lines.ends.push(lines.bytes.len() as u32);
        lines.bytes.push(b'\n');
    }
    let rows = LINES.len() as u32;
    Batch {
        stream: Labels::from_pairs([("a", "b"), ("app", "x"), ("v", "7")]),
        timestamps: (0..i64::from(rows))
            .map(|row| row / 2 * 1_000_000_000)
            .collect(),
        lines,
        metadata: vec![MetadataColumn {
            name: "app".into(),
            values: ["m", "1h", ""].into_iter().collect(),
            refs: (0..rows).map(|row| row % 4).collect(),
        }],
        selection: Selection::Run(0..rows),
        ..Batch::default()
    }
}

fn run(text: &str) {
    match parse(text).map(|query| Plan::new(&query)) {
        Ok(Ok(Plan::Log(plan))) => log(&plan),
        Ok(Ok(Plan::Metric(plan))) => {
            metric(
                &plan,
                Grid::instant(Timestamp::from_seconds(3)),
                Form::Instant,
            );
            let (start, end) = (Timestamp::from_seconds(0), Timestamp::from_seconds(4));
            if let Some(grid) = Grid::range(start, end, 1_000_000_000) {
                metric(&plan, grid, Form::Range);
            }
        }
        Ok(Err(_)) | Err(_) => {}
    }
}

fn log(plan: &LogPlan) {
    for direction in [Direction::Forward, Direction::Backward] {
        let running = Running::default();
        let mut partial = LogPartial::new(direction, 5, &running);
        let mut machine = plan.pipeline.machine(&running);
        let mut batch = batch();
        let _ = plan.pipeline.filter(&mut batch, &running);
        let _ = partial.add_rows((&plan.pipeline, &mut machine), &batch, Arrival(0));
        assert!(partial.finish(0, 5).len() <= 5);
    }
}

fn metric(plan: &MetricPlan, grid: Grid, form: Form) {
    let running = Running::default();
    let scan = |scan: &Scan| {
        let window = grid.window(scan.range, scan.offset);
        let mut partial = scan.start(window, &running);
        let mut state = scan.state(window, &running);
        let into = (&mut partial, &mut state);
        scan.run(into, &mut batch(), Arrival(0))
            .is_ok()
            .then(|| partial.finish())
    };
    if let Some(scans) = plan.scans.iter().map(scan).collect() {
        let _ = evaluate(plan, scans, grid, form, &running);
    }
}

fuzz_target!(|text: &str| {
    run(text);
    run(&format!("{{a=\"b\"}} {text}"));
    run(&format!(
        "sum by (app) (avg_over_time({{a=\"b\"}} {text} | unwrap v | __error__=\"\" [5s]))"
    ));
});
