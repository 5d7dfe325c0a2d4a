//! `logproto.PushRequest` in protobuf, already decompressed (spec `http-api.md` §2).
//!
//! `PushRequest{streams=1}`, `Stream{labels=1, entries=2}`, `Entry{timestamp=1, line=2,
//! structuredMetadata=3}`, `LabelPair{name=1, value=2}`; other fields are passed over. As protobuf
//! demands, of a repeated scalar the last counts and a repeated message is merged.

use bytes::Bytes;
use narvi_model::{Entry, Labels, Line, Metadata, NANOS_PER_SECOND, Timestamp};

use super::budget::Budget;
use super::labels::{self, LabelsError};
use super::wire::{Field, Reader};
use super::{DecodeLimits, PushError, PushRequest, PushStream, RefusedStream};
use crate::limits::MAX_LABELS_BYTES;

/// Least bytes of an entry with a time, for a first guess of how many there are.
const GUESSED_ENTRY_BYTES: usize = 128;

/// Decodes a whole push; lines share the memory of `body`.
pub(super) fn decode(body: &Bytes, limits: &DecodeLimits) -> Result<PushRequest, PushError> {
    let mut decoder = Decoder {
        body,
        budget: Budget::new(limits.max_parts),
        stream: 0,
        pairs: Vec::new(),
        last_pairs: Vec::new(),
        last_metadata: Labels::empty(),
        no_metadata: Labels::empty(),
    };
    let mut request = PushRequest::default();
    let mut reader = Reader::new(body, 0);
    while let Some((number, field)) = reader.next()? {
        if number == 1 {
            let message = bytes(field, &reader)?;
            decoder.stream(message, reader.at() - message.len(), &mut request)?;
            decoder.stream += 1;
        }
    }
    Ok(request)
}

struct Decoder<'a> {
    body: &'a Bytes,
    budget: Budget,
    /// Number of the stream in hand, for errors.
    stream: usize,
    /// Metadata of the entry in hand.
    pairs: Vec<(&'a str, &'a str)>,
    /// Metadata of the entry before and what it became: neighbours often have the same.
    last_pairs: Vec<(&'a str, &'a str)>,
    last_metadata: Metadata,
    /// One empty set for all entries that have none.
    no_metadata: Metadata,
}

impl<'a> Decoder<'a> {
    fn stream(
        &mut self,
        message: &'a [u8],
        at: usize,
        request: &mut PushRequest,
    ) -> Result<(), PushError> {
        let mut text = "";
        let mut entries = Vec::with_capacity(message.len() / GUESSED_ENTRY_BYTES);
        let mut reader = Reader::new(message, at);
        while let Some((number, field)) = reader.next()? {
            match number {
                1 => text = self.text("labels", bytes(field, &reader)?, reader.at())?,
                2 => {
                    let message = bytes(field, &reader)?;
                    entries.push(self.entry(message, reader.at() - message.len())?);
                }
                _ => {}
            }
        }
        if text.len() > MAX_LABELS_BYTES {
            return Err(PushError::LabelsTooLarge {
                size: text.len(),
                max: MAX_LABELS_BYTES,
            });
        }
        match labels::parse(text) {
            Ok(labels) => {
                self.budget.take(1 + labels.len())?;
                request.streams.push(PushStream { labels, entries });
            }
            Err(error @ LabelsError::Duplicate { .. }) => {
                let refused = RefusedStream {
                    reason: error.to_string(),
                    entries: entries.len(),
                };
                self.budget.take(1 + text.len() / GUESSED_ENTRY_BYTES)?;
                request.refused.push(refused);
            }
            Err(error) => return Err(PushError::Labels(error)),
        }
        Ok(())
    }

    fn entry(&mut self, message: &'a [u8], at: usize) -> Result<Entry, PushError> {
        self.budget.take(1)?;
        let (mut seconds, mut nanos) = (0_i64, 0_i32);
        let mut line = at..at;
        self.pairs.clear();
        let mut reader = Reader::new(message, at);
        while let Some((number, field)) = reader.next()? {
            match number {
                1 => {
                    let message = bytes(field, &reader)?;
                    let at = reader.at() - message.len();
                    time(Reader::new(message, at), &mut seconds, &mut nanos)?;
                }
                2 => line = reader.at() - bytes(field, &reader)?.len()..reader.at(),
                3 => {
                    let message = bytes(field, &reader)?;
                    let pair = self.pair(message, reader.at() - message.len())?;
                    self.pairs.push(pair);
                }
                _ => {}
            }
        }
        let start = line.start;
        let line = Line::new(self.body.slice(line))
            .map_err(|error| self.not_utf8("line", start + error.valid_up_to()))?;
        Ok(Entry {
            timestamp: timestamp(seconds, nanos),
            line,
            metadata: self.metadata()?,
        })
    }

