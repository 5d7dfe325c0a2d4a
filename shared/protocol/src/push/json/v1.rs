//! One stream of `/loki/api/v1/push`: `{"stream":{"app":"x"},"values":[["<ns>","line",{…}]]}`.

use std::borrow::Cow;
use std::fmt;

use narvi_model::{Entry, Labels, Line, Metadata, Timestamp};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Context, StrSeed, TextSeed, seeds};
use crate::limits::MAX_LABELS_BYTES;
use crate::push::{PushError, PushStream, labels};

seeds! {
    StreamSeed<'_, '_> => ();
    LabelsSeed<'_, '_> => Labels;
    ValuesSeed<'_, '_> => Vec<Entry>;
    EntrySeed<'_, '_> => Option<Entry>;
    MetadataSeed<'_, '_> => Metadata;
}

/// One stream: `{"stream": {…}, "values": […]}`.
pub(super) struct StreamSeed<'c, 'b>(pub(super) &'c mut Context<'b>);

impl<'de> Visitor<'de> for StreamSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"an object with "stream" and "values""#)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.0.take(1)?;
        let mut labels = self.0.no_metadata.clone();
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                "stream" => labels = map.next_value_seed(LabelsSeed(&mut *self.0))?,
                "values" => entries.extend(map.next_value_seed(ValuesSeed(&mut *self.0))?),
                _ => map.next_value::<IgnoredAny>().map(|_| ())?,
            }
        }
        self.0.request.streams.push(PushStream { labels, entries });
        Ok(())
    }
}

/// The labels of a stream: strings; numbers, booleans and `null` as they are written.
struct LabelsSeed<'c, 'b>(&'c mut Context<'b>);

impl<'de> Visitor<'de> for LabelsSeed<'_, '_> {
    type Value = Labels;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of labels")
    }

    fn visit_unit<E: Error>(self) -> Result<Labels, E> {
        Ok(self.0.no_metadata.clone())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels, A::Error> {
        let mut pairs = Vec::new();
        let mut size = 0;
        while let Some((name, raw)) = map.next_entry::<String, &'de RawValue>()? {
            let value = match raw.get().as_bytes().first() {
                Some(b'"') => serde_json::from_str(raw.get()).map_err(Error::custom)?,
                Some(b'{' | b'[') => {
                    let text = format!("the value of label {name:?} is neither text nor number");
                    return Err(Error::custom(text));
                }
                _ => raw.get().to_owned(),
            };
            size += name.len() + value.len();
            pairs.push((name, value));
        }
        self.0.take(pairs.len())?;
        if size > MAX_LABELS_BYTES {
            let refusal = PushError::LabelsTooLarge {
                size,
                max: MAX_LABELS_BYTES,
            };
            return Err(self.0.refuse(refusal));
        }
        labels::from_pairs(pairs).map_err(|error| self.0.refuse(PushError::Labels(error)))
    }
}

/// The value of `values`.
struct ValuesSeed<'c, 'b>(&'c mut Context<'b>);

impl<'de> Visitor<'de> for ValuesSeed<'_, '_> {
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

/// One entry: `["<nanoseconds>", "<line>"]`, perhaps with an object of structured metadata; `null`
/// is none.
struct EntrySeed<'c, 'b>(&'c mut Context<'b>);

impl<'de> Visitor<'de> for EntrySeed<'_, '_> {
    type Value = Option<Entry>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"an entry ["<nanoseconds>", "<line>"]"#)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<Entry>, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Option<Entry>, A::Error> {
        self.0.take(1)?;
        let time: Option<Cow<'de, str>> = list.next_element_seed(StrSeed)?;
        let line = list.next_element_seed(TextSeed(&mut self.0.block))?;
        let time = time.ok_or_else(|| Error::custom("an entry needs a timestamp"))?;
        let nanos = time.parse().map_err(|_| {
            let text = time.chars().take(40).collect::<String>();
            Error::custom(format!("timestamp {text:?} is not a number of nanoseconds"))
        })?;
        // An entry without a line has an empty one, as in Loki.
        let line = line.map_or(Ok(Line::default()), |line| self.0.line(&line))?;
        let metadata = list.next_element_seed(MetadataSeed(&mut *self.0))?;
        let metadata = metadata.unwrap_or_else(|| self.0.no_metadata.clone());
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Some(Entry {
            timestamp: Timestamp::from_nanos(nanos),
            line,
            metadata,
        }))
    }
}

