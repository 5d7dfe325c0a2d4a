//! [`Schedule`]: decides, by the dice of a seed, what happens next: an activity begins, a call goes
//! on, the clock moves, something is killed. Then it lets everything come to rest and checks.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use narvi_model::{NANOS_PER_DAY, NANOS_PER_SECOND, Timestamp};

use super::ledger::Line;
use super::system::{HOSTS, System};

/// Bytes of a line that makes a push too large for its row.
const LARGE: usize = 9_000;

/// Steps after which a seed that does not come to rest has failed.
const STEPS: usize = 20_000;

/// Something under way.
struct Task {
    name: String,
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Its time limit, after which it is killed.
    until: Timestamp,
    woken: Arc<Woken>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// One run of a system.
pub(crate) struct Schedule {
    system: Arc<System>,
    tasks: Vec<Task>,
    /// Activities that are still to begin.
    left: usize,
    begun: usize,
    /// Batches that were sent; clients send them again.
    batches: Vec<Vec<Line>>,
    numbers: u64,
}

impl Schedule {
    pub(crate) fn new(system: Arc<System>, activities: usize) -> Self {
        Self {
            system,
            tasks: Vec::new(),
            left: activities,
            begun: 0,
            batches: Vec::new(),
            numbers: 0,
        }
    }

    fn roll(&self, end: usize) -> usize {
        self.system.world.state().rng.below(end)
    }

    fn between(&self, first: i64, last: i64) -> i64 {
        self.system.world.state().rng.between(first, last)
    }

    /// Makes the tables.
    ///
    /// # Errors
    /// Where that is not possible.
    pub(crate) fn prepare(&mut self) -> Result<(), String> {
        self.alone("tables", |system| async move {
            system.catalog.create_tables().await.unwrap();
        })
    }

    /// The whole of it.
    ///
    /// # Errors
    /// What was wrong first.
    pub(crate) fn run(&mut self) -> Result<(), String> {
        while self.left > 0 || !self.tasks.is_empty() {
            self.step();
            self.system.ledger.verdict()?;
        }
        self.rest()
    }

    fn step(&mut self) {
        let world = Arc::clone(&self.system.world);
        match self.roll(100) {
            0..12 if self.left > 0 => self.begin(),
            12..14 => self.kill(),
            14..20 => self.pass(),
            _ if world.release() => {}
            _ if self.left > 0 => self.begin(),
            _ => self.pass(),
        }
        self.poll();
    }

    /// Begins an activity.
    fn begin(&mut self) {
        self.left -= 1;
        self.begun += 1;
        match self.roll(20) {
            0..7 => {
                let batch = self.batch();
                self.batches.push(batch.clone());
                self.push(batch);
            }
            7..11 => self.push_again(),
            11..14 => self.compact(),
            14..16 => self.retain(),
            _ => self.read(),
        }
    }

    fn batch(&mut self) -> Vec<Line> {
        let now = self.system.world.now();
        let count = self.roll(3) + 1;
        let large = self.roll(100) < 40;
        let late = self.roll(100) < 15;
        (0..count)
            .map(|place| {
                self.numbers += 1;
                let age = match late {
                    true => self.between(0, 3 * 3600),
                    false => self.between(0, 60),
                };
                Line {
                    number: self.numbers,
                    time: now.minus(age * NANOS_PER_SECOND),
                    stream: self.roll(3),
                    padding: if large && place == 0 { LARGE } else { 0 },
                }
            })
            .collect()
    }

    /// A client sends a batch again, or its lines among others; twice at once, sometimes.
    fn push_again(&mut self) {
        let Some(last) = self.batches.len().checked_sub(1) else {
            return;
        };
        let mut batch = self.batches[last - self.roll(self.batches.len().min(5))].clone();
        if self.roll(100) < 40 {
            batch.extend(self.batch());
            batch.extend(self.batches[self.roll(self.batches.len())].clone());
            self.batches.push(batch.clone());
        }
        if self.roll(100) < 40 {
            self.push(batch.clone());
        }
        self.push(batch);
    }

    fn push(&mut self, lines: Vec<Line>) {
        let (host, skew) = (self.roll(HOSTS), self.skew());
        let system = Arc::clone(&self.system);
        let numbers: Vec<u64> = lines.iter().map(|line| line.number).collect();
        let name = format!("push {}", self.begun);
        system
            .world
            .state()
            .note(&format!("{name} begins: {numbers:?}"));
        self.spawn(
            name,
            29,
            async move { system.push(host, &lines, skew).await },
        );
    }

    /// Twice at once, where the schedule delivers an event twice.
    fn compact(&mut self) {
        let runs = 1 + usize::from(self.roll(100) < 40);
        for run in 0..runs {
            let (system, skew) = (Arc::clone(&self.system), self.skew());
            let owner = format!("compact {}.{run}", self.begun);
            // A machine may stand still; the lease, of 300 s, then ends before the run does.
            let limit = if self.roll(100) < 30 { 1200 } else { 120 };
            self.spawn(owner.clone(), limit, async move {
                system.compact(&owner, skew).await;
            });
        }
    }

    fn retain(&mut self) {
        let runs = 1 + usize::from(self.roll(100) < 30);
        for run in 0..runs {
            let (system, skew) = (Arc::clone(&self.system), self.skew());
            let owner = format!("retain {}.{run}", self.begun);
            self.spawn(owner.clone(), 300, async move {
                system.retain(&owner, skew).await;
            });
        }
    }

