//! How fast range functions are: one hour of a stream, 64 Ki lines, into windows short and long.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use narvi_logql::batch::{Batch, Selection};
use narvi_logql::metric::{
    Counting, Grid, RangePartial, SampleOrder, SamplePartial, Sampling, SeriesKey, Window,
};
use narvi_logql::running::Running;
use narvi_model::{Labels, Timestamp};

const ROWS: i64 = 65_536;
const HOUR: i64 = 3_600_000_000_000;
const ORDER: SampleOrder = SampleOrder {
    stream: 1,
    arrival: 1,
};

/// Range and step in seconds: one window, windows side by side, and windows that overlap.
const WINDOWS: [(i64, i64); 3] = [(3600, 3600), (60, 60), (300, 15)];

fn window(range: i64, step: i64) -> Window {
    let second = 1_000_000_000;
    let (start, end) = (Timestamp::from_nanos(0), Timestamp::from_nanos(HOUR));
    let grid = Grid::range(start, end, step * second).unwrap_or(Grid::instant(end));
    grid.window(range * second, 0)
}

fn times() -> Vec<i64> {
    (1..=ROWS).map(|row| row * (HOUR / ROWS)).collect()
}

fn counting(c: &mut Criterion) {
    let batch = Batch {
        stream: Labels::from_pairs([("app", "x")]),
        timestamps: times(),
        lengths: vec![200; ROWS as usize],
        selection: Selection::Run(0..ROWS as u32),
        ..Batch::default()
    };
    let mut group = c.benchmark_group("counting");
    group.throughput(Throughput::Elements(ROWS as u64));
    for function in [Counting::Lines, Counting::Bytes] {
        for (range, step) in WINDOWS {
            let window = window(range, step);
            group.bench_function(format!("{function:?}/{range}s by {step}s"), |b| {
                b.iter(|| {
                    let mut partial = RangePartial::new(function, window, &Running::default());
                    let added = partial.add_batch(&SeriesKey::All, &batch);
                    (black_box(added), partial.finish())
                });
            });
        }
    }
    group.finish();
}

fn samples(c: &mut Criterion) {
    let times = times();
    let values: Vec<f64> = (0..ROWS).map(|row| (row * 7919 % 1009) as f64).collect();
    let labels = Labels::from_pairs([("app", "x")]);
    let mut group = c.benchmark_group("samples");
    group.throughput(Throughput::Elements(ROWS as u64));
    for function in [
        Sampling::Sum,
        Sampling::Avg,
        Sampling::Max,
        Sampling::Stddev,
        Sampling::Last,
        Sampling::RateCounter,
        Sampling::Quantile(0.95),
    ] {
        for (range, step) in WINDOWS {
            let window = window(range, step);
            group.bench_function(format!("{function:?}/{range}s by {step}s"), |b| {
                b.iter(|| {
                    let mut partial = SamplePartial::new(function, window, &Running::default());
                    let added = partial.add(&labels, ORDER, &times, &values);
                    (black_box(added), partial.finish())
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, counting, samples);
criterion_main!(benches);
