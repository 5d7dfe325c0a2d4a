//! [`Rewriter`]: applies a [`Keep`] to every segment of a partition, under its lease.
//!
//! A row that tells by itself that all of it stays, or nothing, costs no request to S3; of a large
//! segment the footer is asked next. What is left of a segment keeps its codec and its place in the
//! order of arrival.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use narvi_model::Timestamp;
use narvi_segment::{
    Codec, Encoded, Footer, Keep, MergeOptions, SegmentId, Share, WriterOptions, merge_kept,
};
use narvi_storage::{
    Catalog, Lease, Objects, Place, SegmentRow, StorageError, StreamRow, split_left_behind,
};

use crate::fetch::{FetchError, fetch, fetch_footer};
use crate::limits::{MAX_GROWTH, MAX_OPEN_BYTES, WHOLE_BYTES};
use crate::share::{share_of, share_of_chunks};

/// What is needed to rewrite the segments of a partition.
#[derive(Clone, Copy)]
pub struct Rewriter<'a> {
    /// Where segments are.
    pub objects: &'a dyn Objects,
    /// Where their rows are.
    pub catalog: &'a Catalog,
    /// The lease of the partition ([`Catalog::alone`]).
    pub lease: &'a Lease,
    /// The clock.
    pub now: Timestamp,
    /// When objects of removed rows may be deleted.
    pub due: Timestamp,
    /// Whether segments are written on the thread that polls a run, and not beside it: for who has
    /// no other.
    pub in_place: bool,
}

/// What was done in a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// Segments of which nothing was left: their rows are removed.
    pub removed: u64,
    /// Segments that were written anew.
    pub rewritten: u64,
    /// Lines that are gone with either.
    pub lines: u64,
    /// Stored bytes of what was written anew, before.
    pub bytes_in: u64,
    /// And after.
    pub bytes_out: u64,
    /// Rows that a killed run had left behind.
    pub left_behind: u64,
    /// Segments that may have something to do and were not looked at, as the time was up.
    pub put_off: u64,
    /// Segments that cannot be rewritten, with the reason; they stay as they are.
    pub stuck: Vec<String>,
}

/// What becomes of one segment.
enum Outcome {
    Stays,
    Goes,
    Becomes(Encoded),
}

/// Why nothing becomes of one.
enum RowError {
    Stuck(String),
    Storage(StorageError),
}

impl From<FetchError> for RowError {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Damaged(reason) => Self::Stuck(reason),
            FetchError::Storage(error) => Self::Storage(error),
        }
    }
}

