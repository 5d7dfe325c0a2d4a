//! Answers of the index: statistics and shards (spec `http-api.md` §8). Volumes are answers of
//! queries.

use std::io::Write as _;

use narvi_model::answer::{IndexStats, QueryStats};

use super::stats;

/// What `index/stats` answers: flat, without `status`.
#[must_use]
pub fn index_stats(of: &IndexStats) -> Vec<u8> {
    let mut out = Vec::new();
    write_stats(&mut out, of);
    out.push(b'\n');
    out
}

/// What `index/shards` answers: everything is one shard.
#[must_use]
pub fn one_shard(of: &IndexStats) -> Vec<u8> {
    let mut out = Vec::new();
    // Writing to a vector cannot fail.
    let _ = write!(
        out,
        r#"{{"shards":[{{"bounds":{{"min":0,"max":{}}},"stats":"#,
        u64::MAX
    );
    write_stats(&mut out, of);
    out.extend_from_slice(br#"}],"statistics":"#);
    stats::write(&mut out, &QueryStats::default());
    out.extend_from_slice(b",\"chunkGroups\":null}\n");
    out
}

fn write_stats(out: &mut Vec<u8>, of: &IndexStats) {
    let IndexStats {
        streams,
        chunks,
        bytes,
        entries,
    } = of;
    // Writing to a vector cannot fail.
    let _ = write!(
        out,
        r#"{{"streams":{streams},"chunks":{chunks},"bytes":{bytes},"entries":{entries}}}"#
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATS: IndexStats = IndexStats {
        streams: 1,
        chunks: 2,
        bytes: 3,
        entries: 4,
    };

    #[test]
    fn statistics() {
        assert_eq!(
            index_stats(&STATS),
            b"{\"streams\":1,\"chunks\":2,\"bytes\":3,\"entries\":4}\n"
        );
    }

    #[test]
    fn shards() {
        let text = String::from_utf8(one_shard(&STATS)).unwrap();
        let start = concat!(
            r#"{"shards":[{"bounds":{"min":0,"max":18446744073709551615},"#,
            r#""stats":{"streams":1,"chunks":2,"bytes":3,"entries":4}}],"statistics":{"summary":"#,
        );
        assert!(text.starts_with(start), "{text}");
        assert!(text.ends_with(",\"chunkGroups\":null}\n"), "{text}");
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
    }
}
