//! [`StreamId`]: the key of one set of labels within a tenant.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// Names a stream: the first 16 bytes of the SHA-256 of its labels, so that nobody can make two
/// sets of labels meet, and no counter has to be shared between Lambdas.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId([u8; 16]);

/// A text that is not 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("stream id `{0}` is not 32 hexadecimal digits")]
pub struct StreamIdError(String);

impl StreamId {
    /// Length of the binary form in bytes.
    pub const BYTES: usize = 16;

    /// The key of the stream that has these labels, sorted by name, each name once. `0xFF` occurs
    /// in no UTF-8 text, so it separates names and values without doubt.
    #[must_use]
    pub fn of<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut hasher = Sha256::new();
        for (name, value) in labels {
            hasher.update(name.as_bytes());
            hasher.update([0xFF]);
            hasher.update(value.as_bytes());
            hasher.update([0xFF]);
        }
        let digest: [u8; 32] = hasher.finalize().into();
        let mut id = [0; Self::BYTES];
        id.copy_from_slice(&digest[..Self::BYTES]);
        Self(id)
    }

    /// Takes the binary form.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The binary form.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl FromStr for StreamId {
    type Err = StreamIdError;

    fn from_str(text: &str) -> Result<Self, StreamIdError> {
        let refused = || StreamIdError(text.chars().take(40).collect());
        if text.len() != 2 * Self::BYTES || !text.is_ascii() {
            return Err(refused());
        }
        let mut bytes = [0; Self::BYTES];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let (high, low) = (nibble(digits[0]), nibble(digits[1]));
            *byte = high.zip(low).map(|(h, l)| h << 4 | l).ok_or_else(refused)?;
        }
        Ok(Self(bytes))
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StreamId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let id = StreamId::from_bytes([0xab; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in ["", "ab", &"g".repeat(32), &"AB".repeat(16), &"é".repeat(16)] {
            assert!(bad.parse::<StreamId>().is_err(), "{bad}");
        }
    }
}
