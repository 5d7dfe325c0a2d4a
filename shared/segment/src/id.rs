//! [`SegmentId`]: the name of a segment, made from its tenant and its bytes.

use std::fmt;
use std::str::FromStr;

use narvi_model::TenantId;
use sha2::{Digest, Sha256};

/// Names a segment: the first 16 bytes of the SHA-256 of its tenant and its bytes. The same push
/// sent again makes the same segment and so the same key, and no tenant's id meets another's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SegmentId([u8; 16]);

/// A text that is not 32 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("segment id `{0}` is not 32 lower-case hexadecimal digits")]
pub struct SegmentIdError(String);

impl SegmentId {
    /// Length of the binary form in bytes.
    pub const BYTES: usize = 16;

    /// The id of a tenant's segment.
    #[must_use]
    pub fn of(tenant: &TenantId, bytes: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(tenant.as_str().as_bytes());
        // A tenant id is ASCII, so this byte ends it without doubt.
        hasher.update([0xFF]);
        hasher.update(bytes);
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

impl FromStr for SegmentId {
    type Err = SegmentIdError;

    fn from_str(text: &str) -> Result<Self, SegmentIdError> {
        let refused = || SegmentIdError(text.chars().take(40).collect());
        let digits = |c: char| matches!(c, '0'..='9' | 'a'..='f');
        if text.len() != 2 * Self::BYTES || !text.chars().all(digits) {
            return Err(refused());
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| refused())?;
        Ok(Self(number.to_be_bytes()))
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SegmentId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let id = SegmentId::from_bytes(*b"\x000123456789abcde");
        assert_eq!(id.to_string(), "00303132333435363738396162636465");
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in ["", "00", &"g".repeat(32), &"AB".repeat(16), &"é".repeat(16)] {
            assert!(bad.parse::<SegmentId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn depends_on_tenant_and_bytes() {
        let (a, ab) = (
            TenantId::parse("a").unwrap(),
            TenantId::parse("ab").unwrap(),
        );
        // sha256sum of "a\xffbc"
        let id = SegmentId::of(&a, b"bc");
        assert_eq!(id, SegmentId::of(&a, b"bc"));
        assert_ne!(id, SegmentId::of(&ab, b"c"));
        assert_ne!(id, SegmentId::of(&a, b"bd"));
    }
}
