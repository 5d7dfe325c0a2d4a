//! Which pieces of a text stand for it in a filter: the same for who writes and who searches.
//!
//! A **word** is a run of letters, digits, `_ - .` and bytes beyond ASCII; a **gram** is eight of
//! its bytes, `A-Z` as `a-z`. Of the grams that start in a **window** of a word only the one with
//! the lowest hash counts. Which one that is depends on the bytes of the window alone, so every
//! word that holds a window's bytes has its gram, wherever the window stands in it: no boundary of
//! a word needs to be known. Windows without a letter are told apart, since numbers (most often
//! times) are many and seldom looked for.

/// Bytes of a gram.
pub(crate) const GRAM: usize = 8;

/// What a byte is in a word: 0 where it ends words, else itself, small.
const FOLDED: [u8; 256] = folded();

const fn folded() -> [u8; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let byte = at as u8;
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') || byte >= 0x80 {
            table[at] = byte.to_ascii_lowercase();
        }
        at += 1;
    }
    table
}

/// A gram that stands for a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Gram {
    /// Its hash, which decides which gram of a window it is, too.
    pub(crate) hash: u64,
    /// Whether the window has a letter.
    pub(crate) lettered: bool,
}

/// Hands out the grams of a text's windows of `window` bytes, at least [`GRAM`], until one is
/// refused; answers whether all were taken. A gram may come repeatedly.
pub(crate) fn grams(text: &[u8], window: usize, mut take: impl FnMut(Gram) -> bool) -> bool {
    let starts = window.max(GRAM) - GRAM + 1;
    let mut hashes: Vec<u64> = Vec::new();
    for word in text.split(|byte| FOLDED[usize::from(*byte)] == 0) {
        if word.len() < window.max(GRAM) {
            continue;
        }
        hashes.clear();
        let mut bytes = 0_u64;
        // The place behind the last letter, and the best gram of the window before.
        let mut letter = 0;
        let (mut best, mut place) = (u64::MAX, 0);
        let mut last = None;
        for (at, byte) in word.iter().enumerate() {
            let byte = FOLDED[usize::from(*byte)];
            bytes = bytes >> 8 | u64::from(byte) << 56;
            if byte >= b'a' {
                letter = at + 1;
            }
            if at + 1 < GRAM {
                continue;
            }
            let hash = mix(bytes);
            hashes.push(hash);
            let newest = hashes.len() - 1;
            if hash <= best {
                (best, place) = (hash, newest);
            }
            let Some(first) = hashes.len().checked_sub(starts) else {
                continue;
            };
            if place < first {
                best = u64::MAX;
                for (start, &hash) in hashes.iter().enumerate().skip(first) {
                    if hash <= best {
                        (best, place) = (hash, start);
                    }
                }
            }
            let gram = Gram {
                hash: best,
                lettered: letter > first,
            };
            if last != Some(gram) {
                if !take(gram) {
                    return false;
                }
                last = Some(gram);
            }
        }
    }
    true
}

/// Spreads a number over 64 bits: two rounds of multiplying and folding, with the constants of
/// `MurmurHash3`.
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

    fn set(text: &str, window: usize) -> HashSet<Gram> {
        let mut set = HashSet::new();
        grams(text.as_bytes(), window, |gram| {
            set.insert(gram);
            true
        });
        set
    }

    #[track_caller]
    fn check(text: &str, window: usize, lettered: usize, numeric: usize) {
        let set = set(text, window);
        let with = set.iter().filter(|gram| gram.lettered).count();
        assert_eq!((with, set.len() - with), (lettered, numeric), "{text}");
    }

    #[test]
    fn words_and_windows() {
        check("", 16, 0, 0);
        check("short words make none, not one", 16, 0, 0);
        check("d702d90457dda5fa", 16, 1, 0);
        check("D702D90457DDA5FA d702d90457dda5fa", 16, 1, 0);
        check("1795334400142540", 16, 0, 1);
        check("10.20.30.40-5060", 16, 0, 1);
        check("d702d904", 8, 1, 0);
        check("d702d904", 16, 0, 0);
        check("abcdefgh1", 8, 2, 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn a_part_has_no_gram_of_its_own(
            text in "[a-cA-C0-2 ._é-]{0,80}",
            window in 8_usize..40,
            (from, to) in (0_usize..80, 0_usize..80),
        ) {
            let bytes = text.as_bytes();
            let (from, to) = (from.min(bytes.len()), to.min(bytes.len()));
            let part = &bytes[from.min(to)..from.max(to)];
            let whole = set(&text, window);
            prop_assert!(grams(part, window, |gram| whole.contains(&gram)), "{part:?}");
        }
    }
}
