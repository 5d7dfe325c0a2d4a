//! Which keys the JSON of OpenTelemetry has, and which fields of protobuf they stand for.
//!
//! A key may be written `timeUnixNano` or `time_unix_nano`.

/// A message: its keys, each with the number of its field and what it holds.
pub(super) struct Message(pub(super) &'static [Key]);

/// Its name, the number of its field and what it holds.
type Key = (&'static str, u8, Kind);

/// What a key holds.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    Bool,
    Int,
    Fixed32,
    Fixed64,
    Double,
    /// A name or a number.
    Severity,
    /// Bytes as hexadecimal digits.
    Hex,
    /// Bytes as base64.
    Base64,
    One(&'static Message),
    Many(&'static Message),
}

pub(super) static REQUEST: Message = Message(&[("resourceLogs", 1, Kind::Many(&RESOURCE_LOGS))]);
static RESOURCE_LOGS: Message = Message(&[
    ("resource", 1, Kind::One(&RESOURCE)),
    ("scopeLogs", 2, Kind::Many(&SCOPE_LOGS)),
]);
static RESOURCE: Message = Message(&[("attributes", 1, Kind::Many(&KEY_VALUE))]);
static SCOPE_LOGS: Message = Message(&[
    ("scope", 1, Kind::One(&SCOPE)),
    ("logRecords", 2, Kind::Many(&LOG_RECORD)),
]);
static SCOPE: Message = Message(&[
    ("name", 1, Kind::Text),
    ("version", 2, Kind::Text),
    ("attributes", 3, Kind::Many(&KEY_VALUE)),
    ("droppedAttributesCount", 4, Kind::Int),
]);
static LOG_RECORD: Message = Message(&[
    ("timeUnixNano", 1, Kind::Fixed64),
    ("severityNumber", 2, Kind::Severity),
    ("severityText", 3, Kind::Text),
    ("body", 5, Kind::One(&ANY_VALUE)),
    ("attributes", 6, Kind::Many(&KEY_VALUE)),
    ("droppedAttributesCount", 7, Kind::Int),
    ("flags", 8, Kind::Fixed32),
    ("traceId", 9, Kind::Hex),
    ("spanId", 10, Kind::Hex),
    ("observedTimeUnixNano", 11, Kind::Fixed64),
    ("eventName", 12, Kind::Text),
]);
static KEY_VALUE: Message = Message(&[("key", 1, Kind::Text), ("value", 2, Kind::One(&ANY_VALUE))]);
static ANY_VALUE: Message = Message(&[
    ("stringValue", 1, Kind::Text),
    ("boolValue", 2, Kind::Bool),
    ("intValue", 3, Kind::Int),
    ("doubleValue", 4, Kind::Double),
    ("arrayValue", 5, Kind::One(&ARRAY)),
    ("kvlistValue", 6, Kind::One(&KEY_VALUE_LIST)),
    ("bytesValue", 7, Kind::Base64),
]);
static ARRAY: Message = Message(&[("values", 1, Kind::Many(&ANY_VALUE))]);
static KEY_VALUE_LIST: Message = Message(&[("values", 1, Kind::Many(&KEY_VALUE))]);

impl Message {
    /// The key with this name.
    pub(super) fn field(&self, given: &str) -> Option<Key> {
        self.0
            .iter()
            .find(|(name, ..)| is_name(name, given))
            .copied()
    }
}

impl Kind {
    /// What a value must be.
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Bool => "true or false",
            Self::Int | Self::Fixed32 | Self::Fixed64 => "a whole number",
            Self::Double => "a number",
            Self::Severity => "a number or name of a severity",
            Self::Hex => "hexadecimal text",
            Self::Base64 => "base64",
            Self::One(_) | Self::Many(_) => "a message",
        }
    }
}

/// Whether `given` is `name`, or the same in snake case.
fn is_name(name: &str, given: &str) -> bool {
    let mut given = given.bytes();
    let same = name.bytes().all(|want| match given.next() {
        Some(b'_') => given.next().is_some_and(|c| c.to_ascii_uppercase() == want),
        found => found == Some(want),
    });
    same && given.next().is_none()
}

/// The number of `SEVERITY_NUMBER_WARN2`.
pub(super) fn severity(name: &str) -> Option<i128> {
    let rest = name.strip_prefix("SEVERITY_NUMBER_")?;
    if rest == "UNSPECIFIED" {
        return Some(0);
    }
    let base = rest.trim_end_matches(['2', '3', '4']);
    let levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
    let level = levels.iter().position(|level| *level == base)?;
    let step = match &rest[base.len()..] {
        "" => 1,
        digit => digit.parse().ok().filter(|step| *step <= 4)?,
    };
    Some(level as i128 * 4 + step)
}
