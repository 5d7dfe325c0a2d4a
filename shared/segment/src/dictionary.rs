//! [`Dictionary`]: texts that others refer to by place: values of metadata, names and values of
//! labels.
//!
//! Stored as `count | blocks of lengths | texts`, so that all texts compress as one run. Does not
//! know who refers to them.

use crate::bitpack::{put_u32s, read_u32s};
use crate::error::Fault;
use crate::limits::MAX_COLUMN_BYTES;
use crate::varint::{Cursor, Read, put_len};

/// Texts in the order in which they first came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dictionary {
    text: String,
    ends: Vec<u32>,
}

/// What errors call the parts of a dictionary.
pub(crate) struct Fields {
    pub(crate) count: &'static str,
    pub(crate) length: &'static str,
    pub(crate) text: &'static str,
}

impl Dictionary {
    /// Appends a text, which the caller knows to be new. Returns its place.
    pub fn push(&mut self, text: &str) -> u32 {
        self.text.push_str(text);
        self.ends
            .push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        u32::try_from(self.ends.len() - 1).unwrap_or(u32::MAX)
    }

    /// The text at a place.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&str> {
        let end = *self.ends.get(place)? as usize;
        let start = if place == 0 {
            0
        } else {
            self.ends[place - 1] as usize
        };
        self.text.get(start..end)
    }

    /// All texts in one, and the offset of the end of each.
    #[must_use]
    pub fn into_parts(self) -> (String, Vec<u32>) {
        (self.text, self.ends)
    }

    /// Number of texts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all texts.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// Every text, by place.
    pub fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        (0..self.len()).filter_map(|place| self.get(place))
    }

    /// Reads a dictionary of at most `limit` texts; `lengths` is scratch memory.
    pub(crate) fn read(
        cursor: &mut Cursor<'_>,
        fields: &Fields,
        limit: usize,
        lengths: &mut Vec<u32>,
    ) -> Read<Self> {
        let count = cursor.at_most(fields.count, limit)?;
        let sum = read_u32s(
            cursor,
            fields.length,
            MAX_COLUMN_BYTES as u32,
            count,
            lengths,
        )?;
        let bytes = cursor.take(fields.text, usize::try_from(sum).unwrap_or(usize::MAX))?;
        let not_utf8 = |cursor: &Cursor<'_>| cursor.fail(fields.text, Fault::NotUtf8);
        let text = str::from_utf8(bytes)
            .map_err(|_| not_utf8(cursor))?
            .to_owned();
        let mut ends = Vec::with_capacity(count);
        let mut end = 0;
        for &length in lengths.iter() {
            // The sum of all was just taken from a column, so it fits u32.
            end += length;
            if !text.is_char_boundary(end as usize) {
                return Err(not_utf8(cursor));
            }
            ends.push(end);
        }
        Ok(Self { text, ends })
    }
}

/// Appends a dictionary.
pub(crate) fn put(out: &mut Vec<u8>, texts: &[&str]) {
    put_len(out, texts.len());
    // A text beyond u32 makes its column too long, which is refused when that is stored.
    let lengths: Vec<u32> = texts.iter().map(|text| text.len() as u32).collect();
    put_u32s(out, &lengths);
    for text in texts {
        out.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bitpack::PADDING;
    use crate::error::Area;

    const FIELDS: Fields = Fields {
        count: "count",
        length: "length",
        text: "text",
    };

    #[test]
    fn texts_by_place() {
        let mut bytes = Vec::new();
        put(&mut bytes, &["", "info", "é"]);
        let end = bytes.len();
        bytes.extend([0; PADDING]);
        let mut cursor = Cursor::padded(&bytes, end, Area::Symbols);
        let read = Dictionary::read(&mut cursor, &FIELDS, 3, &mut Vec::new()).unwrap();
        assert_eq!(cursor.left(), 0);
        assert_eq!(read.iter().collect::<Vec<_>>(), ["", "info", "é"]);
        assert_eq!((read.get(3), read.len(), read.text_bytes()), (None, 3, 6));
        let mut built = Dictionary::default();
        assert!(built.is_empty());
        assert_eq!(["", "info", "é"].map(|text| built.push(text)), [0, 1, 2]);
        assert_eq!(built, read);
        let mut cursor = Cursor::padded(&bytes, end, Area::Symbols);
        assert!(Dictionary::read(&mut cursor, &FIELDS, 2, &mut Vec::new()).is_err());
    }
}
