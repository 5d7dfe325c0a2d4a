//! The JSON of pushes (spec `http-api.md` §2, §17), read in one pass without a tree.
//!
//! Here is what both flavours share: `{"streams":[…]}` and its strings; a stream is read by [`v1`]
//! or by [`legacy`]. Each `…Seed` reads one level. Lines without escapes share the memory of the
//! body; the others are unescaped into blocks that many lines share, so no line costs an
//! allocation.

mod legacy;
mod v1;

use std::borrow::Cow;
use std::fmt;

use bytes::{Bytes, BytesMut};
use narvi_model::{Labels, Line, Metadata};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::budget::Budget;
use super::{DecodeLimits, PushError, PushRequest};

/// Bytes of a block that unescaped lines are written to.
const BLOCK_BYTES: usize = 64 << 10;

/// Which JSON a push has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonFlavour {
    /// `{"streams":[{"stream":{…},"values":[["<ns>","<line>"]]}]}`
    V1,
    /// `{"streams":[{"labels":"{…}","entries":[{"ts":"<RFC 3339>","line":"…"}]}]}`
    Legacy,
}

impl JsonFlavour {
    /// The flavour of an endpoint: as in Loki a path with `/loki/api/v1` in it has the new one.
    #[must_use]
    pub fn of_path(path: &str) -> Self {
        if path.contains("/loki/api/v1") {
            Self::V1
        } else {
            Self::Legacy
        }
    }
}

/// Decodes a whole push; lines share the memory of `body` where they can.
pub(super) fn decode(
    body: &Bytes,
    flavour: JsonFlavour,
    limits: &DecodeLimits,
) -> Result<PushRequest, PushError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(PushError::Empty);
    }
    let mut context = Context {
        body,
        flavour,
        block: BytesMut::new(),
        budget: Budget::new(limits.max_parts),
        no_metadata: Labels::empty(),
        refusal: None,
        request: PushRequest::default(),
    };
    let mut json = serde_json::Deserializer::from_slice(body);
    let read = PushSeed(&mut context)
        .deserialize(&mut json)
        .and_then(|()| json.end());
    match (context.refusal, read) {
        (Some(refusal), _) => Err(refusal),
        (None, Err(error)) => Err(PushError::Json(error.to_string())),
        (None, Ok(())) => Ok(context.request),
    }
}

/// What all levels share.
struct Context<'b> {
    body: &'b Bytes,
    flavour: JsonFlavour,
    block: BytesMut,
    budget: Budget,
    /// One empty set for all entries that have none.
    no_metadata: Metadata,
    /// An error that is more than a text, kept while serde unwinds.
    refusal: Option<PushError>,
    request: PushRequest,
}

impl Context<'_> {
    fn take<E: Error>(&mut self, parts: usize) -> Result<(), E> {
        self.budget.take(parts).map_err(|error| self.refuse(error))
    }

    fn refuse<E: Error>(&mut self, error: PushError) -> E {
        self.refusal = Some(error);
        E::custom("refused")
    }

    fn line<E: Error>(&mut self, text: &Text<'_>) -> Result<Line, E> {
        let bytes = match text {
            Text::Borrowed(text) => self.body.slice_ref(text.as_bytes()),
            Text::Block(bytes) => bytes.clone(),
        };
        Line::new(bytes).map_err(E::custom)
    }
}

/// A JSON string.
enum Text<'de> {
    /// Without escapes: a part of the body.
    Borrowed(&'de str),
    /// Unescaped into a block.
    Block(Bytes),
}

struct TextSeed<'c>(&'c mut BytesMut);

impl<'de> DeserializeSeed<'de> for TextSeed<'_> {
    type Value = Text<'de>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Text<'de>, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for TextSeed<'_> {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
        if self.0.capacity() < text.len() {
            *self.0 = BytesMut::with_capacity(text.len().max(BLOCK_BYTES));
        }
        self.0.extend_from_slice(text.as_bytes());
        Ok(Text::Block(self.0.split().freeze()))
    }
}

/// Lets a visitor seed the value that it visits.
macro_rules! seeds {
    ($($visitor:ty => $value:ty;)*) => {$(
        impl<'de> DeserializeSeed<'de> for $visitor {
            type Value = $value;

            fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<$value, D::Error> {
                json.deserialize_any(self)
            }
        }
    )*};
}

use seeds;

seeds! {
    PushSeed<'_, '_> => ();
    StreamsSeed<'_, '_> => ();
}

/// The outermost object; `null` is a push without streams.
struct PushSeed<'c, 'b>(&'c mut Context<'b>);

impl<'de> Visitor<'de> for PushSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"an object with "streams""#)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                "streams" => map.next_value_seed(StreamsSeed(&mut *self.0))?,
                _ => map.next_value::<IgnoredAny>().map(|_| ())?,
            }
        }
        Ok(())
    }
}

/// The value of `streams`.
struct StreamsSeed<'c, 'b>(&'c mut Context<'b>);

impl<'de> Visitor<'de> for StreamsSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of streams")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        loop {
            let context = &mut *self.0;
            let more = match context.flavour {
                JsonFlavour::V1 => list.next_element_seed(v1::StreamSeed(context))?,
                JsonFlavour::Legacy => list.next_element_seed(legacy::StreamSeed(context))?,
            };
            if more.is_none() {
                return Ok(());
            }
        }
    }
}

/// A short string, borrowed where it has no escapes.
struct StrSeed;

impl<'de> DeserializeSeed<'de> for StrSeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Cow<'de, str>, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for StrSeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}
