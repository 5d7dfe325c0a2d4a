//! [`Budget`]: counts what decoding has made, so that a small body cannot ask for much memory.

use super::PushError;

/// What may still be decoded of one push.
#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
    max: usize,
}

impl Budget {
    pub(super) const fn new(max: usize) -> Self {
        Self { left: max, max }
    }

    /// Takes `parts` streams, labels, entries or pairs.
    pub(super) fn take(&mut self, parts: usize) -> Result<(), PushError> {
        match self.left.checked_sub(parts) {
            Some(left) => self.left = left,
            None => return Err(PushError::TooManyParts { max: self.max }),
        }
        Ok(())
    }
}
