//! [`Report`]: what one run did, as a line of log and as metrics.

use narvi_gateway::Metric;
use narvi_rewrite::Rewritten;
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
    /// Segments that were written anew without the streams that are expired.
    pub rewritten: u64,
    /// Stored bytes of those, before.
    pub rewritten_bytes: u64,
    /// Segments of which all streams were expired; their rows were removed, and they not written.
    pub emptied: u64,
    /// Streams of which all lines of a day are expired or erased and that are not listed for it any
    /// more.
    pub streams: u64,
    /// Segments that could not be rewritten; what is expired in them stays for longer.
    pub stuck: u64,
    /// Lines that were asked to be deleted and are gone.
    pub erased: u64,
    /// Requests to delete of which no line is left.
    pub processed: u64,
    /// Objects that the sweep looked at.
    pub listed: u64,
    /// Objects that no row points to and that were not on the list of garbage; they are now.
    pub orphans: u64,
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
    pub fn metrics(&self) -> [Metric; 12] {
        [
            Metric::count("DeletedObjects", self.deleted),
            Metric::count("KeptGarbage", self.kept),
            Metric::count("ExpiredSegments", self.expired),
            Metric::count("EmptiedSegments", self.emptied),
            Metric::count("RewrittenSegments", self.rewritten),
            Metric::count("RewrittenBytes", self.rewritten_bytes),
            Metric::count("StuckSegments", self.stuck),
            Metric::count("ErasedLines", self.erased),
            Metric::count("ProcessedDeletes", self.processed),
            Metric::count("OrphanedObjects", self.orphans),
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
            emptied = self.emptied,
            rewritten = self.rewritten,
            rewritten_bytes = self.rewritten_bytes,
            streams = self.streams,
            stuck = self.stuck,
            erased = self.erased,
            processed = self.processed,
            listed = self.listed,
            orphans = self.orphans,
            forgotten = self.forgotten,
            busy = self.busy,
            failed = self.failed,
            put_off = self.put_off,
            "retention applied"
        );
    }

    pub(crate) fn add_rewritten(&mut self, done: &Rewritten) {
        self.rewritten += done.rewritten;
        self.rewritten_bytes += done.bytes_in;
        self.emptied += done.removed;
        self.stuck += done.stuck.len() as u64;
        self.put_off += u64::from(done.put_off > 0);
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