    fn read(&mut self) {
        let (host, system) = (self.roll(HOSTS), Arc::clone(&self.system));
        let name = format!("read {}", self.begun);
        // Two queries, each of which has 28 s.
        self.spawn(
            name.clone(),
            28,
            async move { system.read(host, &name).await },
        );
    }

    /// Clocks of hosts differ by seconds.
    fn skew(&self) -> i64 {
        self.between(-5, 5) * NANOS_PER_SECOND
    }

    fn spawn(
        &mut self,
        name: String,
        seconds: i64,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        self.tasks.push(Task {
            name,
            future: Box::pin(work),
            until: self.system.world.now().plus(seconds * NANOS_PER_SECOND),
            woken: Arc::new(Woken(AtomicBool::new(true))),
        });
    }

    fn kill(&mut self) {
        if self.tasks.is_empty() || self.system.world.state().faults == 0 {
            return;
        }
        let task = self.tasks.remove(self.roll(self.tasks.len()));
        self.system
            .world
            .state()
            .note(&format!("{} is killed", task.name));
    }

    /// Moves the clock: mostly a little while something is under way.
    fn pass(&mut self) {
        let is_busy = !self.tasks.is_empty();
        let nanos = match self.roll(100) {
            0..50 => self.between(1, 500) * 1_000_000,
            50..80 => self.between(1, 15) * NANOS_PER_SECOND,
            80..95 if !is_busy => self.between(60, 1200) * NANOS_PER_SECOND,
            95..98 if !is_busy => self.between(1200, 3 * 3600) * NANOS_PER_SECOND,
            98 if !is_busy => self.between(6 * 3600, 30 * 3600) * NANOS_PER_SECOND,
            95..100 => self.between(30, 700) * NANOS_PER_SECOND,
            _ => self.between(1, 5) * NANOS_PER_SECOND,
        };
        self.advance(nanos);
    }

    fn advance(&mut self, nanos: i64) {
        let world = Arc::clone(&self.system.world);
        world.pass(nanos);
        let now = world.now();
        let (over, rest) = std::mem::take(&mut self.tasks)
            .into_iter()
            .partition(|task: &Task| task.until < now);
        self.tasks = rest;
        for task in Vec::<Task>::from_iter(over) {
            world.state().note(&format!("{} is out of time", task.name));
        }
    }

    /// Polls what can go on until nothing can.
    fn poll(&mut self) {
        let world = Arc::clone(&self.system.world);
        loop {
            let is_woken = |task: &Task| task.woken.0.swap(false, Ordering::SeqCst);
            let Some(place) = self.tasks.iter().position(is_woken) else {
                return;
            };
            let task = &mut self.tasks[place];
            world.state().task.clone_from(&task.name);
            let waker = Waker::from(Arc::clone(&task.woken));
            if task
                .future
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_ready()
            {
                let task = self.tasks.remove(place);
                world.state().note(&format!("{} is done", task.name));
            }
        }
    }

    /// Without faults: everything ends, is merged and collected, and is checked before and after.
    fn rest(&mut self) -> Result<(), String> {
        let world = Arc::clone(&self.system.world);
        world.state().faults = 0;
        world.state().is_calm = true;
        world.land(|_, _| true);
        world.state().note("no more faults");
        self.check("at rest", HOSTS)?;
        self.advance(3600 * NANOS_PER_SECOND);
        self.alone("last compaction", |system| async move {
            system.compact("last", 0).await;
        })?;
        // At midnight all days are looked at.
        let now = world.now();
        let midnight = NANOS_PER_DAY - now.nanos().rem_euclid(NANOS_PER_DAY);
        self.advance(midnight + NANOS_PER_DAY);
        self.alone("last merge", |system| async move {
            system.compact("night", 0).await;
        })?;
        self.check("when all is merged", 1)?;
        self.advance(7201 * NANOS_PER_SECOND);
        // What is due goes, then what no row has pointed to for a day, and that when it is due.
        for hours in [0, 49, 3] {
            self.advance(hours * 3600 * NANOS_PER_SECOND);
            self.alone("last retention", |system| async move {
                system.retain("last", 0).await;
            })?;
        }
        self.alone("objects", |system| async move {
            system.check_objects().await;
        })?;
        self.check("at the end", 1)
    }

    fn check(&mut self, when: &'static str, hosts: usize) -> Result<(), String> {
        for host in 0..hosts {
            self.alone(
                when,
                move |system| async move { system.read(host, when).await },
            )?;
        }
        Ok(())
    }

    /// Runs one thing to its end.
    fn alone<W: Future<Output = ()> + Send + 'static>(
        &mut self,
        name: &str,
        work: impl FnOnce(Arc<System>) -> W,
    ) -> Result<(), String> {
        let world = Arc::clone(&self.system.world);
        self.spawn(name.to_owned(), 7 * 86_400, work(Arc::clone(&self.system)));
        for _ in 0..STEPS {
            self.poll();
            if self.tasks.is_empty() {
                return self.system.ledger.verdict();
            }
            if !world.release() {
                let until = world.next_pause().ok_or("nothing can go on")?;
                let nanos = until.since(world.now());
                self.advance(nanos);
            }
        }
        Err(format!("{name} does not end"))
    }
}
