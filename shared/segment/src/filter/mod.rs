//! [`Filter`]: which chunks cannot hold a text, told without their lines.
//!
//! [`grams`] are the pieces of words that are looked up, [`fuse`] is the set that they are looked
//! up in, [`draft`] is what a writer collects. One set serves several chunks, whose grams it keeps
//! apart. Knows nothing of queries. Bytes: `docs/format/segment.md`.

mod draft;
mod fuse;
mod grams;

pub(crate) use draft::FilterDraft;

use crate::FilterPlace;
use crate::error::{Area, Fault, FormatError};
use crate::varint::{Cursor, Read};
use fuse::Fuse;
use grams::{Gram, NAMES, WORDS, mix};

/// The kind of filter that earlier versions wrote: grams of words of every kind.
const GRAMS: u32 = 1;

/// The kind that is written: words that have a digit in their windows, and names.
pub(crate) const SPLIT: u32 = 2;

/// How the grams of a chunk were chosen. Stored as a byte: the places of the windows' sizes in
/// their tables, plus the flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mode {
    /// Bytes of a window of words; `None` where nothing is known of them.
    words: Option<usize>,
    /// Bytes of a window of names; `None` where nothing is known of them.
    names: Option<usize>,
    /// Whether windows of words without a letter are in.
    numeric: bool,
    /// Whether lines hold `\u`, which in JSON may stand for any character.
    escapes: bool,
}

/// Sizes of windows by their number; 0 stands for none.
const WORD_WINDOWS: [usize; 5] = [0, 8, 12, 16, 32];
const NAME_WINDOWS: [usize; 4] = [0, 4, 8, 16];
const NAME_SHIFT: u32 = 3;
const NUMERIC: u8 = 0x40;
const ESCAPES: u8 = 0x80;

impl Mode {
    fn byte(self) -> u8 {
        let place = |sizes: &[usize], window: Option<usize>| {
            let place = sizes.iter().position(|size| Some(*size) == window);
            place.unwrap_or(0) as u8
        };
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        place(&WORD_WINDOWS, self.words)
            | place(&NAME_WINDOWS, self.names) << NAME_SHIFT
            | flag(self.numeric, NUMERIC)
            | flag(self.escapes, ESCAPES)
    }

    fn of_byte(byte: u8) -> Option<Self> {
        let numbers = byte & !(NUMERIC | ESCAPES);
        let size = |sizes: &[usize], place: u8| {
            let size = sizes.get(usize::from(place))?;
            Some(Some(*size).filter(|size| *size > 0))
        };
        Some(Self {
            words: size(&WORD_WINDOWS, numbers & ((1 << NAME_SHIFT) - 1))?,
            names: size(&NAME_WINDOWS, numbers >> NAME_SHIFT)?,
            numeric: byte & NUMERIC != 0,
            escapes: byte & ESCAPES != 0,
        })
    }
}

/// The key of a gram in the set of its filter; chunks are counted from the filter's first one.
const fn key(chunk: usize, gram: u64) -> u64 {
    mix(gram ^ mix(chunk as u64 + 1))
}

/// What is known of some chunks that lie side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    kind: u32,
    first_chunk: usize,
    modes: Vec<Mode>,
    set: Fuse,
    bytes: usize,
}

impl Filter {
    /// Reads a filter; `stored` are the bytes of its place. `None` for kinds that this build does
    /// not know, whose chunks may hold anything.
    ///
    /// # Errors
    /// The first byte that breaks the format's rules.
    pub fn decode(place: &FilterPlace, stored: &[u8]) -> Result<Option<Self>, FormatError> {
        if place.kind != GRAMS && place.kind != SPLIT {
            return Ok(None);
        }
        let mut cursor = Cursor::new(stored, Area::Filter(place.offset));
        let (computed, stored) = (crc32c::crc32c(stored), place.crc);
        if computed != stored {
            return Err(cursor.fail("filter", Fault::Checksum { computed, stored }));
        }
        let modes = read_modes(&mut cursor, place)?;
        let set = Fuse::read(&mut cursor)?;
        cursor.finish("filter")?;
        Ok(Some(Self {
            kind: place.kind,
            first_chunk: place.first_chunk as usize,
            modes,
            set,
            bytes: place.len as usize,
        }))
    }

