//! [`FilterDraft`]: collects the grams of chunks while a segment is written.
//!
//! Small windows find short needles and make many keys, so each chunk takes the smallest that it
//! can afford: what a filter may take is a share of what its chunk takes. Ids are many and force
//! large windows, plain text allows small ones.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::fuse::Fuse;
use super::grams::{GRAM, Gram, grams};
use super::{GRAMS, Mode, key};
use crate::FilterPlace;
use crate::limits::MAX_FILTER_KEYS;

/// Windows in the order in which they are tried, each with the stored bytes that a key must stand
/// for: a key takes about three quarters of a byte. A window beyond 12 bytes is what finds ids, so
/// it may take up to a sixteenth of its chunk; smaller ones, and numbers, are worth a hundredth.
const CHOICES: [(usize, usize); 4] = [(GRAM, 64), (12, 64), (16, 12), (32, 12)];

/// Stored bytes for each key where numbers are in.
const NUMERIC_SHARE: usize = 64;

/// Keys at which a filter is finished. Its memory while it is made is some 30 bytes a key, and more
/// keys would not make it smaller.
const ENOUGH_KEYS: usize = 1 << 17;

/// Chunks at which a filter is finished.
const ENOUGH_CHUNKS: usize = 1 << 12;

/// Keys of one chunk.
const MAX_CHUNK_KEYS: usize = MAX_FILTER_KEYS - ENOUGH_KEYS;

/// The filters of a segment that is being written.
#[derive(Default)]
pub(crate) struct FilterDraft {
    /// Chunks before those of the filter that is being collected.
    first_chunk: usize,
    modes: Vec<Mode>,
    keys: Vec<u64>,
    chosen: Chosen,
    places: Vec<FilterPlace>,
    bytes: Vec<u8>,
}

/// The grams of one chunk; its memory serves all chunks.
#[derive(Default)]
struct Chosen {
    lettered: HashSet<u64, RandomState>,
    numeric: HashSet<u64, RandomState>,
}

impl FilterDraft {
    /// Adds the next chunk: its lines, the values of its metadata, and the bytes that it takes.
    pub(crate) fn push<'v>(
        &mut self,
        lines: &[u8],
        values: &(impl Iterator<Item = &'v str> + Clone),
        stored: usize,
    ) {
        let chunk = self.modes.len();
        let mut mode = Mode {
            escapes: memchr::memmem::find(lines, br"\u").is_some(),
            ..Mode::default()
        };
        for (window, share) in CHOICES {
            let limits = (stored / share, stored / NUMERIC_SHARE);
            if self.chosen.fill(lines, values.clone(), window, limits) {
                mode.window = Some(window);
                mode.numeric = self.chosen.lettered.len() + self.chosen.numeric.len() <= limits.1;
                break;
            }
        }
        if mode.window.is_some() {
            let Chosen { lettered, numeric } = &self.chosen;
            let numeric = numeric.iter().filter(|_| mode.numeric);
            // A gram may stand for windows of both kinds.
            let numeric = numeric.filter(|gram| !lettered.contains(gram));
            self.keys
                .extend(lettered.iter().chain(numeric).map(|gram| key(chunk, *gram)));
        }
        self.modes.push(mode);
        if self.keys.len() >= ENOUGH_KEYS || self.modes.len() >= ENOUGH_CHUNKS {
            self.flush();
        }
    }

    /// The places, but for offsets, and the bytes of all filters.
    pub(crate) fn finish(mut self) -> (Vec<FilterPlace>, Vec<u8>) {
        self.flush();
        (self.places, self.bytes)
    }

    fn flush(&mut self) {
        let modes = std::mem::take(&mut self.modes);
        let mut keys = std::mem::take(&mut self.keys);
        let first_chunk = self.first_chunk;
        self.first_chunk += modes.len();
        // In an order that is the same for the same chunks.
        keys.sort_unstable();
        keys.dedup();
        if modes.iter().all(|mode| mode.window.is_none()) {
            return;
        }
        let Some(set) = Fuse::new(&keys) else {
            return;
        };
        let start = self.bytes.len();
        self.bytes.extend(modes.iter().map(|mode| mode.byte()));
        set.put(&mut self.bytes);
        let stored = &self.bytes[start..];
        // Chunks are counted in `u32`, and a filter has at most [`MAX_FILTER_KEYS`] keys.
        self.places.push(FilterPlace {
            kind: GRAMS,
            first_chunk: first_chunk as u32,
            chunk_count: modes.len() as u32,
            offset: 0,
            len: stored.len() as u32,
            crc: crc32c::crc32c(stored),
        });
    }
}

impl Chosen {
    /// Collects the grams of a chunk; false, with only a part of them, where those with letters are
    /// more than the first limit. Of numbers hardly more are kept than the second allows.
    fn fill<'v>(
        &mut self,
        lines: &[u8],
        mut values: impl Iterator<Item = &'v str>,
        window: usize,
        (limit, numeric_limit): (usize, usize),
    ) -> bool {
        let limit = limit.min(MAX_CHUNK_KEYS);
        let Self { lettered, numeric } = self;
        lettered.clear();
        numeric.clear();
        let mut take = |gram: Gram| {
            if gram.lettered {
                lettered.insert(gram.hash);
            } else if numeric.len() <= numeric_limit {
                numeric.insert(gram.hash);
            }
            lettered.len() <= limit
        };
        grams(lines, window, &mut take)
            && values.all(|value| grams(value.as_bytes(), window, &mut take))
    }
}
