//! The `stats` block (spec `http-api.md` §1.1): every key that Loki has, zero where Narvi has none.
//!
//! Grafana shows `summary`, `querier.store` and `ingester`. Narvi has no ingesters that hold data,
//! so all reading is the store's.

use std::io::Write as _;

use narvi_model::answer::QueryStats;

/// A cache that is not there.
const CACHE: &str =
    r#"{"entriesFound":0,"entriesRequested":0,"entriesStored":0,"bytesReceived":0,"#;
const CACHE_END: &str = r#""bytesSent":0,"requests":0,"downloadTime":0,"queryLengthServed":0}"#;

const CACHES: [&str; 8] = [
    "chunk",
    "index",
    "result",
    "statsResult",
    "volumeResult",
    "seriesResult",
    "labelResult",
    "instantMetricResult",
];

/// Loki's next storage format, which Narvi has no part of.
const DATAOBJ: &str = concat!(
    r#"{"prePredicateDecompressedRows":0,"prePredicateDecompressedBytes":0,"#,
    r#""prePredicateDecompressedStructuredMetadataBytes":0,"postPredicateRows":0,"#,
    r#""postPredicateDecompressedBytes":0,"postPredicateStructuredMetadataBytes":0,"#,
    r#""postFilterRows":0,"pagesScanned":0,"pagesDownloaded":0,"pagesDownloadedBytes":0,"#,
    r#""pageBatches":0,"totalRowsAvailable":0,"totalPageDownloadTime":0}"#,
);

const NANOS: f64 = 1e9;

