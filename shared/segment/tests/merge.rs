//! Merges against the plain way: all rows in one list, sorted, each once.
#![cfg(test)]

use std::collections::BTreeMap;

use bytes::Bytes;
use narvi_model::{Entry, Labels, TenantId, Timestamp};
use narvi_segment::{
    Codec, Filter, Footer, Keep, MergeError, MergeOptions, Rows, Scratch, Share, WriteError,
    Writer, WriterOptions, merge, merge_kept, verify,
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
    let spread = |n: i64| {
        let mixed = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    };
    let id = |n: i64| format!("{:016x}", spread(n) | 0xa << 60);
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
        // Full chunks have filters of their own, so that these can be copied as well.
        assert_eq!(footer.filters.len(), 4);
        let mut wrong = 0;
        for (n, chunk) in (0..35).flat_map(|n| (0..4).map(move |chunk| (n, chunk))) {
            let filter = filter(&bytes, chunk);
            for text in [id(n), id(n + 100)] {
                let found = filter.may_hold(chunk, text.as_bytes());
                let is_there = n as usize / 10 == chunk;
                assert!(found || !is_there, "{text} in {chunk}");
                wrong += usize::from(found && !is_there);
            }
        }
        // One in 256 of 210 is expected.
        assert!(wrong < 6, "{wrong}");
    }
}

fn filter(segment: &[u8], place: usize) -> Filter {
    let place = Footer::of_segment(segment).unwrap().filters[place];
    let range = place.range();
    let stored = &segment[range.start as usize..range.end as usize];
    Filter::decode(&place, stored).unwrap().unwrap()
}

#[test]
fn filters_are_copied_with_their_chunks() {
    let small = options(Codec::Zstd, 10, 1 << 20);
    let inputs = [rows(1, 0..20), rows(1, 20..30), rows(2, 0..10)];
    let segments = inputs.each_ref().map(|rows| segment(rows, small.writer));
    let bytes = merged(&small, &segments).unwrap();
    let filters = |segment: &[u8]| -> Vec<Vec<u8>> {
        let places = Footer::of_segment(segment).unwrap().filters;
        let stored =
            |range: std::ops::Range<u64>| &segment[range.start as usize..range.end as usize];
        places
            .iter()
            .map(|place| stored(place.range()).to_vec())
            .collect()
    };
    let want = segments.each_ref().map(|segment| filters(segment));
    assert_eq!(filters(&bytes), want.concat());
    assert_eq!(merged(&small, std::slice::from_ref(&bytes)).unwrap(), bytes);
    // A damaged filter is found although nobody asks it.
    let mut damaged = segments[1].to_vec();
    let at = Footer::of_segment(&damaged).unwrap().filters[0].offset as usize;
    damaged[at + 20] ^= 1;
    assert!(matches!(
        merged(&small, &[segments[0].clone(), damaged.into()]),
        Err(MergeError::Input { input: 1, .. })
    ));
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

/// Without a stream, without another's rows before a time, and without lines that hold a text.
struct Without<'a> {
    app: u8,
    before: (u8, i64),
    text: &'a str,
}

impl Without<'_> {
    fn keeps(&self, (app, time, line, _): &Row) -> bool {
        let is_early = *app == self.before.0 && *time < self.before.1;
        *app != self.app && !is_early && (self.text.is_empty() || !line.contains(self.text))
    }
}

impl Keep for Without<'_> {
    fn share(&self, labels: &Labels, first: Timestamp, last: Timestamp) -> Share {
        let app: u8 = labels.get("app").unwrap().parse().unwrap();
        let before = self.before.1;
        let touches = app == self.before.0 && first.nanos() < before;
        if app == self.app || touches && last.nanos() < before {
            Share::Nothing
        } else if touches || !self.text.is_empty() {
            Share::Part
        } else {
            Share::All
        }
    }

    fn rows(&self, labels: &Labels, rows: &Rows, kept: &mut [bool]) {
        let app: u8 = labels.get("app").unwrap().parse().unwrap();
        assert!(self.share(labels, rows_at(rows, 0), rows_at(rows, rows.len() - 1)) == Share::Part);
        for (row, kept) in kept.iter_mut().enumerate() {
            assert!(*kept);
            let entry = rows.entry(row).unwrap();
            let line = String::from_utf8(entry.line.as_bytes().to_vec()).unwrap();
            *kept = self.keeps(&(app, entry.timestamp.nanos(), line, String::new()));
        }
    }
}

