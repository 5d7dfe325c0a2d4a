//! [`encode_legacy`]: the answer of `/api/prom/query`, Loki's shape before version 1 (spec
//! `http-api.md` §17).

use narvi_model::answer::{LogStream, QueryStats};

use super::json::{write_list, write_string};
use super::stats;
use super::streams::regroup;
use crate::params::Direction;

/// `{"streams":[{"labels":"{…}","entries":[{"ts":"RFC 3339","line":"…"}]}],"stats":{…}}`.
#[must_use]
pub fn encode_legacy(streams: &[LogStream], stats: &QueryStats, direction: Direction) -> Vec<u8> {
    let mut out = br#"{"streams":"#.to_vec();
    let grouped = regroup(streams, direction);
    write_list(&mut out, &grouped, |out, (labels, entries)| {
        out.extend_from_slice(br#"{"labels":"#);
        write_string(out, labels.to_string().as_bytes());
        out.extend_from_slice(br#","entries":"#);
        write_list(out, entries, |out, entry| {
            out.extend_from_slice(br#"{"ts":"#);
            write_string(out, entry.timestamp.rfc3339().as_bytes());
            out.extend_from_slice(br#","line":"#);
            write_string(out, entry.line.as_bytes());
            out.push(b'}');
        });
        out.push(b'}');
    });
    out.extend_from_slice(br#","stats":"#);
    stats::write(&mut out, stats);
    out.extend_from_slice(b"}\n");
    out
}

#[cfg(test)]
mod tests {
    use narvi_model::answer::LogEntry;
    use narvi_model::{Labels, Line, Timestamp};

    use super::*;

    #[test]
    fn the_old_shape() {
        let entry = |nanos, line: &str| LogEntry {
            timestamp: Timestamp::from_nanos(nanos),
            line: Line::from(line),
            metadata: Labels::empty(),
            parsed: Labels::empty(),
        };
        let stream = LogStream {
            labels: Labels::from_pairs([("app", "x")]),
            entries: vec![entry(1, "a<b"), entry(0, "c")],
        };
        let stats = QueryStats::default();
        let text = encode_legacy(&[stream], &stats, Direction::Backward);
        let text = String::from_utf8(text).unwrap();
        let want = concat!(
            r#"{"streams":[{"labels":"{app=\"x\"}","entries":["#,
            r#"{"ts":"1970-01-01T00:00:00.000000001Z","line":"a\u003cb"},"#,
            r#"{"ts":"1970-01-01T00:00:00Z","line":"c"}]}],"stats":{"summary":{"#,
        );
        assert!(text.starts_with(want), "{text}");
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        let none = encode_legacy(&[], &stats, Direction::Forward);
        assert!(none.starts_with(br#"{"streams":[],"stats":{"#));
    }
}
