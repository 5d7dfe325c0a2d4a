//! [`pushes`]: lines of [`Source`]s as streams, with the labels that users of lambda-promtail know.
//!
//! A log group, a Kinesis or Firehose stream or a bucket is a label. What there are many of, a log
//! stream or an object, is none: each would be a stream of Narvi's, in its index for good. Its name
//! goes to structured metadata, where queries find it as well: `{…} | log_stream="…"`.

use std::collections::BTreeMap;

use narvi_model::{Entry, Labels, Limits, Line, Metadata, Timestamp};
use narvi_protocol::push::{PushRequest, PushStream};

/// The label that says which kind of source a line is from.
pub const LOG_TYPE: &str = "__aws_log_type";

/// The label that names the log group of a line.
pub(crate) const GROUP: &str = "__aws_cloudwatch_log_group";
/// The label that names the account of a log group.
pub(crate) const OWNER: &str = "__aws_cloudwatch_owner";
/// The label that names the Kinesis stream of a line.
pub const KINESIS: &str = "__aws_kinesis_event_source_arn";
/// The label that names the bucket of a line.
pub const BUCKET: &str = "__aws_s3_bucket";
/// The label that names the Firehose stream of a line.
pub const FIREHOSE: &str = "__aws_firehose_source_arn";

/// Labels that say where a line comes from.
pub const OWN_LABELS: [&str; 6] = [GROUP, OWNER, KINESIS, BUCKET, FIREHOSE, LOG_TYPE];

/// Bytes of a megabyte in `ingestion_burst_size_mb`.
const MEGABYTE: f64 = (1 << 20) as f64;

/// Lines that have their labels and their metadata in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Where they come from, and what is configured for that.
    pub labels: Labels,
    /// One pair of metadata, as `log_stream` with its name; nothing where the name is empty.
    pub part: (&'static str, String),
    /// Times and texts in their order.
    pub events: Vec<(Timestamp, Line)>,
}

/// Everything as pushes, none of which is more than the tenant may push at once: AWS cannot be told
/// to send less. Nearly always one; none where there are no lines.
#[must_use]
pub fn pushes(sources: Vec<Source>, fixed: &Labels, limits: &Limits) -> Vec<PushRequest> {
    let burst = (limits.ingestion_burst_size_mb * MEGABYTE) as usize;
    let mut pushes = Vec::new();
    let (mut streams, mut size) = (BTreeMap::<Labels, Vec<Entry>>::new(), 0);
    for source in sources {
        let labels = fixed.iter().chain(source.labels.iter());
        let labels = Labels::of_stream(Labels::from_pairs(labels).iter());
        let (name, value) = source.part;
        let metadata = if limits.allow_structured_metadata && !value.is_empty() {
            Metadata::of_stream([(name, value.as_str())])
        } else {
            Metadata::empty()
        };
        for (timestamp, line) in source.events {
            let metadata = metadata.clone();
            let entry = Entry {
                timestamp,
                line,
                metadata,
            };
            if size + entry.size() > burst && size > 0 {
                pushes.push(push(std::mem::take(&mut streams)));
                size = 0;
            }
            size += entry.size();
            streams.entry(labels.clone()).or_default().push(entry);
        }
    }
    if !streams.is_empty() {
        pushes.push(push(streams));
    }
    pushes
}

fn push(streams: BTreeMap<Labels, Vec<Entry>>) -> PushRequest {
    let stream = |(labels, entries)| PushStream { labels, entries };
    PushRequest {
        streams: streams.into_iter().map(stream).collect(),
        ..PushRequest::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(group: &str, lines: &[&str]) -> Source {
        let event = |(n, line): (usize, &&str)| (Timestamp::from_millis(n as i64), (*line).into());
        Source {
            labels: Labels::from_pairs([(GROUP, group), (LOG_TYPE, "cloudwatch")]),
            part: ("log_stream", "2026/11/22/[$LATEST]ab".to_owned()),
            events: lines.iter().enumerate().map(event).collect(),
        }
    }

    /// Each push as `labels metadata lines` of its streams.
    #[track_caller]
    fn check(sources: &[Source], limits: &Limits, want: &[&str]) {
        let fixed = Labels::from_pairs([("env", "prod"), ("job", "x")]);
        let mut got = Vec::new();
        for push in pushes(sources.to_vec(), &fixed, limits) {
            let shown = push.streams.iter().map(|stream| {
                let text = |e: &Entry| String::from_utf8_lossy(e.line.as_bytes()).into_owned();
                let lines: Vec<_> = stream.entries.iter().map(text).collect();
                let metadata = &stream.entries[0].metadata;
                format!("{} {metadata} {}", stream.labels, lines.join("|"))
            });
            got.push(shown.collect::<Vec<_>>().join("; "));
        }
        assert_eq!(got, want);
    }

    fn labels(group: &str) -> String {
        format!(
            "{{__aws_cloudwatch_log_group=\"{group}\", __aws_log_type=\"cloudwatch\", \
             env=\"prod\", job=\"x\"}}"
        )
    }

    const METADATA: &str = r#"{log_stream="2026/11/22/[$LATEST]ab"}"#;

    #[test]
    fn a_source_is_a_stream() {
        let limits = Limits::default();
        let (a, b) = (labels("a"), labels("b"));
        check(
            &[
                source("a", &["1", "2"]),
                source("b", &["3"]),
                source("a", &["4"]),
            ],
            &limits,
            &[&format!("{a} {METADATA} 1|2|4; {b} {METADATA} 3")],
        );
        check(&[source("a", &[])], &limits, &[]);
        let limits = Limits {
            allow_structured_metadata: false,
            ..Limits::default()
        };
        check(&[source("a", &["1"])], &limits, &[&format!("{a} {{}} 1")]);
        let own = Source {
            labels: Labels::from_pairs([("env", "of its own")]),
            part: ("key", String::new()),
            ..source("a", &["1"])
        };
        check(
            &[own],
            &Limits::default(),
            &[r#"{env="of its own", job="x"} {} 1"#],
        );
    }

    #[test]
    fn cut_where_a_push_would_be_too_large() {
        // Metadata counts 32 bytes a line.
        let limits = Limits {
            ingestion_burst_size_mb: 80.0 / MEGABYTE,
            ..Limits::default()
        };
        let long = "x".repeat(100);
        let a = labels("a");
        let want = [
            format!("{a} {METADATA} a|b"),
            format!("{a} {METADATA} {long}"),
            format!("{a} {METADATA} c"),
        ];
        let want: Vec<&str> = want.iter().map(String::as_str).collect();
        check(&[source("a", &["a", "b", &long, "c"])], &limits, &want);
    }
}
