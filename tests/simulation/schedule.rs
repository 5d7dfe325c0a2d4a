//! [`Schedule`]: decides, by the dice of a seed, what happens next: an activity begins, a call goes
//! on, the clock moves, something is killed. What the activities are is said in `activities`, how
//! it ends in `rest`.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use narvi_model::{NANOS_PER_SECOND, Timestamp};

use super::ledger::Line;
use super::requests::Asked;
use super::setting::Setting;
use super::system::System;

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
    pub(crate) system: Arc<System>,
    pub(crate) setting: Setting,
    tasks: Vec<Task>,
    /// Activities that are still to begin.
    left: usize,
    pub(crate) begun: usize,
    /// Who has taken leases so far.
    pub(crate) owners: usize,
    /// Batches that were sent; clients send them again.
    pub(crate) batches: Vec<Vec<Line>>,
    /// What was asked to be deleted; clients ask again.
    pub(crate) asked: Vec<Asked>,
    pub(crate) numbers: u64,
}

impl Schedule {
    pub(crate) fn new(system: Arc<System>, setting: &Setting) -> Self {
        Self {
            system,
            setting: setting.clone(),
            tasks: Vec::new(),
            left: setting.activities,
            begun: 0,
            owners: 0,
            batches: Vec::new(),
            asked: Vec::new(),
            numbers: 0,
        }
    }

    pub(crate) fn roll(&self, end: usize) -> usize {
        self.system.world.state().rng.below(end)
    }

    pub(crate) fn between(&self, first: i64, last: i64) -> i64 {
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
            0..12 if self.left > 0 => self.next(),
            12..14 => self.kill(),
            14..20 => self.pass(),
            _ if world.release() => {}
            _ if self.left > 0 => self.next(),
            _ => self.pass(),
        }
        self.poll();
    }

    pub(crate) fn spawn(
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
        self.tell();
    }

    fn next(&mut self) {
        self.left -= 1;
        self.begun += 1;
        self.begin();
    }

    /// Nothing begins for so many calls at most, until none waits.
    pub(crate) fn settle(&mut self, calls: usize) {
        let world = Arc::clone(&self.system.world);
        self.poll();
        for _ in 0..calls {
            if !world.release() {
                return;
            }
            self.poll();
        }
    }

    /// Tells the world who is under way.
    fn tell(&self) {
        let names = self.tasks.iter().map(|task| task.name.clone());
        self.system.world.state().running = names.collect();
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
        self.tell();
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

    pub(crate) fn advance(&mut self, nanos: i64) {
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
        self.tell();
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
                self.tell();
            }
        }
    }

    /// Runs one thing to its end.
    pub(crate) fn alone<W: Future<Output = ()> + Send + 'static>(
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
