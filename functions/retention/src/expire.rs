//! [`Expiry`]: one partition against its tenant's `retention_period`.

use narvi_model::Timestamp;
use narvi_storage::{Catalog, Lease, Partition, StorageError};

use crate::cutoff::Cutoff;
use crate::limits::LEASE;
use crate::report::Report;

/// What is needed to drop what is expired.
pub(crate) struct Expiry<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) owner: &'a str,
    pub(crate) now: Timestamp,
    /// When objects of removed rows may be deleted.
    pub(crate) due: Timestamp,
}

impl Expiry<'_> {
    /// Whether something is to do in a partition; reads without the lease, which costs writes.
    pub(crate) async fn has_work(
        &self,
        partition: &Partition,
        cutoff: Cutoff,
    ) -> Result<bool, StorageError> {
        let rows = self.catalog.partition_segments(partition).await?;
        let is_empty = rows.is_empty();
        let expired = !cutoff.gone(rows).expired.is_empty();
        Ok(expired || is_empty && cutoff.is_closed(partition.day))
    }

    /// Takes the lease of the partition, which keeps compactors from committing to a day that is
    /// being forgotten, and gives it back.
    pub(crate) async fn run(
        &self,
        partition: &Partition,
        cutoff: Cutoff,
        report: &mut Report,
    ) -> Result<(), StorageError> {
        // The name that compaction takes too.
        let name = format!("segments/{partition}");
        let lease = self
            .catalog
            .acquire(&name, self.owner, self.now, LEASE)
            .await?;
        let Some(lease) = lease else {
            report.busy += 1;
            return Ok(());
        };
        let done = self.run_held(&lease, partition, cutoff, report).await;
        if let Err(error) = self.catalog.release(&lease).await {
            tracing::debug!(%error, "a lease is left to end by itself");
        }
        done
    }

    async fn run_held(
        &self,
        lease: &Lease,
        partition: &Partition,
        cutoff: Cutoff,
        report: &mut Report,
    ) -> Result<(), StorageError> {
        // Read under the lease: what was seen before it may be merged by now.
        let rows = self.catalog.partition_segments(partition).await?;
        let before = rows.len();
        let gone = cutoff.gone(rows);
        for rows in [&gone.hidden, &gone.expired] {
            if !rows.is_empty() {
                self.catalog.remove_segments(rows, self.due).await?;
            }
        }
        report.expired += gone.expired.len() as u64;
        let is_empty = before == gone.hidden.len() + gone.expired.len();
        if is_empty && cutoff.is_closed(partition.day) {
            // Nothing checks a lease in these deletes, so it must still be ours when they start.
            self.catalog.renew(lease, self.now, LEASE).await?;
            self.catalog.forget_partition(partition).await?;
            report.forgotten += 1;
        }
        Ok(())
    }
}
