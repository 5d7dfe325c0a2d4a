//! Labels, their values and series: out of stream rows alone, no segment is touched.
//!
//! The catalog knows streams by day, so an answer covers the whole days that a range touches; Loki's
//! is as coarse (spec `http-api.md` §6).

use std::collections::BTreeSet;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use narvi_model::{Labels, Limits, Matcher, TenantId, TimeRange, matches_all};

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
        let series = self.series(tenant, limits, range, &[matchers]).await?;
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
        let series = self.series(tenant, limits, range, &[matchers]).await?;
        Ok(series
            .iter()
            .filter_map(|labels| labels.get(name))
            .map(str::to_owned)
            .collect())
    }

    /// The labels of every stream that meets all matchers of any group, sorted.
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
        let rows = stream::iter(days).map(|day| self.catalog.streams(tenant, day));
        let rows: Vec<_> = rows.buffer_unordered(DAYS_AT_ONCE).try_collect().await?;
        let labels = rows.into_iter().flatten().map(|row| row.labels);
        let meets = |labels: &Labels| groups.iter().any(|group| matches_all(group, labels));
        Ok(labels.filter(meets).collect())
    }
}
