//! [`Sweeper`]: finds objects that no row points to, and puts them on the list of garbage.
//!
//! They come from a writer that died between its object and its row, or that lost its lease. Once a
//! day a walk through all keys is begun; runs take turns at it. An object is judged a day after it
//! was written: rows first, then the list of garbage, both read after the object was listed and
//! with strong consistency.
//!
//! # Why no object that a row will point to is taken
//!
//! *A row that is there.* Rows of the object's day are read after the listing, all of them, hidden
//! ones too. An object whose row went before that has its place on the list of garbage, which is
//! written before the row goes (`catalog/segments.rs`) and read after the rows here; it is left to
//! the collector, which heeds the time that it is due.
//!
//! *A row that is yet to come.* Who writes a row has put the object under a key with the five
//! minutes in which it began ([`ObjectName::begun_before`]), and AWS ends it 15 minutes later at
//! most. So a day later nobody is left who could commit this key; a push that is repeated has a key
//! of its own. Whoever writes the very object again makes it young.
//!
//! *A process that slept for a day*, as one may on one's own machine. What is found here is not
//! deleted but put on the list, due after the grace, and the collector reads the rows once more
//! before it deletes.

use std::collections::{BTreeMap, HashSet};

use narvi_model::{Day, NANOS_PER_SECOND, TenantId, Timestamp};
use narvi_storage::{
    Catalog, Garbage, ObjectInfo, ObjectName, Objects, Place, StorageError, Sweep,
};

use crate::limits::{FULL_SECONDS, ORPHAN_SECONDS, SWEEP_PAGES, SWEEP_SECONDS};
use crate::report::Report;

/// What is needed to look for orphans.
pub(crate) struct Sweeper<'a> {
    pub(crate) objects: &'a dyn Objects,
    pub(crate) catalog: &'a Catalog,
    pub(crate) now: Timestamp,
    /// When what is found may be deleted.
    pub(crate) due: Timestamp,
}

/// Keys of one page that may be orphans, by tenant and day.
type Candidates = BTreeMap<(TenantId, Day), Vec<String>>;

/// How much of a page could be told.
enum Judged {
    All,
    /// The rows of a day could not be read.
    Part,
    /// The catalog is not to be believed.
    Nothing,
}

impl Sweeper<'_> {
    /// Goes on with the walk, or begins one where the last was begun a day ago.
    pub(crate) async fn run(
        &self,
        has_time: &impl Fn() -> bool,
        report: &mut Report,
    ) -> Result<(), StorageError> {
        if !has_time() {
            return Ok(());
        }
        let Some(mut walk) = self.walk(self.catalog.sweep().await?) else {
            return Ok(());
        };
        let mut pages = 0;
        while let Some(after) = &walk.after {
            if !has_time() || pages == SWEEP_PAGES {
                report.put_off += 1;
                break;
            }
            let page = self.objects.list(ObjectName::PREFIX, Some(after)).await?;
            let last = page.last().map(|object| object.key.clone());
            report.listed += page.len() as u64;
            match self.judge(page, walk.since, report).await? {
                Judged::All => {}
                // The next walk judges objects of every age.
                Judged::Part => walk.full = Timestamp::MIN,
                Judged::Nothing => {
                    report.put_off += 1;
                    break;
                }
            }
            walk.after = last;
            pages += 1;
        }
        // A run that is killed before this judges the same objects again.
        self.catalog.put_sweep(&walk).await
    }

    /// The walk to go on with, if there is one.
    fn walk(&self, last: Option<Sweep>) -> Option<Sweep> {
        let after = Some(ObjectName::PREFIX.to_owned());
        let age = |time: Timestamp| self.now.since(time) / NANOS_PER_SECOND;
        match last {
            Some(last) if last.after.is_some() => Some(last),
            Some(last) if age(last.begun) < SWEEP_SECONDS => None,
            // What was old enough when the last walk began was judged by it; an hour more is for
            // clocks that differ.
            Some(last) if age(last.full) < FULL_SECONDS => Some(Sweep {
                begun: self.now,
                since: last.begun.minus((ORPHAN_SECONDS + 3600) * NANOS_PER_SECOND),
                after,
                ..last
            }),
            _ => Some(Sweep {
                begun: self.now,
                full: self.now,
                since: Timestamp::MIN,
                after,
            }),
        }
    }

    /// Puts the orphans of a page on the list of garbage.
    async fn judge(
        &self,
        page: Vec<ObjectInfo>,
        since: Timestamp,
        report: &mut Report,
    ) -> Result<Judged, StorageError> {
        let (mut suspects, mut judged) = (Vec::new(), Judged::All);
        for ((tenant, day), keys) in self.candidates(page, since) {
            let rows = match self.catalog.all_segments(&tenant, day).await {
                Ok(rows) => rows,
                Err(error) => {
                    judged = Judged::Part;
                    report.failed += 1;
                    tracing::error!(%tenant, %day, %error, "no orphans are looked for");
                    continue;
                }
            };
            let live: HashSet<String> = rows
                .into_iter()
                .filter_map(|row| match row.place {
                    Place::Object(key) => Some(key),
                    Place::Inline(_) => None,
                })
                .collect();
            suspects.extend(keys.into_iter().filter(|key| !live.contains(key)));
        }
        if suspects.is_empty() {
            return Ok(judged);
        }
        // A catalog that was lost, or is another one, would make everything an orphan.
        if self.catalog.partitions().await?.is_empty() {
            tracing::error!("the catalog is empty while there are objects; none is taken for one");
            return Ok(Judged::Nothing);
        }
        let (count, first) = match self.catalog.garbage_keys().await? {
            Some(listed) => {
                suspects.retain(|key| !listed.contains(key));
                (suspects.len(), suspects.first())
            }
            // Most of them may be on the list. To be on it twice does no harm, since this place on
            // it is due later than one from before; not to be on it is for ever.
            None => (0, None),
        };
        if let Some(first) = first {
            tracing::warn!(count, first, "orphans are collected");
            report.orphans += count as u64;
        }
        let due = self.due;
        let garbage = suspects.into_iter().map(|key| Garbage { due, key });
        self.catalog.put_garbage(garbage).await?;
        Ok(judged)
    }

    /// Objects that are old enough, and were not when the last walk came by.
    fn candidates(&self, page: Vec<ObjectInfo>, since: Timestamp) -> Candidates {
        let until = self.now.minus(ORPHAN_SECONDS * NANOS_PER_SECOND);
        let mut found = Candidates::new();
        for object in page {
            // What is named otherwise is not ours to judge.
            let Some(name) = ObjectName::parse(&object.key) else {
                continue;
            };
            let written = object.modified.max(name.begun_before);
            if since <= written && written <= until {
                let place = (name.tenant, name.day);
                found.entry(place).or_default().push(object.key);
            }
        }
        found
    }
}