    /// Whether a line or a value of metadata of a chunk may hold `text`, in small letters or
    /// capital ones. False is sure. `chunk` is a place in [`crate::Footer::chunks`]; of other
    /// chunks than its own a filter knows nothing.
    #[must_use]
    pub fn may_hold(&self, chunk: usize, text: &[u8]) -> bool {
        let Some((chunk, mode)) = self.mode(chunk) else {
            return true;
        };
        let has = |gram: Gram| self.set.may_hold(key(chunk, gram.hash));
        // Of the first kind words are all that there is; of the other those without a digit are
        // names and nothing else.
        let is_in =
            |gram: Gram| (gram.lettered || mode.numeric) && (gram.numbered || self.kind == GRAMS);
        let names = mode
            .names
            .is_none_or(|window| NAMES.grams(text, window, has));
        names
            && mode
                .words
                .is_none_or(|window| WORDS.grams(text, window, |gram| !is_in(gram) || has(gram)))
    }

    /// Whether it is what a writer would make of its only chunk, wherever that is.
    pub(crate) fn is_copyable(&self) -> bool {
        self.kind == SPLIT && self.modes.len() == 1
    }

    /// The first chunk that it speaks for.
    #[must_use]
    pub const fn first_chunk(&self) -> usize {
        self.first_chunk
    }

    /// Whether it speaks for a chunk.
    #[must_use]
    pub fn knows(&self, chunk: usize) -> bool {
        self.mode(chunk).is_some()
    }

    /// Whether lines of a chunk hold `\u`, so that what they say is not all written in them.
    #[must_use]
    pub fn may_escape(&self, chunk: usize) -> bool {
        self.mode(chunk).is_none_or(|(_, mode)| mode.escapes)
    }

    /// About the bytes that it takes in memory.
    #[must_use]
    pub const fn weight(&self) -> usize {
        self.bytes + size_of::<Self>()
    }

    fn mode(&self, chunk: usize) -> Option<(usize, Mode)> {
        let chunk = chunk.checked_sub(self.first_chunk)?;
        Some((chunk, *self.modes.get(chunk)?))
    }
}

