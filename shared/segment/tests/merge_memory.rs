//! What a merge takes of memory, at most.
#![cfg(test)]

use bytes::Bytes;
use narvi_model::{Entry, Labels, Line, TenantId, Timestamp};
use narvi_segment::{Codec, Footer, MergeOptions, Writer, WriterOptions, merge};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const INPUTS: usize = 24;
/// Line bytes of an input; the text below can hardly be compressed.
const INPUT_BYTES: usize = 4 << 20;
const LINE_BYTES: usize = 4 << 10;

fn noise(state: &mut u64) -> String {
    let mut line = String::with_capacity(LINE_BYTES);
    while line.len() < LINE_BYTES {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        for byte in state.to_le_bytes() {
            line.push(char::from(b' ' + byte % 94));
        }
    }
    line
}

/// One of several inputs whose rows all lie between those of the others.
fn input(number: usize) -> Bytes {
    let mut state = 88_172_645_463_325_252 + number as u64;
    let entries: Vec<Entry> = (0..INPUT_BYTES / LINE_BYTES)
        .map(|row| Entry {
            timestamp: Timestamp::from_nanos((row * INPUTS + number) as i64),
            line: Line::from(noise(&mut state)),
            metadata: Labels::from_pairs([("n", format!("{number}/{row}"))]),
        })
        .collect();
    let mut writer = Writer::new(WriterOptions::default());
    let labels = Labels::from_pairs([("app", "one stream")]);
    writer.push_entries(&labels, &entries).unwrap();
    // As it is fetched: a writer's own has room to spare.
    Bytes::copy_from_slice(&writer.finish(&TenantId::without_auth()).unwrap().bytes)
}

#[test]
fn a_merge_is_bounded_whatever_lies_beside_each_other() {
    let inputs: Vec<Bytes> = (0..INPUTS).map(input).collect();
    let stored: usize = inputs.iter().map(Bytes::len).sum();
    assert!(stored > 64 << 20, "{stored} bytes: a full merge");
    let options = MergeOptions {
        writer: WriterOptions {
            codec: Codec::Zstd,
            filters: true,
            ..WriterOptions::default()
        },
        max_bytes: 128 << 20,
        max_open_bytes: 128 << 20,
    };
    MEMORY.reset_peak_usage();
    let merged = merge(&TenantId::without_auth(), &options, &inputs).unwrap();
    let peak = MEMORY.peak_usage();
    let mib = |bytes: usize| bytes >> 20;
    eprintln!("{} MiB stored, {} MiB at most", mib(stored), mib(peak));
    assert!(peak < 512 << 20, "{} MiB", mib(peak));
    // Inputs, room for a result as large, and what is decoded: each head's chunk and the one that
    // fills.
    assert!(peak < 2 * stored + (64 << 20), "{peak}");
    let footer = Footer::of_segment(&merged.bytes).unwrap();
    let rows: u64 = footer
        .chunks
        .iter()
        .map(|chunk| u64::from(chunk.rows))
        .sum();
    assert_eq!(rows as usize, INPUTS * INPUT_BYTES / LINE_BYTES);
    assert!(footer.chunks.len() <= INPUTS * INPUT_BYTES / (1 << 20) + 1);
}
