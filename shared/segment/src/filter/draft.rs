//! [`FilterDraft`]: collects the grams of chunks while a segment is written.
//!
//! Small windows find short needles and make many keys, so each chunk takes the smallest that it
//! can afford: what a filter may take is a share of what its chunk takes. Ids are many and force
//! large windows; names are few and allow small ones.

use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::fuse::Fuse;
use super::grams::{Gram, NAMES, Names, WORDS};
use super::{Mode, SPLIT, key};
use crate::FilterPlace;
use crate::limits::MAX_FILTER_KEYS;

/// Windows of words in the order in which they are tried, each with the stored bytes that a key
/// must stand for: a key takes about a byte and a quarter. A window beyond 12 bytes is what finds
/// ids, so it may take a tenth of its chunk; smaller ones are worth a fiftieth.
const WORD_CHOICES: [(usize, usize); 4] = [(8, 64), (12, 64), (16, 12), (32, 12)];

/// The same for names. Where they are many for what is stored, that is little for its lines.
const NAME_CHOICES: [(usize, usize); 3] = [(4, 8), (8, 24), (16, 24)];

/// Stored bytes for each key of words where numbers are in.
const NUMERIC_SHARE: usize = 64;

/// Keys at which a filter is finished. Its memory while it is made is some 30 bytes a key, and more
/// keys would not make it smaller.
const ENOUGH_KEYS: usize = 1 << 17;

/// Chunks at which a filter is finished.
const ENOUGH_CHUNKS: usize = 1 << 12;

/// Keys of one chunk, of words or of names.
const MAX_CHUNK_KEYS: usize = (MAX_FILTER_KEYS - ENOUGH_KEYS) / 2;

/// The filters of a segment that is being written.
pub(crate) struct FilterDraft {
    /// Chunks before those of the filter that is being collected.
    first_chunk: usize,
    modes: Vec<Mode>,
    keys: Vec<u64>,
    chosen: Chosen,
    places: Vec<FilterPlace>,
    bytes: Vec<u8>,
}

type Set = HashSet<u64, RandomState>;

/// The grams of one chunk; its memory serves all chunks.
struct Chosen {
    names: Names,
    /// Hashes of names, or of words with letters.
    hashes: Set,
    /// Hashes of words without.
    numeric: Set,
}

