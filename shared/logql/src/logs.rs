//! The lines of a log answer: [`LogPartial`] keeps the best entries so far and merges with others.
//!
//! Order is total and does not depend on how the work was cut (spec `logql.md` §18): time in the
//! asked direction; entries of one stream at one time in the order of arrival, or exactly reversed;
//! entries of several streams at one time by the hash of the stream in either direction.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use bytes::Bytes;
use narvi_model::answer::{LogEntry, LogStream};
use narvi_model::{Direction, Label, Labels, Line, Timestamp};

use crate::batch::{Batch, Selection};
use crate::limits::MAX_ANSWER_BYTES;
use crate::running::{Halt, Running, Share};
use crate::stage::{Machine, Pipeline, Row};

/// Where a chunk stands among all chunks of a query in the order of arrival.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct Arrival(pub u64);

/// One entry on its way to the answer.
#[derive(Clone, Debug)]
struct Found {
    time: i64,
    stream_hash: u64,
    arrival: Arrival,
    row: u32,
    stream: Labels,
    line: Bytes,
    metadata: Labels,
    parsed: Labels,
}

impl Found {
    /// A line behind the stages.
    fn of(row: &Row<'_>, batch: &Batch, arrival: Arrival) -> Self {
        let shown = row.shown();
        Self {
            time: row.timestamp(),
            stream_hash: batch.stream.stable_hash(),
            arrival,
            row: row.place(),
            stream: shown.stream,
            line: Bytes::copy_from_slice(row.line()),
            metadata: shown.metadata,
            parsed: shown.parsed,
        }
    }

    /// Memory that is its own; the labels of streams are shared.
    fn bytes(&self) -> usize {
        let labels = self.metadata.iter().chain(self.parsed.iter());
        let label = |(name, value): (&str, &str)| size_of::<Label>() + name.len() + value.len();
        size_of::<Self>() + self.line.len() + labels.map(label).sum::<usize>()
    }
}

/// An answer that is larger than memory allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the lines of the answer would take more than {} MiB with their labels; ask for fewer lines, \
     or for shorter ones",
    MAX_ANSWER_BYTES >> 20
)]
pub struct TooManyBytes;

