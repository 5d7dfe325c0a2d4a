//! [`text`]: lines without a pattern, the same in each run, so that a push is as large as a test
//! means it to be.

/// Letters, digits and punctuation of ASCII, which compress by less than a fifth.
#[must_use]
pub fn text(seed: u64, size: usize) -> String {
    let mut state = seed;
    let mut next = || {
        // splitmix64
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % 90
    };
    (0..size).map(|_| char::from(b'!' + next() as u8)).collect()
}
