//! How fast a push becomes a segment, and how fast its columns come back.
//!
//! `cargo bench -p narvi-segment`. A push is 1 MiB of access-log lines with a level as metadata, as
//! one stream and as 50; columns are those of one full chunk of 65,536 rows.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use narvi_model::{Entry, Labels, Line, TenantId, Timestamp};
use narvi_segment::{Codec, Footer, Scratch, Writer, WriterOptions};

const START_NANOS: i64 = 1_768_471_263_123_456_789;
const PUSH_BYTES: usize = 1 << 20;
const CODECS: [Codec; 4] = [Codec::None, Codec::Snappy, Codec::Lz4, Codec::Zstd];

/// Numbers that look random and are the same in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)) % below
    }
}

fn entry(numbers: &mut Numbers, time: &mut i64) -> Entry {
    *time += numbers.next(2_000_000) as i64;
    let path = ["/api/cart", "/api/checkout", "/health", "/static/app.js"];
    let line = format!(
        "10.0.{}.{} - - \"GET {}/{} HTTP/1.1\" {} {} \"Mozilla/5.0 (X11; Linux x86_64)\" \
         rt={}ms trace={:016x}",
        numbers.next(4),
        numbers.next(256),
        path[numbers.next(4) as usize],
        numbers.next(10_000),
        [200, 200, 200, 304, 500][numbers.next(5) as usize],
        numbers.next(50_000),
        numbers.next(900),
        numbers.next(u64::MAX),
    );
    let level = ["info", "info", "info", "warn", "error"][numbers.next(5) as usize];
    Entry {
        timestamp: Timestamp::from_nanos(*time),
        line: Line::from(line),
        metadata: Labels::from_pairs([("detected_level", level)]),
    }
}

fn stream(number: usize, entries: impl FnOnce(&mut Numbers) -> Vec<Entry>) -> (Labels, Vec<Entry>) {
    let pod = format!("checkout-7d4b9c6f5-{number:05}");
    let labels = [
        ("app", "checkout"),
        ("env", "prod"),
        ("namespace", "shop"),
        ("pod", &pod),
    ];
    (
        Labels::from_pairs(labels),
        entries(&mut Numbers(number as u64)),
    )
}

fn push(streams: usize) -> Vec<(Labels, Vec<Entry>)> {
    let entries = |numbers: &mut Numbers| {
        let (mut time, mut bytes, mut entries) = (START_NANOS, 0, Vec::new());
        while bytes < PUSH_BYTES / streams {
            entries.push(entry(numbers, &mut time));
            bytes += entries.last().map_or(0, |entry: &Entry| entry.line.len());
        }
        entries
    };
    (0..streams).map(|number| stream(number, entries)).collect()
}

fn write(streams: &[(Labels, Vec<Entry>)], codec: Codec) -> Option<bytes::Bytes> {
    let options = WriterOptions {
        codec,
        max_chunk_bytes: 8 << 20,
        ..WriterOptions::default()
    };
    let mut writer = Writer::new(options);
    for (labels, entries) in streams {
        writer.push_entries(labels, entries).ok()?;
    }
    Some(writer.finish(&TenantId::without_auth()).ok()?.bytes)
}

fn writing(c: &mut Criterion) {
    let mut group = c.benchmark_group("write");
    for streams in [1, 50] {
        let push = push(streams);
        let entries = || push.iter().flat_map(|(_, entries)| entries);
        let bytes: usize = entries().map(|entry| entry.line.len()).sum();
        group.throughput(Throughput::Bytes(bytes as u64));
        for codec in CODECS {
            let name = format!("{streams} streams, {codec}");
            group.bench_function(name, |b| b.iter(|| write(black_box(&push), codec)));
        }
        let mut shuffled = push.clone();
        shuffled
            .iter_mut()
            .for_each(|(_, entries)| entries.reverse());
        let name = format!("{streams} streams, lz4, latest first");
        group.bench_function(name, |b| {
            b.iter(|| write(black_box(&shuffled), Codec::Lz4));
        });
    }
}

fn reading(c: &mut Criterion) {
    let rows = 65_536;
    let entries = |numbers: &mut Numbers| {
        let mut time = START_NANOS;
        (0..rows).map(|_| entry(numbers, &mut time)).collect()
    };
    let streams = [stream(0, entries)];
    let mut group = c.benchmark_group("decode");
    for codec in CODECS {
        let Some(segment) = write(&streams, codec) else {
            continue;
        };
        let Ok(footer) = Footer::of_segment(&segment) else {
            continue;
        };
        let [chunk] = &footer.chunks[..] else {
            continue;
        };
        let scratch = &mut Scratch::default();
        group.throughput(Throughput::Elements(rows));
        let mut out = Vec::new();
        let stored = chunk.timestamps.of(&segment).unwrap_or_default();
        group.bench_function(format!("timestamps, {codec}"), |b| {
            b.iter(|| chunk.decode_timestamps(black_box(stored), scratch, &mut out));
        });
        let mut out = Vec::new();
        let stored = chunk.lengths.of(&segment).unwrap_or_default();
        group.bench_function(format!("lengths, {codec}"), |b| {
            b.iter(|| chunk.decode_lengths(black_box(stored), scratch, &mut out));
        });
        let metadata = chunk.metadata.and_then(|column| column.of(&segment).ok());
        let stored = metadata.unwrap_or_default();
        group.bench_function(format!("metadata, {codec}"), |b| {
            b.iter(|| chunk.decode_metadata(black_box(stored), scratch));
        });
        let mut out = Vec::new();
        let stored = chunk.lines.of(&segment).unwrap_or_default();
        group.throughput(Throughput::Bytes(chunk.line_bytes));
        group.bench_function(format!("lines, {codec}"), |b| {
            b.iter(|| chunk.decode_lines(black_box(stored), &mut out));
        });
    }
}

fn footers(c: &mut Criterion) {
    let one = |numbers: &mut Numbers| vec![entry(numbers, &mut START_NANOS.clone())];
    let streams: Vec<_> = (0..10_000).map(|number| stream(number, one)).collect();
    let mut group = c.benchmark_group("footer");
    group.throughput(Throughput::Elements(streams.len() as u64));
    let segment = write(&streams, Codec::Zstd).unwrap_or_default();
    group.bench_function("10,000 streams and chunks", |b| {
        b.iter(|| Footer::of_segment(black_box(&segment)));
    });
}

criterion_group!(benches, writing, reading, footers);
criterion_main!(benches);