impl FilterDraft {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self {
            first_chunk: 0,
            modes: Vec::new(),
            keys: Vec::new(),
            chosen: Chosen {
                names: Names::new(),
                hashes: Set::default(),
                numeric: Set::default(),
            },
            places: Vec::new(),
            bytes: Vec::new(),
        }
    }

    /// Adds the next chunk: its lines, the values of its metadata, and the bytes that it takes.
    pub(crate) fn push<'v>(
        &mut self,
        lines: &'v [u8],
        values: &(impl Iterator<Item = &'v str> + Clone),
        stored: usize,
    ) {
        let chunk = self.modes.len();
        let texts = || std::iter::once(lines).chain(values.clone().map(str::as_bytes));
        let mut mode = Mode {
            escapes: memchr::memmem::find(lines, br"\u").is_some(),
            ..Mode::default()
        };
        let Self { chosen, keys, .. } = self;
        for (window, share) in WORD_CHOICES {
            let limits = (stored / share, stored / NUMERIC_SHARE);
            if chosen.take_words(texts(), window, limits) {
                mode.words = Some(window);
                let (lettered, numeric) = (&chosen.hashes, &chosen.numeric);
                mode.numeric = lettered.len() + numeric.len() <= limits.1;
                let numeric = numeric.iter().filter(|_| mode.numeric);
                keys.extend(lettered.iter().chain(numeric).map(|hash| key(chunk, *hash)));
                break;
            }
        }
        for (window, share) in NAME_CHOICES {
            if chosen.take_names(texts(), window, stored / share) {
                mode.names = Some(window);
                keys.extend(chosen.hashes.iter().map(|hash| key(chunk, *hash)));
                break;
            }
        }
        self.modes.push(mode);
        if self.keys.len() >= ENOUGH_KEYS || self.modes.len() >= ENOUGH_CHUNKS {
            self.flush();
        }
    }

    /// Adds a chunk with the bytes of the filter that it has in another segment, which must be of
    /// the kind that is written, and of this chunk alone.
    pub(crate) fn copy(&mut self, stored: &[u8]) {
        self.flush();
        self.put(1, stored);
        self.first_chunk += 1;
    }

    /// What comes next is in another filter than what came before.
    pub(crate) fn flush(&mut self) {
        let modes = std::mem::take(&mut self.modes);
        let mut keys = std::mem::take(&mut self.keys);
        // In an order that is the same for the same chunks. A gram may stand for windows of
        // several kinds.
        keys.sort_unstable();
        keys.dedup();
        let knows = |mode: &Mode| mode.words.is_some() || mode.names.is_some();
        if modes.iter().any(knows)
            && let Some(set) = Fuse::new(&keys)
        {
            let mut stored: Vec<u8> = modes.iter().map(|mode| mode.byte()).collect();
            set.put(&mut stored);
            self.put(modes.len(), &stored);
        }
        self.first_chunk += modes.len();
    }

    fn put(&mut self, chunks: usize, stored: &[u8]) {
        self.bytes.extend_from_slice(stored);
        // Chunks are counted in `u32`, and a filter has at most [`MAX_FILTER_KEYS`] keys.
        self.places.push(FilterPlace {
            kind: SPLIT,
            first_chunk: self.first_chunk as u32,
            chunk_count: chunks as u32,
            offset: 0,
            len: stored.len() as u32,
            crc: crc32c::crc32c(stored),
        });
    }

    /// The places, but for offsets, and the bytes of all filters.
    pub(crate) fn finish(mut self) -> (Vec<FilterPlace>, Vec<u8>) {
        self.flush();
        (self.places, self.bytes)
    }
}

impl Chosen {
    /// Collects the words of a chunk; false, with only a part of them, where those with letters are
    /// more than the first limit. Of numbers hardly more are kept than the second allows.
    fn take_words<'t>(
        &mut self,
        mut texts: impl Iterator<Item = &'t [u8]>,
        window: usize,
        (limit, numeric_limit): (usize, usize),
    ) -> bool {
        let limit = limit.min(MAX_CHUNK_KEYS);
        let numeric_limit = numeric_limit.min(MAX_CHUNK_KEYS);
        let Self {
            hashes, numeric, ..
        } = self;
        hashes.clear();
        numeric.clear();
        texts.all(|text| {
            WORDS.words(text, window).all(|word| {
                // Most words are of no use, which is cheaper to see than their grams.
                if !word.iter().any(u8::is_ascii_digit)
                    || numeric.len() > numeric_limit && word.iter().all(u8::is_ascii_digit)
                {
                    return true;
                }
                WORDS.grams_of(word, window, |gram| {
                    match gram {
                        Gram {
                            numbered: false, ..
                        } => {}
                        Gram { lettered: true, .. } => _ = hashes.insert(gram.hash),
                        _ if numeric.len() > numeric_limit => {}
                        _ => _ = numeric.insert(gram.hash),
                    }
                    hashes.len() <= limit
                })
            })
        })
    }

    /// Collects the names of a chunk; false, with only a part of them, where they are more than the
    /// limit.
    fn take_names<'t>(
        &mut self,
        mut texts: impl Iterator<Item = &'t [u8]>,
        window: usize,
        limit: usize,
    ) -> bool {
        let limit = limit.min(MAX_CHUNK_KEYS);
        let Self { names, hashes, .. } = self;
        hashes.clear();
        if window > NAMES.gram() {
            let mut take = |gram: Gram| {
                hashes.insert(gram.hash);
                hashes.len() <= limit
            };
            return texts.all(|text| NAMES.grams(text, window, &mut take));
        }
        names.clear();
        let mut take = |hash: u64| {
            hashes.insert(hash);
            hashes.len() <= limit
        };
        texts.all(|text| names.grams(text, &mut take))
    }
}
