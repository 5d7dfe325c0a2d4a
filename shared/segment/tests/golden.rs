//! Segments of each released version read as they did on the day of the release.
//!
//! Files in `golden/` are never edited or removed. A new case, or a new version of the format, gets
//! new files: add it to [`cases`], run the test once, and commit what it wrote. A file that is
//! there is never written again. Compressors may pack tighter in a later release, so only files
//! without compression must also be written byte for byte.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use narvi_model::{Entry, Labels, Line, TenantId, Timestamp};
use narvi_segment::{
    Codec, Filter, Footer, PackedStream, Scratch, StreamPack, VERSION, Writer, WriterOptions, pack,
    verify,
};

/// 2026-01-15T10:01:03.123456789Z
const START_NANOS: i64 = 1_768_471_263_123_456_789;

struct Case {
    name: &'static str,
    codec: Codec,
    max_chunk_rows: usize,
    filters: bool,
    /// Whether today's writer makes such bytes.
    is_written: bool,
    streams: Vec<(Labels, Vec<Entry>)>,
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    Labels::from_pairs(pairs.iter().copied())
}

fn entry(after: i64, line: &str, metadata: &[(&str, &str)]) -> Entry {
    let timestamp = Timestamp::from_nanos(START_NANOS + after);
    Entry {
        timestamp,
        line: Line::from(line),
        metadata: labels(metadata),
    }
}

fn one_stream(name: &'static str, entries: Vec<Entry>) -> Case {
    let streams = vec![(labels(&[("app", "checkout"), ("env", "prod")]), entries)];
    Case {
        name,
        codec: Codec::None,
        max_chunk_rows: 65_536,
        filters: false,
        is_written: true,
        streams,
    }
}

fn many(codec: Codec, name: &'static str) -> Case {
    let streams = ["api", "web", "db"].iter().enumerate().map(|(at, app)| {
        let line = |n: i64| {
            let text = format!(
                "level=info app={app} request={n} status={} done",
                200 + n % 3
            );
            let trace = format!("{:08x}", n.wrapping_mul(2_654_435_761) & 0xffff_ffff);
            entry(
                n * 1_000_000 + at as i64,
                &text,
                &[("level", "info"), ("trace_id", &trace)],
            )
        };
        (
            labels(&[("app", app), ("env", "prod"), ("é", "ü\"")]),
            (0..200).map(line).collect(),
        )
    });
    Case {
        name,
        codec,
        max_chunk_rows: 150,
        filters: false,
        is_written: true,
        streams: streams.collect(),
    }
}

fn cases() -> Vec<Case> {
    let extremes = vec![
        Entry {
            timestamp: Timestamp::MIN,
            ..entry(0, "first of all", &[])
        },
        Entry {
            timestamp: Timestamp::from_nanos(-1),
            ..entry(0, "before 1970", &[])
        },
        Entry {
            timestamp: Timestamp::MAX,
            ..entry(0, "last of all", &[])
        },
    ];
    let newlines = vec![
        entry(0, "panic:\n\tat main.rs:1\n", &[]),
        entry(1, "\n", &[]),
        entry(1_000, "one line", &[]),
    ];
    let metadata = vec![
        entry(0, "a", &[("level", "info"), ("trace", "1")]),
        entry(0, "b", &[]),
        entry(5, "c", &[("level", "")]),
        entry(5, "d", &[("level", "info"), ("ünï", "🎉")]),
    ];
    vec![
        one_stream("single", vec![entry(0, "hello", &[])]),
        one_stream(
            "empty-lines",
            vec![entry(0, "", &[]), entry(0, "x", &[]), entry(9, "", &[])],
        ),
        one_stream("newlines", newlines),
        one_stream("metadata", metadata),
        one_stream("extreme-times", extremes),
        many(Codec::None, "none"),
        many(Codec::Snappy, "snappy"),
        many(Codec::Zstd, "zstd"),
        many(Codec::Lz4, "lz4"),
        Case {
            filters: true,
            is_written: false,
            ..many(Codec::None, "filters")
        },
        Case {
            filters: true,
            ..many(Codec::None, "filters-2")
        },
    ]
}

fn path(case: &Case) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    folder.join(format!("v{VERSION}-{}.seg", case.name))
}

fn write(case: &Case) -> Vec<u8> {
    let max_chunk_rows = case.max_chunk_rows;
    let options = WriterOptions {
        codec: case.codec,
        max_chunk_rows,
        filters: case.filters,
        ..WriterOptions::default()
    };
    let mut writer = Writer::new(options);
    for (labels, entries) in &case.streams {
        writer.push_entries(labels, entries).unwrap();
    }
    writer
        .finish(&TenantId::without_auth())
        .unwrap()
        .bytes
        .to_vec()
}

