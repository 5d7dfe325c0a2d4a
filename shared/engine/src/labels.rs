//! Labels, their values and series: out of the catalog alone, no segment is touched.
//!
//! The catalog knows streams by day. Labels and values cover the whole days that a range touches,
//! as coarse as Loki's; of series, those are left out that no segment of the range holds
//! (spec `http-api.md` §6 and §7).

use std::collections::BTreeSet;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use narvi_model::{Labels, Limits, Matcher, TenantId, TimeRange, matches_all};
use narvi_storage::StreamRow;

use crate::Engine;
use crate::checks;
use crate::error::EngineError;
use crate::lookup;

/// Days whose stream rows are read at once.
const DAYS_AT_ONCE: usize = 8;

impl Engine {
    /// The names of the labels of streams that match, sorted.
    ///
    /// # Errors
    /// Over a limit, or the catalog failed.
    pub async fn labels(
        &self,
        tenant: &TenantId,
        limits: &Limits,
        range: TimeRange,
        matchers: &[Matcher],
    ) -> Result<BTreeSet<String>, EngineError> {
        let series = self.streams(tenant, limits, range, matchers).await?;
        let names = series
            .iter()
            .flat_map(Labels::iter)
            .map(|(name, _)| name.to_owned());
        Ok(names.collect())
    }

    /// The values that a label has in streams that match, sorted.
    ///
    /// # Errors
    /// Over a limit, or the catalog failed.
    pub async fn label_values(
        &self,
        name: &str,
        tenant: &TenantId,
        limits: &Limits,
        (range, matchers): (TimeRange, &[Matcher]),
    ) -> Result<BTreeSet<String>, EngineError> {
        let series = self.streams(tenant, limits, range, matchers).await?;
        Ok(series
            .iter()
            .filter_map(|labels| labels.get(name))
            .map(str::to_owned)
            .collect())
    }

    /// The labels of every stream that has lines in the range and meets all matchers of any group,
    /// sorted. Of days that the range covers in part the segment rows are read as well.
    ///
    /// # Errors
    /// Over a limit, or the catalog failed.
    pub async fn series(
        &self,
        tenant: &TenantId,
        limits: &Limits,
        range: TimeRange,
        groups: &[&[Matcher]],
    ) -> Result<BTreeSet<Labels>, EngineError> {
        checks::check_length(limits, range.start(), range.end())?;
        let days = lookup::days(&self.catalog, tenant, range).await?;
        let meets = |row: &StreamRow| groups.iter().any(|group| matches_all(group, &row.labels));
        let found = stream::iter(days).map(async |day| {
            let mut streams = self.catalog.streams(tenant, day).await?;
            streams.retain(meets);
            let whole = range.covers(day.start(), day.end().minus(1));
            if !whole && !streams.is_empty() {
                let segments = self.catalog.segments(tenant, day, range).await?;
                streams.retain(|stream| segments.iter().any(|row| row.may_hold(&stream.id)));
            }
            Ok::<_, EngineError>(streams)
        });
        let found: Vec<_> = found.buffer_unordered(DAYS_AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().map(|row| row.labels).collect())
    }

    /// The labels of the streams of the days that a range touches.
    async fn streams(
        &self,
        tenant: &TenantId,
        limits: &Limits,
        range: TimeRange,
        matchers: &[Matcher],
    ) -> Result<BTreeSet<Labels>, EngineError> {
        checks::check_length(limits, range.start(), range.end())?;
        let days = lookup::days(&self.catalog, tenant, range).await?;
        let rows = stream::iter(days).map(|day| self.catalog.streams(tenant, day));
        let rows: Vec<_> = rows.buffer_unordered(DAYS_AT_ONCE).try_collect().await?;
        let labels = rows.into_iter().flatten().map(|row| row.labels);
        Ok(labels
            .filter(|labels| matches_all(matchers, labels))
            .collect())
    }
}