    /// What the collected pairs become. Of equal names the later wins.
    fn metadata(&mut self) -> Result<Metadata, PushError> {
        if self.pairs.is_empty() {
            return Ok(self.no_metadata.clone());
        }
        if self.pairs != self.last_pairs {
            self.budget.take(self.pairs.len())?;
            self.last_metadata = Labels::from_pairs(self.pairs.iter().copied());
            std::mem::swap(&mut self.pairs, &mut self.last_pairs);
        }
        Ok(self.last_metadata.clone())
    }

    fn pair(&self, message: &'a [u8], at: usize) -> Result<(&'a str, &'a str), PushError> {
        let (mut name, mut value) = ("", "");
        let mut reader = Reader::new(message, at);
        while let Some((number, field)) = reader.next()? {
            let place = match number {
                1 => &mut name,
                2 => &mut value,
                _ => continue,
            };
            *place = self.text("structured metadata", bytes(field, &reader)?, reader.at())?;
        }
        Ok((name, value))
    }

    /// The text of a string field that ends at byte `end`.
    fn text(&self, field: &'static str, bytes: &'a [u8], end: usize) -> Result<&'a str, PushError> {
        std::str::from_utf8(bytes)
            .map_err(|error| self.not_utf8(field, end - bytes.len() + error.valid_up_to()))
    }

    const fn not_utf8(&self, field: &'static str, at: usize) -> PushError {
        PushError::Utf8 {
            field,
            stream: self.stream,
            at,
        }
    }
}

/// `google.protobuf.Timestamp{seconds=1, nanos=2}`.
fn time(mut reader: Reader<'_>, seconds: &mut i64, nanos: &mut i32) -> Result<(), PushError> {
    while let Some((number, field)) = reader.next()? {
        match (number, field) {
            (1, Field::Varint(value)) => *seconds = value.cast_signed(),
            // int32 is cut to its low bits, as protobuf says.
            (2, Field::Varint(value)) => *nanos = value as i32,
            (1 | 2, _) => return wrong_type(&reader),
            _ => {}
        }
    }
    Ok(())
}

/// Beyond the years 1677 and 2262 it is the first or last time there is, which limits refuse.
fn timestamp(seconds: i64, nanos: i32) -> Timestamp {
    let all = i128::from(seconds) * i128::from(NANOS_PER_SECOND) + i128::from(nanos);
    let all = all.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
    Timestamp::from_nanos(all as i64)
}

fn bytes<'a>(field: Field<'a>, reader: &Reader<'a>) -> Result<&'a [u8], PushError> {
    match field {
        Field::Bytes(bytes) => Ok(bytes),
        _ => wrong_type(reader),
    }
}