fn read(segment: &[u8]) -> Vec<(Labels, Vec<Entry>)> {
    verify(segment).unwrap();
    let footer = Footer::of_segment(segment).unwrap();
    let streams = footer
        .streams
        .iter()
        .map(|stream| (stream.labels.clone(), Vec::new()));
    let mut streams: Vec<(Labels, Vec<Entry>)> = streams.collect();
    for chunk in &footer.chunks {
        let rows = chunk.decode_rows(segment, &mut Scratch::default()).unwrap();
        let entries = (0..rows.len()).map(|row| rows.entry(row).unwrap());
        streams[chunk.stream as usize].1.extend(entries);
    }
    streams
}

/// Writes the file of a case that has none yet.
fn create_missing(case: &Case) {
    assert!(case.is_written || path(case).exists(), "{}", case.name);
    if let Ok(mut file) = fs::File::create_new(path(case)) {
        file.write_all(&write(case)).unwrap();
    }
}

#[test]
fn every_golden_file_reads_as_ever() {
    for case in cases() {
        create_missing(&case);
        let golden = fs::read(path(&case)).unwrap();
        assert_eq!(read(&golden), case.streams, "{}", case.name);
        if case.codec == Codec::None && case.is_written {
            assert_eq!(
                write(&case),
                golden,
                "{}: the writer makes other bytes",
                case.name
            );
        }
    }
}

/// Filters of each kind say of each golden file what they were made for.
#[test]
fn every_golden_filter_rules_out() {
    for (name, kind) in [("filters", 1), ("filters-2", 2)] {
        let cases = cases();
        let case = cases.iter().find(|case| case.name == name).unwrap();
        let golden = fs::read(path(case)).unwrap();
        let footer = Footer::of_segment(&golden).unwrap();
        let filters = footer.filters.iter().map(|place| {
            assert_eq!(place.kind, kind);
            let range = place.range();
            let stored = &golden[range.start as usize..range.end as usize];
            Filter::decode(place, stored).unwrap().unwrap()
        });
        let filters: Vec<Filter> = filters.collect();
        let may_hold = |chunk: usize, text: &[u8]| {
            let filter = filters.iter().find(|filter| filter.knows(chunk));
            filter.unwrap().may_hold(chunk, text)
        };
        for (place, chunk) in footer.chunks.iter().enumerate() {
            let rows = chunk.decode_rows(&golden, &mut Scratch::default()).unwrap();
            let lines = (0..rows.len()).map(|row| rows.lines.line(row));
            assert!(
                lines.into_iter().all(|line| may_hold(place, line)),
                "{name}"
            );
            assert!(!may_hold(place, b"no-such-word-anywhere"), "{name}");
        }
    }
}

/// Packs of streams: name, whether it is stored without compression, streams.
fn packs() -> Vec<(&'static str, bool, Vec<PackedStream>)> {
    let stream = |pairs: &[(&str, &str)], is_emptied| PackedStream {
        labels: labels(pairs),
        is_emptied,
    };
    let of = |n: usize| {
        let pod = format!("web-{:08x}", n.wrapping_mul(2_654_435_761) & 0xffff_ffff);
        stream(
            &[("app", "web"), ("é", "ü\""), ("pod", &pod)],
            n.is_multiple_of(9),
        )
    };
    let two = vec![
        stream(&[("app", "a"), ("env", "a")], false),
        stream(&[("app", "b")], true),
    ];
    let mut many: Vec<_> = (0..100).map(of).collect();
    many.sort_by(|a, b| a.labels.cmp(&b.labels));
    vec![("two", true, two), ("many", false, many)]
}

#[test]
fn every_golden_pack_reads_as_ever() {
    for (name, is_plain, streams) in packs() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let path = folder.join(format!("v1-{name}.pack"));
        let written = pack(&streams).unwrap().remove(0);
        if let Ok(mut file) = fs::File::create_new(&path) {
            file.write_all(&written).unwrap();
        }
        let golden = fs::read(path).unwrap();
        let read = StreamPack::decode(&golden).unwrap();
        let read: Vec<PackedStream> = read.iter().map(|(_, stream)| stream).collect();
        assert_eq!(read, streams, "{name}");
        assert!(!is_plain || golden == written, "{name}");
    }
}

#[test]
fn the_smallest_pack_is_as_documented() {
    let bytes = pack(&packs()[0].2).unwrap().remove(0);
    assert_eq!(
        listed(include_str!("../../../docs/format/streams.md")),
        in_hex(&bytes)
    );
}

/// The bytes that `docs/format/segment.md` explains one by one.
#[test]
fn the_smallest_segment_is_as_documented() {
    let case = &cases()[0];
    let document = include_str!("../../../docs/format/segment.md");
    assert_eq!(listed(document), in_hex(&write(case)));
}

fn in_hex(bytes: &[u8]) -> Vec<String> {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes that the example of a document lists, behind their offsets.
fn listed(document: &str) -> Vec<&str> {
    let example = document.split("<!-- example -->").nth(1).unwrap();
    let lines = example.lines().filter_map(|line| line.strip_prefix("    "));
    let bytes = lines.flat_map(|line| {
        let bytes = line.split(" | ").next().unwrap_or_default();
        bytes.split_whitespace().skip(1)
    });
    bytes.collect()
}
