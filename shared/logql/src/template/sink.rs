//! [`Sink`]: where text is written, with its bound.
//!
//! Both the rendered line and the texts that functions make go through it, so that no loop and no
//! width can write without end.

use std::fmt;

use super::error::{Answer, Failure};
use crate::limits::MAX_TEMPLATE_OUTPUT;

/// The end of a text that may still grow.
pub(super) struct Sink<'w> {
    bytes: &'w mut Vec<u8>,
    /// The length that `bytes` may have.
    end: usize,
}

impl<'w> Sink<'w> {
    /// Appends to `bytes`, [`MAX_TEMPLATE_OUTPUT`] bytes at most.
    pub(super) fn new(bytes: &'w mut Vec<u8>) -> Self {
        let end = bytes.len().saturating_add(MAX_TEMPLATE_OUTPUT);
        Self { bytes, end }
    }

    pub(super) fn push(&mut self, text: &[u8]) -> Answer<()> {
        if text.len() > self.end.saturating_sub(self.bytes.len()) {
            return Err(Failure::TooLong);
        }
        self.bytes.extend_from_slice(text);
        Ok(())
    }

    pub(super) fn byte(&mut self, byte: u8) -> Answer<()> {
        self.push(&[byte])
    }

    pub(super) fn char(&mut self, c: char) -> Answer<()> {
        self.push(c.encode_utf8(&mut [0; 4]).as_bytes())
    }

    /// The same text `count` times.
    pub(super) fn repeat(&mut self, text: &[u8], count: usize) -> Answer<()> {
        let len = text.len().checked_mul(count).ok_or(Failure::TooLong)?;
        if len > self.end.saturating_sub(self.bytes.len()) {
            return Err(Failure::TooLong);
        }
        // One byte is what nearly every caller repeats, and `resize` writes it at memory speed.
        match text {
            [byte] => self.bytes.resize(self.bytes.len() + count, *byte),
            [] => {}
            text => (0..count).for_each(|_| self.bytes.extend_from_slice(text)),
        }
        Ok(())
    }

    /// Where the next byte goes; a place for [`Self::since`] and [`Self::pad`].
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What was written since a place.
    pub(super) fn since(&self, start: usize) -> &[u8] {
        self.bytes.get(start..).unwrap_or_default()
    }

    /// Puts `count` bytes `fill` before what was written since `start`.
    pub(super) fn pad(&mut self, start: usize, count: usize, fill: u8) -> Answer<()> {
        self.repeat(&[fill], count)?;
        if let Some(tail) = self.bytes.get_mut(start..) {
            tail.rotate_right(count);
        }
        Ok(())
    }

    /// Makes ASCII letters written since a place upper case.
    pub(super) fn upper_since(&mut self, start: usize) {
        if let Some(tail) = self.bytes.get_mut(start..) {
            tail.make_ascii_uppercase();
        }
    }

    /// The same, lower case.
    pub(super) fn lower_since(&mut self, start: usize) {
        if let Some(tail) = self.bytes.get_mut(start..) {
            tail.make_ascii_lowercase();
        }
    }

    /// Drops what was written since a place.
    pub(super) fn cut(&mut self, start: usize) {
        self.bytes.truncate(start);
    }

    /// What `write!` writes.
    pub(super) fn put(&mut self, text: fmt::Arguments<'_>) -> Answer<()> {
        fmt::Write::write_fmt(self, text).map_err(|_| Failure::TooLong)
    }
}

impl fmt::Write for Sink<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes()).map_err(|_| fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_bounded() {
        let mut bytes = b"before".to_vec();
        let mut sink = Sink::new(&mut bytes);
        assert_eq!(
            sink.repeat(b"ab", MAX_TEMPLATE_OUTPUT),
            Err(Failure::TooLong)
        );
        assert_eq!(sink.repeat(b"ab", usize::MAX), Err(Failure::TooLong));
        assert_eq!(sink.repeat(b"x", MAX_TEMPLATE_OUTPUT), Ok(()));
        assert_eq!(sink.byte(b'x'), Err(Failure::TooLong));
        assert_eq!(sink.pad(0, 1, b' '), Err(Failure::TooLong));
    }

    #[test]
    fn pads_in_front() {
        let mut bytes = b"ab".to_vec();
        let mut sink = Sink::new(&mut bytes);
        assert_eq!(sink.push(b"12"), Ok(()));
        assert_eq!(sink.pad(2, 3, b'.'), Ok(()));
        assert_eq!(bytes, b"ab...12");
    }
}
