//! What Grafana gets: [`encode_query`] for results of queries, [`encode_legacy`] for those of the
//! old path, [`encode_tail`] for live tails, [`lists`] for labels and series, [`index`] for
//! statistics.
//!
//! Written straight into bytes, in Loki's order of keys: Grafana's parser reads a stream and wants
//! `resultType`, `encodingFlags`, `result`, `stats`. Knows nothing of how an answer was found.

pub mod deletes;
mod detected;
pub mod index;
mod json;
mod legacy;
pub mod lists;
mod metrics;
mod stats;
mod streams;
mod tail;

use narvi_model::answer::{QueryResult, QueryStats};

pub use deletes::{ListedDelete, deletes};
pub use detected::{detected_fields, detected_labels, detected_values, patterns};
pub use index::{index_stats, one_shard};
pub use legacy::encode_legacy;
pub use lists::{buildinfo, formatted, invalid_query, labels, legacy_labels, log_level, series};
pub use tail::{DroppedEntry, TailForm, TailFrame, encode_tail};

use crate::params::Direction;

/// The flag that Grafana sends to tell apart what is a stream label, metadata and parsed.
pub const CATEGORIZE: &str = "categorize-labels";

/// How a client wants its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodeOptions {
    /// Whether each entry carries its metadata and parsed labels apart from the stream's labels.
    pub categorize: bool,
    /// All flags of the request, which are echoed, known or not.
    pub flags: Vec<String>,
    /// The order of entries; needed where streams are regrouped.
    pub direction: Direction,
    /// Shown to the user beside the result.
    pub warnings: Vec<String>,
}

impl EncodeOptions {
    /// Reads the header `X-Loki-Response-Encoding-Flags`, a list separated by commas.
    #[must_use]
    pub fn from_flags(header: Option<&str>) -> Self {
        let flags = header.unwrap_or_default().split(',').map(str::trim);
        let flags: Vec<_> = flags
            .filter(|flag| !flag.is_empty())
            .map(str::to_owned)
            .collect();
        let categorize = flags.iter().any(|flag| flag == CATEGORIZE);
        Self {
            categorize,
            flags,
            ..Self::default()
        }
    }
}