fn rows_at(rows: &Rows, row: usize) -> Timestamp {
    Timestamp::from_nanos(rows.timestamps[row])
}

#[track_caller]
fn check_kept(
    inputs: &[Vec<Row>],
    write: WriterOptions,
    options: &MergeOptions,
    keep: &Without<'_>,
) -> Option<Bytes> {
    let segments: Vec<Bytes> = inputs.iter().map(|rows| segment(rows, write)).collect();
    let found = merge_kept(&TenantId::without_auth(), options, &segments, keep).unwrap();
    let mut wanted = plain(inputs);
    wanted.retain(|row| keep.keeps(row));
    let Some(found) = found else {
        assert_eq!(wanted, []);
        return None;
    };
    verify(&found.bytes).unwrap();
    assert_eq!(read(&found.bytes), wanted);
    assert_eq!(found.summary.rows, wanted.len() as u64);
    Some(found.bytes)
}

#[test]
fn what_does_not_stay_is_not_written() {
    let small = options(Codec::Zstd, 10, 1 << 20);
    let input = [rows(1, 0..30), rows(2, 0..7), rows(3, 0..35)].concat();
    let keep = |app, before, text| Without { app, before, text };
    let check = |keep: &Without<'_>, chunks: &[u32]| {
        let found = check_kept(std::slice::from_ref(&input), small.writer, &small, keep);
        let found = found.unwrap();
        assert_eq!(chunk_rows(&found), chunks);
        let streams = Footer::of_segment(&found).unwrap().streams.len();
        assert_eq!(streams, if keep.app == 0 { 3 } else { 2 });
    };
    check(&keep(0, (0, 0), ""), &[10, 10, 10, 7, 10, 10, 10, 5]);
    check(&keep(2, (0, 0), ""), &[10, 10, 10, 10, 10, 10, 5]);
    check(&keep(2, (1, 10), ""), &[10, 10, 10, 10, 10, 5]);
    check(&keep(2, (1, 15), ""), &[5, 10, 10, 10, 10, 5]);
    // 12 lines of app 1 and 13 of app 3 hold a 2; what is left of chunks is filled up
    check(&keep(2, (0, 0), "2"), &[10, 8, 10, 10, 2]);
    // A stream of which only its rows tell that none stays.
    let gone = [rows(1, 0..30), rows(2, [2, 20, 25])].concat();
    let found = check_kept(&[gone], small.writer, &small, &keep(1, (0, 0), "at 2"));
    assert_eq!(found, None);
    assert_eq!(
        merge_kept(&TenantId::without_auth(), &small, &[], &keep(1, (0, 0), "")),
        Ok(None)
    );
}

#[test]
fn chunks_of_which_all_stays_are_copied_and_others_not_read() {
    let small = options(Codec::Zstd, 10, 1 << 20);
    let source = segment(&[rows(1, 0..20), rows(2, 0..20)].concat(), small.writer);
    let stored = |segment: &[u8], chunk: usize| {
        let chunk = Footer::of_segment(segment).unwrap().chunks[chunk];
        chunk.lines.of(segment).unwrap().to_vec()
    };
    let tenant = TenantId::without_auth();
    for (text, want) in [("", 3), ("at 19", 1)] {
        let keep = Without {
            app: 1,
            before: (0, 0),
            text,
        };
        // the first chunk of a stream that goes is damaged, and nobody sees it
        let mut damaged = source.to_vec();
        damaged[3] ^= 1;
        let found = merge_kept(&tenant, &small, &[damaged.into()], &keep)
            .unwrap()
            .unwrap();
        assert_eq!(stored(&found.bytes, 0), stored(&source, 2));
        let is_same = Footer::of_segment(&found.bytes).unwrap().chunks.len() > 1
            && stored(&found.bytes, 1) == stored(&source, 3);
        assert_eq!(is_same, want == 3);
    }
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

    #[test]
    fn agrees_with_the_plain_way_without_what_goes(
        inputs in any_inputs(),
        written in (1_usize..12, 1_usize..60),
        merged in (1_usize..12, 1_usize..60),
        keep in (0_u8..4, (0_u8..4, 0_i64..150), prop_oneof!["", "[a-d]"]),
    ) {
        let write = options(Codec::None, written.0, written.1).writer;
        let keep = Without { app: keep.0, before: keep.1, text: &keep.2 };
        check_kept(&inputs, write, &options(Codec::None, merged.0, merged.1), &keep);
    }
}
