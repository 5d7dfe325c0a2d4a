//! Volumes: how many bytes streams have, by series or by label, in all or over time; out of footers
//! alone (spec `http-api.md` §8).

mod buckets;
mod weight;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use foldhash::{HashMap, HashMapExt as _};
use futures::stream::{self, StreamExt as _};
use narvi_logql::required::Required;
use narvi_logql::running::Running;
use narvi_model::answer::{QueryResult, QueryStats, Sample, Series};
use narvi_model::{Labels, MatchOp, Matcher, StreamId, Timestamp};

use crate::candidates::{Candidate, candidates};
use crate::damage::Damage;
use crate::error::EngineError;
use crate::extent::Extent;
use crate::limits::{DAYS_AHEAD, MAX_VOLUME_POINTS};
use crate::lookup;
use crate::request::{Answer, IndexRequest};
use crate::scan::Worker;
use crate::search::{self, Opening};
use crate::view::View;
use crate::{Engine, checks};

use buckets::{Buckets, Cells};
use weight::weights;

/// What a volume is asked by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VolumeBy {
    /// Streams, reduced to the labels that the selector or the targets name.
    #[default]
    Series,
    /// The names of labels.
    Labels,
}

/// A question for volumes.
#[derive(Clone, Debug)]
pub struct VolumeRequest<'a> {
    /// Whose streams, and when.
    pub index: IndexRequest<'a>,
    /// Nanoseconds of a bucket; `None` for all in one.
    pub step: Option<i64>,
    /// Most series of an answer, or of each bucket.
    pub limit: usize,
    /// The labels that series are reduced to; empty for those of the selector.
    pub targets: &'a [String],
    /// What is added up.
    pub by: VolumeBy,
}

/// The series so far.
struct Volumes<'a> {
    request: &'a VolumeRequest<'a>,
    buckets: Buckets,
    /// The labels to which streams are reduced; `None` for all of them.
    kept: Option<BTreeSet<&'a str>>,
    series: HashMap<Labels, usize>,
    cells: Vec<Cells>,
    /// Where the bytes of a stream are counted.
    of_stream: HashMap<StreamId, Vec<usize>>,
}

impl Engine {
    /// The bytes of streams, largest first. A vector, or a matrix where some series has more than
    /// one point.
    ///
    /// # Errors
    /// Over a limit, or the catalog or an object failed.
    pub async fn volume(&self, request: &VolumeRequest<'_>) -> Result<Answer, EngineError> {
        let running = Running::default();
        self.within(
            request.index.limits,
            &running,
            self.settled(|| self.count_volume(request, &running)),
        )
        .await
    }

    async fn count_volume(
        &self,
        request: &VolumeRequest<'_>,
        running: &Running,
    ) -> Result<Answer, EngineError> {
        let started = Instant::now();
        let mut stats = QueryStats::default();
        let index = &request.index;
        let Some(range) = checks::index(index)? else {
            return Ok(Answer {
                result: QueryResult::Vector(Vec::new()),
                stats,
                warnings: Vec::new(),
            });
        };
        let (start, end) = (range.start(), index.end);
        let matchers = with_targets(index.matchers, request.targets);
        let mut volumes = Volumes::new(request, Buckets::new(start, end, request.step));
        let mut warnings = Vec::new();
        let view = &View::new(self, index.tenants);
        for tenant in index.tenants {
            let damage = Damage::default();
            let days = lookup::days(&self.catalog, tenant, range).await?;
            let days = stream::iter(days)
                .map(async |day| {
                    let (of, when) = ((tenant, &*matchers), (range, Timestamp::MAX));
                    let mut located = search::locate(view, of, when, day).await?;
                    let rows = std::mem::take(&mut located.found.rows);
                    let opening = Opening::for_footers(&damage);
                    let (segments, cost) = search::open_rows(self, rows, opening).await?;
                    located.stats.add(&cost);
                    Ok::<_, EngineError>((located, segments))
                })
                .buffered(DAYS_AHEAD);
            let mut days = std::pin::pin!(days);
            while let Some(day) = days.next().await {
                let (located, segments) = day?;
                stats.add(&located.stats);
                let found = candidates(&located.found, segments, range, &Required::Anything)?;
                let found = Arc::new(found);
                let weights = self.weigh(&found, &damage, running).await?;
                for (candidate, weight) in found.iter().zip(weights) {
                    volumes.add(candidate, weight)?;
                }
                stats.chunks_matched += found.len() as u64;
            }
            warnings.extend(self.warn(tenant, &damage));
        }
        let result = volumes.finish()?;
        stats.exec_seconds = started.elapsed().as_secs_f64();
        Ok(Answer {
            result,
            stats,
            warnings,
        })
    }

    /// What each chunk weighs, found out by a thread for such work.
    async fn weigh(
        &self,
        found: &Arc<Vec<Candidate>>,
        damage: &Damage,
        running: &Running,
    ) -> Result<Vec<u64>, EngineError> {
        let (found, damage, running) = (Arc::clone(found), damage.clone(), running.clone());
        let weigh =
            move |worker: &mut Worker| weights(&found, &damage, (&mut worker.scratch, &running));
        self.workers.run(weigh).await
    }
}

