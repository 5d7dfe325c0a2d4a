//! [`ask`]: a query over batches made by hand, from text to answer, as a worker runs it; [`lines`],
//! [`Stream`]: the batches.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use narvi_logql::batch::{Batch, LineColumn, MetadataColumn, Selection, Texts};
use narvi_logql::eval::{Form, evaluate};
use narvi_logql::logs::{Arrival, LogPartial};
use narvi_logql::metric::{Grid, Matrix};
use narvi_logql::plan::{LogPlan, MetricPlan, Plan, Scan};
use narvi_logql::running::Running;
use narvi_logql::syntax::parse;
use narvi_model::answer::QueryResult;
use narvi_model::{Direction, Labels};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The stack of a worker thread.
const STACK: usize = 2 << 20;

/// Memory that any query may take: a fraction of the smallest Lambda that answers queries.
const PEAK: usize = 400 << 20;

/// Time that any query may take on a slow machine in a build without optimisation; far less than
/// what is not bounded takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Entries that a log query asks for.
const LIMIT: usize = 5_000;

/// Queries are measured one at a time.
static TURN: Mutex<()> = Mutex::new(());

/// What a query runs over: the grid of its steps, and its batches one after the other.
#[derive(Clone, Copy)]
pub(crate) struct Data<'a> {
    pub(crate) grid: Grid,
    pub(crate) batches: usize,
    pub(crate) batch: &'a (dyn Fn(usize) -> Batch + Sync),
}

/// Runs a query on a worker's stack, and holds it to memory and time; what comes of it: an error's
/// text, or how much there was.
#[track_caller]
pub(crate) fn ask(query: &str, data: &Data<'_>) -> String {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let shown: String = query.chars().take(100).collect();
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let started = Instant::now();
    let answer = std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(STACK);
        let worker = builder.spawn_scoped(scope, || answer(query, data));
        worker.unwrap().join().unwrap()
    });
    let (took, peak) = (
        started.elapsed(),
        MEMORY.peak_usage().saturating_sub(before),
    );
    eprintln!("{:>6} MiB {took:>9.1?} {shown}", peak >> 20);
    assert!(peak < PEAK, "{} MiB: {shown}", peak >> 20);
    assert!(took < PATIENCE, "{took:?}: {shown}");
    answer
}

fn answer(query: &str, data: &Data<'_>) -> String {
    let planned = parse(query).map(|parsed| Plan::new(&parsed));
    match planned {
        Err(error) => error.to_string(),
        Ok(Err(error)) => error.to_string(),
        Ok(Ok(Plan::Log(plan))) => log(&plan, data).unwrap_or_else(|error| error),
        Ok(Ok(Plan::Metric(plan))) => metric(&plan, data).unwrap_or_else(|error| error),
    }
}

fn log(plan: &LogPlan, data: &Data<'_>) -> Result<String, String> {
    let running = Running::default();
    let mut partial = LogPartial::new(Direction::Forward, LIMIT, &running);
    let mut machine = plan.pipeline.machine(&running);
    for place in 0..data.batches {
        let mut batch = (data.batch)(place);
        let filtered = plan.pipeline.filter(&mut batch, &running);
        filtered.map_err(|halt| halt.to_string())?;
        let into = (&plan.pipeline, &mut machine);
        partial
            .add_rows(into, &batch, Arrival(place as u64))
            .map_err(|error| error.to_string())?;
    }
    let streams = partial.finish(0, LIMIT);
    let entries = streams.iter().flat_map(|stream| &stream.entries);
    let errors = entries
        .clone()
        .filter_map(|entry| entry.parsed.get("__error__"));
    let error = errors.max().map(|error| format!(", {error}"));
    Ok(format!(
        "{} lines{}",
        entries.count(),
        error.unwrap_or_default()
    ))
}

fn metric(plan: &MetricPlan, data: &Data<'_>) -> Result<String, String> {
    let running = Running::default();
    let scan = |scan: &Scan| {
        let window = data.grid.window(scan.range, scan.offset);
        let mut partial = scan.start(window, &running);
        let mut state = scan.state(window, &running);
        for place in 0..data.batches {
            let mut batch = (data.batch)(place);
            let into = (&mut partial, &mut state);
            scan.run(into, &mut batch, Arrival(place as u64))
                .map_err(|error| error.to_string())?;
        }
        Ok::<_, String>(partial.finish())
    };
    let mut scans = Vec::new();
    for one in &plan.scans {
        scans.push(scan(one)?);
        Matrix::check_together(&scans).map_err(|error| error.to_string())?;
    }
    let form = match data.grid.len() {
        1 => Form::Instant,
        _ => Form::Range,
    };
    let result = evaluate(plan, scans, data.grid, form, &running);
    let result = result.map_err(|error| error.to_string())?;
    Ok(match result {
        QueryResult::Scalar(sample) => format!("{}", sample.value),
        QueryResult::Matrix(series) | QueryResult::Vector(series) => {
            let samples: usize = series.iter().map(|series| series.samples.len()).sum();
            format!("{} series, {samples} samples", series.len())
        }
        QueryResult::Streams(_) => String::new(),
    })
}

/// A batch of lines, each a second behind the one before, from second `start` on.
pub(crate) fn lines(start: i64, lines: impl IntoIterator<Item = String>) -> Batch {
    let mut column = LineColumn::default();
    for line in lines {
        column.has_newlines |= line.contains('\n');
        column.bytes.extend_from_slice(line.as_bytes());
        column.ends.push(column.bytes.len() as u32);
        column.bytes.push(b'\n');
    }
    let rows = column.ends.len() as u32;
    Batch {
        stream: Labels::from_pairs([("app", "x")]),
        timestamps: (0..i64::from(rows))
            .map(|n| (start + n) * 1_000_000_000)
            .collect(),
        lines: column,
        selection: Selection::Run(0..rows),
        ..Batch::default()
    }
}

/// Adds metadata `name` to a batch, another value in each row.
pub(crate) fn with_metadata(mut batch: Batch, name: &str, value: impl Fn(u32) -> String) -> Batch {
    let mut values = Texts::default();
    for row in 0..batch.rows() {
        values.text.push_str(&value(row));
        values.ends.push(values.text.len() as u32);
    }
    batch.metadata.push(MetadataColumn {
        name: name.into(),
        values,
        refs: (1..=batch.rows()).collect(),
    });
    batch
}
