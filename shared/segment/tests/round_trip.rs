//! What is written is what is read: sorted, once, whole; and no bytes make a reader panic.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

use narvi_model::{Entry, Labels, Line, TenantId, Timestamp};
use narvi_segment::{
    Codec, Encoded, Fault, Footer, Rows, Scratch, Summary, WriteError, Writer, WriterOptions,
    verify,
};
use proptest::prelude::*;

fn tenant() -> TenantId {
    TenantId::parse("team-a").unwrap()
}

fn entry(time: i64, line: &str, metadata: &[(&str, &str)]) -> Entry {
    let metadata = Labels::from_pairs(metadata.iter().copied());
    Entry {
        timestamp: Timestamp::from_nanos(time),
        line: Line::from(line),
        metadata,
    }
}

/// What reading must give: the plain way to sort and to drop duplicates.
fn sorted(entries: &[Entry]) -> Vec<Entry> {
    let mut sorted: Vec<Entry> = Vec::new();
    let mut all = entries.to_vec();
    all.sort_by_key(|entry| entry.timestamp);
    for entry in all {
        let same_time = sorted
            .iter()
            .rev()
            .take_while(|e| e.timestamp == entry.timestamp);
        if same_time.filter(|e| **e == entry).count() == 0 {
            sorted.push(entry);
        }
    }
    sorted
}

fn write(streams: &[(Labels, Vec<Entry>)], options: WriterOptions) -> Encoded {
    let mut writer = Writer::new(options);
    for (labels, entries) in streams {
        writer.push_entries(labels, entries).unwrap();
    }
    writer.finish(&tenant()).unwrap()
}

/// All chunks of each stream of a segment.
fn read(segment: &[u8]) -> Vec<(Labels, Vec<Rows>)> {
    let footer = Footer::of_segment(segment).unwrap();
    let mut scratch = Scratch::default();
    let mut streams: Vec<(Labels, Vec<Rows>)> = footer
        .streams
        .iter()
        .map(|stream| (stream.labels.clone(), Vec::new()))
        .collect();
    for chunk in &footer.chunks {
        let rows = chunk.decode_rows(segment, &mut scratch).unwrap();
        streams[chunk.stream as usize].1.push(rows);
    }
    streams
}

fn entries_of(chunks: &[Rows]) -> Vec<Entry> {
    chunks
        .iter()
        .flat_map(|rows| (0..rows.len()).map(|row| rows.entry(row).unwrap()))
        .collect()
}

/// Writes, reads and compares; writes what was read again by columns, and compares the bytes.
fn check(streams: &[(Labels, Vec<Entry>)], options: WriterOptions) {
    let encoded = write(streams, options);
    let report = verify(&encoded.bytes).unwrap();
    assert_eq!(report.rows, encoded.summary.rows);
    assert_eq!(report.line_bytes, encoded.summary.line_bytes);
    assert_eq!(
        Summary::of_segment(&tenant(), &encoded.bytes),
        Ok(encoded.summary.clone())
    );
    let mut again = Writer::new(options);
    for ((labels, chunks), (wanted, entries)) in read(&encoded.bytes).iter().zip(streams) {
        assert_eq!(labels, wanted);
        assert_eq!(entries_of(chunks), sorted(entries));
        if let [rows] = &chunks[..] {
            again.push_rows(labels, rows).unwrap();
        } else {
            again.push_entries(labels, &entries_of(chunks)).unwrap();
        }
    }
    assert_eq!(
        again.finish(&tenant()).unwrap(),
        encoded,
        "what was read writes the same bytes"
    );
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let time = prop_oneof![
        4 => 0_i64..6,
        2 => (0_i64..100_000).prop_map(|n| n * 1_000_000),
        1 => any::<i64>(),
        1 => prop::sample::select(vec![i64::MIN, i64::MAX]),
    ];
    let line = prop_oneof![3 => "[ab]{0,3}", 1 => "[a\n]{0,4}", 1 => "\\PC{0,200}"];
    let pairs = prop::collection::vec(("[a-c]{1}", "[xyz]{0,2}"), 0..3);
    (time, line, pairs).prop_map(|(time, line, pairs)| Entry {
        timestamp: Timestamp::from_nanos(time),
        line: Line::from(line),
        metadata: Labels::from_pairs(pairs),
    })
}

fn any_streams() -> impl Strategy<Value = Vec<(Labels, Vec<Entry>)>> {
    let labels =
        prop::collection::vec(("[a-c]{1}", "\\PC{1,5}"), 0..3).prop_map(Labels::from_pairs);
    let entries = prop::collection::vec(any_entry(), 1..150);
    prop::collection::btree_map(labels, entries, 1..4)
        .prop_map(|streams| streams.into_iter().collect())
}

