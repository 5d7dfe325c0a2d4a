//! Merges against the plain way: all rows in one list, sorted, each once.
#![cfg(test)]

use std::collections::BTreeMap;

use bytes::Bytes;
use narvi_model::{Entry, Labels, TenantId, Timestamp};
use narvi_segment::{
    Codec, Filter, Footer, MergeError, MergeOptions, Scratch, WriteError, Writer, WriterOptions,
    merge, verify,
};
use proptest::prelude::*;

/// App, nanosecond, line, value of metadata `m` (none where empty).
type Row = (u8, i64, String, String);

fn options(codec: Codec, max_chunk_rows: usize, max_chunk_bytes: usize) -> MergeOptions {
    MergeOptions {
        writer: WriterOptions {
            codec,
            max_chunk_rows,
            max_chunk_bytes,
            filters: true,
        },
        max_bytes: 1 << 20,
        max_open_bytes: 1 << 20,
    }
}

fn labels(app: u8) -> Labels {
    Labels::from_pairs([("app", format!("{app}"))])
}

fn segment(rows: &[Row], options: WriterOptions) -> Bytes {
    let mut streams: BTreeMap<u8, Vec<Entry>> = BTreeMap::new();
    for (app, time, line, value) in rows {
        let pairs = Some(("m", value.as_str())).filter(|_| !value.is_empty());
        streams.entry(*app).or_default().push(Entry {
            timestamp: Timestamp::from_nanos(*time),
            line: line.as_str().into(),
            metadata: Labels::from_pairs(pairs),
        });
    }
    let mut writer = Writer::new(options);
    for (app, entries) in streams {
        writer.push_entries(&labels(app), &entries).unwrap();
    }
    writer.finish(&TenantId::without_auth()).unwrap().bytes
}

fn merged(options: &MergeOptions, inputs: &[Bytes]) -> Result<Bytes, MergeError> {
    Ok(merge(&TenantId::without_auth(), options, inputs)?.bytes)
}

/// Every row of a segment, in its order.
fn read(segment: &[u8]) -> Vec<Row> {
    let footer = Footer::of_segment(segment).unwrap();
    let mut found = Vec::new();
    for chunk in &footer.chunks {
        let app = footer.streams[chunk.stream as usize].labels.get("app");
        let app: u8 = app.unwrap().parse().unwrap();
        let rows = chunk.decode_rows(segment, &mut Scratch::default()).unwrap();
        for entry in (0..rows.len()).map(|row| rows.entry(row).unwrap()) {
            let line = String::from_utf8(entry.line.as_bytes().to_vec()).unwrap();
            let value = entry.metadata.get("m").unwrap_or_default().to_owned();
            found.push((app, entry.timestamp.nanos(), line, value));
        }
    }
    found
}

/// The rows of all inputs as a merge must order them.
fn plain(inputs: &[Vec<Row>]) -> Vec<Row> {
    let mut rows: Vec<Row> = inputs.iter().flatten().cloned().collect();
    rows.sort_by_key(|(app, time, ..)| (*app, *time));
    let mut seen = std::collections::HashSet::new();
    rows.retain(|row| seen.insert(row.clone()));
    rows
}

#[track_caller]
fn check(inputs: &[Vec<Row>], write: WriterOptions, options: &MergeOptions) -> Bytes {
    let segments: Vec<Bytes> = inputs.iter().map(|rows| segment(rows, write)).collect();
    let bytes = merged(options, &segments).unwrap();
    verify(&bytes).unwrap();
    assert_eq!(read(&bytes), plain(inputs));
    bytes
}

fn rows(app: u8, times: impl IntoIterator<Item = i64>) -> Vec<Row> {
    let row = |time| (app, time, format!("line at {time}"), String::new());
    times.into_iter().map(row).collect()
}

fn chunk_rows(segment: &[u8]) -> Vec<u32> {
    let chunks = Footer::of_segment(segment).unwrap().chunks;
    chunks.iter().map(|chunk| chunk.rows).collect()
}

#[test]
fn chunks_that_lie_alone_are_copied() {
    let small = options(Codec::Zstd, 10, 1 << 20);
    let inputs = [rows(1, 0..20), rows(1, 20..30), rows(1, 35..38)];
    let segments = inputs.each_ref().map(|rows| segment(rows, small.writer));
    let bytes = merged(&small, &segments).unwrap();
    assert_eq!(chunk_rows(&bytes), [10, 10, 10, 3]);
    let stored = |segment: &[u8], chunk: usize| {
        let chunk = Footer::of_segment(segment).unwrap().chunks[chunk];
        chunk.lines.of(segment).unwrap().to_vec()
    };
    assert_eq!(stored(&bytes, 2), stored(&segments[1], 0));
    // a damaged chunk is found although nobody decodes it
    let mut damaged = segments[1].to_vec();
    damaged[3] ^= 1;
    let damaged = [segments[0].clone(), damaged.into()];
    assert!(matches!(
        merged(&small, &damaged),
        Err(MergeError::Input { input: 1, .. })
    ));
    // another codec is written anew
    let snappy = segment(&inputs[0], options(Codec::Snappy, 10, 1 << 20).writer);
    let bytes = merged(&small, &[snappy]).unwrap();
    let footer = Footer::of_segment(&bytes).unwrap();
    assert!(footer.chunks.iter().all(|c| c.lines.codec != Codec::Snappy));
}