impl Rewriter<'_> {
    /// Applies `keep` to `rows`, all of the partition, read under the lease; `streams` are all of
    /// its day, sorted by id. Stops taking up segments when there is no time any more. What is done
    /// stays done; a run with the same `keep` goes on where this one has stopped.
    ///
    /// # Errors
    /// `LostLease` where another run has the partition now, `Unavailable`.
    pub async fn run(
        &self,
        rows: Vec<SegmentRow>,
        streams: &[StreamRow],
        keep: &Arc<dyn Keep>,
        has_time: &(impl Fn() -> bool + Sync),
    ) -> Result<Rewritten, StorageError> {
        let mut done = Rewritten::default();
        let rows = self.without_left_behind(rows, &mut done).await?;
        let mut known: HashSet<SegmentId> = rows.iter().map(|row| row.summary.id).collect();
        let (mut gone, mut parts) = (Vec::new(), Vec::new());
        for row in rows {
            match share_of(&row, streams, &**keep) {
                Share::All => {}
                Share::Part => parts.push(row),
                Share::Nothing => gone.push(row),
            }
        }
        self.remove(&gone, &mut done).await?;
        for row in parts {
            if !has_time() {
                done.put_off += 1;
                continue;
            }
            match self.outcome(&row, keep).await {
                Ok(Outcome::Stays) => {}
                Ok(Outcome::Goes) => self.remove(&[row], &mut done).await?,
                Ok(Outcome::Becomes(encoded)) => {
                    self.replace(&row, encoded, &mut known, &mut done).await?;
                }
                Err(RowError::Stuck(reason)) => {
                    let (partition, id) = (&row.partition, &row.summary.id);
                    tracing::error!(%partition, %id, reason, "a segment cannot be rewritten");
                    done.stuck.push(format!("{partition} {id}: {reason}"));
                }
                Err(RowError::Storage(error)) => return Err(error),
            }
        }
        Ok(done)
    }

    /// Removes what others replace: without the row that hides it, it would be seen again.
    async fn without_left_behind(
        &self,
        rows: Vec<SegmentRow>,
        done: &mut Rewritten,
    ) -> Result<Vec<SegmentRow>, StorageError> {
        let (left, rows) = split_left_behind(rows);
        if !left.is_empty() {
            self.catalog.remove_segments(&left, self.due).await?;
            done.left_behind += left.len() as u64;
        }
        Ok(rows)
    }

    async fn remove(&self, rows: &[SegmentRow], done: &mut Rewritten) -> Result<(), StorageError> {
        if !rows.is_empty() {
            self.catalog.remove_segments(rows, self.due).await?;
            done.removed += rows.len() as u64;
            done.lines += rows.iter().map(|row| row.summary.rows).sum::<u64>();
        }
        Ok(())
    }

    /// What is left of a segment that has to be read.
    async fn outcome(&self, row: &SegmentRow, keep: &Arc<dyn Keep>) -> Result<Outcome, RowError> {
        if let Place::Object(key) = &row.place
            && row.summary.size > WHOLE_BYTES
        {
            let footer = fetch_footer(self.objects, row, key).await?;
            match share_of_chunks(&footer, &**keep) {
                Share::All => return Ok(Outcome::Stays),
                Share::Nothing => return Ok(Outcome::Goes),
                Share::Part => {}
            }
        }
        let bytes = fetch(self.objects, row).await?;
        let (tenant, keep) = (row.partition.tenant.clone(), Arc::clone(keep));
        let work = move || {
            let options = options(&bytes)?;
            merge_kept(&tenant, &options, &[bytes], &*keep).map_err(|error| error.to_string())
        };
        let left = if self.in_place {
            work()
        } else {
            // In local mode pushes and queries run on the same threads.
            let work = tokio::task::spawn_blocking(work).await;
            work.unwrap_or_else(|error| Err(error.to_string()))
        };
        match left.map_err(RowError::Stuck)? {
            None => Ok(Outcome::Goes),
            Some(left) if left.summary.rows == row.summary.rows => Ok(Outcome::Stays),
            Some(_) if row.level >= narvi_storage::limits::LEVEL_MAX => {
                let reason = "it is on the highest level; what is in it goes with all of it";
                Err(RowError::Stuck(reason.to_owned()))
            }
            Some(left) => Ok(Outcome::Becomes(left)),
        }
    }

    /// Commits what is left of a segment, and removes its old row.
    async fn replace(
        &self,
        row: &SegmentRow,
        encoded: Encoded,
        known: &mut HashSet<SegmentId>,
        done: &mut Rewritten,
    ) -> Result<(), StorageError> {
        let Encoded { bytes, summary } = encoded;
        let lines = row.summary.rows.saturating_sub(summary.rows);
        let (id, size) = (summary.id, summary.size);
        // Where another segment has the very content a second row would be a repetition.
        if known.insert(id) {
            // Above the old row, so that a reader that has not met that comes to this one yet.
            let level = row.level + 1;
            // The bucket in the key is that of the clock, so that it is never the key of garbage.
            let key = SegmentRow::object_key(&row.partition, level, &id, self.now);
            self.objects.put(&key, bytes).await?;
            let left = SegmentRow {
                partition: row.partition.clone(),
                level,
                summary,
                place: Place::Object(key),
                replaces: vec![row.summary.id],
                // Not `now`: lines of equal time keep their order against those of other segments.
                created: row.created,
            };
            // Where the lease is lost the object stays without a row, for the sweep. `Existed` can
            // only be this very commit, sent twice: of other rows `known` would have told.
            self.catalog.commit_merge(self.lease, &left).await?;
        }
        let old = std::slice::from_ref(row);
        self.catalog.remove_segments(old, self.due).await?;
        done.rewritten += 1;
        done.lines += lines;
        done.bytes_in += row.summary.size;
        done.bytes_out += size;
        Ok(())
    }
}

/// How the rest of a segment is written: by its own codec, so that chunks can be copied and that it
/// does not grow.
fn options(segment: &Bytes) -> Result<MergeOptions, String> {
    let footer = Footer::of_segment(segment).map_err(|error| error.to_string())?;
    let mut codecs = [Codec::Zstd, Codec::Lz4, Codec::Snappy, Codec::None];
    let bytes_of = |codec: Codec| -> u64 {
        let lines = footer.chunks.iter().map(|chunk| chunk.lines);
        let own = lines.filter(|lines| lines.codec == codec);
        own.map(|lines| u64::from(lines.raw_len)).sum()
    };
    codecs.sort_by_key(|codec| std::cmp::Reverse(bytes_of(*codec)));
    Ok(MergeOptions {
        writer: WriterOptions {
            codec: codecs[0],
            filters: true,
            ..WriterOptions::default()
        },
        max_bytes: 2 * segment.len() + MAX_GROWTH,
        max_open_bytes: MAX_OPEN_BYTES,
    })
}
