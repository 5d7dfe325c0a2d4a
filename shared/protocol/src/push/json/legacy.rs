//! One stream of `/api/prom/push`: `{"labels":"{app=\"x\"}","entries":[{"ts":"…","line":"…"}]}`.
//!
//! The shape that Loki had before its first version; python-logging-loki still sends it.

use std::borrow::Cow;
use std::fmt;

use narvi_model::{Entry, Line, Timestamp, parse_rfc3339};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Context, StrSeed, TextSeed, seeds};
use crate::limits::MAX_LABELS_BYTES;
use crate::push::labels::{self, LabelsError};
use crate::push::{PushError, PushStream, RefusedStream};

seeds! {
    StreamSeed<'_, '_> => ();
    EntriesSeed<'_, '_> => Vec<Entry>;
    EntrySeed<'_, '_> => Option<Entry>;
}

/// One stream.
pub(super) struct StreamSeed<'c, 'b>(pub(super) &'c mut Context<'b>);

impl<'de> Visitor<'de> for StreamSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"an object with "labels" and "entries""#)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.0.take(1)?;
        let mut text = Cow::Borrowed("");
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                "labels" => text = map.next_value_seed(StrSeed)?,
                "entries" => entries.extend(map.next_value_seed(EntriesSeed(&mut *self.0))?),
                _ => map.next_value::<IgnoredAny>().map(|_| ())?,
            }
        }
        self.0
            .add(&text, entries)
            .map_err(|error| self.0.refuse(error))
    }
}

impl Context<'_> {
    /// The stream that `text` names, or why it is refused.
    fn add(&mut self, text: &str, entries: Vec<Entry>) -> Result<(), PushError> {
        if text.len() > MAX_LABELS_BYTES {
            let (size, max) = (text.len(), MAX_LABELS_BYTES);
            return Err(PushError::LabelsTooLarge { size, max });
        }
        match labels::parse(text) {
            Ok(labels) => {
                self.budget.take(labels.len())?;
                self.request.streams.push(PushStream { labels, entries });
            }
            Err(error @ LabelsError::Duplicate { .. }) => {
                let (reason, entries) = (error.to_string(), entries.len());
                self.request.refused.push(RefusedStream { reason, entries });
            }
            Err(error) => return Err(PushError::Labels(error)),
        }
        Ok(())
    }
}

/// The value of `entries`.
struct EntriesSeed<'c, 'b>(&'c mut Context<'b>);

impl<'de> Visitor<'de> for EntriesSeed<'_, '_> {
    type Value = Vec<Entry>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of entries")
    }

    fn visit_unit<E: Error>(self) -> Result<Vec<Entry>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Entry>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = list.next_element_seed(EntrySeed(&mut *self.0))? {
            entries.extend(entry);
        }
        Ok(entries)
    }
}

/// One entry; `null` is none.
struct EntrySeed<'c, 'b>(&'c mut Context<'b>);

impl<'de> Visitor<'de> for EntrySeed<'_, '_> {
    type Value = Option<Entry>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"an entry {"ts": "<RFC 3339>", "line": "<line>"}"#)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<Entry>, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Entry>, A::Error> {
        self.0.take(1)?;
        let mut time = None;
        let mut line = Line::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                "ts" => time = Some(parsed(&map.next_value_seed(StrSeed)?)?),
                "line" => {
                    let text = map.next_value_seed(TextSeed(&mut self.0.block))?;
                    line = self.0.line(&text)?;
                }
                _ => map.next_value::<IgnoredAny>().map(|_| ())?,
            }
        }
        let timestamp = time.ok_or_else(|| Error::custom(r#"an entry needs a "ts""#))?;
        let metadata = self.0.no_metadata.clone();
        Ok(Some(Entry {
            timestamp,
            line,
            metadata,
        }))
    }
}

fn parsed<E: Error>(text: &str) -> Result<Timestamp, E> {
    parse_rfc3339(text).ok_or_else(|| {
        let text: String = text.chars().take(40).collect();
        E::custom(format!("timestamp {text:?} is not RFC 3339"))
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::{JsonFlavour, decode};
    use crate::push::DecodeLimits;

    /// Streams printed as `labels: time line; …`, then what was refused.
    #[track_caller]
    fn check(text: &str, want: Result<&str, &str>) {
        let body = Bytes::copy_from_slice(text.as_bytes());
        let got = decode(&body, JsonFlavour::Legacy, &DecodeLimits::default());
        let got = got.map_err(|error| error.to_string()).map(|push| {
            let mut parts = Vec::new();
            for stream in &push.streams {
                let mut part = format!("{}:", stream.labels);
                for entry in &stream.entries {
                    let line = std::str::from_utf8(entry.line.as_bytes()).unwrap();
                    part += &format!(" {} {line};", entry.timestamp.nanos());
                }
                parts.push(part);
            }
            parts.extend(
                push.refused
                    .iter()
                    .map(|r| format!("{}x {}", r.entries, r.reason)),
            );
            parts.join(" | ")
        });
        assert_eq!(got.as_deref().map_err(String::as_str), want, "{text}");
    }

    fn entries(entries: &str) -> String {
        format!(r#"{{"streams":[{{"labels":"{{a=\"1\"}}","entries":{entries}}}]}}"#)
    }

    #[test]
    fn accepted() {
        check(
            &entries(
                r#"[{"ts":"1970-01-01T00:00:05.000000001Z","line":"x"},null,
                    {"line":"\u00e9","ts":"1970-01-01T09:00:00+09:00","more":[1]}]"#,
            ),
            Ok(r#"{a="1"}: 5000000001 x; 0 é;"#),
        );
        check(
            &entries(r#"[{"ts":"1970-01-01T00:00:00Z"}]"#),
            Ok(r#"{a="1"}: 0 ;"#),
        );
        check(&entries("null"), Ok(r#"{a="1"}:"#));
        check(r#"{"streams":[null,{"labels":"{}"}]}"#, Ok("{}:"));
        check("{}", Ok(""));
        // the other flavour is a stream without entries
        check(
            r#"{"streams":[{"stream":{"a":"1"},"values":[["1","x"]]}]}"#,
            Ok("{}:"),
        );
        check(
            r#"{"streams":[{"labels":"{a='1',a='1'}","entries":[{"ts":"1970-01-01T00:00:00Z"}]}]}"#,
            Ok(r#"1x stream '{a="1", a="1"}' has duplicate label name: 'a'"#),
        );
    }

    #[test]
    fn refused() {
        check("", Err("EOF"));
        check(
            &entries(r#"[{"ts":"yesterday","line":"x"}]"#),
            Err(
                "invalid JSON push: timestamp \"yesterday\" is not RFC 3339 \
                 at line 1 column 62",
            ),
        );
        check(
            &entries(r#"[{"line":"x"}]"#),
            Err("invalid JSON push: an entry needs a \"ts\" at line 1 column 57"),
        );
        check(
            r#"{"streams":[{"labels":"{a.b='1'}","entries":[]}]}"#,
            Err("couldn't parse labels: 1:3: parse error: unexpected character inside braces: '.'"),
        );
    }
}
