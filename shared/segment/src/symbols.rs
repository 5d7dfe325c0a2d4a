//! The footer's table of texts: every label name and value once, referred to by place.
//!
//! Stored as `codec u8 | raw length | stored length unless codec none | dictionary`. Ten thousand
//! streams of one deployment share most of their texts, and those they do not share look alike.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::Codec;
use crate::bitpack::PADDING;
use crate::codec::{Compressor, decompress};
use crate::column::store;
use crate::dictionary::{self, Dictionary, Fields};
use crate::error::{Area, Fault, WriteError};
use crate::limits::{MAX_COLUMN_BYTES, MAX_SYMBOLS};
use crate::varint::{Cursor, Read, put_len};

const FIELDS: Fields = Fields {
    count: "symbol count",
    length: "symbol length",
    text: "symbol texts",
};

/// The table while streams are being written.
#[derive(Default)]
pub(crate) struct SymbolDraft<'a> {
    texts: Vec<&'a str>,
    places: HashMap<&'a str, usize, RandomState>,
}

impl<'a> SymbolDraft<'a> {
    /// The place of a text, new or known.
    pub(crate) fn place(&mut self, text: &'a str) -> usize {
        *self.places.entry(text).or_insert_with(|| {
            self.texts.push(text);
            self.texts.len() - 1
        })
    }

    /// Appends the table.
    pub(crate) fn put(
        &self,
        out: &mut Vec<u8>,
        compressor: &mut Compressor,
    ) -> Result<(), WriteError> {
        if self.texts.len() > MAX_SYMBOLS {
            let size = self.texts.len();
            return Err(WriteError::TooLarge {
                what: "symbols",
                size,
                limit: MAX_SYMBOLS,
            });
        }
        let (mut raw, mut stored) = (Vec::new(), Vec::new());
        dictionary::put(&mut raw, &self.texts);
        let column = store("symbols", &raw, compressor, &mut stored)?;
        out.push(column.codec as u8);
        put_len(out, raw.len());
        if column.codec != Codec::None {
            put_len(out, stored.len());
        }
        out.append(&mut stored);
        Ok(())
    }
}

/// The table of a footer.
pub(crate) struct Symbols(Dictionary);

impl Symbols {
    /// Reads the table.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Read<Self> {
        let byte = cursor.byte("symbol codec")?;
        let unknown = || cursor.fail("symbol codec", Fault::Unknown(byte.into()));
        let codec = Codec::from_byte(byte).ok_or_else(unknown)?;
        let raw_len = cursor.at_most("symbol bytes", MAX_COLUMN_BYTES)?;
        let len = match codec {
            Codec::None => raw_len,
            _ => cursor.at_most("stored symbol bytes", raw_len)?,
        };
        let stored = cursor.take("symbols", len)?;
        let mut raw = Vec::new();
        decompress(codec, stored, raw_len, &mut raw)
            .map_err(|fault| cursor.fail("symbols", fault))?;
        raw.resize(raw_len + PADDING, 0);
        let mut inner = Cursor::padded(&raw, raw_len, Area::Symbols);
        let table = Dictionary::read(&mut inner, &FIELDS, MAX_SYMBOLS, &mut Vec::new())?;
        inner.finish("symbols")?;
        Ok(Self(table))
    }

    /// Reads a place and gives its text, as long as `budget` bytes last.
    pub(crate) fn read_text(
        &self,
        cursor: &mut Cursor<'_>,
        field: &'static str,
        budget: &mut usize,
    ) -> Read<&str> {
        let found = cursor.varint(field)?;
        let limit = self.0.len() as u64;
        let text = usize::try_from(found)
            .ok()
            .and_then(|place| self.0.get(place));
        let text = text.ok_or_else(|| cursor.fail(field, Fault::TooLarge { found, limit }))?;
        let (found, limit) = (text.len() as u64, *budget as u64);
        *budget = (*budget)
            .checked_sub(text.len())
            .ok_or_else(|| cursor.fail(field, Fault::TooLarge { found, limit }))?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_stored_once() {
        let mut draft = SymbolDraft::default();
        let places = ["app", "x", "env", "x", "app"].map(|text| draft.place(text));
        assert_eq!(places, [0, 1, 2, 1, 0]);
        let mut bytes = Vec::new();
        draft
            .put(&mut bytes, &mut Compressor::new(Codec::Zstd))
            .unwrap();
        bytes.extend([2, 3]);
        let mut cursor = Cursor::new(&bytes, Area::Footer);
        let symbols = Symbols::read(&mut cursor).unwrap();
        let mut budget = 3;
        assert_eq!(
            symbols.read_text(&mut cursor, "name", &mut budget),
            Ok("env")
        );
        let error = symbols
            .read_text(&mut cursor, "name", &mut budget)
            .unwrap_err();
        assert_eq!(error.fault, Fault::TooLarge { found: 3, limit: 3 });
        let mut cursor = Cursor::new(&[2], Area::Footer);
        assert!(symbols.read_text(&mut cursor, "name", &mut 2).is_err());
    }
}
