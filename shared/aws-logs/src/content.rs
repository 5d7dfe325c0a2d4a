//! [`Content`]: what one record of Kinesis or Firehose holds; records of one event or request share
//! a [`Budget`].

use bytes::Bytes;
use memchr::{memchr_iter, memmem};

use crate::LogsError;
use crate::cloudwatch::{Batch, inflate};
use crate::limits::{BATCH_BYTES, LINES};

/// The first bytes of gzip.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What every message of CloudWatch Logs has.
const MESSAGE: &[u8] = b"\"messageType\"";

/// What a record holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Log events of a log group.
    Batch(Batch),
    /// A message by which CloudWatch Logs only looks whether somebody is there.
    Nothing,
    /// Text of somebody else, for [`crate::lines`].
    Text(Bytes),
}

/// What may still be taken of an event or a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Bytes after decompression.
    pub bytes: usize,
    /// Lines.
    pub lines: usize,
}

impl Default for Budget {
    /// [`BATCH_BYTES`] and [`LINES`].
    fn default() -> Self {
        Self {
            bytes: BATCH_BYTES,
            lines: LINES,
        }
    }
}

impl Budget {
    fn take(&mut self, bytes: usize, lines: usize) -> Result<(), LogsError> {
        let left = self.bytes.checked_sub(bytes);
        let bytes = left.ok_or(LogsError::TooLarge(self.bytes))?;
        let left = self.lines.checked_sub(lines);
        let lines = left.ok_or(LogsError::TooManyLines)?;
        *self = Self { bytes, lines };
        Ok(())
    }
}

impl Content {
    /// Reads a record, base64 undone. Gzip is undone by its first bytes; what is no message of
    /// CloudWatch Logs is text.
    ///
    /// # Errors
    /// Where gzip is broken, or more than the budget has; what cannot be read takes nothing of it.
    pub fn read(record: Bytes, budget: &mut Budget) -> Result<Self, LogsError> {
        let data = if record.starts_with(&GZIP) {
            inflate(&record, budget.bytes)?
        } else {
            record
        };
        let message = message(&data)?;
        let lines = match &message {
            Some(None) => 0,
            Some(Some(batch)) => batch.events.len(),
            None => memchr_iter(b'\n', &data).count() + 1,
        };
        budget.take(data.len(), lines)?;
        Ok(match message {
            Some(None) => Self::Nothing,
            Some(Some(batch)) => Self::Batch(batch),
            None => Self::Text(data),
        })
    }
}

/// A message of CloudWatch Logs; `None` for text, most of which is not parsed to find that out.
fn message(data: &Bytes) -> Result<Option<Option<Batch>>, LogsError> {
    if !data.trim_ascii_start().starts_with(b"{") || memmem::find(data, MESSAGE).is_none() {
        return Ok(None);
    }
    match Batch::from_json(data) {
        Ok(batch) => Ok(Some(batch)),
        Err(LogsError::Json(_) | LogsError::MessageType(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudwatch::tests::gzip;

    const DATA: &[u8] = br#"{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g",
        "logStream":"s","logEvents":[{"timestamp":7,"message":"m"}]}"#;

    fn shown(content: &Content) -> String {
        match content {
            Content::Batch(batch) => format!("{} of {}", batch.events.len(), batch.group),
            Content::Nothing => "nothing".to_owned(),
            Content::Text(text) => format!("text of {}", text.len()),
        }
    }

    /// The content or what is wrong, and what is left of 1000 bytes and 10 lines.
    #[track_caller]
    fn check(data: &[u8], want: &str, bytes: usize, lines: usize) {
        let mut budget = Budget {
            bytes: 1000,
            lines: 10,
        };
        let content = Content::read(Bytes::copy_from_slice(data), &mut budget);
        let got = content.map_or_else(|error| error.to_string(), |content| shown(&content));
        assert!(got.starts_with(want), "{got}");
        assert_eq!(budget, Budget { bytes, lines }, "{want}");
    }

    #[test]
    fn records_are_messages_or_text() {
        let left = 1000 - DATA.len();
        check(DATA, "1 of g", left, 9);
        check(&gzip(DATA), "1 of g", left, 9);
        let control = br#" {"messageType":"CONTROL_MESSAGE"}"#;
        check(&gzip(control), "nothing", 1000 - control.len(), 10);
        check(b"a\nb", "text of 3", 997, 8);
        check(b"", "text of 0", 1000, 9);
        check(b"\xff\x00", "text of 2", 998, 9);
        for other in [
            &br#"{"messageType":"NEWS"}"#[..],
            br#"{"messageType":1}"#,
            br#"{"messageType":"DATA_MESSAGE"}{}"#,
            br#"{"messageType":"DATA_MESSAGE","logEvents":[{}]}"#,
            br#"{"messageType":"DATA_MESSAGE""#,
            br#"["messageType"]"#,
        ] {
            let want = format!("text of {}", other.len());
            check(&gzip(other), &want, 1000 - other.len(), 9);
            check(other, &want, 1000 - other.len(), 9);
        }
    }

    #[test]
    fn what_is_wrong_or_too_much_takes_nothing() {
        let bomb = gzip(&[b'x'; 1001]);
        let large = "the data has more than 1000 bytes after decompression";
        check(&bomb, large, 1000, 10);
        check(&[b'x'; 1001], large, 1000, 10);
        check(&bomb[..20], "the data is not valid gzip", 1000, 10);
        check(&GZIP, "the data is not valid gzip", 1000, 10);
        check(&[b'\n'; 10], "more than 1000000 lines", 1000, 10);
    }
}