/// The matchers, and for each target that none of them names one that asks for its presence.
fn with_targets(matchers: &[Matcher], targets: &[String]) -> Vec<Matcher> {
    let mut all = matchers.to_vec();
    for target in targets {
        if !matchers.iter().any(|matcher| matcher.name() == target) {
            // Without an expression nothing can be wrong with it.
            all.extend(Matcher::new(target, MatchOp::NotEqual, "").ok());
        }
    }
    all
}

impl<'a> Volumes<'a> {
    fn new(request: &'a VolumeRequest<'a>, buckets: Buckets) -> Self {
        let targets = request.targets.iter().map(String::as_str);
        let named = request.index.matchers.iter().map(Matcher::name);
        let kept: BTreeSet<&str> = match (request.targets.is_empty(), request.by) {
            (false, _) => targets.collect(),
            (true, VolumeBy::Series) => named.collect(),
            (true, VolumeBy::Labels) => BTreeSet::new(),
        };
        Self {
            request,
            buckets,
            kept: (!kept.is_empty()).then_some(kept),
            series: HashMap::new(),
            cells: Vec::new(),
            of_stream: HashMap::new(),
        }
    }

    /// Counts a chunk of so many bytes.
    fn add(&mut self, candidate: &Candidate, weight: u64) -> Result<(), EngineError> {
        let id = candidate.stream();
        if !self.of_stream.contains_key(&id) {
            let places = self.places(&candidate.labels)?;
            self.of_stream.insert(id, places);
        }
        let extent = Extent::of(candidate.chunk());
        for &place in self.of_stream.get(&id).into_iter().flatten() {
            self.buckets.add(&mut self.cells[place], extent, weight);
        }
        Ok(())
    }

    /// The series that a stream counts to.
    fn places(&mut self, labels: &Labels) -> Result<Vec<usize>, EngineError> {
        let keeps = |name: &str| self.kept.as_ref().is_none_or(|kept| kept.contains(name));
        let reduced = labels.filter(keeps);
        let keys: Vec<Labels> = match self.request.by {
            VolumeBy::Series => vec![reduced],
            VolumeBy::Labels => reduced
                .iter()
                .map(|(name, _)| Labels::from_pairs([(name, "")]))
                .collect(),
        };
        let most = self.request.index.limits.volume_max_series;
        let mut places = Vec::with_capacity(keys.len());
        for key in keys {
            let next = self.cells.len();
            let place = *self.series.entry(key).or_insert(next);
            if place == next {
                self.cells.push(Cells::default());
            }
            if most > 0 && self.cells.len() > most {
                return Err(EngineError::TooManyVolumes(most));
            }
            places.push(place);
        }
        Ok(places)
    }

    fn finish(self) -> Result<QueryResult, EngineError> {
        let limit = self.request.limit;
        let mut all: Vec<Series> = Vec::with_capacity(self.series.len());
        let mut points = 0;
        for (labels, place) in self.series {
            let cells = &self.cells[place];
            let samples = match self.request.step {
                Some(_) => self.buckets.samples(cells),
                None => vec![self.buckets.total(cells)],
            };
            points += samples.len();
            if points > MAX_VOLUME_POINTS {
                return Err(EngineError::Refused(format!(
                    "a volume may have {MAX_VOLUME_POINTS} points at most; ask for a longer step, \
                     a shorter time range or fewer series"
                )));
            }
            if !samples.is_empty() {
                all.push(Series { labels, samples });
            }
        }
        let all = largest(all, limit);
        Ok(match all.iter().any(|series| series.samples.len() > 1) {
            true => QueryResult::Matrix(all),
            false => QueryResult::Vector(all),
        })
    }
}

/// Keeps the largest `limit` of each time, and sorts: the largest first, equal ones by name.
fn largest(mut all: Vec<Series>, limit: usize) -> Vec<Series> {
    all.sort_by(|a, b| a.labels.cmp(&b.labels));
    let mut order: Vec<(Sample, usize)> = Vec::new();
    for (place, series) in all.iter_mut().enumerate() {
        order.extend(series.samples.drain(..).map(|sample| (sample, place)));
    }
    // Stable, so that equal values stay in the order of names.
    order.sort_by(|(a, _), (b, _)| {
        let values = b.value.total_cmp(&a.value);
        a.millis.cmp(&b.millis).then(values)
    });
    let (mut time, mut taken) = (None, 0);
    for (sample, place) in order {
        taken = if time == Some(sample.millis) {
            taken + 1
        } else {
            1
        };
        time = Some(sample.millis);
        if taken <= limit {
            all[place].samples.push(sample);
        }
    }
    all.retain(|series| !series.samples.is_empty());
    let size = |series: &Series| {
        series
            .samples
            .iter()
            .map(|sample| sample.value)
            .sum::<f64>()
    };
    all.sort_by(|a, b| size(b).total_cmp(&size(a)));
    all
}
