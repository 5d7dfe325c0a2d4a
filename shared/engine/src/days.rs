//! [`Days`]: the days of one selector in order, over every tenant that it reads, planned ahead of
//! the scan and held to `max_query_bytes_read`.

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use narvi_model::answer::QueryStats;
use narvi_model::{Direction, TenantId, TimeRange, Timestamp};

use crate::error::EngineError;
use crate::limits::DAYS_AHEAD;
use crate::lookup::Found;
use crate::reach::Reach;
use crate::request::{Client, Request};
use crate::scan::Scanner;
use crate::search::{DayPlan, Located, Search};
use crate::view::View;

/// Labels of streams that Loki writes for its own apps: nobody else sees what is in them.
const INTERNAL: [&str; 2] = ["__aggregated_metric__", "__pattern__"];

/// One search for each tenant.
pub(crate) struct Days<'a, S> {
    searches: Vec<Search<'a, S>>,
}

/// How days are gone through.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    pub(crate) direction: Direction,
    pub(crate) pace: Pace,
}

impl Walk {
    /// The first instant behind a range.
    const fn behind(&self, range: TimeRange) -> Timestamp {
        match self.direction {
            Direction::Forward => range.end(),
            Direction::Backward => range.start().minus(1),
        }
    }
}

/// What is opened ahead of the scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Whole days, for who reads all of them.
    Days,
    /// So many slices, for who may stop early.
    Slices(usize),
}

/// A day of one tenant, or a slice of it.
pub(crate) struct Planned<'d, 'a, S> {
    pub(crate) range: TimeRange,
    pub(crate) search: &'d Search<'a, S>,
    pub(crate) plan: DayPlan,
    /// Where all begins that is planned after it; `None` where that may overlap with it.
    pub(crate) behind: Option<Timestamp>,
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
        walk: Walk,
        budget: &mut Budget,
    ) -> Result<BoxStream<'d, Result<Planned<'d, 'a, S>, EngineError>>, EngineError> {
        let mut days = Vec::new();
        for search in &self.searches {
            days.extend(search.days().await?.into_iter().map(|day| (day, search)));
        }
        days.sort_by_key(|(day, _)| *day);
        if walk.direction == Direction::Backward {
            days.reverse();
        }
        let is_one = self.searches.len() == 1;
        let (pace, ahead) = match walk.pace {
            Pace::Slices(ahead) if is_one && budget.most == 0 => (walk.pace, ahead),
            _ => (Pace::Days, DAYS_AHEAD),
        };
        let located = stream::iter(days).map(move |(day, search)| async move {
            let located = search.locate(day).await?;
            let part = search.range.on(day);
            let ranges = part.map_or_else(Vec::new, |part| match pace {
                Pace::Days => vec![part],
                Pace::Slices(_) => located.slices(part, walk.direction),
            });
            Ok::<_, EngineError>(stream::iter(share(search, located, ranges)))
        });
        let shares = located.buffered(ahead.min(DAYS_AHEAD)).try_flatten();
        let plans = shares.map(move |share| async move {
            let Share {
                search,
                found,
                range,
                stats,
            } = share?;
            let mut plan = search.plan(&found, range).await?;
            plan.stats.add(&stats);
            Ok(Planned {
                range,
                search,
                plan,
                behind: is_one.then_some(walk.behind(range)),
            })
        });
        let mut plans = plans.buffered(ahead).boxed();
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

/// A slice of a day that is not opened yet.
struct Share<'d, 'a, S> {
    search: &'d Search<'a, S>,
    found: Arc<Found>,
    range: TimeRange,
    /// What looking up the day has cost, with its first slice.
    stats: QueryStats,
}

fn share<'d, 'a, S>(
    search: &'d Search<'a, S>,
    located: Located,
    ranges: Vec<TimeRange>,
) -> impl Iterator<Item = Result<Share<'d, 'a, S>, EngineError>> {
    let found = Arc::new(located.found);
    let mut stats = located.stats;
    ranges.into_iter().map(move |range| {
        Ok(Share {
            search,
            found: Arc::clone(&found),
            range,
            stats: std::mem::take(&mut stats),
        })
    })
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
