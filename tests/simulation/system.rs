//! [`System`]: the parts of Narvi over one world, what they are asked to do, and what is checked of
//! it. Every activity is a future that the schedule polls.

use std::sync::Arc;

use narvi_compact::{Packing, Sizes};
use narvi_embedded::Tables;
use narvi_engine::{Caller, Engine, EngineError, ErrorKind, Request, Span};
use narvi_gateway::Config;
use narvi_intake::{Intake, IntakeError};
use narvi_model::answer::QueryResult;
use narvi_model::{
    Direction, Entry, Labels, Limits, Metadata, NANOS_PER_SECOND, TenantId, TimeRange, Timestamp,
};
use narvi_protocol::push::{PushRequest, PushStream};
use narvi_segment::WriterOptions;
use narvi_storage::{Catalog, Objects};

use super::ledger::{Known, Ledger, Line};
use super::objects::Bucket;
use super::setting::Setting;
use super::world::World;

/// Processes that take pushes, and as many that answer queries.
pub(crate) const HOSTS: usize = 2;

/// Entries of an answer; more than any seed sends.
const ENTRIES: usize = 5000;

/// What chooses every line.
const ALL: &str = "{app=~\".+\"}";

/// All of Narvi.
pub(crate) struct System {
    pub(crate) world: Arc<World>,
    pub(crate) bucket: Bucket,
    pub(crate) catalog: Catalog,
    /// Behind the catalog, to look without being seen.
    pub(crate) tables: Tables,
    pub(crate) ledger: Ledger,
    pub(crate) tenant: TenantId,
    config: Arc<Config>,
    intakes: Vec<Intake>,
    engines: Vec<Engine>,
}

impl System {
    pub(crate) fn new(
        world: &Arc<World>,
        (bucket, tables, catalog): (Bucket, Tables, Catalog),
        setting: &Setting,
    ) -> Self {
        let config = Arc::new(Config::from_yaml(&setting.yaml).unwrap());
        let objects: Arc<dyn Objects> = Arc::new(bucket.clone());
        let intake = || {
            let limits = config.limits.clone();
            Intake::new(
                Arc::clone(&objects),
                catalog.clone(),
                limits,
                WriterOptions::default(),
            )
        };
        let engine = || Engine::with_threads(Arc::clone(&objects), catalog.clone(), 0);
        Self {
            intakes: (0..HOSTS).map(|_| intake()).collect(),
            engines: (0..HOSTS).map(|_| engine()).collect(),
            world: Arc::clone(world),
            bucket,
            tables,
            catalog,
            ledger: Ledger::new(setting),
            tenant: TenantId::parse("t").unwrap(),
            config,
        }
    }

    fn limits(&self) -> &Limits {
        self.config.limits.of(&self.tenant)
    }

    /// Sends lines to a host, `skew` nanoseconds from the clock.
    pub(crate) async fn push(&self, host: usize, lines: &[Line], skew: i64) {
        self.look();
        let began = self.ledger.send(lines);
        let mut streams: Vec<PushStream> = Vec::new();
        for line in lines {
            streams.push(PushStream {
                labels: Labels::from_pairs([("app", format!("s{}", line.stream).as_str())]),
                entries: vec![Entry {
                    timestamp: line.time,
                    line: line.text().as_str().into(),
                    metadata: Metadata::empty(),
                }],
            });
        }
        let push = PushRequest {
            streams,
            refused: Vec::new(),
            has_service_names: true,
        };
        let now = self.world.now().plus(skew);
        match self.intakes[host].push(&self.tenant, push, now).await {
            Ok(()) => {
                self.note("acknowledged");
                self.ledger.acknowledge(lines, began);
            }
            Err(IntakeError::Storage(error)) if is_passing(error.kind()) => {}
            // Late repeats of old lines are too old to be taken.
            Err(IntakeError::Refused { .. }) => {}
            Err(error) => self.ledger.wrong(format!("a push fails: {error}")),
        }
    }

    pub(crate) async fn compact(&self, owner: &str, skew: i64) {
        let objects = Arc::new(self.bucket.clone());
        let config = Arc::clone(&self.config);
        let handler = narvi_compact::Handler::new(objects, self.catalog.clone(), config)
            .with_owner(owner)
            .with_sizes(Sizes { target: 64 << 10 })
            .with_packing(Packing {
                hour: 1,
                day: 1,
                level: 1,
            })
            .in_place();
        if let Ok(report) = handler.run(self.world.now().plus(skew)).await
            && !report.corrupt.is_empty()
        {
            self.ledger.wrong(format!(
                "{owner} met corrupt segments: {:?}",
                report.corrupt
            ));
        }
    }

    pub(crate) fn retention(&self, owner: &str) -> narvi_retention::Handler {
        let objects = Arc::new(self.bucket.clone());
        let config = Arc::clone(&self.config);
        let handler = narvi_retention::Handler::new(objects, self.catalog.clone(), config);
        handler.with_owner(owner).in_place()
    }