/// The JSON of `query` and `query_range` (spec `http-api.md` §1 and §5).
#[must_use]
pub fn encode_query(result: &QueryResult, stats: &QueryStats, options: &EncodeOptions) -> Vec<u8> {
    let mut out = Vec::with_capacity(4096);
    out.extend_from_slice(br#"{"status":"success","#);
    let is_streams = matches!(result, QueryResult::Streams(_));
    if is_streams && !options.warnings.is_empty() {
        write_warnings(&mut out, &options.warnings);
        out.push(b',');
    }
    out.extend_from_slice(br#""data":{"resultType":"#);
    match result {
        QueryResult::Streams(all) => {
            out.extend_from_slice(br#""streams","#);
            write_flags(&mut out, options);
            out.extend_from_slice(br#""result":"#);
            streams::write(&mut out, all, options);
        }
        QueryResult::Matrix(all) => {
            out.extend_from_slice(br#""matrix","result":"#);
            metrics::write_matrix(&mut out, all);
        }
        QueryResult::Vector(all) => {
            out.extend_from_slice(br#""vector","result":"#);
            metrics::write_vector(&mut out, all);
        }
        QueryResult::Scalar(sample) => {
            out.extend_from_slice(br#""scalar","result":"#);
            metrics::write_sample(&mut out, *sample);
        }
    }
    out.extend_from_slice(br#","stats":"#);
    stats::write(&mut out, stats);
    out.push(b'}');
    if !is_streams && !options.warnings.is_empty() {
        out.push(b',');
        write_warnings(&mut out, &options.warnings);
    }
    out.push(b'}');
    if is_streams {
        out.push(b'\n');
    }
    out
}

fn write_flags(out: &mut Vec<u8>, options: &EncodeOptions) {
    let implied = [CATEGORIZE.to_owned()];
    let flags = match (options.flags.as_slice(), options.categorize) {
        ([], false) => return,
        ([], true) => &implied[..],
        (flags, _) => flags,
    };
    out.extend_from_slice(br#""encodingFlags":"#);
    json::write_list(out, flags, |out, flag| {
        json::write_string(out, flag.as_bytes());
    });
    out.push(b',');
}

fn write_warnings(out: &mut Vec<u8>, warnings: &[String]) {
    out.extend_from_slice(br#""warnings":"#);
    json::write_list(out, warnings, |out, text| {
        json::write_string(out, text.as_bytes());
    });
}

#[cfg(test)]
mod tests {
    use narvi_model::answer::{LogEntry, LogStream, Sample, Series};
    use narvi_model::{Labels, Timestamp};

    use super::*;

    /// The answer without the stats block, which has its own test.
    #[track_caller]
    fn check(result: &QueryResult, options: &EncodeOptions, want: &str) {
        let json = encode_query(result, &QueryStats::default(), options);
        let json = String::from_utf8(json).unwrap();
        serde_json::from_str::<serde_json::Value>(&json).expect("valid JSON");
        let start = json.find(r#","stats":"#).unwrap();
        let end = start + json[start..].rfind("}}").unwrap();
        let tail = json[end..].trim_start_matches('}');
        let got = format!(
            "{}{}",
            &json[..start],
            tail.trim_end().trim_end_matches('}')
        );
        assert_eq!(got, want);
        assert_eq!(
            json.ends_with('\n'),
            matches!(result, QueryResult::Streams(_))
        );
    }

    fn labels(text: &str) -> Labels {
        crate::push::labels::parse(text).unwrap()
    }

    fn entry(nanos: i64, line: &str, metadata: &str, parsed: &str) -> LogEntry {
        let timestamp = Timestamp::from_nanos(nanos);
        LogEntry {
            timestamp,
            line: line.into(),
            metadata: labels(metadata),
            parsed: labels(parsed),
        }
    }

    fn streams(all: &[(&str, &[LogEntry])]) -> QueryResult {
        let stream = |(text, entries): &(&str, &[LogEntry])| LogStream {
            labels: labels(text),
            entries: entries.to_vec(),
        };
        QueryResult::Streams(all.iter().map(stream).collect())
    }

    #[test]
    fn categorised_streams() {
        let result = streams(&[(
            r#"{app="api"}"#,
            &[
                entry(
                    1_700_000_000_000_000_001,
                    "li<ne",
                    r#"{trace_id="abc"}"#,
                    r#"{level="info"}"#,
                ),
                entry(1_700_000_000_000_000_000, "plain", "", ""),
                entry(5, "", "", r#"{a="1",b="2"}"#),
            ],
        )]);
        check(
            &result,
            &EncodeOptions::from_flags(Some("categorize-labels")),
            concat!(
                r#"{"status":"success","data":{"resultType":"streams","#,
                r#""encodingFlags":["categorize-labels"],"result":[{"stream":{"app":"api"},"#,
                r#""values":[["1700000000000000001","li\u003cne","#,
                r#"{"structuredMetadata":{"trace_id":"abc"},"parsed":{"level":"info"}}],"#,
                r#"["1700000000000000000","plain",{}],["5","",{"parsed":{"a":"1","b":"2"}}]]}]"#,
            ),
        );
    }

    #[test]
    fn plain_streams_are_regrouped() {
        let result = streams(&[
            (
                r#"{b="1"}"#,
                &[entry(9, "x", "", ""), entry(5, "y", r#"{a="2"}"#, "")],
            ),
            (
                r#"{a="1",b="1"}"#,
                &[
                    entry(7, "z", r#"{a="3"}"#, r#"{a="2"}"#),
                    entry(6, "w", "", ""),
                    entry(5, "v", "", r#"{a="2"}"#),
                ],
            ),
        ]);
        check(
            &result,
            &EncodeOptions::default(),
            concat!(
                r#"{"status":"success","data":{"resultType":"streams","result":["#,
                r#"{"stream":{"a":"1","b":"1"},"values":[["6","w"]]},"#,
                r#"{"stream":{"a":"2","b":"1"},"values":[["7","z"],["5","y"],["5","v"]]},"#,
                r#"{"stream":{"b":"1"},"values":[["9","x"]]}]"#,
            ),
        );
    }

    #[test]
    fn regrouped_entries_keep_the_asked_order() {
        let result = streams(&[
            (r#"{b="1"}"#, &[entry(5, "x", r#"{a="2"}"#, "")]),
            (r#"{a="1",b="1"}"#, &[entry(4, "y", r#"{a="2"}"#, "")]),
        ]);
        let options = EncodeOptions {
            direction: Direction::Forward,
            ..Default::default()
        };
        check(
            &result,
            &options,
            concat!(
                r#"{"status":"success","data":{"resultType":"streams","result":["#,
                r#"{"stream":{"a":"2","b":"1"},"values":[["4","y"],["5","x"]]}]"#,
            ),
        );
    }

    #[test]
    fn flags_and_warnings() {
        let mut options = EncodeOptions::from_flags(Some(" x , categorize-labels"));
        assert!(options.categorize);
        options.warnings = vec!["slow".to_owned(), "old".to_owned()];
        check(
            &streams(&[]),
            &options,
            concat!(
                r#"{"status":"success","warnings":["slow","old"],"data":{"resultType":"streams","#,
                r#""encodingFlags":["x","categorize-labels"],"result":[]"#,
            ),
        );
        check(
            &QueryResult::Vector(Vec::new()),
            &options,
            concat!(
                r#"{"status":"success","data":{"resultType":"vector","result":[]"#,
                r#","warnings":["slow","old"]"#
            ),
        );
        assert!(!EncodeOptions::from_flags(None).categorize);
    }

    #[test]
    fn metrics() {
        let series = |text: &str, samples: &[(i64, f64)]| Series {
            labels: labels(text),
            samples: samples
                .iter()
                .map(|&(millis, value)| Sample { millis, value })
                .collect(),
        };
        let options = EncodeOptions::default();
        check(
            &QueryResult::Matrix(vec![
                series(
                    r#"{app="x"}"#,
                    &[(1_700_000_000_000, 1.0), (1_700_000_060_500, 0.25)],
                ),
                series(
                    "{}",
                    &[
                        (1, f64::NAN),
                        (-1500, f64::INFINITY),
                        (10, f64::NEG_INFINITY),
                    ],
                ),
            ]),
            &options,
            concat!(
                r#"{"status":"success","data":{"resultType":"matrix","result":["#,
                r#"{"metric":{"app":"x"},"values":[[1700000000,"1"],[1700000060.5,"0.25"]]},"#,
                r#"{"metric":{},"values":[[0.001,"NaN"],[-1.5,"+Inf"],[0.01,"-Inf"]]}]"#,
            ),
        );
        check(
            &QueryResult::Vector(vec![series("{}", &[(4_000_000_000_000, 1e21)])]),
            &options,
            concat!(
                r#"{"status":"success","data":{"resultType":"vector","result":["#,
                r#"{"metric":{},"value":[4000000000,"1000000000000000000000"]}]"#,
            ),
        );
        check(
            &QueryResult::Scalar(Sample {
                millis: 1_700_000_000_000,
                value: 2.0,
            }),
            &options,
            r#"{"status":"success","data":{"resultType":"scalar","result":[1700000000,"2"]"#,
        );
    }
}