/// Structured metadata: an object of strings. Of equal names the later wins.
struct MetadataSeed<'c, 'b>(&'c mut Context<'b>);

impl<'de> Visitor<'de> for MetadataSeed<'_, '_> {
    type Value = Metadata;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of structured metadata")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
        let mut pairs: Vec<(Cow<'de, str>, Cow<'de, str>)> = Vec::new();
        while let Some(name) = map.next_key_seed(StrSeed)? {
            self.0.take(1)?;
            pairs.push((name, map.next_value_seed(StrSeed)?));
        }
        if pairs.is_empty() {
            return Ok(self.0.no_metadata.clone());
        }
        Ok(Labels::from_pairs(
            pairs.iter().map(|(name, value)| (&**name, &**value)),
        ))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::super::{JsonFlavour, decode};
    use super::*;
    use crate::push::DecodeLimits;

    fn decoded(text: &str) -> Result<Vec<PushStream>, PushError> {
        let body = Bytes::copy_from_slice(text.as_bytes());
        decode(&body, JsonFlavour::V1, &DecodeLimits::default()).map(|request| request.streams)
    }

    /// Streams printed as `labels: time line metadata; …`.
    #[track_caller]
    fn check(text: &str, want: Result<&str, &str>) {
        let print = |stream: &PushStream| {
            let entry = |e: &Entry| {
                let line = std::str::from_utf8(e.line.as_bytes()).unwrap();
                format!(" {} {line} {}", e.timestamp.nanos(), e.metadata)
            };
            let entries: Vec<_> = stream.entries.iter().map(entry).collect();
            format!("{}:{}", stream.labels, entries.join(";"))
        };
        let got = decoded(text).map_err(|e| e.to_string());
        let got = got.map(|streams| streams.iter().map(print).collect::<Vec<_>>().join(" | "));
        assert_eq!(got.as_deref().map_err(String::as_str), want, "{text}");
    }

