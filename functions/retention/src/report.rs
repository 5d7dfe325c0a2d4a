//! [`Report`]: what one run did, as a line of log and as metrics.

use narvi_gateway::Metric;
use narvi_storage::{ErrorKind, Partition, StorageError};

/// What one run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Objects of the list of garbage that were deleted.
    pub deleted: u64,
    /// Objects on the list of garbage that a row points to; they are kept.
    pub kept: u64,
    /// Expired segments whose rows were removed.
    pub expired: u64,
    /// Partitions that were forgotten, with their streams.
    pub forgotten: u64,
    /// Partitions with something to do that a compactor was at, or that took a push meanwhile.
    pub busy: u64,
    /// Partitions, or tenants' days of garbage, whose work failed; the next run tries again.
    pub failed: u64,
    /// Partitions and pages of garbage that were put off because the time was up.
    pub put_off: u64,
}

impl Report {
    /// The status for [`narvi_gateway::Metrics::record`].
    #[must_use]
    pub fn status(&self) -> u16 {
        if self.failed == 0 { 200 } else { 500 }
    }

    /// The run as metrics.
    #[must_use]
    pub fn metrics(&self) -> [Metric; 5] {
        [
            Metric::count("DeletedObjects", self.deleted),
            Metric::count("KeptGarbage", self.kept),
            Metric::count("ExpiredSegments", self.expired),
            Metric::count("ForgottenPartitions", self.forgotten),
            Metric::count("FailedPartitions", self.failed),
        ]
    }

    /// Writes the run as one line of log.
    pub fn log(&self) {
        tracing::info!(
            deleted = self.deleted,
            kept = self.kept,
            expired = self.expired,
            forgotten = self.forgotten,
            busy = self.busy,
            failed = self.failed,
            put_off = self.put_off,
            "retention applied"
        );
    }

    pub(crate) fn add_failure(&mut self, partition: &Partition, error: &StorageError) {
        if error.kind() == ErrorKind::Conflict {
            self.busy += 1;
            tracing::info!(%partition, %error, "work is dropped");
        } else {
            self.failed += 1;
            tracing::error!(%partition, %error, "retention is not applied to a partition");
        }
    }
}
