//! Log results: with labels told apart by category, or merged into one set (spec `http-api.md` §5).

use std::collections::HashMap;

use narvi_model::Labels;
use narvi_model::answer::{LogEntry, LogStream};

use super::EncodeOptions;
use super::json::{write_integer, write_labels, write_list, write_string};
use crate::params::Direction;

/// Writes the array of streams, sorted by their label text.
pub(super) fn write(out: &mut Vec<u8>, streams: &[LogStream], options: &EncodeOptions) {
    if options.categorize {
        let mut sorted: Vec<&LogStream> = streams.iter().collect();
        sorted.sort_by_cached_key(|stream| stream.labels.to_string());
        write_list(out, &sorted, |out, stream| {
            write_stream(out, &stream.labels, &stream.entries, write_categorised);
        });
    } else {
        write_list(
            out,
            &regroup(streams, options.direction),
            |out, (labels, entries)| {
                write_stream(out, labels, entries, |out, entry| write_plain(out, entry));
            },
        );
    }
}

pub(super) fn write_stream<E>(
    out: &mut Vec<u8>,
    labels: &Labels,
    entries: &[E],
    entry: impl Fn(&mut Vec<u8>, &E),
) {
    out.extend_from_slice(br#"{"stream":"#);
    write_labels(out, labels);
    out.extend_from_slice(br#","values":"#);
    write_list(out, entries, entry);
    out.push(b'}');
}

pub(super) fn write_plain(out: &mut Vec<u8>, entry: &LogEntry) {
    write_time_and_line(out, entry);
    out.push(b']');
}

/// Leaves the array open for a third element.
fn write_time_and_line(out: &mut Vec<u8>, entry: &LogEntry) {
    out.extend_from_slice(br#"[""#);
    write_integer(out, entry.timestamp.nanos());
    out.extend_from_slice(br#"","#);
    write_string(out, entry.line.as_bytes());
}

/// The third element is always there: Grafana's parser counts on it.
pub(super) fn write_categorised(out: &mut Vec<u8>, entry: &LogEntry) {
    write_time_and_line(out, entry);
    out.extend_from_slice(b",{");
    if !entry.metadata.is_empty() {
        out.extend_from_slice(br#""structuredMetadata":"#);
        write_labels(out, &entry.metadata);
    }
    if !entry.parsed.is_empty() {
        let comma: &[u8] = if entry.metadata.is_empty() { b"" } else { b"," };
        out.extend_from_slice(comma);
        out.extend_from_slice(br#""parsed":"#);
        write_labels(out, &entry.parsed);
    }
    out.extend_from_slice(b"}]");
}

/// Groups entries by everything that is known of them: without the flag, metadata and parsed labels
/// are part of a stream's identity. Parsed labels hide metadata, metadata hides stream labels.
pub(super) fn regroup(
    streams: &[LogStream],
    direction: Direction,
) -> Vec<(Labels, Vec<&LogEntry>)> {
    let mut groups: HashMap<Labels, Vec<&LogEntry>> = HashMap::new();
    for stream in streams {
        for run in stream
            .entries
            .chunk_by(|a, b| a.metadata == b.metadata && a.parsed == b.parsed)
        {
            let Some(first) = run.first() else { continue };
            groups.entry(merge(stream, first)).or_default().extend(run);
        }
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_cached_key(|(labels, _)| labels.to_string());
    for (_, entries) in &mut groups {
        // Entries of several streams may meet here; the sort is stable and quick where they do not.
        match direction {
            Direction::Forward => entries.sort_by_key(|entry| entry.timestamp),
            Direction::Backward => entries.sort_by_key(|entry| std::cmp::Reverse(entry.timestamp)),
        }
    }
    groups
}

/// The labels of an entry where all of them are one set.
pub(super) fn merge(stream: &LogStream, entry: &LogEntry) -> Labels {
    if entry.metadata.is_empty() && entry.parsed.is_empty() {
        return stream.labels.clone();
    }
    // Of equal names the last wins.
    Labels::from_pairs(
        stream
            .labels
            .iter()
            .chain(entry.metadata.iter())
            .chain(entry.parsed.iter()),
    )
}
