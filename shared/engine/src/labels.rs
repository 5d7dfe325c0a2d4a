//! Labels, their values and series: out of the catalog alone, no segment is touched.
//!
//! The catalog knows streams by day. Labels and values cover the whole days that a range touches,
//! as coarse as Loki's; of series, those are left out that no segment of the range holds
//! (spec `http-api.md` §6 and §7). Of streams whose lines somebody has asked to delete, or that
//! were erased, those are left out of which no segment of the range can show any.

use std::collections::BTreeSet;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use narvi_model::{Day, Labels, Limits, Matcher, StreamId, TenantId, TimeRange};

use crate::Engine;
use crate::checks;
use crate::error::EngineError;
use crate::lookup::{self, Found};
use crate::view::{Hidden, View};

/// How closely the streams of a day that a range covers in part are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    /// Every stream of the day will do.
    Days,
    /// Some segment of the range must be able to hold it.
    Segments,
}

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
        self.shown(tenant, range, Look::Segments, groups).await
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
        self.shown(tenant, range, Look::Days, &[matchers]).await
    }

    async fn shown(
        &self,
        tenant: &TenantId,
        range: TimeRange,
        look: Look,
        groups: &[&[Matcher]],
    ) -> Result<BTreeSet<Labels>, EngineError> {
        let view = &View::new(self, [tenant]);
        let days = lookup::days(&self.catalog, tenant, range).await?;
        let found = stream::iter(days).map(async |day| {
            let mut found = lookup::streams(view, tenant, (range, day), groups).await?;
            self.look(&mut found, (tenant, day), range, look).await?;
            Ok::<_, EngineError>(found.streams.into_values())
        });
        let found: Vec<_> = found.buffer_unordered(DAYS_AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Reads the segments of a day where that can leave out streams, and leaves them out.
    async fn look(
        &self,
        found: &mut Found,
        (tenant, day): (&TenantId, Day),
        range: TimeRange,
        look: Look,
    ) -> Result<(), EngineError> {
        let is_part = !range.covers(day.start(), day.end().minus(1));
        let all = look == Look::Segments && is_part;
        let mut streams = std::mem::take(&mut found.streams);
        let may_vanish = |id: &StreamId| {
            all || found.emptied.contains(id) || found.hidden.get(id).is_some_and(Hidden::may_cover)
        };
        if streams.keys().any(may_vanish) {
            let rows = self.catalog.segments(tenant, day, range).await?;
            streams
                .retain(|id, _| !may_vanish(id) || rows.iter().any(|row| found.may_show(row, id)));
        }
        found.streams = streams;
        Ok(())
    }
}