const fn wrong_type<T>(reader: &Reader<'_>) -> Result<T, PushError> {
    Err(PushError::Protobuf {
        reason: "wrong wire type of a field",
        at: reader.at(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;

    // The same messages by way of `prost`, a decoder that others wrote.

    #[derive(Clone, PartialEq, prost::Message)]
    struct WirePush {
        #[prost(message, repeated, tag = "1")]
        streams: Vec<WireStream>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct WireStream {
        #[prost(string, tag = "1")]
        labels: String,
        #[prost(message, repeated, tag = "2")]
        entries: Vec<WireEntry>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct WireEntry {
        #[prost(message, optional, tag = "1")]
        timestamp: Option<WireTime>,
        #[prost(string, tag = "2")]
        line: String,
        #[prost(message, repeated, tag = "3")]
        metadata: Vec<WirePair>,
    }

    #[derive(Clone, Copy, PartialEq, prost::Message)]
    struct WireTime {
        #[prost(int64, tag = "1")]
        seconds: i64,
        #[prost(int32, tag = "2")]
        nanos: i32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    struct WirePair {
        #[prost(string, tag = "1")]
        name: String,
        #[prost(string, tag = "2")]
        value: String,
    }

    fn entry(nanos: i64, line: &str, pairs: &[(&str, &str)]) -> Entry {
        let metadata = Labels::from_pairs(pairs.iter().copied());
        Entry {
            timestamp: Timestamp::from_nanos(nanos),
            line: line.into(),
            metadata,
        }
    }

    fn encode(request: &PushRequest) -> Vec<u8> {
        let wire_entry = |entry: &Entry| WireEntry {
            timestamp: Some(WireTime {
                seconds: entry.timestamp.nanos().div_euclid(NANOS_PER_SECOND),
                nanos: entry.timestamp.nanos().rem_euclid(NANOS_PER_SECOND) as i32,
            }),
            line: String::from_utf8(entry.line.as_bytes().to_vec()).unwrap(),
            metadata: entry
                .metadata
                .iter()
                .map(|(name, value)| WirePair {
                    name: name.into(),
                    value: value.into(),
                })
                .collect(),
        };
        let wire_stream = |stream: &PushStream| WireStream {
            labels: stream.labels.to_string(),
            entries: stream.entries.iter().map(wire_entry).collect(),
        };
        let streams = request.streams.iter().map(wire_stream).collect();
        WirePush { streams }.encode_to_vec()
    }

    fn decoded(body: Vec<u8>) -> Result<PushRequest, PushError> {
        decode(&body.into(), &DecodeLimits::default())
    }

    #[test]
    fn merges_as_protobuf_demands() {
        // labels twice: the last counts; the time in two parts: merged; fields in any order
        let body = [
            b"\x0a\x2a".as_slice(),
            b"\x0a\x07{a=\"1\"}",
            b"\x12\x10\x12\x01x\x0a\x02\x08\x05\x0a\x02\x10\x07\x12\x01y\x1a\x00",
            b"\x0a\x07{a=\"2\"}",
            // a hash and a field that does not exist
            b"\x18\x09\x7d\x00\x00\x00\x00",
        ]
        .concat();
        let body = [&[0x0a, u8::try_from(body.len() - 2).unwrap()], &body[2..]].concat();
        let request = decoded(body).unwrap();
        let labels = Labels::from_pairs([("a", "2")]);
        let want = PushStream {
            labels,
            entries: vec![entry(5_000_000_007, "y", &[("", "")])],
        };
        assert_eq!(request.streams, [want]);
    }

    #[test]
    fn refusals_say_where() {
        let stream = |message: &[u8]| [&[0x0a, message.len() as u8], message].concat();
        let refused = |body: Vec<u8>| decoded(body).unwrap_err().to_string();
        assert_eq!(
            refused(stream(b"\x0a\x07{a=\"1\"}\x12\x05\x12\x03a\xffb")),
            "invalid protobuf push: line of stream 0 contains invalid UTF-8 at byte 16; \
             convert the text to UTF-8 before sending"
        );
        assert_eq!(
            refused(stream(b"\x0a\x02a\xff")),
            "invalid protobuf push: labels of stream 0 contains invalid UTF-8 at byte 5; \
             convert the text to UTF-8 before sending"
        );
        assert_eq!(
            refused(stream(b"\x12\x02\x10\x01")),
            "invalid protobuf push: wrong wire type of a field at byte 6"
        );
        assert_eq!(
            refused(stream(b"\x0a\x03{a}")),
            r#"couldn't parse labels: 1:3: parse error: unexpected "}" in label set, expected "=""#
        );
        let twice = decoded(stream(b"\x0a\x0d{a='1',a='2'}\x12\x00")).unwrap();
        let reason = r#"stream '{a="1", a="2"}' has duplicate label name: 'a'"#.to_owned();
        assert_eq!(twice.refused, [RefusedStream { reason, entries: 1 }]);
    }

    #[test]
    fn many_small_parts_are_counted() {
        let entries = b"\x12\x00".repeat(100);
        let body: Bytes = [&[0x0a, 0xc8, 0x01], entries.as_slice()].concat().into();
        let limits = |max_parts| DecodeLimits {
            max_parts,
            ..DecodeLimits::default()
        };
        assert!(decode(&body, &limits(101)).is_ok());
        let refused = decode(&body, &limits(99));
        assert_eq!(refused, Err(PushError::TooManyParts { max: 99 }));
    }

    fn requests() -> impl Strategy<Value = PushRequest> {
        let pairs = prop::collection::vec(("[a-z]{1,4}", "\\PC{0,6}"), 0..3);
        let entries =
            prop::collection::vec((any::<i64>(), "\\PC{0,20}|[\\x00-\\x7f]*", pairs), 0..4);
        let labels = prop::collection::btree_map("[a-z_][a-z0-9_]{0,4}", "\\PC{1,6}", 0..3);
        let stream = (labels, entries).prop_map(|(labels, entries)| PushStream {
            labels: Labels::from_pairs(labels),
            entries: entries
                .into_iter()
                .map(|(nanos, line, pairs)| Entry {
                    timestamp: Timestamp::from_nanos(nanos),
                    line: line.into(),
                    metadata: Labels::from_pairs(pairs),
                })
                .collect(),
        });
        prop::collection::vec(stream, 0..4).prop_map(|streams| PushRequest {
            has_service_names: false,
            streams,
            refused: Vec::new(),
        })
    }

    proptest! {
        #[test]
        fn reads_what_prost_writes(request in requests()) {
            prop_assert_eq!(decoded(encode(&request)), Ok(request));
        }

        #[test]
        fn never_panics(mut body in requests().prop_map(|r| encode(&r)), at: prop::sample::Index,
                        byte: u8) {
            if !body.is_empty() {
                let at = at.index(body.len());
                body[at] = byte;
            }
            let ours = decoded(body.clone());
            // What we accept, `prost` accepts.
            prop_assert!(ours.is_err() || WirePush::decode(body.as_slice()).is_ok());
        }
    }
}