fn any_options() -> impl Strategy<Value = WriterOptions> {
    let codec = prop::sample::select(vec![Codec::None, Codec::Snappy, Codec::Zstd, Codec::Lz4]);
    let rows = prop::sample::select(vec![0_usize, 1, 7, 65_536]);
    let bytes = prop::sample::select(vec![0_usize, 40, 1 << 20]);
    let choices = (codec, rows, bytes, any::<bool>());
    choices.prop_map(
        |(codec, max_chunk_rows, max_chunk_bytes, filters)| WriterOptions {
            codec,
            max_chunk_rows,
            max_chunk_bytes,
            filters,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn reads_what_it_wrote(streams in any_streams(), options in any_options()) {
        check(&streams, options);
    }

    #[test]
    fn changed_bytes_are_refused(
        streams in any_streams(),
        options in any_options(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let written = write(&streams, options).bytes.to_vec();
        let mut bytes = written.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if bytes != written {
            prop_assert!(verify(&bytes).is_err());
        }
    }

    #[test]
    fn cut_bytes_are_refused(streams in any_streams(), at in any::<prop::sample::Index>()) {
        let bytes = write(&streams, WriterOptions::default()).bytes;
        prop_assert!(verify(&bytes[..at.index(bytes.len())]).is_err());
        prop_assert!(verify(&bytes[1 + at.index(bytes.len())..]).is_err());
    }

    #[test]
    fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(verify(&bytes).is_err());
    }
}

#[test]
fn a_small_push_is_small() {
    let labels = Labels::from_pairs([("app", "checkout"), ("env", "prod"), ("pod", "checkout-0")]);
    let start = 1_768_471_263_123_456_789;
    let line = |n: i64| entry(start + n * 1_000_123, "GET /cart 200", &[("level", "info")]);
    let entries: Vec<Entry> = (0..3).map(line).collect();
    let encoded = write(&[(labels, entries)], WriterOptions::default());
    let overhead = encoded.bytes.len() - 3 * "GET /cart 200\n".len();
    assert!(overhead <= 180, "{overhead} bytes beside the lines");
}

#[test]
fn chunks_are_cut_by_rows_and_bytes() {
    let labels = Labels::from_pairs([("app", "x")]);
    let entries: Vec<Entry> = (0..10).map(|n| entry(n, "12345", &[])).collect();
    let rows = |max_chunk_rows, max_chunk_bytes| {
        let options = WriterOptions {
            codec: Codec::None,
            max_chunk_rows,
            max_chunk_bytes,
            filters: false,
        };
        let encoded = write(&[(labels.clone(), entries.clone())], options);
        let footer = Footer::of_segment(&encoded.bytes).unwrap();
        footer
            .chunks
            .iter()
            .map(|chunk| chunk.rows)
            .collect::<Vec<_>>()
    };
    assert_eq!(rows(4, 1000), [4, 4, 2]);
    assert_eq!(rows(100, 16), [3, 3, 3, 1]);
    assert_eq!(rows(100, 1), [1; 10]);
}

#[test]
fn metadata_cuts_chunks_too() {
    let labels = Labels::from_pairs([("app", "x")]);
    let value = "v".repeat(30);
    let entries: Vec<Entry> = (0..10).map(|n| entry(n, "1", &[("a", &value)])).collect();
    let options = WriterOptions {
        max_chunk_bytes: 20,
        ..WriterOptions::default()
    };
    check(&[(labels.clone(), entries.clone())], options);
    let footer = Footer::of_segment(&write(&[(labels, entries)], options).bytes).unwrap();
    assert_eq!(
        footer
            .chunks
            .iter()
            .map(|chunk| chunk.rows)
            .collect::<Vec<_>>(),
        [3, 3, 3, 1]
    );
}

#[test]
fn what_cannot_be_written() {
    let labels = Labels::from_pairs([("app", "x")]);
    let mut writer = Writer::new(WriterOptions::default());
    writer.push_entries(&labels, &[]).unwrap();
    writer.push_entries(&labels, &[entry(1, "a", &[])]).unwrap();
    let twice = writer.push_entries(&labels, &[entry(2, "a", &[])]);
    assert_eq!(twice, Err(WriteError::StreamTwice(labels.clone())));
    let empty = Writer::new(WriterOptions::default()).finish(&tenant());
    assert_eq!(empty, Err(WriteError::Empty));
    let mut rows = Rows {
        timestamps: vec![1, 1],
        ..Rows::default()
    };
    rows.lines.push(b"a");
    rows.lines.push(b"a");
    let twice = Writer::new(WriterOptions::default()).push_rows(&labels, &rows);
    assert_eq!(twice, Err(WriteError::Duplicates(1)));
}

#[test]
fn a_footer_of_ten_thousand_streams() {
    let streams: Vec<(Labels, Vec<Entry>)> = (0..10_000)
        .map(|n| {
            let pod = format!("checkout-7d4b9c6f5-{:05x}", n * 7919 % 0xf_ffff);
            let labels = [("app", "checkout"), ("env", "prod"), ("pod", &pod)];
            (Labels::from_pairs(labels), vec![entry(n, "line", &[])])
        })
        .collect();
    let options = WriterOptions {
        codec: Codec::Zstd,
        ..WriterOptions::default()
    };
    let encoded = write(&streams, options);
    let per_stream = encoded.summary.footer.len / 10_000;
    assert!(
        per_stream <= 45,
        "{per_stream} bytes of footer for each stream and chunk"
    );
    assert_eq!(
        verify(&encoded.bytes).map(|report| report.streams),
        Ok(10_000)
    );
}

#[test]
fn an_error_says_what_and_where() {
    let labels = Labels::from_pairs([("app", "x")]);
    let encoded = write(
        &[(labels, vec![entry(1, "a", &[])])],
        WriterOptions::default(),
    );
    let mut bytes = encoded.bytes.to_vec();
    bytes[0] = b'b';
    let error = verify(&bytes).unwrap_err();
    assert!(matches!(error.fault, Fault::Checksum { .. }));
    assert!(
        error
            .to_string()
            .starts_with("lines at byte 0 of the column stored at 0: checksum")
    );
    let version = bytes.len() - 12;
    bytes[version] = 2;
    let error = verify(&bytes).unwrap_err().to_string();
    assert!(
        error.ends_with("version 2, this build reads 1; upgrade it"),
        "{error}"
    );
}
