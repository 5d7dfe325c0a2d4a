//! [`World`]: what all parts of a simulated system share: the clock, the dice, every call that
//! waits to be let through, and the trace.
//!
//! [`call`] is how a store of the simulation does anything: it stops, the schedule lets it go on
//! with a [`Fate`], and only then it has its effect, once, in part, later or not at all.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use narvi_model::{NANOS_PER_SECOND, Timestamp};

use super::rng::Rng;

/// Shared by everything of one seed.
pub(crate) struct World(Mutex<State>);

pub(crate) struct State {
    pub(crate) now: Timestamp,
    pub(crate) rng: Rng,
    /// Calls of a hundred that do not simply succeed.
    pub(crate) faults: usize,
    /// Whether nothing fails any more.
    pub(crate) is_calm: bool,
    /// What is being polled, for the trace.
    pub(crate) task: String,
    pub(crate) trace: Vec<String>,
    /// Who is under way.
    pub(crate) running: Vec<String>,
    /// How often something happened that is worth having happened.
    pub(crate) tally: Tally,
    /// Who stands still.
    pub(crate) stalled: Vec<Stall>,
    waits: BTreeMap<u64, Wait>,
    /// Effects of calls whose callers have given up, still on their way.
    late: Vec<(Timestamp, String, Effect)>,
    next: u64,
}

/// How often what happened.
pub(crate) type Tally = BTreeMap<&'static str, u64>;

/// A machine that is about to stand still.
pub(crate) struct Stall {
    pub(crate) task: String,
    /// What it still does.
    pub(crate) calls: usize,
}

type Effect = Box<dyn FnOnce() + Send>;

/// A call that waits for its fate, or a pause for its end.
struct Wait {
    task: String,
    what: String,
    kind: Kind,
    until: Option<Timestamp>,
    waker: Option<Waker>,
    fate: Option<Fate>,
}

/// What a call may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    /// All or nothing.
    Write,
    /// Any part of it.
    Writes,
    /// Any part of it, and the answer may name the rest.
    Batch,
    /// All or nothing, or refused for the sake of others.
    Transaction,
    Sleep,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is done and answered.
    Done,
    /// It is refused and has no effect.
    Refused(Fault),
    /// It is done, and the answer says that it failed.
    Lost(Fault),
    /// A part of it is done.
    Partly(Fault),
    /// A part of it is done, and the answer says which is not.
    Unprocessed,
    /// It fails, and is done some time later.
    Late(Fault),
}

/// What a caller sees of a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Throttled,
    Broken,
    Silent,
}

/// How much of a call is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    Whole,
    Half,
    /// A part, and the rest is answered.
    Named,
}

/// Effects land at most so long after their callers gave up.
const LATE_SECONDS: i64 = 30;

impl World {
    pub(crate) fn new(now: Timestamp, rng: Rng) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            now,
            rng,
            faults: 0,
            is_calm: false,
            task: String::new(),
            trace: Vec::new(),
            running: Vec::new(),
            tally: Tally::new(),
            stalled: Vec::new(),
            waits: BTreeMap::new(),
            late: Vec::new(),
            next: 0,
        })))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.state().now
    }

    /// Counts what happened once more, if it did.
    pub(crate) fn count_if(&self, what: &'static str, happened: impl FnOnce(&State) -> bool) {
        let mut state = self.state();
        let happened = happened(&state);
        state.count(what, happened);
    }

    /// Lets one call go on; `false` where none waits.
    pub(crate) fn release(&self) -> bool {
        let mut state = self.state();
        let stands = |task: &String| {
            let mut stalls = state.stalled.iter();
            stalls.any(|stall| stall.calls == 0 && stall.task == *task)
        };
        let open = |wait: &Wait| wait.until.is_none() && wait.fate.is_none() && !stands(&wait.task);
        let ids: Vec<u64> = state
            .waits
            .iter()
            .filter(|(_, w)| open(w))
            .map(|(id, _)| *id)
            .collect();
        if ids.is_empty() {
            return false;
        }
        let id = state.rng.pick(&ids);
        let kind = state.waits[&id].kind;
        let fate = state.fate(kind);
        let task = state.waits[&id].task.clone();
        let mut stalls = state.stalled.iter_mut();
        if let Some(stall) = stalls.find(|stall| stall.task == task) {
            stall.calls -= 1;
        }
        let wait = state.waits.get_mut(&id).unwrap();
        wait.fate = Some(fate);
        let (waker, what) = (wait.waker.take(), wait.what.clone());
        state.note(&format!("{what}: {fate:?}"));
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    /// Moves the clock; pauses that are over end, late effects land.
    pub(crate) fn pass(&self, nanos: i64) {
        let mut state = self.state();
        state.now = state.now.plus(nanos);
        let now = state.now;
        let seconds = nanos as f64 / NANOS_PER_SECOND as f64;
        state.note(&format!("the clock moves {seconds:.3} s"));
        let mut wakers = Vec::new();
        for wait in state.waits.values_mut() {
            if wait.until.is_some_and(|until| until <= now) && wait.fate.is_none() {
                wait.fate = Some(Fate::Done);
                wakers.extend(wait.waker.take());
            }
        }
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        self.land(|_, due| due <= now);
    }

    /// Lets late effects land.
    pub(crate) fn land(&self, choose: impl Fn(usize, Timestamp) -> bool) {
        let mut state = self.state();
        let mut landing = Vec::new();
        let late = std::mem::take(&mut state.late);
        for (place, (due, what, effect)) in late.into_iter().enumerate() {
            match choose(place, due) {
                true => landing.push((what, effect)),
                false => state.late.push((due, what, effect)),
            }
        }
        for (what, _) in &landing {
            state.note(&format!("{what}: lands late"));
        }
        drop(state);
        landing.into_iter().for_each(|(_, effect)| effect());
    }

    /// The end of the next pause.
    pub(crate) fn next_pause(&self) -> Option<Timestamp> {
        let state = self.state();
        state.waits.values().filter_map(|wait| wait.until).min()
    }

    pub(crate) fn later(&self, what: String, effect: Effect) {
        let mut state = self.state();
        let delay = state.rng.between(0, LATE_SECONDS * NANOS_PER_SECOND);
        let due = state.now.plus(delay);
        state.late.push((due, what, effect));
    }
}

