//! The JSON of OpenTelemetry, rewritten as the protobuf that it stands for ([`to_protobuf`]).
//!
//! So there is one reader, one set of bounds and one order of fields. Which keys a message has,
//! `schema` says. Of the encoding (protobuf's JSON mapping but for ids, which are hexadecimal):
//! 64-bit numbers may be text, enums names, `null` is an absent field, and what is unknown is
//! passed over.

use std::borrow::Cow;
use std::fmt;

use base64_simd::STANDARD;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::schema::{Kind, Message, REQUEST, severity};
use crate::push::PushError;

/// Rewrites a body. The result is hardly larger than the body: keys are longer than what stands
/// for them.
pub(super) fn to_protobuf(body: &[u8]) -> Result<Vec<u8>, PushError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(PushError::Empty);
    }
    let mut out = Vec::with_capacity(body.len());
    let mut json = serde_json::Deserializer::from_slice(body);
    let seed = Fields {
        message: &REQUEST,
        out: &mut out,
    };
    seed.deserialize(&mut json)
        .and_then(|()| json.end())
        .map_err(|error| PushError::Json(error.to_string()))?;
    Ok(out)
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn key(number: u8, wire_type: u8, out: &mut Vec<u8>) {
    out.push(number << 3 | wire_type);
}

fn bytes(number: u8, value: &[u8], out: &mut Vec<u8>) {
    key(number, 2, out);
    varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

/// Writes the fields of one object.
struct Fields<'o> {
    message: &'static Message,
    out: &'o mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message.0.first() {
            Some((name, ..)) => write!(f, "an object with `{name}`"),
            None => f.write_str("an object"),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            let Some((name, number, kind)) = self.message.field(&name) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let out = &mut *self.out;
            match kind {
                Kind::One(message) => map.next_value_seed(Child {
                    number,
                    message,
                    out,
                })?,
                Kind::Many(message) => map.next_value_seed(Children {
                    number,
                    message,
                    out,
                })?,
                kind => map.next_value_seed(Scalar {
                    name,
                    number,
                    kind,
                    out,
                })?,
            }
        }
        Ok(())
    }
}

/// Writes a message within another: its length stands before it.
struct Child<'o> {
    number: u8,
    message: &'static Message,
    out: &'o mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for Child<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        let (message, out) = (self.message, self.out);
        key(self.number, 2, out);
        let start = out.len();
        Fields { message, out }.deserialize(json)?;
        let mut length = Vec::with_capacity(5);
        varint((out.len() - start) as u64, &mut length);
        out.splice(start..start, length);
        Ok(())
    }
}

/// Writes a list of messages.
struct Children<'o> {
    number: u8,
    message: &'static Message,
    out: &'o mut Vec<u8>,
}

impl<'de> DeserializeSeed<'de> for Children<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Children<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let (number, message) = (self.number, self.message);
        loop {
            let out = &mut *self.out;
            let child = Child {
                number,
                message,
                out,
            };
            if list.next_element_seed(child)?.is_none() {
                return Ok(());
            }
        }
    }
}

/// Writes a field that is no message.
struct Scalar<'o> {
    name: &'static str,
    number: u8,
    kind: Kind,
    out: &'o mut Vec<u8>,
}

impl Scalar<'_> {
    fn int<E: Error>(self, value: i128) -> Result<(), E> {
        let Self {
            name,
            number,
            kind,
            out,
        } = self;
        let beyond = || E::custom(format!("`{name}` is out of range: {value}"));
        match kind {
            Kind::Int | Kind::Severity => {
                let value = i64::try_from(value).map_err(|_| beyond())?;
                key(number, 0, out);
                varint(value.cast_unsigned(), out);
            }
            Kind::Fixed64 => {
                let value = u64::try_from(value).map_err(|_| beyond())?;
                key(number, 1, out);
                out.extend_from_slice(&value.to_le_bytes());
            }
            Kind::Fixed32 => {
                let value = u32::try_from(value).map_err(|_| beyond())?;
                key(number, 5, out);
                out.extend_from_slice(&value.to_le_bytes());
            }
            Kind::Double => {
                key(number, 1, out);
                out.extend_from_slice(&(value as f64).to_le_bytes());
            }
            _ => return Err(E::custom(format!("`{name}` is not {}", kind.what()))),
        }
        Ok(())
    }

    fn double<E: Error>(self, value: f64) -> Result<(), E> {
        match self.kind {
            Kind::Double => {
                key(self.number, 1, self.out);
                self.out.extend_from_slice(&value.to_le_bytes());
                Ok(())
            }
            // 1e3 is a whole number, too; beyond 2^63 a float is no exact one.
            _ if value.fract() == 0.0 && value.abs() < 9.3e18 => self.int(value as i128),
            kind => Err(E::custom(format!("`{}` is not {}", self.name, kind.what()))),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Scalar<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scalar<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for `{}`", self.kind.what(), self.name)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        match self.kind {
            Kind::Bool => {
                key(self.number, 0, self.out);
                self.out.push(u8::from(value));
                Ok(())
            }
            kind => Err(E::custom(format!("`{}` is not {}", self.name, kind.what()))),
        }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.int(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.int(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.double(value)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let refused =
            |name: &str, kind: Kind| E::custom(format!("`{name}` is not {}", kind.what()));
        match self.kind {
            Kind::Text => bytes(self.number, text.as_bytes(), self.out),
            Kind::Hex => {
                let id = unhex(text).ok_or_else(|| refused(self.name, self.kind))?;
                bytes(self.number, &id, self.out);
            }
            Kind::Base64 => {
                let decoded = STANDARD.decode_to_vec(text.as_bytes());
                let decoded = decoded.map_err(|_| refused(self.name, self.kind))?;
                bytes(self.number, &decoded, self.out);
            }
            // An empty text is no number, which exporters send for none.
            Kind::Int | Kind::Fixed32 | Kind::Fixed64 | Kind::Severity if text.is_empty() => {}
            Kind::Severity if severity(text).is_some() => {
                return self.int(severity(text).unwrap_or_default());
            }
            Kind::Double => {
                let value = text.parse().map_err(|_| refused(self.name, self.kind))?;
                return self.double(value);
            }
            kind => {
                let value = text.parse().map_err(|_| refused(self.name, kind))?;
                return self.int(value);
            }
        }
        Ok(())
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let nibble = |digit: u8| char::from(digit).to_digit(16);
    digits
        .chunks_exact(2)
        .map(|pair| Some((nibble(pair[0])? << 4 | nibble(pair[1])?) as u8))
        .collect()
}