    pub(crate) async fn retain(&self, owner: &str, skew: i64) {
        let now = self.world.now().plus(skew);
        // What fails is tried again by the next run.
        if let Ok(report) = self.retention(owner).run(now).await {
            if report.stuck > 0 {
                self.ledger
                    .wrong(format!("{owner} met segments that are stuck"));
            }
            let mut state = self.world.state();
            state.count("garbage was collected", report.deleted > 0);
            state.count("rows expired", report.expired > 0);
            state.count("segments were rewritten", report.rewritten > 0);
            state.count("lines were erased", report.erased > 0);
            state.count("a request was processed", report.processed > 0);
            state.count("streams were forgotten", report.streams > 0);
            state.count("a partition was forgotten", report.forgotten > 0);
            state.count("orphans were found", report.orphans > 0);
            state.count("a partition was busy", report.busy > 0);
        }
    }

    pub(crate) fn note(&self, what: &str) {
        self.world.state().note(what);
    }

    /// Asks for all lines, then perhaps for their number or for all streams.
    pub(crate) async fn read(&self, host: usize, who: &str) {
        self.read_lines(host, who).await;
        let next = self.world.state().rng.below(4);
        match next {
            0 => self.count(host, who).await,
            1 => self.list_streams(host, who).await,
            _ => {}
        }
    }

    /// What is known when a query begins, and the times of all that was sent.
    fn asked(&self) -> Option<(Known, Timestamp, Timestamp)> {
        let (first, last) = self.ledger.times()?;
        Some((self.ledger.known(), first, last.plus(NANOS_PER_SECOND)))
    }

    pub(crate) async fn read_lines(&self, host: usize, who: &str) {
        let Some((known, start, end)) = self.asked() else {
            return;
        };
        let span = Span::Range {
            start,
            end,
            step: 1,
        };
        let request = self.request(ALL, span);
        if let Some(result) = self.answer(host, who, &request).await {
            self.look();
            let now = self.world.now();
            let hides = !self.ledger.wanted(&known, now).1.is_empty();
            self.world.state().count("lines were hidden", hides);
            self.ledger.check_lines(who, (&known, now), &result);
        }
    }

    pub(crate) async fn count(&self, host: usize, who: &str) {
        let Some((known, start, end)) = self.asked() else {
            return;
        };
        // The first instant of a range is not in it.
        let seconds = end.since(start) / NANOS_PER_SECOND + 1;
        let query = format!("sum(count_over_time({ALL}[{seconds}s]))");
        let request = self.request(&query, Span::Instant(end));
        if let Some(result) = self.answer(host, who, &request).await {
            self.look();
            let known = (&known, self.world.now());
            self.ledger.check_count(who, known, &result);
        }
    }

    pub(crate) async fn list_streams(&self, host: usize, who: &str) {
        let Some((known, start, end)) = self.asked() else {
            return;
        };
        let range = TimeRange::new(start, end).unwrap();
        let engine = &self.engines[host];
        let series = engine.series(&self.tenant, self.limits(), range, &[&[]]);
        if let Some(series) = self.answered(who, series.await) {
            self.look();
            let known = (&known, self.world.now());
            let apps = series.iter().filter_map(|labels| labels.get("app"));
            let streams = apps.map(|app| app[1..].parse().unwrap()).collect();
            self.ledger.check_streams(who, known, &streams);
        }
    }

    fn request(&self, query: &str, span: Span) -> Request {
        Request {
            tenant: self.tenant.clone(),
            limits: self.limits().clone(),
            query: query.to_owned(),
            span,
            direction: Direction::Forward,
            limit: ENTRIES,
            interval: 0,
            now: self.world.now(),
            caller: Caller::default(),
        }
    }

    async fn answer(&self, host: usize, who: &str, request: &Request) -> Option<QueryResult> {
        let answer = self.engines[host].query(request).await;
        let answer = self.answered(who, answer)?;
        for warning in &answer.warnings {
            self.ledger.wrong(format!("{who}: {warning}"));
        }
        Some(answer.result)
    }

    /// What was answered; where it is an error, it is one that a store that fails explains.
    fn answered<T>(&self, who: &str, answer: Result<T, EngineError>) -> Option<T> {
        let error = match answer {
            Ok(answer) => return Some(answer),
            Err(error) => error,
        };
        let is_fault = error.kind() == ErrorKind::Unavailable;
        let is_calm = self.world.state().is_calm;
        if !is_fault || is_calm || matches!(error, EngineError::Moved) {
            self.ledger.wrong(format!("{who}: a query fails: {error}"));
        }
        None
    }
}

fn is_passing(kind: narvi_storage::ErrorKind) -> bool {
    kind == narvi_storage::ErrorKind::Unavailable
}
