//! [`Told`]: the lines that a tail has been sent of its past, so that none comes twice.
//!
//! Two lines may look the same once a query has changed them, so they are counted.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use narvi_model::answer::LogStream;

/// How often each line was sent.
#[derive(Debug, Default)]
pub(crate) struct Told {
    sent: HashMap<u64, u32>,
    hasher: RandomState,
}

impl Told {
    /// What of an answer was not sent before; from now on it was.
    pub(crate) fn unsent(&mut self, mut streams: Vec<LogStream>) -> Vec<LogStream> {
        let mut seen: HashMap<u64, u32> = HashMap::new();
        for stream in &mut streams {
            stream.entries.retain(|entry| {
                let key = self.hasher.hash_one((
                    &stream.labels,
                    entry.timestamp,
                    entry.line.as_bytes(),
                    &entry.metadata,
                    &entry.parsed,
                ));
                let count = seen.entry(key).or_default();
                *count += 1;
                *count > self.sent.get(&key).copied().unwrap_or_default()
            });
        }
        for (key, count) in seen {
            let sent = self.sent.entry(key).or_default();
            *sent = count.max(*sent);
        }
        streams
    }
}

#[cfg(test)]
mod tests {
    use narvi_model::answer::LogEntry;
    use narvi_model::{Labels, Line, Timestamp};

    use super::*;

    #[track_caller]
    fn check(told: &mut Told, lines: &[(&str, i64, &str)], want: &[&str]) {
        let stream = |&(app, time, line): &(&str, i64, &str)| LogStream {
            labels: Labels::from_pairs([("app", app)]),
            entries: vec![LogEntry {
                timestamp: Timestamp::from_nanos(time),
                line: Line::from(line),
                metadata: Labels::empty(),
                parsed: Labels::empty(),
            }],
        };
        let left = told.unsent(lines.iter().map(stream).collect());
        let entries = left.iter().flat_map(|stream| &stream.entries);
        let lines: Vec<_> = entries
            .map(|entry| String::from_utf8_lossy(entry.line.as_bytes()))
            .collect();
        assert_eq!(lines, want);
    }

    #[test]
    fn lines_are_told_once() {
        let told = &mut Told::default();
        check(told, &[("a", 1, "x"), ("a", 2, "x")], &["x", "x"]);
        check(
            told,
            &[("a", 1, "x"), ("b", 1, "x"), ("a", 2, "y")],
            &["x", "y"],
        );
        // Two that look the same, of which one is new.
        check(told, &[("a", 1, "x"), ("a", 1, "x")], &["x"]);
        check(told, &[("a", 1, "x"), ("a", 1, "x"), ("a", 3, "z")], &["z"]);
        check(told, &[], &[]);
    }
}