/// Writes the whole block.
pub(super) fn write(out: &mut Vec<u8>, stats: &QueryStats) {
    write_summary(out, stats);
    out.extend_from_slice(br#","querier":{"store":"#);
    write_store(out, stats);
    // Writing to a vector cannot fail.
    let _ = write!(
        out,
        r#","querierExecTime":{}}}"#,
        finite(stats.exec_seconds)
    );
    out.extend_from_slice(
        br#","ingester":{"totalReached":0,"totalChunksMatched":0,"totalBatches":0,"#,
    );
    out.extend_from_slice(br#""totalLinesSent":0,"store":"#);
    write_store(out, &QueryStats::default());
    out.extend_from_slice(br#"},"cache":{"#);
    for (n, name) in CACHES.iter().enumerate() {
        let comma = if n > 0 { "," } else { "" };
        let _ = write!(out, r#"{comma}"{name}":{CACHE}{CACHE_END}"#);
    }
    let _ = write!(
        out,
        concat!(
            r#"}},"index":{{"totalChunks":{},"postFilterChunks":{},"shardsDuration":0,"#,
            r#""usedBloomFilters":false,"totalStreams":{},"chunkRefsLookupTime":{},"#,
            r#""bloomFilterTime":0}}}}"#,
        ),
        stats.chunks_matched,
        stats.chunks_read,
        stats.streams,
        nanos(stats.catalog_seconds),
    );
}

fn write_summary(out: &mut Vec<u8>, stats: &QueryStats) {
    // Writing to a vector cannot fail.
    let _ = write!(
        out,
        concat!(
            r#"{{"summary":{{"bytesProcessedPerSecond":{},"linesProcessedPerSecond":{},"#,
            r#""totalBytesProcessed":{},"totalLinesProcessed":{},"execTime":{},"queueTime":0,"#,
            r#""subqueries":0,"totalEntriesReturned":{},"splits":{},"shards":{},"#,
            r#""totalPostFilterLines":{},"totalStructuredMetadataBytesProcessed":0}}"#,
        ),
        per_second(stats.decompressed_bytes, stats.exec_seconds),
        per_second(stats.lines, stats.exec_seconds),
        stats.decompressed_bytes,
        stats.lines,
        finite(stats.exec_seconds),
        stats.entries_returned,
        stats.work_units,
        stats.work_units,
        stats.lines_after_filter,
    );
}

fn write_store(out: &mut Vec<u8>, stats: &QueryStats) {
    // Writing to a vector cannot fail.
    let _ = write!(
        out,
        concat!(
            r#"{{"totalChunksRef":{},"totalChunksDownloaded":{},"chunksDownloadTime":{},"#,
            r#""queryReferencedStructuredMetadata":false,"queryUsedV2Engine":false,"#,
            r#""chunk":{{"headChunkBytes":0,"headChunkLines":0,"decompressedBytes":{},"#,
            r#""decompressedLines":{},"compressedBytes":{},"totalDuplicates":{},"#,
            r#""postFilterLines":{},"headChunkStructuredMetadataBytes":0,"#,
            r#""decompressedStructuredMetadataBytes":0}},"chunkRefsFetchTime":{},"#,
            r#""congestionControlLatency":0,"pipelineWrapperFilteredLines":0,"dataobj":{}}}"#,
        ),
        stats.chunks_matched,
        stats.chunks_read,
        nanos(stats.fetch_seconds),
        stats.decompressed_bytes,
        stats.lines,
        stats.compressed_bytes,
        stats.duplicates,
        stats.lines_after_filter,
        nanos(stats.catalog_seconds),
        DATAOBJ,
    );
}

/// JSON has no NaN and no infinity.
fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

/// Whole nanoseconds, Loki's unit for times inside a store.
fn nanos(seconds: f64) -> u64 {
    (finite(seconds) * NANOS) as u64
}

fn per_second(count: u64, seconds: f64) -> u64 {
    if seconds > 0.0 {
        (count as f64 / seconds) as u64
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// `path=value` for every leaf, in order.
    fn leaves(path: &str, value: &Value, out: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                map.iter()
                    .for_each(|(key, v)| leaves(&format!("{path}.{key}"), v, out));
            }
            leaf => out.push(format!("{path}={leaf}")),
        }
    }

    fn written(stats: &QueryStats) -> Vec<String> {
        let mut out = Vec::new();
        write(&mut out, stats);
        let mut all = Vec::new();
        leaves("", &serde_json::from_slice(&out).unwrap(), &mut all);
        all
    }

    #[test]
    fn every_key_is_there() {
        // summary, two stores, what is around them, eight caches of eight figures, index
        let all = written(&QueryStats {
            exec_seconds: f64::NAN,
            ..Default::default()
        });
        assert_eq!(all.len(), 12 + 2 * 30 + 5 + 64 + 7);
        assert!(
            all.iter().all(|leaf| leaf.ends_with("=0")
                || leaf.ends_with("=0.0")
                || leaf.ends_with("=false")),
            "{all:?}"
        );
    }

    #[test]
    fn figures_are_where_grafana_reads_them() {
        let stats = QueryStats {
            exec_seconds: 0.5,
            catalog_seconds: 0.001,
            fetch_seconds: 0.002,
            streams: 3,
            chunks_matched: 7,
            chunks_read: 5,
            compressed_bytes: 100,
            decompressed_bytes: 1000,
            lines: 40,
            lines_after_filter: 20,
            duplicates: 1,
            entries_returned: 10,
            work_units: 2,
            segments: 4,
        };
        let all = written(&stats);
        for want in [
            ".summary.bytesProcessedPerSecond=2000",
            ".summary.linesProcessedPerSecond=80",
            ".summary.totalBytesProcessed=1000",
            ".summary.totalLinesProcessed=40",
            ".summary.execTime=0.5",
            ".summary.totalEntriesReturned=10",
            ".summary.totalPostFilterLines=20",
            ".querier.store.totalChunksRef=7",
            ".querier.store.totalChunksDownloaded=5",
            ".querier.store.chunksDownloadTime=2000000",
            ".querier.store.chunk.compressedBytes=100",
            ".querier.store.chunk.decompressedLines=40",
            ".querier.store.chunk.totalDuplicates=1",
            ".querier.querierExecTime=0.5",
            ".ingester.store.chunk.decompressedBytes=0",
            ".index.totalStreams=3",
            ".index.chunkRefsLookupTime=1000000",
        ] {
            assert!(all.iter().any(|leaf| leaf == want), "{want} in {all:?}");
        }
    }
}
