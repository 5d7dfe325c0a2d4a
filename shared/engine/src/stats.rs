//! Statistics of the index: how much a selector has in a time range (spec `http-api.md` §8).
//!
//! Out of rows and footers, never columns. A segment that lies wholly in the range and holds only
//! chosen streams is counted by its row, so that not even its footer is fetched. Of chunks that
//! reach over an end of the range the part that overlaps counts.

use foldhash::HashSet;
use futures::stream::{self, StreamExt as _};
use narvi_logql::running::Running;
use narvi_model::answer::IndexStats;
use narvi_model::{Day, Matcher, StreamId, TenantId, TimeRange};
use narvi_storage::SegmentRow;

use crate::candidates::Opened;
use crate::damage::Damage;
use crate::error::EngineError;
use crate::extent::Extent;
use crate::limits::{DAYS_AHEAD, ROW_CHUNK_BYTES};
use crate::lookup::{self, Found};
use crate::request::IndexRequest;
use crate::search::{self, Opening};
use crate::view::View;
use crate::{Engine, checks};

/// Numbers so far; streams are counted once however many days they have lines on.
#[derive(Default)]
struct Count {
    streams: HashSet<StreamId>,
    chunks: u64,
    bytes: f64,
    entries: f64,
}

impl Engine {
    /// How much the chosen streams have in the range.
    ///
    /// # Errors
    /// Over a limit, or the catalog or an object failed.
    pub async fn stats(&self, request: &IndexRequest<'_>) -> Result<IndexStats, EngineError> {
        self.within(
            request.limits,
            &Running::default(),
            self.settled(|| self.count_index(request)),
        )
        .await
    }

    async fn count_index(&self, request: &IndexRequest<'_>) -> Result<IndexStats, EngineError> {
        let Some(range) = checks::index(request)? else {
            return Ok(IndexStats::default());
        };
        let mut total = IndexStats::default();
        let view = &View::new(self, request.tenants);
        for tenant in request.tenants {
            let days = lookup::days(&self.catalog, tenant, range).await?;
            let of = (tenant, request.matchers);
            let damage = Damage::default();
            let counts =
                stream::iter(days).map(|day| self.count_day((view, of), range, day, &damage));
            let mut counts = std::pin::pin!(counts.buffer_unordered(DAYS_AHEAD));
            let mut count = Count::default();
            while let Some(day) = counts.next().await {
                count.merge(day?);
            }
            total.add(&count.finish());
            self.warn(tenant, &damage);
        }
        Ok(total)
    }

    async fn count_day(
        &self,
        (view, (tenant, matchers)): (&View<'_>, (&TenantId, &[Matcher])),
        range: TimeRange,
        day: Day,
        damage: &Damage,
    ) -> Result<Count, EngineError> {
        let mut found = lookup::find(view, tenant, matchers, range, day).await?;
        let mut count = Count::default();
        let mut unknown = Vec::new();
        for row in std::mem::take(&mut found.rows) {
            match count.row(&row, &found, range) {
                true => {}
                false => unknown.push(row),
            }
        }
        let (segments, _) = search::open_rows(self, unknown, Opening::for_footers(damage)).await?;
        for segment in &segments {
            count.segment(segment, &found, range);
        }
        Ok(count)
    }
}

impl Count {
    /// Counts a whole segment by its row; answers whether the row says enough.
    fn row(&mut self, row: &SegmentRow, found: &Found, range: TimeRange) -> bool {
        let summary = &row.summary;
        let held: Vec<StreamId> = found
            .streams
            .keys()
            .filter(|id| row.may_hold(id))
            .copied()
            .collect();
        // What is hidden is told by chunk.
        if held.iter().any(|id| found.hidden.contains_key(id)) {
            return false;
        }
        // A row without a list of streams may hold any. What begins with the range is left to the
        // chunks, of which some may count as nothing.
        let is_whole = range.covers(summary.first, summary.last) && summary.first > range.start();
        if !is_whole || summary.streams.is_empty() || held.len() != summary.streams.len() {
            return false;
        }
        let least = (held.len() as u64).max(summary.line_bytes.div_ceil(ROW_CHUNK_BYTES));
        self.streams.extend(held);
        self.chunks += least;
        self.bytes += summary.line_bytes as f64;
        self.entries += summary.rows as f64;
        true
    }

    /// Counts the chunks of a segment.
    fn segment(&mut self, segment: &Opened, found: &Found, range: TimeRange) {
        for (stream, chunk) in segment.chunks() {
            let touched = range.touches(chunk.first, chunk.last);
            let chosen = found.streams.contains_key(&stream.id);
            if !touched || !chosen || found.hidden_in(&stream.id, chunk).is_none() {
                continue;
            }
            let share = Extent::of(chunk).share(range.start(), range.end().minus(1));
            self.streams.insert(stream.id);
            self.chunks += 1;
            self.bytes += chunk.line_bytes as f64 * share;
            self.entries += f64::from(chunk.rows) * share;
        }
    }

    fn merge(&mut self, other: Self) {
        self.streams.extend(other.streams);
        self.chunks += other.chunks;
        self.bytes += other.bytes;
        self.entries += other.entries;
    }

    fn finish(self) -> IndexStats {
        IndexStats {
            streams: self.streams.len() as u64,
            chunks: self.chunks,
            bytes: self.bytes.round() as u64,
            entries: self.entries.round() as u64,
        }
    }
}
