//! [`Report`]: what one run did, as a line of log and as metrics.

use narvi_gateway::Metric;
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
    pub fn metrics(&self) -> [Metric; 8] {
        [
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
            merges = self.merges,
            inputs = self.inputs,
            rows = self.rows,
            duplicates = self.duplicates,
            bytes_in = self.bytes_in,
            bytes_out = self.bytes_out,
            left_behind = self.left_behind,
            lost = self.lost,
            failed = self.failed,
            corrupt = ?self.corrupt,
            put_off = self.put_off,
            "compacted"
        );
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
