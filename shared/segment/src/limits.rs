//! What a segment may hold at most, and what each number keeps from happening.
//!
//! The writer stays within all of them, so a reader that meets more is reading hostile or broken
//! bytes and refuses them before it allocates. Knows no bytes.

/// Rows of a chunk. Decoded timestamps, lengths or references take 8 MiB at most, though a block of
/// 128 equal values is only two bytes long.
pub const MAX_CHUNK_ROWS: usize = 1 << 20;

/// Bytes of a column before compression: what decoding one column may allocate. It also bounds a
/// line, which cannot be cut.
pub const MAX_COLUMN_BYTES: usize = 64 << 20;

/// Bytes of a footer with its trailer: about a million chunks.
pub const MAX_FOOTER_BYTES: usize = 64 << 20;

/// Names and values of all labels of all streams, repeats counted. In the footer a repeated text
/// is one byte or two, in memory it is a string of its own; without this bound a footer of a
/// megabyte could ask for a terabyte.
pub const MAX_LABEL_BYTES: usize = 64 << 20;

/// Rows times columns of a chunk's metadata. Every column has a reference (4 bytes) for each row,
/// so entries that all bring different names would cost the square of their number. The writer
/// cuts a chunk earlier; 65,536 rows may have 64 names.
pub const MAX_METADATA_CELLS: usize = 1 << 23;

/// Different rows of one stream and one time that a merge holds to find repeats. Of more than that,
/// a repeat may stay: some hundred thousand lines without a difference in time.
pub const MAX_TIE_BYTES: usize = 32 << 20;

/// Snappy's longest copy makes 64 bytes out of 3, so a block that claims more than this many times
/// its length lies.
pub const MAX_SNAPPY_EXPANSION: usize = 22;

/// LZ4 adds at most 255 bytes to a match for each byte that it reads, so the same holds of this.
pub const MAX_LZ4_EXPANSION: usize = 255;

/// What zstd may claim without proof: output grows from this many times the input, and further
/// only as bytes really come, since a run of one byte shrinks without bound.
pub const ZSTD_FIRST_EXPANSION: usize = 64;

/// Where that is less, output grows from this many bytes.
pub const ZSTD_FIRST_BYTES: usize = 1 << 16;

/// A writer's `max_chunk_bytes` is cut to this, so that lines, metadata and their lengths stay well
/// within [`MAX_COLUMN_BYTES`].
pub const MAX_CHUNK_BYTES: usize = MAX_COLUMN_BYTES / 8;

/// Different label names and values of a segment: 16 MiB of places in memory, whatever few bytes
/// claim them.
pub const MAX_SYMBOLS: usize = 1 << 22;

/// Keys of one filter, of several chunks: a reader allocates no more than four times their slots,
/// 2.5 MiB.
pub const MAX_FILTER_KEYS: usize = 1 << 20;

/// Bytes of packed streams before compression. As stored they are never more, and DynamoDB's item
/// has 400 KB; compressed they are a quarter of it.
pub const PACK_BYTES: usize = 300 << 10;

/// Bytes of the labels of a stream that is packed, with what they take beside. Larger ones keep a
/// row of their own: a few of them would fill a pack that others could share.
pub const MAX_PACKED_STREAM: usize = 64 << 10;

/// Names and values of the streams of a pack, repeats counted, after which it takes no more. What
/// is read may have [`MAX_LABEL_BYTES`].
pub const PACK_LABEL_BYTES: usize = 8 << 20;

/// Bytes of packed streams before compression that are read. Streams without labels take a byte
/// each and 24 in memory.
pub const MAX_PACK_BYTES: usize = 512 << 10;
