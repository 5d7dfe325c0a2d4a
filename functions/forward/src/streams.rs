//! [`pushes`]: log events as streams, with the labels that users of lambda-promtail know.
//!
//! A log group is a label. A log stream is none: there is one for each container or instance that
//! ever ran, and every one would be a stream of Narvi's, in its index for good. Its name goes to
//! structured metadata, where queries find it as well: `{…} | log_stream="…"`.

use narvi_model::{Entry, Labels, Limits, Metadata};
use narvi_protocol::push::{PushRequest, PushStream};

use crate::cloudwatch::Batch;

const GROUP: &str = "__aws_cloudwatch_log_group";
const OWNER: &str = "__aws_cloudwatch_owner";
const LOG_TYPE: &str = "__aws_log_type";

/// Labels that say where a line comes from.
pub(crate) const OWN_LABELS: [&str; 3] = [GROUP, OWNER, LOG_TYPE];

/// The metadata that names the log stream.
const STREAM: &str = "log_stream";

/// Bytes of a megabyte in `ingestion_burst_size_mb`.
const MEGABYTE: f64 = (1 << 20) as f64;

/// A batch as pushes, none of which is more than the tenant may push at once: CloudWatch Logs
/// cannot be told to send less. Nearly always one; none for a batch without log events.
pub(crate) fn pushes(batch: Batch, fixed: &Labels, limits: &Limits) -> Vec<PushRequest> {
    let mut labels = fixed.clone();
    for (name, value) in [
        (GROUP, batch.group.as_str()),
        (OWNER, &batch.owner),
        (LOG_TYPE, "cloudwatch"),
    ] {
        labels = labels.with(name, value);
    }
    let labels = Labels::of_stream(labels.iter());
    let metadata = if limits.allow_structured_metadata {
        Metadata::of_stream([(STREAM, batch.stream.as_str())])
    } else {
        Metadata::empty()
    };
    let burst = (limits.ingestion_burst_size_mb * MEGABYTE) as usize;
    let mut pushes = Vec::new();
    let (mut entries, mut size) = (Vec::new(), 0);
    for (timestamp, line) in batch.events {
        let entry = Entry {
            timestamp,
            line,
            metadata: metadata.clone(),
        };
        if size + entry.size() > burst && !entries.is_empty() {
            pushes.push(push(&labels, std::mem::take(&mut entries)));
            size = 0;
        }
        size += entry.size();
        entries.push(entry);
    }
    if !entries.is_empty() {
        pushes.push(push(&labels, entries));
    }
    pushes
}

fn push(labels: &Labels, entries: Vec<Entry>) -> PushRequest {
    let labels = labels.clone();
    PushRequest {
        streams: vec![PushStream { labels, entries }],
        ..PushRequest::default()
    }
}

#[cfg(test)]
mod tests {
    use narvi_model::Timestamp;

    use super::*;

    fn batch(lines: &[&str]) -> Batch {
        let event = |(n, line): (usize, &&str)| (Timestamp::from_millis(n as i64), (*line).into());
        Batch {
            owner: "123456789012".to_owned(),
            group: "/aws/lambda/shop".to_owned(),
            stream: "2026/11/22/[$LATEST]ab".to_owned(),
            events: lines.iter().enumerate().map(event).collect(),
        }
    }

    /// Each push as `labels metadata lines`.
    #[track_caller]
    fn check(lines: &[&str], limits: &Limits, want: &[&str]) {
        let fixed = Labels::from_pairs([("env", "prod")]);
        let mut got = Vec::new();
        for push in pushes(batch(lines), &fixed, limits) {
            let [stream] = push.streams.as_slice() else {
                panic!("a log group is one stream")
            };
            let text = |e: &Entry| String::from_utf8_lossy(e.line.as_bytes()).into_owned();
            let lines: Vec<_> = stream.entries.iter().map(text).collect();
            let metadata = &stream.entries[0].metadata;
            got.push(format!("{} {metadata} {}", stream.labels, lines.join("|")));
        }
        assert_eq!(got, want);
    }

    const LABELS: &str = concat!(
        r#"{__aws_cloudwatch_log_group="/aws/lambda/shop", "#,
        r#"__aws_cloudwatch_owner="123456789012", __aws_log_type="cloudwatch", env="prod"}"#,
    );
    const METADATA: &str = r#"{log_stream="2026/11/22/[$LATEST]ab"}"#;

    #[test]
    fn a_log_group_is_a_stream() {
        let limits = Limits::default();
        check(&["a", "b"], &limits, &[&format!("{LABELS} {METADATA} a|b")]);
        check(&[], &limits, &[]);
        let limits = Limits {
            allow_structured_metadata: false,
            ..Limits::default()
        };
        check(&["a"], &limits, &[&format!("{LABELS} {{}} a")]);
    }

    #[test]
    fn cut_where_a_push_would_be_too_large() {
        // Metadata counts 32 bytes a line.
        let limits = Limits {
            ingestion_burst_size_mb: 80.0 / MEGABYTE,
            ..Limits::default()
        };
        let long = "x".repeat(100);
        let want = [
            format!("{LABELS} {METADATA} a|b"),
            format!("{LABELS} {METADATA} {long}"),
            format!("{LABELS} {METADATA} c"),
        ];
        let want: Vec<&str> = want.iter().map(String::as_str).collect();
        check(&["a", "b", &long, "c"], &limits, &want);
    }
}
