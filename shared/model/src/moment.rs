//! [`Moment`]: a point in time in a configuration, `2030-01-01T00:00:00Z`, or none.

use std::fmt;

use crate::{Timestamp, parse_rfc3339};

/// A point in time, or none, which is written `0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment(Option<Timestamp>);

impl Moment {
    /// Never.
    pub const NONE: Self = Self(None);

    /// The time, where it lies after `now`.
    #[must_use]
    pub fn after(self, now: Timestamp) -> Option<Timestamp> {
        self.0.filter(|time| now < *time)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(time) => f.write_str(&time.rfc3339()),
            None => f.write_str("0"),
        }
    }
}

impl serde::Serialize for Moment {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Moment {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        if text.is_empty() || text == "0" {
            return Ok(Self::NONE);
        }
        let time = parse_rfc3339(&text).ok_or_else(|| {
            let shown: String = text.chars().take(40).collect();
            serde::de::Error::custom(format!(
                "`{shown}` is not a time; write one such as `2030-01-01T00:00:00Z`"
            ))
        })?;
        Ok(Self(Some(time)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_as_read() {
        for (text, want) in [
            ("0", "0"),
            ("", "0"),
            ("1970-01-01T01:00:01+01:00", "1970-01-01T00:00:01Z"),
        ] {
            let json = serde_json::to_string(text).unwrap();
            let moment: Moment = serde_json::from_str(&json).unwrap();
            assert_eq!(moment.to_string(), want);
        }
        let error = serde_json::from_str::<Moment>("\"soon\"").unwrap_err();
        assert!(error.to_string().starts_with("`soon` is not a time; "));
    }

    #[test]
    fn a_moment_passes() {
        let moment: Moment = serde_json::from_str("\"1970-01-01T00:00:05Z\"").unwrap();
        let at = Timestamp::from_seconds;
        assert_eq!(moment.after(at(4)), Some(at(5)));
        assert_eq!(moment.after(at(5)), None);
        assert_eq!(Moment::NONE.after(at(0)), None);
    }
}
