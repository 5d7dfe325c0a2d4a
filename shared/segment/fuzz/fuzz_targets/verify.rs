//! Reads arbitrary bytes as a whole segment: footer, then every column. Seeds: `../tests/golden`.
//!
//! `cargo +nightly fuzz run verify fuzz/corpus/verify tests/golden`, from `shared/segment`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Refused or not, it must come back, and without room that the bytes do not justify.
    let _ = narvi_segment::verify(bytes);
});