#[test]
fn filters_speak_for_chunks_that_are_copied() {
    let id = |n: i64| format!("a{:015x}", (n + 1) * 0x9e37_79b9_7f4a);
    let rows = |times: std::ops::Range<i64>| -> Vec<Row> {
        let line = |n| format!("id={} {}", id(n), ", ".repeat(20));
        let row = |n| (1, n, line(n), format!("m{}", id(n + 100)));
        times.map(row).collect()
    };
    let small = options(Codec::None, 10, 1 << 20);
    for filters in [false, true] {
        let written = WriterOptions {
            filters,
            ..small.writer
        };
        let bytes = check(&[rows(0..20), rows(20..35)], written, &small);
        let footer = Footer::of_segment(&bytes).unwrap();
        assert_eq!(chunk_rows(&bytes), [10, 10, 10, 5]);
        let [place] = footer.filters.as_slice() else {
            panic!("{:?}", footer.filters)
        };
        let range = place.range();
        let stored = &bytes[range.start as usize..range.end as usize];
        let filter = Filter::decode(place, stored).unwrap().unwrap();
        let mut wrong = 0;
        for (n, chunk) in (0..35).flat_map(|n| (0..4).map(move |chunk| (n, chunk))) {
            for text in [id(n), id(n + 100)] {
                let found = filter.may_hold(chunk, text.as_bytes());
                let is_there = n as usize / 10 == chunk;
                assert!(found || !is_there, "{text} in {chunk}");
                wrong += usize::from(found && !is_there);
            }
        }
        // One in 32 of 210 is expected.
        assert!(wrong < 21, "{wrong}");
    }
}

#[test]
fn small_chunks_become_large_ones() {
    let inputs: Vec<_> = (0..40).map(|n| rows(n % 2, [n.into()])).collect();
    let bytes = check(
        &inputs,
        WriterOptions::default(),
        &options(Codec::Zstd, 16, 1 << 20),
    );
    assert_eq!(chunk_rows(&bytes), [16, 4, 16, 4]);
    let by_bytes = check(
        &inputs,
        WriterOptions::default(),
        &options(Codec::Zstd, 1000, 50),
    );
    assert_eq!(chunk_rows(&by_bytes)[0], 5, "lines of 9 and 10 bytes");
}

#[test]
fn repeats_across_chunks_and_inputs_go() {
    let second = 1_000_000_000;
    let tied = |from: u32, to: u32| -> Vec<Row> {
        (from..to)
            .map(|n| (1, second, format!("line {n}"), format!("v{}", n % 3)))
            .collect()
    };
    let small = options(Codec::Zstd, 7, 1 << 20);
    let inputs = [tied(0, 30), tied(20, 50), rows(1, [second]), tied(5, 60)];
    let bytes = check(&inputs, small.writer, &small);
    assert_eq!(read(&bytes).len(), 61);
    // of inputs that are the same, one is left
    let same = check(&vec![rows(1, 0..100); 3], small.writer, &small);
    assert_eq!(read(&same).len(), 100);
}

#[test]
fn what_is_too_much_is_refused() {
    let write = WriterOptions::default();
    let inputs = [
        segment(&rows(1, 0..500), write),
        segment(&rows(1, 0..500), write),
    ];
    let refused = |options: MergeOptions| match merged(&options, &inputs) {
        Err(MergeError::Write(WriteError::TooLarge { what, .. })) => what,
        other => panic!("{other:?}"),
    };
    let fine = options(Codec::None, 100, 1 << 20);
    assert!(merged(&fine, &inputs).is_ok());
    let max_bytes = 1000;
    assert_eq!(
        refused(MergeOptions { max_bytes, ..fine }),
        "merged segment"
    );
    let max_open_bytes = 10_000;
    assert_eq!(
        refused(MergeOptions {
            max_open_bytes,
            ..fine
        }),
        "chunks that are decoded at one time"
    );
    assert_eq!(
        merged(&fine, &[]),
        Err(MergeError::Write(WriteError::Empty))
    );
    assert!(matches!(
        merged(&fine, &[Bytes::from_static(b"no segment")]),
        Err(MergeError::Input { input: 0, .. })
    ));
}

fn any_row() -> impl Strategy<Value = Row> {
    let line = prop_oneof![Just(String::new()), "[ab]{1}", "[a-d\n]{1,12}"];
    (0_u8..3, 0_i64..60, line, "[xyz]{0,1}")
}

fn any_inputs() -> impl Strategy<Value = Vec<Vec<Row>>> {
    // An input covers a window of the time, as a push does.
    let input = (0_i64..120, prop::collection::vec(any_row(), 1..60));
    let shifted = input.prop_map(|(by, mut rows)| {
        rows.iter_mut().for_each(|row| row.1 += by);
        rows
    });
    prop::collection::vec(shifted, 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_plain_way(
        inputs in any_inputs(),
        written in (1_usize..12, 1_usize..60),
        merged in (1_usize..12, 1_usize..60),
    ) {
        let write = options(Codec::None, written.0, written.1).writer;
        check(&inputs, write, &options(Codec::None, merged.0, merged.1));
    }
}
