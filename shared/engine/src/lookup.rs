//! From matchers to the streams and segments of one day.

use foldhash::HashMap;
use narvi_model::{Day, Labels, Matcher, StreamId, TenantId, TimeRange, matches_all};
use narvi_storage::{Catalog, SegmentRow, StorageError};

use crate::limits::DAYS_UNCHECKED;

/// The streams that matchers choose on one day, and the segments that may hold them.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) streams: HashMap<StreamId, Labels>,
    pub(crate) rows: Vec<SegmentRow>,
}

/// Looks up one day. The streams are read first: a push writes its streams before its segment, so
/// a segment that is seen has its streams seen, unless the push is newer than the query.
pub(crate) async fn find(
    catalog: &Catalog,
    tenant: &TenantId,
    matchers: &[Matcher],
    range: TimeRange,
    day: Day,
) -> Result<Found, StorageError> {
    let rows = catalog.streams(tenant, day).await?;
    let chosen = rows
        .into_iter()
        .filter(|row| matches_all(matchers, &row.labels));
    let streams: HashMap<StreamId, Labels> = chosen.map(|row| (row.id, row.labels)).collect();
    if streams.is_empty() {
        return Ok(Found {
            streams,
            rows: Vec::new(),
        });
    }
    let mut rows = catalog.segments(tenant, day, range).await?;
    rows.retain(|row| {
        let summary = &row.summary;
        range.touches(summary.first, summary.last) && streams.keys().any(|id| row.may_hold(id))
    });
    Ok(Found { streams, rows })
}

/// The days of a range that may hold anything of the tenant.
pub(crate) async fn days(
    catalog: &Catalog,
    tenant: &TenantId,
    range: TimeRange,
) -> Result<Vec<Day>, StorageError> {
    if range.days().nth(DAYS_UNCHECKED).is_none() {
        return Ok(range.days().collect());
    }
    let (first, last) = (Day::of(range.start()), Day::of(range.end().minus(1)));
    let partitions = catalog.partitions().await?;
    let own = partitions
        .into_iter()
        .filter(|partition| partition.tenant == *tenant);
    let mut days: Vec<Day> = own
        .map(|p| p.day)
        .filter(|day| (first..=last).contains(day))
        .collect();
    days.sort_unstable();
    days.dedup();
    Ok(days)
}