/// Why lines cannot be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// They are too much for an answer.
    #[error(transparent)]
    TooManyBytes(#[from] TooManyBytes),
    /// The query was stopped, or its parts hold too much together.
    #[error(transparent)]
    Halt(#[from] Halt),
}

/// The first entries in the asked direction, at most `limit` of them.
#[derive(Debug)]
pub struct LogPartial {
    direction: Direction,
    limit: usize,
    found: Vec<Found>,
    /// Memory of all of them.
    bytes: usize,
    share: Share,
}

impl LogPartial {
    /// Nothing found yet.
    #[must_use]
    pub fn new(direction: Direction, limit: usize, running: &Running) -> Self {
        Self {
            direction,
            limit,
            found: Vec::new(),
            bytes: 0,
            share: Share::new(running),
        }
    }

    /// Number of entries found so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether nothing was found so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Takes the selected rows of a batch that can be among the first.
    ///
    /// # Errors
    /// Where the first entries take more memory than allowed, or the query was stopped; those found
    /// so far stay.
    pub fn add_batch(&mut self, batch: &Batch, arrival: Arrival) -> Result<(), LogError> {
        let stream_hash = batch.stream.stable_hash();
        let rows = batch.selection.len();
        let places = match self.direction {
            Direction::Forward => 0..rows.min(self.limit),
            Direction::Backward => rows.saturating_sub(self.limit)..rows,
        };
        for row in places.filter_map(|place| batch.selection.get(place)) {
            self.add(Found {
                time: batch.timestamps[row as usize],
                stream_hash,
                arrival,
                row,
                stream: batch.stream.clone(),
                line: Bytes::copy_from_slice(batch.lines.line(row)),
                metadata: batch.own_metadata(row),
                parsed: Labels::empty(),
            })?;
        }
        self.trim();
        Ok(())
    }

    /// Runs the selected rows of a batch through the stages of a pipeline, in the asked direction,
    /// and takes what is left; stops where no further row can be among the first. Answers how many
    /// it took.
    ///
    /// # Errors
    /// As [`LogPartial::add_batch`].
    pub fn add_rows(
        &mut self,
        (pipeline, machine): (&Pipeline, &mut Machine),
        batch: &Batch,
        arrival: Arrival,
    ) -> Result<usize, LogError> {
        machine.start_chunk(batch);
        let direction = self.direction;
        let mut rows = batch.selection.iter();
        let mut next = || match direction {
            Direction::Forward => rows.next(),
            Direction::Backward => rows.next_back(),
        };
        let mut taken = 0;
        while taken < self.limit {
            let Some(at) = next() else {
                break;
            };
            let mut row = machine.start_row(batch, at);
            if pipeline.keeps(&mut row)? {
                self.add(Found::of(&row, batch, arrival))?;
                taken += 1;
            }
        }
        self.trim();
        Ok(taken)
    }

    /// Adds what another part of the same query found.
    ///
    /// # Errors
    /// As [`LogPartial::add_batch`].
    pub fn merge(&mut self, mut other: Self) -> Result<(), LogError> {
        self.share.absorb(&mut other.share);
        for found in other.found {
            self.add(found)?;
        }
        self.trim();
        Ok(())
    }

    /// Adds an entry. What is too much is found out only once it is half as much again, since
    /// those that are not among the first do not count and sorting is dear.
    fn add(&mut self, found: Found) -> Result<(), LogError> {
        self.bytes += found.bytes();
        self.found.push(found);
        if self.bytes > MAX_ANSWER_BYTES / 2 * 3 {
            self.sort();
            if self.bytes > MAX_ANSWER_BYTES {
                return Err(TooManyBytes.into());
            }
        }
        Ok(self.share.hold(self.bytes)?)
    }

    /// Keeps the first `limit`; sorting only once the excess is as large again keeps it cheap.
    fn trim(&mut self) {
        if self.found.len() > self.limit.saturating_mul(2).max(1024) {
            self.sort();
        }
    }

    fn sort(&mut self) {
        let direction = self.direction;
        self.found.sort_unstable_by(|a, b| order(direction, a, b));
        self.found.truncate(self.limit);
        self.bytes = self.found.iter().map(Found::bytes).sum();
        self.share.settle(self.bytes);
    }

    /// The time that an entry must be before (or at) in the asked direction to be among the first;
    /// `None` while there is room for any.
    #[must_use]
    pub fn worst(&mut self) -> Option<Timestamp> {
        if self.found.len() < self.limit {
            return None;
        }
        self.sort();
        self.found
            .last()
            .map(|found| Timestamp::from_nanos(found.time))
    }

    /// The entries in order, thinned out to one per `interval` nanoseconds where that is not 0, and
    /// grouped by stream; streams sorted by their labels.
    #[must_use]
    pub fn finish(mut self, interval: i64, limit: usize) -> Vec<LogStream> {
        self.sort();
        let mut streams: BTreeMap<String, LogStream> = BTreeMap::new();
        let mut last: Option<i64> = None;
        let mut taken = 0;
        for found in self.found {
            let too_near = last.is_some_and(|last| found.time.abs_diff(last) < interval as u64);
            if interval > 0 && too_near {
                continue;
            }
            if taken == limit {
                break;
            }
            taken += 1;
            last = Some(found.time);
            let stream = streams.entry(found.stream.to_string());
            let stream = stream.or_insert_with(|| LogStream {
                labels: found.stream.clone(),
                entries: Vec::new(),
            });
            stream.entries.push(LogEntry {
                timestamp: Timestamp::from_nanos(found.time),
                line: text(&found.line),
                metadata: found.metadata,
                parsed: found.parsed,
            });
        }
        streams.into_values().collect()
    }
}

/// Lines were checked when they were pushed; should a stored one be broken all the same, what can
/// be read of it is answered.
fn text(bytes: &Bytes) -> Line {
    Line::new(bytes.clone())
        .unwrap_or_else(|_| Line::from(String::from_utf8_lossy(bytes).into_owned()))
}

fn order(direction: Direction, a: &Found, b: &Found) -> Ordering {
    let same_stream = |a: &Found, b: &Found| a.arrival.cmp(&b.arrival).then(a.row.cmp(&b.row));
    let streams = |a: &Found, b: &Found| {
        a.stream_hash
            .cmp(&b.stream_hash)
            .then_with(|| a.stream.cmp(&b.stream))
    };
    match direction {
        Direction::Forward => a
            .time
            .cmp(&b.time)
            .then_with(|| streams(a, b))
            .then_with(|| same_stream(a, b)),
        Direction::Backward => b
            .time
            .cmp(&a.time)
            .then_with(|| streams(a, b))
            .then_with(|| same_stream(b, a)),
    }
}

/// Rows that can be among the first `limit` of a batch in `direction`, before any stage ran; only
/// for pipelines that let every line through.
pub fn head(selection: &mut Selection, direction: Direction, limit: usize) {
    let rows = selection.len();
    if rows <= limit {
        return;
    }
    let kept = match direction {
        Direction::Forward => 0..limit,
        Direction::Backward => rows - limit..rows,
    };
    *selection = match selection {
        Selection::Run(run) => {
            Selection::Run(run.start + kept.start as u32..run.start + kept.end as u32)
        }
        Selection::Rows(rows) => Selection::Rows(rows[kept].to_vec()),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::tests::batch;

    fn found(direction: Direction, limit: usize, interval: i64) -> Vec<String> {
        let running = Running::default();
        let mut partial = LogPartial::new(direction, limit, &running);
        let mut other = LogPartial::new(direction, limit, &running);
        let mut lines = batch(&["a", "b", "c"]);
        lines.timestamps = vec![10, 20, 20];
        partial.add_batch(&lines, Arrival(0)).unwrap();
        lines = batch(&["d", "e"]);
        lines.timestamps = vec![20, 30];
        other.add_batch(&lines, Arrival(1)).unwrap();
        other.merge(partial).unwrap();
        let streams = other.finish(interval, limit);
        let entries = streams.into_iter().flat_map(|stream| stream.entries);
        entries
            .map(|e| String::from_utf8(e.line.as_bytes().to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn directions_are_each_others_mirror() {
        assert_eq!(found(Direction::Forward, 9, 0), ["a", "b", "c", "d", "e"]);
        assert_eq!(found(Direction::Backward, 9, 0), ["e", "d", "c", "b", "a"]);
        assert_eq!(found(Direction::Forward, 2, 0), ["a", "b"]);
        assert_eq!(found(Direction::Backward, 3, 0), ["e", "d", "c"]);
        assert_eq!(found(Direction::Forward, 9, 15), ["a", "e"]);
        assert_eq!(found(Direction::Backward, 9, 10), ["e", "d", "a"]);
    }

    #[test]
    fn only_the_first_count_as_memory() {
        let running = Running::default();
        let largest = |limit: usize| {
            let mut partial = LogPartial::new(Direction::Forward, limit, &running);
            let lines = batch(&vec!["x".repeat(1 << 20); 100]);
            let added = partial.add_batch(&lines, Arrival(0));
            let mut whole = LogPartial::new(Direction::Forward, limit, &running);
            added
                .and_then(|()| whole.merge(partial))
                .map(|()| whole.finish(0, limit)[0].entries.len())
        };
        assert_eq!(largest(60), Ok(60));
        assert_eq!(largest(100), Err(LogError::TooManyBytes(TooManyBytes)));
    }

    #[test]
    fn many_parts_keep_the_first() {
        let mut partial = LogPartial::new(Direction::Backward, 2, &Running::default());
        for n in 0..5000 {
            let mut lines = batch(&["x"]);
            lines.timestamps = vec![n];
            partial.add_batch(&lines, Arrival(n as u64)).unwrap();
        }
        assert_eq!(partial.worst(), Some(Timestamp::from_nanos(4998)));
        assert!(partial.len() <= 1024);
    }
}