    fn values(values: &str) -> String {
        format!(r#"{{"streams":[{{"stream":{{"a":"1"}},"values":{values}}}]}}"#)
    }

    #[test]
    fn accepted() {
        check(
            r#"{"streams":[{"stream":{"app":"api","env":"prod"},
              "values":[["1","line 1"],["2","line 2",{"trace_id":"abc","user":"7"}]]}]}"#,
            Ok(r#"{app="api", env="prod"}: 1 line 1 {}; 2 line 2 {trace_id="abc", user="7"}"#),
        );
        check(
            &values(r#"[null,["-5","",{}],null]"#),
            Ok(r#"{a="1"}: -5  {}"#),
        );
        check(&values(r#"[["1"]]"#), Ok(r#"{a="1"}: 1  {}"#));
        check(&values("null"), Ok(r#"{a="1"}:"#));
        check(&values("[]"), Ok(r#"{a="1"}:"#));
        check(
            &values(r#"[["1","\u00e9\n\"x\"",{"a":"\t"},5,[]]]"#),
            Ok("{a=\"1\"}: 1 é\n\"x\" {a=\"\\t\"}"),
        );
        check(
            &values(r#"[["1","x",{"k":"1","k":"2"}]]"#),
            Ok(r#"{a="1"}: 1 x {k="2"}"#),
        );
        check(
            r#"{"streams":[{"stream":{"i":7,"f":1.50,"b":true,"n":null,"e":""}}]}"#,
            Ok(r#"{b="true", f="1.50", i="7", n="null"}:"#),
        );
        check(
            r#"{"x":{"y":[1]},"streams":[{"values":[["1","x"]],"z":0,
              "stream":{"a":"1","a":"2"}}]}"#,
            Ok(r#"{a="2"}: 1 x {}"#),
        );
        check(r#"{"streams":[{"stream":{}}, null]}"#, Ok("{}:"));
        check(r#"{"streams":[]}"#, Ok(""));
        check(r#"{"streams":null}"#, Ok(""));
        check("{}", Ok(""));
        check("null", Ok(""));
    }

    #[test]
    fn refused() {
        check("", Err("EOF"));
        check("  \n", Err("EOF"));
        check(
            "[]",
            Err(
                "invalid JSON push: invalid type: sequence, expected an object with \"streams\" \
                 at line 1 column 2",
            ),
        );
        check(
            &values(r#"[[1,"x"]]"#),
            Err(
                "invalid JSON push: invalid type: integer `1`, expected a string \
                 at line 1 column 44",
            ),
        );
        check(
            &values(r#"[["1",2]]"#),
            Err(
                "invalid JSON push: invalid type: integer `2`, expected a string \
                 at line 1 column 48",
            ),
        );
        check(
            &values(r#"[["x","y"]]"#),
            Err(
                "invalid JSON push: timestamp \"x\" is not a number of nanoseconds \
                 at line 1 column 51",
            ),
        );
        check(
            &values("[[]]"),
            Err("invalid JSON push: an entry needs a timestamp at line 1 column 44"),
        );
        check(
            &values(r#"[["1","x","y"]]"#),
            Err(
                "invalid JSON push: invalid type: string \"y\", expected an object of structured \
                 metadata at line 1 column 54",
            ),
        );
        check(
            &values(r#"[["1","x",{"k":1}]]"#),
            Err(
                "invalid JSON push: invalid type: integer `1`, expected a string \
                 at line 1 column 57",
            ),
        );
        check(
            r#"{"streams":[{"stream":{"a":{}}}]}"#,
            Err(
                "invalid JSON push: the value of label \"a\" is neither text nor number \
                 at line 1 column 30",
            ),
        );
        check(
            r#"{"streams":[{"stream":{"a.b":"c"}}]}"#,
            Err("couldn't parse labels: 1:3: parse error: unexpected character inside braces: '.'"),
        );
        check(
            r#"{"streams":["#,
            Err("invalid JSON push: EOF while parsing a list at line 1 column 12"),
        );
        check(
            "{} x",
            Err("invalid JSON push: trailing characters at line 1 column 4"),
        );
    }

    #[test]
    fn invalid_utf8_is_refused_with_its_place() {
        let body = Bytes::from_static(b"{\"streams\":[{\"values\":[[\"1\",\"a\xff\"]]}]}");
        let error = decode(&body, JsonFlavour::V1, &DecodeLimits::default())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("invalid unicode code point at line 1 column"),
            "{error}"
        );
    }

    #[test]
    fn many_small_parts_are_counted() {
        let body: Bytes = values(&format!("[{}null]", r#"["1",""],"#.repeat(100))).into();
        let limits = DecodeLimits {
            max_parts: 50,
            ..DecodeLimits::default()
        };
        assert_eq!(
            decode(&body, JsonFlavour::V1, &limits),
            Err(PushError::TooManyParts { max: 50 })
        );
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = format!(r#"{{"x":{}"#, "[".repeat(1_000_000));
        assert!(decoded(&deep).is_err());
    }

    proptest! {
        #[test]
        fn reads_what_serde_writes(
            streams in prop::collection::vec((
                prop::collection::btree_map("[a-z_]{1,5}", "\\PC{1,8}", 1..4),
                prop::collection::vec((
                    any::<i64>(),
                    "\\PC{0,20}|[\\x00-\\x7f]*",
                    prop::collection::btree_map("\\PC{1,5}", "\\PC{0,8}", 0..3),
                ), 0..4),
            ), 0..4)
        ) {
            let json: Vec<_> = streams.iter().map(|(labels, entries)| {
                let values: Vec<_> = entries
                    .iter()
                    .map(|(time, line, pairs)| serde_json::json!([time.to_string(), line, pairs]))
                    .collect();
                serde_json::json!({"stream": labels, "values": values})
            }).collect();
            let want: Vec<_> = streams.into_iter().map(|(labels, entries)| PushStream {
                labels: Labels::from_pairs(labels),
                entries: entries.into_iter().map(|(time, line, pairs)| Entry {
                    timestamp: Timestamp::from_nanos(time),
                    line: line.into(),
                    metadata: Labels::from_pairs(pairs),
                }).collect(),
            }).collect();
            prop_assert_eq!(decoded(&serde_json::json!({"streams": json}).to_string()), Ok(want));
        }
    }
}