impl State {
    /// Counts what happened once more, if it did, or so many times.
    pub(crate) fn count(&mut self, what: &'static str, times: impl Into<u64>) {
        *self.tally.entry(what).or_default() += times.into();
    }

    /// Whether something is under way whose name begins so.
    pub(crate) fn is_running(&self, name: &str) -> bool {
        self.running.iter().any(|running| running.starts_with(name))
    }

    /// Whether it is something of this name that is being polled.
    pub(crate) fn is_in(&self, name: &str) -> bool {
        self.task.starts_with(name)
    }

    pub(crate) fn note(&mut self, what: &str) {
        let seconds = self.now.nanos() / NANOS_PER_SECOND;
        self.trace.push(format!("{seconds} {what}"));
    }

    fn fate(&mut self, kind: Kind) -> Fate {
        if !self.rng.percent(self.faults) {
            return Fate::Done;
        }
        let fault = self
            .rng
            .pick(&[Fault::Throttled, Fault::Broken, Fault::Silent]);
        // Whoever is throttled knows that nothing happened.
        let done = self.rng.pick(&[Fault::Broken, Fault::Silent]);
        match (kind, self.rng.below(4)) {
            (Kind::Read | Kind::Sleep, _) | (_, 0) => Fate::Refused(fault),
            (Kind::Transaction, 1) => Fate::Refused(Fault::Throttled),
            (Kind::Writes | Kind::Batch, 1) => Fate::Partly(done),
            (Kind::Batch, 2) => Fate::Unprocessed,
            (_, 1 | 2) => Fate::Lost(done),
            _ => Fate::Late(Fault::Silent),
        }
    }
}

/// A call of a store. One whose caller goes away before it is let through may happen all the same,
/// then or later.
pub(crate) struct Call<T: Send + 'static> {
    world: Arc<World>,
    id: u64,
    what: String,
    kind: Kind,
    effect: Option<Box<dyn FnMut(Extent) -> T + Send + Sync>>,
}

/// Stops, and does `effect` as the schedule decides.
pub(crate) async fn call<T: Send + 'static>(
    world: &Arc<World>,
    what: String,
    kind: Kind,
    effect: impl FnMut(Extent) -> T + Send + Sync + 'static,
) -> Result<T, Fault> {
    let call = Call::new(world, &what, (kind, None), Box::new(effect));
    let (fate, mut effect) = call.await;
    match fate {
        Fate::Done => Ok(effect(Extent::Whole)),
        Fate::Refused(fault) => Err(fault),
        Fate::Lost(fault) => {
            effect(Extent::Whole);
            Err(fault)
        }
        Fate::Partly(fault) => {
            effect(Extent::Half);
            Err(fault)
        }
        Fate::Unprocessed => Ok(effect(Extent::Named)),
        Fate::Late(fault) => {
            world.later(what, Box::new(move || drop(effect(Extent::Whole))));
            Err(fault)
        }
    }
}

/// Stops until the clock has moved so far.
pub(crate) fn pause(world: &Arc<World>, nanos: i64) -> Call<()> {
    let until = world.now().plus(nanos);
    Call::new(world, "pause", (Kind::Sleep, Some(until)), Box::new(|_| ()))
}

impl<T: Send + 'static> Call<T> {
    fn new(
        world: &Arc<World>,
        what: &str,
        (kind, until): (Kind, Option<Timestamp>),
        effect: Box<dyn FnMut(Extent) -> T + Send + Sync>,
    ) -> Self {
        let mut state = world.state();
        let task = state.task.clone();
        let what = format!("{task} {what}");
        let id = state.next;
        state.next += 1;
        let wait = Wait {
            task,
            what: what.clone(),
            kind,
            until,
            waker: None,
            fate: None,
        };
        state.waits.insert(id, wait);
        drop(state);
        Self {
            world: Arc::clone(world),
            id,
            what,
            kind,
            effect: Some(effect),
        }
    }
}

impl<T: Send + 'static> Future for Call<T> {
    type Output = (Fate, Box<dyn FnMut(Extent) -> T + Send + Sync>);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.world.state();
        let wait = state.waits.get_mut(&self.id).unwrap();
        let Some(fate) = wait.fate else {
            wait.waker = Some(context.waker().clone());
            return Poll::Pending;
        };
        state.waits.remove(&self.id);
        drop(state);
        Poll::Ready((fate, self.effect.take().unwrap()))
    }
}

impl<T: Send + 'static> Drop for Call<T> {
    fn drop(&mut self) {
        let mut state = self.world.state();
        if state.waits.remove(&self.id).is_none() {
            return;
        }
        let is_write = !matches!(self.kind, Kind::Read | Kind::Sleep);
        let happens = is_write && state.faults > 0 && state.rng.percent(30);
        drop(state);
        if happens && let Some(mut effect) = self.effect.take() {
            let effect = Box::new(move || drop(effect(Extent::Whole)));
            self.world.later(format!("{}, given up", self.what), effect);
        }
    }
}
