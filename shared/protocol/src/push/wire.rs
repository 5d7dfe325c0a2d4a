//! Reads protobuf fields one by one: [`Reader`] over a body, [`Field`] with its place in it.
//!
//! Why not a generated decoder: it builds everything before anything can be counted, and two bytes
//! on the wire may become a hundred in memory. This one lets the caller count as it goes, keeps the
//! place of every field so that lines can share the body, and never copies.

use super::PushError;

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Field<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 2: a string, bytes or a message.
    Bytes(&'a [u8]),
    /// Wire type 1.
    Fixed64(u64),
    /// Wire type 5.
    Fixed32(u32),
}

/// Walks the fields of one message.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    /// Where `rest` begins in the whole body.
    at: usize,
}

impl<'a> Reader<'a> {
    /// A message that begins at byte `at` of the body.
    pub(super) const fn new(message: &'a [u8], at: usize) -> Self {
        Self { rest: message, at }
    }

    /// Where the value that was read last ended, in the whole body.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// The next field with its number; `None` at the end of the message.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Field<'a>)>, PushError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let number = key >> 3;
        if number == 0 || key > u64::from(u32::MAX) {
            return self.broken("impossible field number");
        }
        let field = match key & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let len = self.varint()?;
                // A length beyond memory is beyond the body as well.
                Field::Bytes(self.take(usize::try_from(len).unwrap_or(usize::MAX))?)
            }
            5 => Field::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return self.broken("unknown wire type"),
        };
        Ok(Some((number, field)))
    }

    fn varint(&mut self) -> Result<u64, PushError> {
        let mut value = 0_u64;
        for (n, &byte) in self.rest.iter().take(10).enumerate() {
            // The tenth byte holds the 64th bit alone.
            if n == 9 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * n);
            if byte < 0x80 {
                self.advance(n + 1);
                return Ok(value);
            }
        }
        self.broken("broken or truncated number")
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PushError> {
        match self.rest.first_chunk() {
            Some(&bytes) => {
                self.advance(N);
                Ok(bytes)
            }
            None => self.broken("message ends too early"),
        }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], PushError> {
        match self.rest.get(..len) {
            Some(bytes) => {
                self.advance(len);
                Ok(bytes)
            }
            None => self.broken("message ends too early"),
        }
    }

    fn advance(&mut self, len: usize) {
        self.rest = &self.rest[len..];
        self.at += len;
    }

    fn broken<T>(&self, reason: &'static str) -> Result<T, PushError> {
        Err(PushError::Protobuf {
            reason,
            at: self.at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &[u8], want: Result<&[(u64, Field<'_>)], &str>) {
        let mut reader = Reader::new(message, 0);
        let mut got = Vec::new();
        let end = loop {
            match reader.next() {
                Ok(Some(field)) => got.push(field),
                Ok(None) => break Ok(got.as_slice()),
                Err(error) => break Err(error.to_string()),
            }
        };
        let want = want.map_err(|reason| format!("invalid protobuf push: {reason}"));
        assert_eq!(end, want);
    }

    #[test]
    fn fields() {
        check(&[], Ok(&[]));
        check(&[0x08, 0x96, 0x01], Ok(&[(1, Field::Varint(150))]));
        check(&[0x12, 2, b'h', b'i'], Ok(&[(2, Field::Bytes(b"hi"))]));
        check(
            &[0x0d, 1, 2, 3, 4, 0x10, 1],
            Ok(&[(1, Field::Fixed32(0x0403_0201)), (2, Field::Varint(1))]),
        );
        check(
            &[0x09, 1, 0, 0, 0, 0, 0, 0, 0x80],
            Ok(&[(1, Field::Fixed64(0x8000_0000_0000_0001))]),
        );
        check(&[0x09, 1, 0], Err("message ends too early at byte 1"));
        check(
            &[
                0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
            ],
            Ok(&[(1, Field::Varint(u64::MAX))]),
        );
        check(
            &[
                0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
            ],
            Err("broken or truncated number at byte 1"),
        );
        check(&[0x08], Err("broken or truncated number at byte 1"));
        check(&[0x12, 3, b'h'], Err("message ends too early at byte 2"));
        check(
            &[
                0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
            ],
            Err("message ends too early at byte 11"),
        );
        check(&[0x0b], Err("unknown wire type at byte 1"));
        check(&[0x00, 0], Err("impossible field number at byte 1"));
    }
}
