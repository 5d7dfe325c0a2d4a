//! An event of a Kinesis data stream: [`read`] makes records of it, [`Record::source`] lines of
//! one.
//!
//! A record is what a subscription of CloudWatch Logs writes, or lines of text. The form of events:
//! "Using Lambda to process records from Amazon Kinesis Data Streams" of Lambda's guide.

use bytes::Bytes;
use narvi_aws_logs::{Budget, Content, KINESIS, LOG_TYPE, LogsError, Source, lines};
use narvi_model::{Labels, NANOS_PER_SECOND, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use crate::ForwardError;
use crate::limits::KINESIS_RECORDS;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    records: Vec<Record>,
}

/// One record.
#[derive(Deserialize)]
pub(crate) struct Record {
    kinesis: Data,
    #[serde(rename = "eventSourceARN", default)]
    stream: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    data: String,
    sequence_number: String,
    /// Seconds with a fraction.
    #[serde(default)]
    approximate_arrival_timestamp: f64,
}

/// The records of an event, in their order.
///
/// # Errors
/// Where it is no such event, or has too many.
pub(crate) fn read(event: Value) -> Result<Vec<Record>, ForwardError> {
    let event: Event = serde_json::from_value(event).map_err(ForwardError::Records)?;
    match event.records.len() {
        0..=KINESIS_RECORDS => Ok(event.records),
        records => Err(ForwardError::TooManyRecords(records)),
    }
}

impl Record {
    /// What Lambda is told of a record that shall be sent again.
    pub(crate) fn sequence(&self) -> &str {
        &self.kinesis.sequence_number
    }

    /// Its lines; none where it has none.
    ///
    /// # Errors
    /// Where it cannot be read, or has more than what is left of the budget.
    pub(crate) fn source(&self, budget: &mut Budget) -> Result<Option<Source>, ForwardError> {
        let data = base64_simd::STANDARD.decode_to_vec(&self.kinesis.data);
        let data = Bytes::from(data.map_err(|_| LogsError::Base64)?);
        let source = match Content::read(data, budget)? {
            Content::Batch(batch) => batch.into_source(),
            Content::Nothing => return Ok(None),
            Content::Text(text) => self.text(&text),
        };
        Ok(Some(source).filter(|source| !source.events.is_empty()))
    }

    fn text(&self, text: &Bytes) -> Source {
        let arrived = self.kinesis.approximate_arrival_timestamp * NANOS_PER_SECOND as f64;
        Source {
            labels: Labels::from_pairs([(KINESIS, self.stream.as_str()), (LOG_TYPE, "kinesis")]),
            // Records that are alike are told apart, and one that comes again is not.
            part: ("sequence_number", self.sequence().to_owned()),
            // Out of range becomes the largest, and is refused as such.
            events: lines(text, Timestamp::from_nanos(arrived as i64)),
        }
    }
}

#[cfg(test)]
mod tests {
    use narvi_embedded::gzip;
    use serde_json::json;

    use super::*;

    fn record(data: &[u8]) -> Record {
        let data = base64_simd::STANDARD.encode_to_string(data);
        let event = json!({"Records": [{
            "kinesis": {"kinesisSchemaVersion": "1.0", "partitionKey": "1", "data": data,
                "sequenceNumber": "49590338271490256608559692538361571095921575989136588898",
                "approximateArrivalTimestamp": 1545084650.987},
            "eventSource": "aws:kinesis", "eventID": "shardId-000000000006:4959",
            "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/shop",
        }]});
        read(event).unwrap().remove(0)
    }

    #[track_caller]
    fn check(data: &[u8], want: Option<(&str, &[&str])>) {
        let source = record(data).source(&mut Budget::default()).unwrap();
        let shown = source.map(|source| {
            let text = |(time, line): &(Timestamp, narvi_model::Line)| {
                let line = String::from_utf8_lossy(line.as_bytes()).into_owned();
                format!("{} {line}", time.millis())
            };
            (
                format!("{} {}", source.labels, source.part.0),
                source.events.iter().map(text).collect::<Vec<_>>(),
            )
        });
        let want = want.map(|(labels, lines)| {
            (
                labels.to_owned(),
                lines.iter().map(|line| (*line).to_owned()).collect(),
            )
        });
        assert_eq!(shown, want);
    }

    #[test]
    fn records_are_text_or_a_subscription() {
        let labels = concat!(
            r#"{__aws_kinesis_event_source_arn="arn:aws:kinesis:us-east-2:123456789012:"#,
            r#"stream/shop", __aws_log_type="kinesis"} sequence_number"#
        );
        let time = |line: &str| format!("1545084650987 {line}");
        check(b"one", Some((labels, &[&time("one")])));
        check(
            &gzip(b"a\r\n\nb\n"),
            Some((labels, &[&time("a"), &time("b")])),
        );
        check(
            br#"{"messageType":1}"#,
            Some((labels, &[&time(r#"{"messageType":1}"#)])),
        );
        check(b"", None);
        check(b"\xff", Some((labels, &[&time("\u{fffd}")])));
        let subscription = br#"{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g",
            "logStream":"s","logEvents":[{"timestamp":7,"message":"m"}]}"#;
        let labels = concat!(
            r#"{__aws_cloudwatch_log_group="g", __aws_cloudwatch_owner="1", "#,
            r#"__aws_log_type="cloudwatch"} log_stream"#
        );
        check(&gzip(subscription), Some((labels, &["7 m"])));
        check(&gzip(br#"{"messageType":"CONTROL_MESSAGE"}"#), None);
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let mut budget = Budget {
            bytes: 1000,
            lines: 10,
        };
        let bomb = gzip(&[b'x'; 1001]);
        for data in [&bomb[..], &bomb[..20], &[b'x'; 1001]] {
            assert!(record(data).source(&mut budget).is_err());
        }
        let mut broken = record(b"x");
        broken.kinesis.data = "?".to_owned();
        assert!(broken.source(&mut budget).is_err());
        assert!(read(json!({"Records": [{"kinesis": {}}]})).is_err());
    }
}
