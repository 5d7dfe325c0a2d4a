//! Which pieces of a text stand for it in a filter: the same for who writes and who searches.
//!
//! A [`Spelling`] says what a **word** is, a run of some bytes, and how many of its bytes are a
//! **gram**, `A-Z` as `a-z`. Of the grams that start in a **window** of a word only the one with
//! the lowest hash counts. Which one that is depends on the bytes of the window alone, so every
//! word that holds a window's bytes has its gram, wherever the window stands in it: no boundary of
//! a word needs to be known.

/// Bytes of a window, at most.
pub(crate) const MAX_WINDOW: usize = 64;

/// What words are made of, and their grams.
pub(crate) struct Spelling {
    /// What a byte is in a word: 0 where it ends words, else itself, small.
    folded: [u8; 256],
    /// Bytes of a gram, at most 8.
    gram: usize,
}

/// Runs of letters, digits, `_ - .` and bytes beyond ASCII. Ids are such words.
pub(crate) static WORDS: Spelling = Spelling {
    folded: words(),
    gram: 8,
};

/// The same without digits: what people and programs have names for, of which a log has few.
pub(crate) static NAMES: Spelling = Spelling {
    folded: names(),
    gram: 4,
};

const fn words() -> [u8; 256] {
    let mut table = names();
    let mut digit = b'0';
    while digit <= b'9' {
        table[digit as usize] = digit;
        digit += 1;
    }
    table
}

const fn names() -> [u8; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let byte = at as u8;
        if byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_' | b'.') || byte >= 0x80 {
            table[at] = byte.to_ascii_lowercase();
        }
        at += 1;
    }
    table
}

/// A gram that stands for a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Gram {
    /// Its hash, which decides which gram of a window it is, too; never 0.
    pub(crate) hash: u64,
    /// Whether the window has a letter.
    pub(crate) lettered: bool,
    /// Whether the window has a digit.
    pub(crate) numbered: bool,
}

impl Spelling {
    /// Bytes of a gram, the smallest window.
    pub(crate) const fn gram(&self) -> usize {
        self.gram
    }

    /// Hands out the grams of a text's windows of `window` bytes, at least those of a gram and at
    /// most [`MAX_WINDOW`], until one is refused; answers whether all were taken. A gram may come
    /// repeatedly.
    pub(crate) fn grams(
        &self,
        text: &[u8],
        window: usize,
        mut take: impl FnMut(Gram) -> bool,
    ) -> bool {
        self.words(text, window)
            .all(|word| self.grams_of(word, window, &mut take))
    }

    /// The words of a text that have at least so many bytes.
    pub(crate) fn words<'t>(&self, text: &'t [u8], least: usize) -> impl Iterator<Item = &'t [u8]> {
        let mut rest = text;
        std::iter::from_fn(move || self.next_word(&mut rest, least))
    }

    fn next_word<'t>(&self, text: &mut &'t [u8], least: usize) -> Option<&'t [u8]> {
        let ends = |byte: &u8| self.folded[usize::from(*byte)] == 0;
        // The text starts where a word may. Most words are short, so it is the last byte of a long
        // one that is looked at first: what it ends is passed over unseen.
        while let Some(start) = text.get(..least) {
            let Some(end) = start.iter().rposition(ends) else {
                let more = text[least..].iter().position(ends);
                let (word, rest) = text.split_at(more.map_or(text.len(), |more| least + more));
                *text = rest;
                return Some(word);
            };
            *text = &text[end + 1..];
        }
        None
    }

    /// The same as [`Spelling::grams`] for one word.
    pub(crate) fn grams_of(
        &self,
        word: &[u8],
        window: usize,
        mut take: impl FnMut(Gram) -> bool,
    ) -> bool {
        // Grams that start in a window.
        let starts = window.clamp(self.gram, MAX_WINDOW) - self.gram + 1;
        let mut hashes = [0_u64; MAX_WINDOW];
        let mut bytes = 0_u64;
        // The places behind the last letter and the last digit, and the best gram of the window
        // before.
        let (mut letter, mut digit) = (0, 0);
        let (mut best, mut place) = (u64::MAX, 0);
        let mut last = None;
        for (at, byte) in word.iter().enumerate() {
            let byte = self.folded[usize::from(*byte)];
            bytes = bytes >> 8 | u64::from(byte) << (8 * (self.gram - 1));
            if byte >= b'a' {
                letter = at + 1;
            } else if byte.is_ascii_digit() {
                digit = at + 1;
            }
            let Some(newest) = (at + 1).checked_sub(self.gram) else {
                continue;
            };
            let hash = mix(bytes);
            hashes[newest % MAX_WINDOW] = hash;
            if hash <= best {
                (best, place) = (hash, newest);
            }
            let Some(first) = (newest + 1).checked_sub(starts) else {
                continue;
            };
            if place < first {
                best = u64::MAX;
                for start in first..=newest {
                    let hash = hashes[start % MAX_WINDOW];
                    if hash <= best {
                        (best, place) = (hash, start);
                    }
                }
            }
            let gram = Gram {
                hash: best,
                lettered: letter > first,
                numbered: digit > first,
            };
            if last != Some(gram) {
                if !take(gram) {
                    return false;
                }
                last = Some(gram);
            }
        }
        true
    }
}

