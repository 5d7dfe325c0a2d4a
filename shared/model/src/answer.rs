//! What a query returns, before it is written as JSON: log streams, matrices, vectors, statistics.
//!
//! The evaluator makes these, the wire format prints them; neither knows the other.

use crate::{Labels, Line, Timestamp};

/// One line of a log answer with the labels that are its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// When.
    pub timestamp: Timestamp,
    /// The line after the pipeline.
    pub line: Line,
    /// Structured metadata that survived the pipeline.
    pub metadata: Labels,
    /// Labels that the pipeline made.
    pub parsed: Labels,
}

/// Entries under one set of stream labels, in the asked direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogStream {
    /// The stream's own labels, without those that an entry's metadata or parsed labels hide.
    pub labels: Labels,
    /// Never empty.
    pub entries: Vec<LogEntry>,
}

/// One value at one time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Milliseconds since the epoch, the precision of every answer.
    pub millis: i64,
    /// The value, which may be NaN or infinite.
    pub value: f64,
}

/// A labelled line of samples, in the order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its labels.
    pub labels: Labels,
    /// Never empty; exactly one in an instant vector.
    pub samples: Vec<Sample>,
}

/// The result of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryResult {
    /// A log query.
    Streams(Vec<LogStream>),
    /// A metric query over a range.
    Matrix(Vec<Series>),
    /// A metric query at an instant.
    Vector(Vec<Series>),
    /// A literal at an instant.
    Scalar(Sample),
}

/// What streams hold in a time range, as far as the index knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexStats {
    /// Streams with lines in the range.
    pub streams: u64,
    /// Chunks that touch the range.
    pub chunks: u64,
    /// Bytes of lines.
    pub bytes: u64,
    /// Lines.
    pub entries: u64,
}

impl IndexStats {
    /// Adds those of another tenant, whose streams are others.
    pub const fn add(&mut self, other: &Self) {
        self.streams += other.streams;
        self.chunks += other.chunks;
        self.bytes += other.bytes;
        self.entries += other.entries;
    }
}

/// A label of streams that is worth grouping by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectedLabel {
    /// Its name.
    pub name: String,
    /// Number of values.
    pub cardinality: u64,
}

/// What the values of a field look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Whole numbers.
    Int,
    /// Numbers.
    Float,
    /// True or false.
    Boolean,
    /// Lengths of time with a unit.
    Duration,
    /// Sizes with a unit.
    Bytes,
    /// Anything else.
    String,
}

impl FieldKind {
    /// Its name in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Float => "float",
            Self::Boolean => "boolean",
            Self::Duration => "duration",
            Self::Bytes => "bytes",
            Self::String => "string",
        }
    }
}

/// A field that lines have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectedField {
    /// Its name.
    pub name: String,
    /// What its values look like.
    pub kind: FieldKind,
    /// Number of values.
    pub cardinality: u64,
    /// The parsers that find it; none for structured metadata.
    pub parsers: Vec<&'static str>,
    /// The keys that lead to it in JSON.
    pub path: Vec<String>,
}

/// A form that many lines have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinePattern {
    /// The form as a pattern of LogQL: `<_>` stands for what differs.
    pub pattern: String,
    /// The level of the lines; empty where they have none.
    pub level: String,
    /// Seconds since the epoch and lines from then on, in the order of time.
    pub samples: Vec<(i64, u64)>,
}

/// What a query cost, for the `stats` block (spec `http-api.md` §1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QueryStats {
    /// Whole time in seconds.
    pub exec_seconds: f64,
    /// Time spent on looking up streams and segments, in seconds.
    pub catalog_seconds: f64,
    /// Time spent on fetching bytes, summed over fetches, in seconds.
    pub fetch_seconds: f64,
    /// Streams that the selectors chose.
    pub streams: u64,
    /// Segments that were looked at.
    pub segments: u64,
    /// Chunks that the footers listed for the streams and the time range.
    pub chunks_matched: u64,
    /// Chunks of which a column was read.
    pub chunks_read: u64,
    /// Bytes read from objects or rows.
    pub compressed_bytes: u64,
    /// Bytes of lines that were decompressed or, for counts, accounted for.
    pub decompressed_bytes: u64,
    /// Lines looked at.
    pub lines: u64,
    /// Lines that the pipeline let through.
    pub lines_after_filter: u64,
    /// Exact duplicates that were dropped.
    pub duplicates: u64,
    /// Entries in the answer.
    pub entries_returned: u64,
    /// Work units the query was cut into.
    pub work_units: u64,
}

impl QueryStats {
    /// Adds what another part of the same query cost; times of parts that ran side by side add up
    /// except `exec_seconds`, which the caller measures once.
    pub fn add(&mut self, other: &Self) {
        self.catalog_seconds += other.catalog_seconds;
        self.fetch_seconds += other.fetch_seconds;
        self.streams += other.streams;
        self.segments += other.segments;
        self.chunks_matched += other.chunks_matched;
        self.chunks_read += other.chunks_read;
        self.compressed_bytes += other.compressed_bytes;
        self.decompressed_bytes += other.decompressed_bytes;
        self.lines += other.lines;
        self.lines_after_filter += other.lines_after_filter;
        self.duplicates += other.duplicates;
        self.entries_returned += other.entries_returned;
        self.work_units += other.work_units;
    }
}
