//! [`Collector`]: deletes garbage that is due, the objects first, then their places on the list.
//!
//! A row never points to missing bytes: keys carry the five minutes of their writing, and garbage
//! is due later than that (`docs/decisions/0002-catalog-keys.md`). Before anything is deleted that
//! is checked once more, since a query of the catalog for each tenant and day costs next to nothing
//! and lost lines never come back.

use std::collections::{BTreeMap, HashSet};

use narvi_model::{Day, TenantId, Timestamp};
use narvi_storage::{
    Catalog, Garbage, Objects, Place, SegmentRow, StorageError, split_left_behind,
};

use crate::limits::{DELETES, GARBAGE_PAGE};
use crate::report::Report;

/// What is needed to delete garbage.
pub(crate) struct Collector<'a> {
    pub(crate) objects: &'a dyn Objects,
    pub(crate) catalog: &'a Catalog,
}

/// How much was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Collected {
    /// All that was due.
    All,
    /// What there was time for.
    Part,
}

impl Collector<'_> {
    /// Deletes what is due before `now`, as long as there is time.
    pub(crate) async fn run(
        &self,
        now: Timestamp,
        has_time: &impl Fn() -> bool,
        report: &mut Report,
    ) -> Result<Collected, StorageError> {
        // Behind what was seen, and not from the beginning: what has failed is still there.
        let mut last = None;
        loop {
            let page = self.catalog.garbage(last.as_ref(), now).await?;
            let is_last = page.len() < GARBAGE_PAGE;
            last = page.last().cloned();
            for (place, garbage) in by_day(page) {
                if !has_time() {
                    return Ok(Collected::Part);
                }
                if let Err(error) = self.collect(place.as_ref(), garbage, report).await {
                    report.failed += 1;
                    tracing::error!(?place, %error, "garbage is not collected");
                }
            }
            if is_last {
                return Ok(Collected::All);
            }
        }
    }

    /// Deletes the garbage of a tenant's day.
    async fn collect(
        &self,
        place: Option<&(TenantId, Day)>,
        garbage: Vec<Garbage>,
        report: &mut Report,
    ) -> Result<(), StorageError> {
        let live = match place {
            Some((tenant, day)) => self.live(tenant, *day).await?,
            // The list alone says that it is garbage.
            None => Live::default(),
        };
        for garbage in garbage.chunks(DELETES) {
            let keys = garbage.iter().map(|garbage| &garbage.key);
            let keys = keys.filter(|key| !live.hidden.contains(*key)).cloned();
            let (kept, dead): (Vec<_>, Vec<_>) = keys.partition(|key| live.shown.contains(key));
            if !kept.is_empty() {
                tracing::error!(?kept, "rows point to objects on the list of garbage; kept");
            }
            self.objects.delete(&dead).await?;
            // Those that are kept leave the list too: when their rows go they come back to it.
            self.catalog.forget_garbage(garbage).await?;
            report.deleted += dead.len() as u64;
            report.kept += kept.len() as u64;
        }
        Ok(())
    }

    /// Keys that rows point to.
    async fn live(&self, tenant: &TenantId, day: Day) -> Result<Live, StorageError> {
        let rows = self.catalog.all_segments(tenant, day).await?;
        let (hidden, shown) = split_left_behind(rows);
        Ok(Live {
            hidden: keys(hidden),
            shown: keys(shown),
        })
    }
}

/// Keys of objects that rows point to.
#[derive(Default)]
struct Live {
    /// By rows that a killed run has left behind. Who read one before it was hidden takes a missing
    /// object for damage as long as the row is there.
    hidden: HashSet<String>,
    /// By rows that readers may use.
    shown: HashSet<String>,
}

fn keys(rows: Vec<SegmentRow>) -> HashSet<String> {
    let keys = rows.into_iter().filter_map(|row| match row.place {
        Place::Object(key) => Some(key),
        Place::Inline(_) => None,
    });
    keys.collect()
}

/// Garbage by tenant and day, as its keys say: `segments/{tenant}/{day}/…`.
fn by_day(page: Vec<Garbage>) -> BTreeMap<Option<(TenantId, Day)>, Vec<Garbage>> {
    let mut places: BTreeMap<_, Vec<Garbage>> = BTreeMap::new();
    for garbage in page {
        places
            .entry(place_of(&garbage.key))
            .or_default()
            .push(garbage);
    }
    places
}

fn place_of(key: &str) -> Option<(TenantId, Day)> {
    let mut parts = key.strip_prefix("segments/")?.split('/');
    let tenant = TenantId::parse(parts.next()?).ok()?;
    Some((tenant, Day::parse(parts.next()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_tenant_and_day() {
        for (key, want) in [
            ("segments/a/2026-01-31/0/00-1", Some("a 2026-01-31")),
            ("segments/a", None),
            ("segments/a/today/0/00-1", None),
            ("rules/a/2026-01-31/0/00-1", None),
        ] {
            let found = place_of(key).map(|(tenant, day)| format!("{tenant} {day}"));
            assert_eq!(found.as_deref(), want, "{key}");
        }
    }
}
