//! How much one request may hold, each number with what happens beyond it.

/// Most bytes of a push as sent: Loki's default `max_recv_msg_size`. Beyond it: 413.
pub const MAX_COMPRESSED_BYTES: usize = 100 << 20;

/// Most bytes of a push after decompression. Loki allows 5000 MiB, which no Lambda has. A push
/// lives as this buffer, as entries that point into it and as the segment made of it, so 64 MiB
/// stay well below 512 MB of memory. Beyond it: 413, and the collector has to send smaller batches.
pub const MAX_DECOMPRESSED_BYTES: usize = 64 << 20;

/// Most streams, labels, entries and pairs of metadata of a push, all counted together. Each costs
/// about 100 bytes of memory but may be 2 bytes on the wire, so without this a push of 64 MiB could
/// ask for gigabytes. Beyond it: 413.
pub const MAX_PARTS: usize = 2_000_000;

/// Longest label text of a stream in bytes. Loki allows 16 MiB; fifteen labels of the longest
/// names and values are 45 KiB. Beyond it: 413.
pub const MAX_LABELS_BYTES: usize = 1 << 20;

/// Lists and maps inside each other in a value of OpenTelemetry. Beyond it: 400, as reading them
/// takes stack.
pub const MAX_VALUE_DEPTH: usize = 24;

/// Bytes of metadata that count for one part in [`MAX_PARTS`], where one attribute of a resource
/// becomes metadata of every entry.
pub const PART_BYTES: usize = 100;

/// Largest window of zstd as a power of two: 8 MiB, which all compressors keep to unless told
/// otherwise. Beyond it: 400.
pub const MAX_ZSTD_WINDOW_LOG: u32 = 23;

/// Most that block-format snappy can grow: a copy of 64 bytes takes 3. A header that promises more
/// is a lie and is refused before memory is asked for.
pub const MAX_SNAPPY_RATIO: usize = 22;

/// Most points of a series in an answer, as in Prometheus and Loki. Beyond it: 400.
pub const MAX_POINTS: i64 = 11_000;

/// Seconds that a live tail may hold lines back for. More is refused, in Loki's words.
pub const MAX_DELAY_SECONDS: i64 = 5;

/// Entries of one frame of a live tail, Loki's number; more begin the next frame.
pub const MAX_FRAME_ENTRIES: usize = 100;

/// Dropped entries that a live tail is told of at once, Loki's number; the rest is not told of.
pub const MAX_DROPPED_ENTRIES: usize = 1000;
