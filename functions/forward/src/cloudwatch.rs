//! What a CloudWatch Logs subscription sends: [`Batch::read`] undoes base64, gzip and JSON of an
//! event, each within its bound; [`Batch::from_json`] reads what is inside, which also comes over
//! Kinesis.
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
use serde_json::Value;

use crate::ForwardError;
use crate::limits::{BATCH_BYTES, BATCH_EVENTS, QUOTED_BYTES};
use crate::streams::{GROUP, LOG_TYPE, OWNER, Source};

/// Log events of one log stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Batch {
    /// The account that the log group belongs to.
    pub(crate) owner: String,
    /// The log group.
    pub(crate) group: String,
    /// The log stream in it.
    pub(crate) stream: String,
    /// Times and texts in the order of the message; texts share the memory of the message.
    pub(crate) events: Vec<(Timestamp, Line)>,
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
    /// Reads an event; `None` for a message by which CloudWatch Logs only looks whether somebody
    /// is there.
    ///
    /// # Errors
    /// See [`ForwardError`]; the same event would fail again.
    pub(crate) fn read(event: &Value) -> Result<Option<Self>, ForwardError> {
        let data = event.pointer("/awslogs/data").and_then(Value::as_str);
        let data = data.ok_or(ForwardError::NoSubscription)?;
        let packed = base64_simd::STANDARD.decode_to_vec(data);
        let json = inflate(&packed.map_err(|_| ForwardError::Base64)?, BATCH_BYTES)?;
        let message = serde_json::from_slice(&json).map_err(ForwardError::Json)?;
        Message::read(message, &json)
    }

    /// Reads the JSON inside; `None` where it is something else, as for [`Batch::read`] within.
    pub(crate) fn from_json(json: &Bytes) -> Option<Result<Option<Self>, ForwardError>> {
        let message = serde_json::from_slice(json).ok()?;
        Some(Message::read(message, json))
    }

    /// Its lines with their labels.
    pub(crate) fn into_source(self) -> Source {
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
    fn read(message: Message<'_>, json: &Bytes) -> Result<Option<Batch>, ForwardError> {
        match message.message_type.as_str() {
            "DATA_MESSAGE" => message.into_batch(json).map(Some),
            "CONTROL_MESSAGE" => Ok(None),
            other => {
                let end = other.floor_char_boundary(QUOTED_BYTES);
                Err(ForwardError::MessageType(other[..end].to_owned()))
            }
        }
    }

    fn into_batch(self, json: &Bytes) -> Result<Batch, ForwardError> {
        if self.log_events.len() > BATCH_EVENTS {
            return Err(ForwardError::TooManyEvents(self.log_events.len()));
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
pub(crate) fn inflate(packed: &[u8], budget: usize) -> Result<Bytes, ForwardError> {
    let mut plain = Vec::new();
    let mut gzip = MultiGzDecoder::new(packed).take(budget as u64 + 1);
    gzip.read_to_end(&mut plain).map_err(ForwardError::Gzip)?;
    if plain.len() > budget {
        return Err(ForwardError::TooLarge(budget));
    }
    Ok(plain.into())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use serde_json::json;

    use super::*;

    pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(bytes).unwrap();
        gzip.finish().unwrap()
    }

    fn event(data: &[u8]) -> Value {
        json!({"awslogs": {"data": base64_simd::STANDARD.encode_to_string(data)}})
    }

    fn read(message: &str) -> Result<Option<Batch>, ForwardError> {
        Batch::read(&event(&gzip(message.as_bytes())))
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
    fn check_refused(event: &Value, want: &str) {
        let error = Batch::read(event).unwrap_err().to_string();
        assert!(error.starts_with(want), "{error}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for other in [
            json!({}),
            json!(null),
            json!({"awslogs": {"data": 1}}),
            json!({"Records": []}),
        ] {
            check_refused(&other, "the event has no text at `awslogs.data`");
        }
        check_refused(
            &json!({"awslogs": {"data": "?"}}),
            "the data is not valid base64",
        );
        check_refused(&event(b"{}"), "the data is not valid gzip: ");
        let whole = gzip(b"{}");
        check_refused(
            &event(&whole[..whole.len() - 1]),
            "the data is not valid gzip: ",
        );
        let text = |text: &str| event(&gzip(text.as_bytes()));
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
        check_refused(&event(&bomb), "the data has more than 67108864 bytes");
    }
}
