//! How fast segments become one.
//!
//! `cargo bench -p narvi-segment --bench merge`. MiB/s are those of lines. *pushes*: lz4 to
//! zstd, all streams in all inputs. *interleaved*: zstd to zstd, one row after the other of another
//! input. *equal times*: the same with ten rows of each input at one time. *in a row*: zstd to
//! zstd, chunks that are copied.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use narvi_model::{Entry, Labels, Line, TenantId, Timestamp};
use narvi_segment::{Codec, MergeOptions, Writer, WriterOptions, merge};

const INPUTS: u64 = 16;
const MIB: usize = 1 << 20;

/// Numbers that look random and are the same in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)) % below
    }
}

fn entry(numbers: &mut Numbers, time: u64) -> Entry {
    let path = ["/api/cart", "/api/checkout", "/health", "/static/app.js"];
    let line = format!(
        "10.0.{}.{} - - \"GET {}/{} HTTP/1.1\" {} {} \"Mozilla/5.0 (X11; Linux x86_64)\" rt={}ms",
        numbers.next(4),
        numbers.next(256),
        path[numbers.next(4) as usize],
        numbers.next(10_000),
        [200, 200, 200, 304, 500][numbers.next(5) as usize],
        numbers.next(50_000),
        numbers.next(900),
    );
    let level = ["info", "info", "info", "warn", "error"][numbers.next(5) as usize];
    Entry {
        timestamp: Timestamp::from_nanos(time.cast_signed()),
        line: Line::from(line),
        metadata: Labels::from_pairs([("detected_level", level)]),
    }
}

/// What a case is made of.
struct Case {
    name: &'static str,
    streams: usize,
    codec: Codec,
    bytes: usize,
    /// The time of a row, by number of input and row.
    time: fn(u64, u64) -> u64,
}

/// An input and the bytes of its lines.
fn input(case: &Case, number: u64) -> (Bytes, usize) {
    let options = WriterOptions {
        codec: case.codec,
        // What a merge has written has filters.
        filters: case.codec == Codec::Zstd,
        ..WriterOptions::default()
    };
    let (mut writer, mut total) = (Writer::new(options), 0);
    for stream in 0..case.streams {
        let mut numbers = Numbers(number << 32 | stream as u64);
        let (mut bytes, mut entries) = (0, Vec::new());
        while bytes < case.bytes / case.streams {
            let time = (case.time)(number, entries.len() as u64);
            let entry = entry(&mut numbers, time);
            bytes += entry.line.len();
            entries.push(entry);
        }
        let labels = Labels::from_pairs([("app", "shop"), ("pod", &format!("shop-{stream}"))]);
        if writer.push_entries(&labels, &entries).is_ok() {
            total += bytes;
        }
    }
    match writer.finish(&TenantId::without_auth()) {
        Ok(encoded) => (encoded.bytes, total),
        Err(_) => (Bytes::new(), 0),
    }
}

fn merging(c: &mut Criterion) {
    let cases = [
        Case {
            name: "pushes, 50 streams",
            streams: 50,
            codec: Codec::Lz4,
            bytes: MIB,
            time: |input, row| input * 1_000_000_000 + row * 1_000_003,
        },
        Case {
            name: "interleaved, 4 streams",
            streams: 4,
            codec: Codec::Zstd,
            bytes: 4 * MIB,
            time: |input, row| row * 1_000_003 + input * 1_001,
        },
        Case {
            name: "equal times, 4 streams",
            streams: 4,
            codec: Codec::Zstd,
            bytes: 4 * MIB,
            time: |_, row| row / 10 * 1_000_000_000,
        },
        Case {
            name: "in a row, 1 stream",
            streams: 1,
            codec: Codec::Zstd,
            bytes: 4 * MIB,
            time: |input, row| input * 1_000_000_000_000 + row * 1_000_003,
        },
    ];
    let options = MergeOptions {
        writer: WriterOptions {
            codec: Codec::Zstd,
            filters: true,
            ..WriterOptions::default()
        },
        max_bytes: 128 * MIB,
        max_open_bytes: 128 * MIB,
    };
    let mut group = c.benchmark_group("merge");
    group.sample_size(10);
    for case in cases {
        let made = (0..INPUTS).map(|number| input(&case, number));
        let (inputs, bytes): (Vec<Bytes>, Vec<usize>) = made.unzip();
        group.throughput(Throughput::Bytes(bytes.iter().sum::<usize>() as u64));
        group.bench_function(case.name, |b| {
            b.iter(|| merge(&TenantId::without_auth(), &options, black_box(&inputs)));
        });
    }
}

criterion_group!(benches, merging);
criterion_main!(benches);