/// Slots of [`Names`], as a power of two.
const RECENT_LOG: u32 = 13;

/// Finds the grams of all the smallest windows of [`NAMES`] in much text, in which most come again
/// and again: it remembers those of late and does not hand them out twice.
pub(crate) struct Names {
    recent: Box<[u32; 1 << RECENT_LOG]>,
}

impl Names {
    /// Has seen nothing.
    pub(crate) fn new() -> Self {
        Self {
            recent: Box::new([0; 1 << RECENT_LOG]),
        }
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.recent.fill(0);
    }

    /// Hands out the hashes of grams until one is refused; answers whether all were taken.
    #[inline]
    pub(crate) fn grams(&mut self, text: &[u8], mut take: impl FnMut(u64) -> bool) -> bool {
        let mut bytes = 0_u32;
        for byte in text {
            bytes = bytes >> 8 | u32::from(NAMES.folded[usize::from(*byte)]) << 24;
            // The upper bits depend on all bytes: 2^32 divided by the golden ratio.
            let slot = bytes.wrapping_mul(0x9e37_79b1) >> (32 - RECENT_LOG);
            let slot = &mut self.recent[slot as usize];
            if *slot != bytes {
                *slot = bytes;
                // One with a byte of zero reaches over the end of a word.
                let is_name = bytes.to_le_bytes().iter().all(|byte| *byte > 0);
                if is_name && !take(mix(bytes.into())) {
                    return false;
                }
            }
        }
        true
    }
}

/// Spreads a number over 64 bits: two rounds of multiplying and folding, with the constants of
/// `MurmurHash3`. Of all numbers only 0 becomes 0.
pub(crate) const fn mix(mut bits: u64) -> u64 {
    bits ^= bits >> 33;
    bits = bits.wrapping_mul(0xff51_afd7_ed55_8ccd);
    bits ^= bits >> 33;
    bits = bits.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    bits ^ bits >> 33
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn set(spelling: &Spelling, text: &str, window: usize) -> HashSet<Gram> {
        let mut set = HashSet::new();
        spelling.grams(text.as_bytes(), window, |gram| {
            set.insert(gram);
            true
        });
        set
    }

    #[track_caller]
    fn check(text: &str, window: usize, lettered: usize, numeric: usize) {
        let set = set(&WORDS, text, window);
        let with = set.iter().filter(|gram| gram.lettered).count();
        assert_eq!((with, set.len() - with), (lettered, numeric), "{text}");
    }

    #[test]
    fn words_and_windows() {
        check("", 16, 0, 0);
        check("short words make none, not one", 16, 0, 0);
        check("d702d90457dda5fa", 16, 1, 0);
        check("  d702d90457dda5fa,a5fb46cc12a98fd0;", 16, 2, 0);
        check("D702D90457DDA5FA d702d90457dda5fa", 16, 1, 0);
        check("1795334400142540", 16, 0, 1);
        check("10.20.30.40-5060", 16, 0, 1);
        check("d702d904", 8, 1, 0);
        check("d702d904", 16, 0, 0);
        check("abcdefgh1", 8, 2, 0);
    }

    #[test]
    fn names_have_no_digits() {
        for (text, window, want) in [
            ("panic", 4, 2),
            ("pan1c at a.b", 4, 0),
            ("Panic-1-panic", 4, 4),
            ("panic", 6, 0),
            ("d702d90457dda5fa", 4, 0),
        ] {
            let set = set(&NAMES, text, window);
            assert_eq!(set.len(), want, "{text}");
            assert!(set.iter().all(|gram| !gram.numbered), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn a_part_has_no_gram_of_its_own(
            text in "[a-cA-C0-2 ._é-]{0,80}",
            window in 4_usize..40,
            (from, to) in (0_usize..80, 0_usize..80),
        ) {
            let bytes = text.as_bytes();
            let (from, to) = (from.min(bytes.len()), to.min(bytes.len()));
            let part = &bytes[from.min(to)..from.max(to)];
            for spelling in [&WORDS, &NAMES] {
                let whole = set(spelling, &text, window);
                // What lies at the edge of a window may be a digit or a letter in the whole alone.
                let found = |gram: Gram| whole.contains(&gram);
                prop_assert!(spelling.grams(part, window, found), "{part:?}");
            }
        }

        #[test]
        fn each_gram_is_the_one_of_the_smallest_window(text in "[a-cA-C0-2 ._é-]{0,80}") {
            let mut each = HashSet::new();
            Names::new().grams(text.as_bytes(), |hash| {
                each.insert(hash);
                true
            });
            let grams: HashSet<u64> = set(&NAMES, &text, 4).iter().map(|gram| gram.hash).collect();
            prop_assert_eq!(each, grams);
        }
    }
}
