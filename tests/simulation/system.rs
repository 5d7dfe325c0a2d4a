//! [`System`]: the parts of Narvi over one world, what they are asked to do, and what is checked of
//! it. Every activity is a future that the schedule polls.

use std::collections::BTreeSet;
use std::sync::Arc;

use narvi_compact::{Packing, Sizes};
use narvi_engine::{Caller, Engine, EngineError, ErrorKind, Request, Span};
use narvi_gateway::Config;
use narvi_intake::{Intake, IntakeError};
use narvi_model::{
    Direction, Entry, Labels, Limits, Metadata, NANOS_PER_SECOND, TenantId, Timestamp,
};
use narvi_protocol::push::{PushRequest, PushStream};
use narvi_segment::WriterOptions;
use narvi_storage::{Catalog, Objects, Place};

use super::ledger::{Known, Ledger, Line};
use super::objects::Bucket;
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
    pub(crate) ledger: Ledger,
    pub(crate) tenant: TenantId,
    config: Arc<Config>,
    intakes: Vec<Intake>,
    engines: Vec<Engine>,
}

impl System {
    pub(crate) fn new(
        world: &Arc<World>,
        (bucket, catalog): (Bucket, Catalog),
        config: &str,
    ) -> Self {
        let config = Arc::new(Config::from_yaml(config).unwrap());
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
            catalog,
            ledger: Ledger::default(),
            tenant: TenantId::parse("t").unwrap(),
            config,
        }
    }

    fn limits(&self) -> &Limits {
        self.config.limits.of(&self.tenant)
    }

    /// Sends lines to a host, `skew` nanoseconds from the clock.
    pub(crate) async fn push(&self, host: usize, lines: &[Line], skew: i64) {
        self.ledger.send(lines);
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
                self.world.state().note("acknowledged");
                self.ledger.acknowledge(lines);
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
            .with_packing(Packing { hour: 2, day: 1 })
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

    pub(crate) async fn retain(&self, owner: &str, skew: i64) {
        let objects = Arc::new(self.bucket.clone());
        let config = Arc::clone(&self.config);
        let handler = narvi_retention::Handler::new(objects, self.catalog.clone(), config);
        let now = self.world.now().plus(skew);
        // What fails is tried again by the next run.
        let _ = handler.with_owner(owner).in_place().run(now).await;
    }

    /// Asks for all lines and for their number.
    pub(crate) async fn read(&self, host: usize, who: &str) {
        let engine = &self.engines[host];
        // All that was sent when the query begins.
        let asked = || {
            let (first, last) = self.ledger.times()?;
            Some((self.known(), first, last.plus(NANOS_PER_SECOND)))
        };
        if let Some((known, start, end)) = asked() {
            let lines = self.request(
                ALL,
                Span::Range {
                    start,
                    end,
                    step: 1,
                },
            );
            if let Some(result) = self.answer(engine, who, &lines).await {
                self.ledger.check_lines(who, &known, &result);
            }
        }
        if let Some((known, start, end)) = asked() {
            // The first instant of a range is not in it.
            let seconds = end.since(start) / NANOS_PER_SECOND + 1;
            let query = format!("sum(count_over_time({ALL}[{seconds}s]))");
            let count = self.request(&query, Span::Instant(end));
            if let Some(result) = self.answer(engine, who, &count).await {
                self.ledger.check_count(who, &known, &result);
            }
        }
    }

    fn known(&self) -> Known {
        let period = self.limits().retention_period;
        // A run whose clock is ahead drops lines that much earlier, and a query takes its time.
        let margin = 120 * NANOS_PER_SECOND;
        let kept_from = match period.is_zero() {
            true => Timestamp::MIN,
            false => self.world.now().minus(period.nanos() - margin),
        };
        let acknowledged = self.ledger.acknowledged();
        Known {
            acknowledged,
            kept_from,
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

    async fn answer(
        &self,
        engine: &Engine,
        who: &str,
        request: &Request,
    ) -> Option<narvi_model::answer::QueryResult> {
        match engine.query(request).await {
            Ok(answer) => {
                for warning in &answer.warnings {
                    self.ledger.wrong(format!("{who}: {warning}"));
                }
                Some(answer.result)
            }
            Err(error) => {
                let is_fault = error.kind() == ErrorKind::Unavailable;
                let is_calm = self.world.state().is_calm;
                if !is_fault || is_calm || matches!(error, EngineError::Moved) {
                    self.ledger.wrong(format!("{who}: a query fails: {error}"));
                }
                None
            }
        }
    }

    /// What must hold when everything is done, garbage is collected and nothing is merged any more:
    /// every row has its object, and every object its row.
    pub(crate) async fn check_objects(&self) {
        let garbage = self.catalog.garbage(None, Timestamp::MAX).await.unwrap();
        if !garbage.is_empty() {
            self.ledger.wrong(format!("garbage is left: {garbage:?}"));
        }
        let mut named = BTreeSet::new();
        for partition in self.catalog.partitions().await.unwrap() {
            let rows = self.catalog.partition_segments(&partition).await.unwrap();
            named.extend(rows.into_iter().filter_map(|row| match row.place {
                Place::Object(key) => Some(key),
                Place::Inline(_) => None,
            }));
        }
        let stored = self.bucket.keys();
        for key in stored.difference(&named) {
            self.ledger.wrong(format!("{key} has no row"));
        }
        for key in named.difference(&stored) {
            self.ledger.wrong(format!("{key} has no object"));
        }
    }
}

fn is_passing(kind: narvi_storage::ErrorKind) -> bool {
    kind == narvi_storage::ErrorKind::Unavailable
}