fn read_modes(cursor: &mut Cursor<'_>, place: &FilterPlace) -> Read<Vec<Mode>> {
    let bytes = cursor.take("modes of a filter's chunks", place.chunk_count as usize)?;
    let modes = bytes.iter().map(|&byte| {
        let mode = Mode::of_byte(byte).filter(|mode| place.kind != GRAMS || mode.names.is_none());
        mode.ok_or_else(|| cursor.fail("mode of a filter's chunk", Fault::Unknown(byte.into())))
    });
    modes.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A filter over chunks, each with its text; what is stored of them is taken to be large.
    fn filter(chunks: &[&str]) -> Filter {
        let mut draft = FilterDraft::new();
        for chunk in chunks {
            draft.push(chunk.as_bytes(), &[].into_iter(), 1 << 20);
        }
        read(draft)
    }

    fn read(draft: FilterDraft) -> Filter {
        let (places, bytes) = draft.finish();
        let [place] = places.as_slice() else {
            panic!("one filter")
        };
        Filter::decode(place, &bytes).unwrap().unwrap()
    }

    #[test]
    fn needles_lead_to_their_chunks() {
        let filter = filter(&[
            "ts=1795334400142540064 traceID=d702d90457dda5fa msg=\"done\"\n",
            "6F1C2F0E-aaaa-4d5a-9b1e-0123456789AB order 12345678 x\n",
            "a \\u0062 c\n",
        ]);
        for (text, want) in [
            ("d702d90457dda5fa", [true, false, false]),
            ("traceID=d702d90457dda5fa", [true, false, false]),
            ("D702D904", [true, false, false]),
            ("6f1c2f0e-aaaa-4d5a-9b1e-0123456789ab", [false, true, false]),
            ("12345678", [false, true, false]),
            ("1795334400142540064", [true, false, false]),
            ("no-such-word-anywhere", [false, false, false]),
            ("sho", [true, true, true]),
            ("", [true, true, true]),
        ] {
            let got = [0, 1, 2].map(|chunk| filter.may_hold(chunk, text.as_bytes()));
            assert_eq!(got, want, "{text}");
        }
        assert!(filter.may_hold(3, b"no-such-word-anywhere"));
        assert_eq!(
            [0, 1, 2, 3].map(|chunk| filter.may_escape(chunk)),
            [false, false, true, true]
        );
    }

    #[test]
    fn metadata_is_in_too() {
        let mut draft = FilterDraft::new();
        draft.push(b"line\n", &["d702d90457dda5fa"].into_iter(), 1 << 20);
        let filter = read(draft);
        assert!(filter.may_hold(0, b"d702d90457dda5fa"));
        assert!(!filter.may_hold(0, b"d702d90457dda5fb"));
    }

    #[test]
    fn what_would_be_large_is_made_coarser() {
        let text: String = (0..2_000_u64)
            .map(|n| {
                format!(
                    "id={:016x} n={}\n",
                    mix(n) | 0xa << 60,
                    u64::MAX - mix(n) % 999_999_999
                )
            })
            .collect();
        for (stored, words, names, numeric) in [
            (1 << 24, Some(8), Some(4), true),
            (1 << 19, Some(12), Some(4), false),
            (1 << 18, Some(16), Some(4), true),
            (1 << 15, Some(16), Some(4), false),
            (1 << 14, Some(32), Some(4), true),
            (1 << 10, Some(32), Some(8), true),
        ] {
            let mut draft = FilterDraft::new();
            draft.push(text.as_bytes(), &[].into_iter(), stored);
            let (places, bytes) = draft.finish();
            assert_eq!(places.len(), 1);
            assert!(places[0].len as usize == bytes.len() && bytes.len() < stored / 4 + 100);
            let mode = Mode::of_byte(bytes[0]).unwrap();
            assert_eq!(
                (mode.words, mode.names, mode.numeric),
                (words, names, numeric),
                "{stored}"
            );
        }
    }

    #[test]
    fn names_are_found_from_four_letters_on() {
        let filter = filter(&[
            "level=error msg=\"connection refused\" at=d702d90457dda5fa\n",
            "level=info msg=\"PANIC in shop-3.cart\"\n",
        ]);
        for (text, want) in [
            ("refused", [true, false]),
            ("onnect", [true, false]),
            ("panic", [false, true]),
            ("Pani", [false, true]),
            ("shop-", [false, true]),
            ("msg=\"connec", [true, false]),
            ("level", [true, true]),
            ("fused shop", [false, false]),
            ("deadlock", [false, false]),
            ("abs", [true, true]),
            ("4 5 6 7 8 9", [true, true]),
        ] {
            let got = [0, 1].map(|chunk| filter.may_hold(chunk, text.as_bytes()));
            assert_eq!(got, want, "{text}");
        }
    }

    #[test]
    fn broken_bytes_are_refused() {
        let mut draft = FilterDraft::new();
        draft.push(b"d702d90457dda5fa\n", &[].into_iter(), 1 << 20);
        let (places, bytes) = draft.finish();
        let mut place = places[0];
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Filter::decode(&place, &bad).is_err());
            // The same with a checksum that is right: an error or a filter, never a panic.
            place.crc = crc32c::crc32c(&bad);
            if let Ok(Some(filter)) = Filter::decode(&place, &bad) {
                let _ = filter.may_hold(0, b"d702d90457dda5fa");
            }
            place.crc = places[0].crc;
        }
        place.kind = 3;
        assert_eq!(Filter::decode(&place, &bytes), Ok(None));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn what_is_there_is_found(
            lines in proptest::collection::vec("[a-fA-F0-3 .=_é-]{0,60}", 1..12),
            stored in 1_usize..20_000,
            (line, from, to) in (0_usize..12, 0_usize..60, 0_usize..60),
        ) {
            let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            let mut draft = FilterDraft::new();
            draft.push(text.as_bytes(), &[].into_iter(), stored);
            let (places, bytes) = draft.finish();
            let line = lines[line % lines.len()].as_bytes();
            let (from, to) = (from.min(line.len()), to.min(line.len()));
            for place in &places {
                let filter = Filter::decode(place, &bytes).unwrap().unwrap();
                prop_assert!(filter.may_hold(0, &line[from.min(to)..from.max(to)]));
            }
        }
    }
}
