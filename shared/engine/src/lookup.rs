//! From matchers to the streams and segments of one day.

use std::sync::Arc;

use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};
use futures::future::try_join;
use narvi_model::{Day, Labels, Matcher, StreamId, TenantId, TimeRange, Timestamp};
use narvi_segment::ChunkMeta;
use narvi_storage::{Catalog, SegmentRow, StorageError};

use crate::error::EngineError;
use crate::limits::DAYS_UNCHECKED;
use crate::view::{Hidden, View};

/// The streams that matchers choose on one day, and the segments that may hold them.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) streams: HashMap<StreamId, Labels>,
    /// What is hidden of streams; nothing of those that are not there.
    pub(crate) hidden: HashMap<StreamId, Hidden>,
    /// Those of which all lines were erased once: there may be none since.
    pub(crate) emptied: HashSet<StreamId>,
    pub(crate) rows: Vec<Arc<SegmentRow>>,
}

impl Found {
    /// What may be hidden of a chunk of a stream; `None` where all of it is.
    pub(crate) fn hidden_in(&self, stream: &StreamId, chunk: &ChunkMeta) -> Option<Hidden> {
        match self.hidden.get(stream) {
            None => Some(Hidden::default()),
            Some(hidden) if hidden.covers(chunk.first, chunk.last) => None,
            Some(hidden) => Some(hidden.within(chunk.first, chunk.last)),
        }
    }

    /// Whether a segment may hold lines of a stream that are not hidden.
    pub(crate) fn may_show(&self, row: &SegmentRow, stream: &StreamId) -> bool {
        let (first, last) = (row.summary.first, row.summary.last);
        let hidden = self.hidden.get(stream);
        row.may_hold(stream) && hidden.is_none_or(|hidden| !hidden.covers(first, last))
    }
}

/// Looks up one day. The streams are read first: a push writes its streams before its segment, so
/// a segment that is seen has its streams seen, unless the push is newer than the query.
pub(crate) async fn find(
    view: &View<'_>,
    tenant: &TenantId,
    matchers: &[Matcher],
    range: TimeRange,
    day: Day,
) -> Result<Found, EngineError> {
    let mut found = streams(view, tenant, (range, day), &[matchers]).await?;
    if found.streams.is_empty() {
        return Ok(found);
    }
    let mut rows = view.engine.catalog.segments(tenant, day, range).await?;
    rows.retain(|row| {
        let summary = &row.summary;
        range.touches(summary.first, summary.last)
            && found.streams.keys().any(|id| found.may_show(row, id))
    });
    found.rows = rows.into_iter().map(Arc::new).collect();
    Ok(found)
}

/// The streams of a day that meet all matchers of any group and are not hidden all through the
/// range, without segments.
pub(crate) async fn streams(
    view: &View<'_>,
    tenant: &TenantId,
    (range, day): (TimeRange, Day),
    groups: &[&[Matcher]],
) -> Result<Found, EngineError> {
    let catalog = &view.engine.catalog;
    let rows = async { Ok(catalog.streams_meeting(tenant, day, groups).await?) };
    let (rows, all) = try_join(rows, view.hidden(tenant)).await?;
    let (first, last) = overlap(range, day);
    let mut found = Found {
        streams: HashMap::new(),
        hidden: HashMap::new(),
        emptied: HashSet::new(),
        rows: Vec::new(),
    };
    for row in rows {
        let hidden = all.of(&row.labels, (first, last));
        if hidden.covers(first, last) {
            continue;
        }
        if !hidden.is_empty() {
            found.hidden.insert(row.id, hidden);
        }
        if row.is_emptied {
            found.emptied.insert(row.id);
        }
        found.streams.insert(row.id, row.labels);
    }
    Ok(found)
}

/// The first and the last instant of a range that lie on a day.
fn overlap(range: TimeRange, day: Day) -> (Timestamp, Timestamp) {
    let last = range.end().min(day.end()).minus(1);
    (range.start().max(day.start()), last)
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
