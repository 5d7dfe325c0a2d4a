//! [`Report`]: what one run did, as a line of log and as metrics.

use narvi_gateway::Metric;
use narvi_model::{NANOS_PER_SECOND, Timestamp};
use narvi_storage::{Partition, SegmentRow};

use crate::error::WorkError;
use crate::partition::Stored;

/// What one run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Partitions that were looked at.
    pub partitions: u64,
    /// Partitions with work that another run was at.
    pub busy: u64,
    /// Segments that were found to be due to be merged: pushes, those of level 1, those above.
    pub due: [u64; 3],
    /// Seconds since the oldest push that was due has arrived.
    pub oldest_push_seconds: u64,
    /// Merges that are done.
    pub merges: u64,
    /// Segments that went into them.
    pub inputs: u64,
    /// Rows that came out of them.
    pub rows: u64,
    /// Rows that repeated another one and were dropped.
    pub duplicates: u64,
    /// Stored bytes of the inputs.
    pub bytes_in: u64,
    /// Stored bytes of the results.
    pub bytes_out: u64,
    /// Rows of streams that were packed.
    pub packed: u64,
    /// Replaced rows that an earlier run or a repeated push had left, now removed.
    pub left_behind: u64,
    /// Partitions that were lost to another run while work went on; the work was dropped.
    pub lost: u64,
    /// Partitions whose work failed; the next run tries again.
    pub failed: u64,
    /// Segments that cannot be read, as `partition id`; they are left alone.
    pub corrupt: Vec<String>,
    /// Partitions that were put off, as a whole or in part, because the time was up.
    pub put_off: u64,
}

impl Report {
    /// The status for [`narvi_gateway::Metrics::record`].
    #[must_use]
    pub fn status(&self) -> u16 {
        if self.failed == 0 && self.corrupt.is_empty() {
            200
        } else {
            500
        }
    }

    /// The run as metrics.
    #[must_use]
    pub fn metrics(&self) -> [Metric; 13] {
        let [pushes, minutes, hours] = self.due;
        [
            Metric::count("DuePushes", pushes),
            Metric::count("DueMinutes", minutes),
            Metric::count("DueHours", hours),
            Metric::count("OldestPushSeconds", self.oldest_push_seconds),
            Metric::count("PutOffPartitions", self.put_off),
            Metric::count("Merges", self.merges),
            Metric::count("MergedSegments", self.inputs),
            Metric::count("MergedRows", self.rows),
            Metric::count("DroppedDuplicates", self.duplicates),
            Metric::bytes("BytesIn", self.bytes_in),
            Metric::bytes("BytesOut", self.bytes_out),
            Metric::count("FailedPartitions", self.failed),
            Metric::count("CorruptSegments", self.corrupt.len() as u64),
        ]
    }

    /// Writes the run as one line of log.
    pub fn log(&self) {
        tracing::info!(
            partitions = self.partitions,
            busy = self.busy,
            due = ?self.due,
            oldest_push_seconds = self.oldest_push_seconds,
            merges = self.merges,
            inputs = self.inputs,
            rows = self.rows,
            duplicates = self.duplicates,
            bytes_in = self.bytes_in,
            bytes_out = self.bytes_out,
            packed = self.packed,
            left_behind = self.left_behind,
            lost = self.lost,
            failed = self.failed,
            corrupt = ?self.corrupt,
            put_off = self.put_off,
            "compacted"
        );
    }

    /// The report of both.
    pub(crate) fn and(mut self, other: Self) -> Self {
        for (sum, due) in self.due.iter_mut().zip(other.due) {
            *sum += due;
        }
        self.corrupt.extend(other.corrupt);
        Self {
            partitions: self.partitions + other.partitions,
            busy: self.busy + other.busy,
            due: self.due,
            oldest_push_seconds: self.oldest_push_seconds.max(other.oldest_push_seconds),
            merges: self.merges + other.merges,
            inputs: self.inputs + other.inputs,
            rows: self.rows + other.rows,
            duplicates: self.duplicates + other.duplicates,
            bytes_in: self.bytes_in + other.bytes_in,
            bytes_out: self.bytes_out + other.bytes_out,
            packed: self.packed + other.packed,
            left_behind: self.left_behind + other.left_behind,
            lost: self.lost + other.lost,
            failed: self.failed + other.failed,
            corrupt: self.corrupt,
            put_off: self.put_off + other.put_off,
        }
    }

    /// Counts what a look has found.
    pub(crate) fn add_due(&mut self, merges: &[Vec<SegmentRow>], now: Timestamp) {
        for row in merges.iter().flatten() {
            self.due[usize::from(row.level).min(2)] += 1;
            if row.level == 0 {
                let seconds = now.since(row.created) / NANOS_PER_SECOND;
                let seconds = u64::try_from(seconds).unwrap_or(0);
                self.oldest_push_seconds = self.oldest_push_seconds.max(seconds);
            }
        }
    }

    pub(crate) fn add_merge(&mut self, inputs: &[SegmentRow], stored: Stored) {
        let sum = |of: fn(&SegmentRow) -> u64| inputs.iter().map(of).sum::<u64>();
        self.merges += 1;
        self.inputs += inputs.len() as u64;
        self.rows += stored.rows;
        self.duplicates += sum(|row| row.summary.rows).saturating_sub(stored.rows);
        self.bytes_in += sum(|row| row.summary.size);
        self.bytes_out += stored.bytes;
    }

    pub(crate) fn add_failure(&mut self, partition: &Partition, error: &WorkError) {
        if error.is_lost() {
            self.lost += 1;
            tracing::info!(%partition, %error, "work is dropped");
        } else {
            self.failed += 1;
            tracing::error!(%partition, %error, "a partition is not compacted");
        }
    }
}
