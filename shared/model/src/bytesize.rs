//! [`ByteSize`]: a size in a configuration, `256KB` meaning 262,144 bytes as in Loki.

use std::fmt;
use std::str::FromStr;

/// A number of bytes. Units are powers of 1024 whether written `KB`, `KiB`, `kb` or `K`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ByteSize(u64);

/// A text that is not a size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a size; write a number of bytes or one with a unit, such as `256KB`")]
pub struct ByteSizeError(String);

const UNITS: [(&str, u64); 4] = [
    ("T", 1 << 40),
    ("G", 1 << 30),
    ("M", 1 << 20),
    ("K", 1 << 10),
];

impl ByteSize {
    /// From a number of bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<Self, ByteSizeError> {
        let refused = || ByteSizeError(text.chars().take(40).collect());
        let upper = text.trim().to_ascii_uppercase();
        let body = upper
            .strip_suffix("IB")
            .or_else(|| upper.strip_suffix('B'))
            .unwrap_or(&upper);
        let unit = UNITS
            .iter()
            .find_map(|(name, size)| Some((body.strip_suffix(name)?, *size)));
        let (number, unit) = unit.unwrap_or((body, 1));
        let number = number.trim_end();
        if let Ok(whole) = number.parse::<u64>() {
            return whole.checked_mul(unit).map(Self).ok_or_else(refused);
        }
        match number.parse::<f64>() {
            // 2^53 bytes are 8 PiB: within that a float counts every byte.
            Ok(part) if part >= 0.0 && part * (unit as f64) < 9e15 => {
                Ok(Self((part * unit as f64) as u64))
            }
            _ => Err(refused()),
        }
    }
}

impl fmt::Display for ByteSize {
    /// The largest unit that divides it: `3MB`, `1536KB`, `10B`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS
            .iter()
            .find(|(_, size)| self.0 > 0 && self.0.is_multiple_of(*size));
        match unit {
            Some((name, size)) => write!(f, "{}{name}B", self.0 / size),
            None => write!(f, "{}B", self.0),
        }
    }
}

impl serde::Serialize for ByteSize {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for ByteSize {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = ByteSize;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size such as 256KB or a number of bytes")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ByteSize, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: serde::de::Error>(self, bytes: u64) -> Result<ByteSize, E> {
                Ok(ByteSize(bytes))
            }

            fn visit_i64<E: serde::de::Error>(self, bytes: i64) -> Result<ByteSize, E> {
                u64::try_from(bytes)
                    .map(ByteSize)
                    .map_err(|_| E::custom("a size is not negative"))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints() {
        for (text, bytes, printed) in [
            ("256KB", 262_144, "256KB"),
            ("3MB", 3 << 20, "3MB"),
            ("1.5MB", 1_572_864, "1536KB"),
            ("10", 10, "10B"),
            ("0B", 0, "0B"),
            ("1000MB", 1000 << 20, "1000MB"),
            ("2GiB", 2 << 30, "2GB"),
            ("64k", 65_536, "64KB"),
        ] {
            let size: ByteSize = text.parse().unwrap();
            assert_eq!((size.bytes(), size.to_string().as_str()), (bytes, printed));
        }
        for bad in ["", "x", "-1", "MB", "1 2", "99999999999TB"] {
            assert!(bad.parse::<ByteSize>().is_err(), "{bad}");
        }
    }
}
