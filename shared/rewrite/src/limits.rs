//! The bounds of this crate, each with its consequence.

/// Bytes that a rewrite may have decoded at one time: of one segment that is one chunk, of 1 MiB as
/// it is written, and its metadata.
pub const MAX_OPEN_BYTES: usize = 256 << 20;

/// Stored bytes of a rewritten segment beyond twice those of the old one: what is left is packed
/// anew with the same codec, so only a tiny segment grows, by what a codec puts before its bytes.
pub const MAX_GROWTH: usize = 1 << 20;

/// Segments up to this size are fetched at once. Of larger ones the footer is asked first, a
/// request more, whether they need to be fetched at all.
pub const WHOLE_BYTES: u64 = 1 << 20;
