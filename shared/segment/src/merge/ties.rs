//! [`Ties`]: rows of one time that several inputs have, to write each of them once.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use crate::Rows;
use crate::limits::MAX_TIE_BYTES;

/// What a row weighs in a set beside its bytes.
const ENTRY_BYTES: usize = 48;

/// The rows of one time so far.
#[derive(Default)]
pub(super) struct Ties {
    time: Option<i64>,
    seen: HashSet<Box<[u8]>, RandomState>,
    bytes: usize,
    key: Vec<u8>,
}

impl Ties {
    /// Forgets all, as a new stream has other rows.
    pub(super) fn clear(&mut self) {
        self.time = None;
        self.seen.clear();
        self.bytes = 0;
    }

    /// Whether rows of a time are held.
    pub(super) fn is_at(&self, time: i64) -> bool {
        self.time == Some(time)
    }

    /// Whether a row of a time is new. Beyond [`MAX_TIE_BYTES`] those that are not known count as
    /// new, and are not held.
    pub(super) fn insert(&mut self, time: i64, rows: &Rows, row: usize) -> bool {
        if !self.is_at(time) {
            self.clear();
            self.time = Some(time);
        }
        self.key.clear();
        put(&mut self.key, rows.lines.line(row));
        for (name, value) in rows.metadata.pairs(row) {
            put(&mut self.key, name.as_bytes());
            put(&mut self.key, value.as_bytes());
        }
        if self.seen.contains(&self.key[..]) {
            return false;
        }
        let bytes = self.bytes + self.key.len() + ENTRY_BYTES;
        if bytes <= MAX_TIE_BYTES {
            self.bytes = bytes;
            self.seen.insert(self.key[..].into());
        }
        true
    }
}

/// Appends a text with its length, so that two rows never make the same bytes.
fn put(key: &mut Vec<u8>, text: &[u8]) {
    key.extend_from_slice(&(text.len() as u64).to_le_bytes());
    key.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dictionary, MetadataColumn};

    fn rows(lines: &[&str], metadata: Option<(&str, &str)>) -> Rows {
        let mut rows = Rows::default();
        for line in lines {
            rows.timestamps.push(0);
            rows.lines.push(line.as_bytes());
        }
        if let Some((name, value)) = metadata {
            let mut values = Dictionary::default();
            values.push(value);
            rows.metadata.columns.push(MetadataColumn {
                name: name.into(),
                values,
                refs: vec![1; lines.len()],
            });
        }
        rows
    }

    #[test]
    fn a_row_is_its_line_and_its_metadata() {
        let mut ties = Ties::default();
        let plain = rows(&["a", "b", "a", "ab"], None);
        let new: Vec<bool> = (0..4).map(|row| ties.insert(7, &plain, row)).collect();
        assert_eq!(new, [true, true, false, true]);
        assert!(ties.insert(7, &rows(&["a"], Some(("m", "x"))), 0));
        assert!(ties.insert(7, &rows(&["a"], Some(("mx", ""))), 0));
        assert!(!ties.insert(7, &rows(&["a"], Some(("m", "x"))), 0));
        assert!(ties.is_at(7));
        assert!(ties.insert(8, &plain, 0), "another time");
        assert!(ties.insert(7, &plain, 0), "what was before is forgotten");
    }

    #[test]
    fn memory_is_bounded() {
        let mut ties = Ties::default();
        let long = "x".repeat(MAX_TIE_BYTES / 2);
        let rows = rows(&[&long, &long[1..], &long[2..]], None);
        assert!(ties.insert(1, &rows, 0));
        assert!(ties.insert(1, &rows, 1));
        assert!(!ties.insert(1, &rows, 0));
        assert!(ties.insert(1, &rows, 2));
        assert!(ties.bytes <= MAX_TIE_BYTES);
    }
}
