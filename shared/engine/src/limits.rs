//! Bounds of the engine, each with its consequence.

use std::time::Duration;

/// When a query ends with Loki's time-out text. API Gateway cuts the connection at 30 s (spec
/// `aws.md`), and a cut connection tells the user nothing.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(28);

/// Bytes of footers, timestamps and lengths kept between queries: about 1/15 of the lines' size, so
/// it holds the tails of 1 GiB of lines. Beyond it the oldest are fetched again.
pub const TAIL_CACHE_BYTES: u64 = 64 << 20;

/// Bytes of filters kept between queries, some 1/160 of the lines' size: those of 5 GiB of lines.
pub const FILTER_CACHE_BYTES: u64 = 32 << 20;

/// Bytes of a segment's filters that are fetched at most. Beyond it the segment is read as if it
/// had none.
pub const FILTER_BYTES: u64 = 16 << 20;

/// Filters that take more than this part of the segment's lines are not fetched: the lines, which
/// are stored in a fifth or less of their bytes, would hardly take longer.
pub const FILTER_SHARE: u64 = 20;

/// Objects up to this size are fetched whole in the first request, which saves the second one for
/// the lines.
pub const WHOLE_OBJECT_BYTES: u64 = 64 << 10;

/// Objects up to this size are fetched whole by who reads the lines of all that it finds: what may
/// be of no use then costs less than another request, as [`COALESCE_GAP_BYTES`] says.
pub const SMALL_OBJECT_BYTES: u64 = 1 << 20;

/// Bytes of small objects that are fetched whole for a day of a query. They are held until the day
/// has been scanned; of more, lines come with their units.
pub const WHOLE_BYTES: u64 = 32 << 20;

/// Tails up to this size are fetched with the footer in one request; of larger ones the footer
/// comes alone and the columns follow as ranges.
pub const WHOLE_TAIL_BYTES: u64 = 2 << 20;

/// Ranges are fetched as one where the gap between them is at most this: a GET costs as much as
/// 17 ms of a Lambda (spec `aws.md`), in which about this much is transferred.
pub const COALESCE_GAP_BYTES: u64 = 1 << 20;

/// Line bytes that a worker scans as one part. Smaller parts spread better over cores, larger ones
/// merge less often.
pub const PART_BYTES: u64 = 4 << 20;

/// Line bytes that are fetched together: some 5 MiB as they are stored. A GET costs as much as
/// [`COALESCE_GAP_BYTES`] says; larger units leave the workers idle until the first is there.
pub const UNIT_BYTES: u64 = 32 << 20;

/// Line bytes of the first unit of a log query, which often has its lines at once; each next unit
/// is twice as large up to [`UNIT_BYTES`].
pub const FIRST_UNIT_BYTES: u64 = 256 << 10;

/// Units being fetched or scanned at once, per query: with [`UNIT_BYTES`] of lines, which compress
/// to a quarter or less, this bounds a query at about 40 MiB, and it hides the latency of S3.
pub const UNITS_IN_FLIGHT: usize = 4;

/// Tails being fetched at once, per query.
pub const TAILS_IN_FLIGHT: usize = 32;

/// Segments that the first slice of a day touches, of a log query: as many as are opened at once.
pub const SLICE_SEGMENTS: usize = TAILS_IN_FLIGHT;

/// How many times as many each next slice touches: ten thousand are five slices.
pub const SLICE_GROWTH: usize = 4;

/// Days whose rows are looked up ahead of the scan.
pub const DAYS_AHEAD: usize = 3;

/// A range of more days than this is first cut down to the days that hold anything.
pub const DAYS_UNCHECKED: usize = 40;

/// Entries that a log query with an `interval` may look at before it thins them out. Beyond it the
/// query is refused with the advice to narrow it.
pub const INTERVAL_ENTRIES: usize = 200_000;

/// Points of all series of a volume: 16 MiB of them and about 40 MiB of JSON. Beyond it the request
/// is refused with the advice to ask for less.
pub const MAX_VOLUME_POINTS: usize = 1_000_000;

/// Bytes that a volume decodes of a day to count exactly what is at hand; of more it counts what
/// footers say. Less than a tenth of a second.
pub const EXACT_VOLUME_BYTES: u64 = 32 << 20;

/// Line bytes of a chunk of a merged segment, about: from these the chunks of a segment are guessed
/// whose footer is not fetched for statistics.
pub const ROW_CHUNK_BYTES: u64 = 2 << 20;

/// Line bytes that patterns are looked for in. Of more a sample of this size is read, and counts
/// are estimates.
pub const PATTERN_BYTES: u64 = 256 << 20;

/// Samples of a pattern. A step that would make more is made longer: 300 patterns of this many are
/// 5 MB of JSON, and an answer of Lambda has 6.
pub const MAX_PATTERN_SAMPLES: i64 = 1000;

/// How much later than a query's last arrival the latest push of a merged segment may be, in
/// nanoseconds, for the segment to be read. Live tails are told lines of that time twice where it
/// happens; with less they would miss what was merged with them.
pub const MERGED_NANOS: i64 = 1_000_000_000;

/// Damaged segments that an answer names; more are counted.
pub const MAX_DAMAGE_WARNINGS: usize = 10;

/// How often an answer is sought where segments are deleted while they are read. They are deleted
/// long after they were merged, so a second time needs a reader that stood still for that long.
pub const SEARCHES: usize = 3;

/// Pairs of chunks of a day that belong to one stream and overlap in time: 64 MiB of their places.
/// Only pushes that wait for their merge overlap like that, 4,096 of which each has lines of the
/// same hour, or 100,000 of 80 senders. Beyond it a query is refused.
pub const MAX_OVERLAPS: usize = 8 << 20;
