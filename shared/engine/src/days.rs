//! [`Days`]: the days of one selector in order, over every tenant that it reads, planned ahead of
//! the scan and held to `max_query_bytes_read`.

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt as _};
use narvi_model::{Day, Direction, TenantId, TimeRange, Timestamp};

use crate::error::EngineError;
use crate::limits::DAYS_AHEAD;
use crate::reach::Reach;
use crate::request::{Client, Request};
use crate::scan::Scanner;
use crate::search::{DayPlan, Search};
use crate::view::View;

/// Labels of streams that Loki writes for its own apps: nobody else sees what is in them.
const INTERNAL: [&str; 2] = ["__aggregated_metric__", "__pattern__"];

/// One search for each tenant.
pub(crate) struct Days<'a, S> {
    searches: Vec<Search<'a, S>>,
}

/// One day of one tenant.
pub(crate) struct PlannedDay<'d, 'a, S> {
    pub(crate) day: Day,
    pub(crate) search: &'d Search<'a, S>,
    pub(crate) plan: DayPlan,
}

/// What a query may read of lines, and how much its plans so far come to; all in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    most: u64,
    planned: u64,
}

impl Budget {
    /// The limit of a request; 0 for none.
    pub(crate) const fn new(request: &Request) -> Self {
        Self {
            most: request.limits.max_query_bytes_read.bytes(),
            planned: 0,
        }
    }

    /// Adds what a day would read.
    fn take(&mut self, plan: &DayPlan) -> Result<(), EngineError> {
        let bytes = plan.candidates.iter().map(|one| one.chunk().line_bytes);
        self.planned = self.planned.saturating_add(bytes.sum());
        if self.planned <= self.most {
            return Ok(());
        }
        Err(EngineError::Refused(format!(
            "the query would read too many bytes (query: {}, limit: {}); consider adding more \
             specific stream selectors or reduce the time range of the query",
            in_units(self.planned),
            in_units(self.most)
        )))
    }
}

/// The tenants of a request.
pub(crate) fn tenants(request: &Request) -> Vec<TenantId> {
    let also = request.caller.also.iter();
    std::iter::once(&request.tenant)
        .chain(also)
        .cloned()
        .collect()
}

impl<'a, S: Scanner> Days<'a, S> {
    /// The searches of a selector for what `request` may see.
    pub(crate) fn new(
        view: &'a View<'a>,
        request: &Request,
        reach: &'a Reach,
        range: TimeRange,
        scanner: &Arc<S>,
    ) -> Self {
        let is_internal = |name: &str| INTERNAL.contains(&name);
        let is_hidden = request.caller.client != Client::Drilldown
            && reach.matchers.iter().any(|m| is_internal(m.name()));
        let tenants = match is_hidden {
            true => &[],
            false => reach.tenants.as_slice(),
        };
        let search = |tenant| Search {
            view,
            tenant,
            reach,
            range,
            before: request.caller.before.unwrap_or(Timestamp::MAX),
            scanner: Arc::clone(scanner),
        };
        Self {
            searches: tenants.iter().map(search).collect(),
        }
    }

    /// The days with their plans, made ahead of whoever scans them; all at once where there is a
    /// limit that what they come to could break.
    pub(crate) async fn plans<'d>(
        &'d self,
        direction: Direction,
        budget: &mut Budget,
    ) -> Result<BoxStream<'d, Result<PlannedDay<'d, 'a, S>, EngineError>>, EngineError> {
        let mut days = Vec::new();
        for search in &self.searches {
            days.extend(search.days().await?.into_iter().map(|day| (day, search)));
        }
        days.sort_by_key(|(day, _)| *day);
        if direction == Direction::Backward {
            days.reverse();
        }
        let plans = stream::iter(days).map(|(day, search)| async move {
            let plan = search.plan(day).await?;
            Ok(PlannedDay { day, search, plan })
        });
        let mut plans = plans.buffered(DAYS_AHEAD).boxed();
        if budget.most == 0 {
            return Ok(plans);
        }
        let mut all = Vec::new();
        while let Some(planned) = plans.next().await {
            let planned = planned?;
            budget.take(&planned.plan)?;
            all.push(Ok(planned));
        }
        Ok(stream::iter(all).boxed())
    }
}

/// Bytes as Loki's text has them: `512 B`, `1.5 KiB`, `12 MiB`.
fn in_units(bytes: u64) -> String {
    let mut size = bytes as f64;
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    while size >= 1024.0
        && let Some(larger) = units.next()
    {
        size /= 1024.0;
        unit = larger;
    }
    let decimals = usize::from(bytes >= 1024 && size < 10.0);
    format!("{size:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_in_units() {
        for (bytes, want) in [
            (0, "0 B"),
            (7, "7 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (2 << 30, "2.0 GiB"),
            (12 << 20, "12 MiB"),
            (u64::MAX, "16 EiB"),
        ] {
            assert_eq!(in_units(bytes), want);
        }
    }
}
