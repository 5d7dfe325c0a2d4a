//! What a CloudWatch Logs subscription sends: [`Batch::from_base64`] undoes base64, gzip and JSON,
//! each within its bound; [`Batch::from_json`] reads what is inside, which also comes over Kinesis
//! and Firehose.
//!
//! The form: "Real-time processing of log data with subscriptions" of the CloudWatch Logs user
//! guide. Fields that are not named here are passed over, as AWS adds some now and then. Knows no
//! tenant.

use std::borrow::Cow;
use std::io::Read as _;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use narvi_model::{Labels, Line, Timestamp};
use serde::Deserialize;

use crate::LogsError;
use crate::limits::{BATCH_BYTES, BATCH_EVENTS, QUOTED_BYTES};
use crate::streams::{GROUP, LOG_TYPE, OWNER, Source};

/// Log events of one log stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The account that the log group belongs to.
    pub owner: String,
    /// The log group.
    pub group: String,
    /// The log stream in it.
    pub stream: String,
    /// Times and texts in the order of the message; texts share the memory of the message.
    pub events: Vec<(Timestamp, Line)>,
}

/// The JSON inside.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message<'m> {
    message_type: String,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    log_group: String,
    #[serde(default)]
    log_stream: String,
    #[serde(borrow, default)]
    log_events: Vec<LogEvent<'m>>,
}

#[derive(Deserialize)]
struct LogEvent<'m> {
    /// Milliseconds since the epoch.
    timestamp: i64,
    #[serde(borrow)]
    message: Cow<'m, str>,
}

impl Batch {
    /// Reads the data of an event; `None` for a message by which CloudWatch Logs only looks whether
    /// somebody is there.
    ///
    /// # Errors
    /// See [`LogsError`].
    pub fn from_base64(data: &str) -> Result<Option<Self>, LogsError> {
        let packed = base64_simd::STANDARD.decode_to_vec(data);
        let json = inflate(&packed.map_err(|_| LogsError::Base64)?, BATCH_BYTES)?;
        Self::from_json(&json)
    }

    /// Reads the JSON inside; `None` as for [`Batch::from_base64`].
    ///
    /// # Errors
    /// Where it is something else, or has too many log events.
    pub fn from_json(json: &Bytes) -> Result<Option<Self>, LogsError> {
        let message = serde_json::from_slice(json).map_err(LogsError::Json)?;
        Message::read(message, json)
    }

    /// Its lines with their labels.
    #[must_use]
    pub fn into_source(self) -> Source {
        let labels = [
            (GROUP, self.group.as_str()),
            (OWNER, &self.owner),
            (LOG_TYPE, "cloudwatch"),
        ];
        Source {
            labels: Labels::from_pairs(labels),
            part: ("log_stream", self.stream),
            events: self.events,
        }
    }
}

impl Message<'_> {
    fn read(message: Message<'_>, json: &Bytes) -> Result<Option<Batch>, LogsError> {
        match message.message_type.as_str() {
            "DATA_MESSAGE" => message.into_batch(json).map(Some),
            "CONTROL_MESSAGE" => Ok(None),
            other => {
                let end = other.floor_char_boundary(QUOTED_BYTES);
                Err(LogsError::MessageType(other[..end].to_owned()))
            }
        }
    }

    fn into_batch(self, json: &Bytes) -> Result<Batch, LogsError> {
        if self.log_events.len() > BATCH_EVENTS {
            return Err(LogsError::TooManyEvents(self.log_events.len()));
        }
        let event = |event: LogEvent<'_>| {
            let line = match event.message {
                Cow::Borrowed(text) => Line::new(json.slice_ref(text.as_bytes())),
                Cow::Owned(text) => Ok(text.into()),
            };
            // Never an error: it was text already.
            let line = line.unwrap_or_default();
            (Timestamp::from_millis(event.timestamp), line)
        };
        Ok(Batch {
            owner: self.owner,
            group: self.log_group,
            stream: self.log_stream,
            events: self.log_events.into_iter().map(event).collect(),
        })
    }
}

/// Undoes gzip, however many parts it has.
///
/// # Errors
/// Where it is broken, or more than `budget` bytes.
pub fn inflate(packed: &[u8], budget: usize) -> Result<Bytes, LogsError> {
    let mut plain = Vec::new();
    let mut gzip = MultiGzDecoder::new(packed).take(budget as u64 + 1);
    gzip.read_to_end(&mut plain).map_err(LogsError::Gzip)?;
    if plain.len() > budget {
        return Err(LogsError::TooLarge(budget));
    }
    Ok(plain.into())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write as _;

    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    fn data(bytes: &[u8]) -> String {
        base64_simd::STANDARD.encode_to_string(bytes)
    }

    fn read(message: &str) -> Result<Option<Batch>, LogsError> {
        Batch::from_base64(&data(&gzip(message.as_bytes())))
    }

    #[test]
    fn log_events_keep_their_order_time_and_text() {
        let batch = read(
            r#"{"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"/aws/lambda/shop",
            "logStream":"2026/11/22/[$LATEST]ab","subscriptionFilters":["narvi"],"new":{"a":[1]},
            "logEvents":[{"id":"2","timestamp":1768471200123,"message":"two","extractedFields":{}},
            {"id":"1","timestamp":1768471200001,"message":"tab\t and é\n"}]}"#,
        );
        let batch = batch.unwrap().unwrap();
        let at = Timestamp::from_millis;
        let want = Batch {
            owner: "123456789012".to_owned(),
            group: "/aws/lambda/shop".to_owned(),
            stream: "2026/11/22/[$LATEST]ab".to_owned(),
            events: vec![
                (at(1_768_471_200_123), "two".into()),
                (at(1_768_471_200_001), "tab\t and é\n".into()),
            ],
        };
        assert_eq!(batch, want);
    }

    #[test]
    fn control_messages_hold_nothing() {
        let control = r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"",
            "logStream":"","subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1,
            "message":"CWL CONTROL MESSAGE: Checking health of destination Lambda."}]}"#;
        assert_eq!(read(control).unwrap(), None);
    }

    #[track_caller]
    fn check_refused(data: &str, want: &str) {
        let error = Batch::from_base64(data).unwrap_err().to_string();
        assert!(error.starts_with(want), "{error}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        check_refused("?", "the data is not valid base64");
        check_refused(&data(b"{}"), "the data is not valid gzip: ");
        let whole = gzip(b"{}");
        check_refused(
            &data(&whole[..whole.len() - 1]),
            "the data is not valid gzip: ",
        );
        let text = |text: &str| data(&gzip(text.as_bytes()));
        let form = "the data is not what CloudWatch Logs sends: ";
        check_refused(&text("{}"), &format!("{form}missing field `messageType`"));
        check_refused(
            &text(r#"{"messageType":"DATA_MESSAGE","logEvents":[{"timestamp":"x"}]}"#),
            &format!("{form}invalid type: string \"x\", expected i64 at line 1 column"),
        );
        check_refused(
            &text(r#"{"messageType":"NEWS"}"#),
            "`messageType` is \"NEWS\"; known are",
        );
    }

    #[test]
    fn a_bomb_stops_at_the_bound() {
        let bomb = gzip(&vec![b' '; BATCH_BYTES + 1]);
        check_refused(&data(&bomb), "the data has more than 67108864 bytes");
    }
}
