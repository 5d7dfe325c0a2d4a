//! What may begin: pushes, merges, runs of retention, requests to delete, queries; and scenes of
//! some of these, as chance alone would hardly ever bring them together.

use std::sync::Arc;

use narvi_model::{NANOS_PER_SECOND, Timestamp};

use super::ledger::Line;
use super::requests::{Asked, FILTERS, SELECTORS};
use super::schedule::Schedule;
use super::setting::{Focus, STREAMS};
use super::system::HOSTS;
use super::world::Stall;

/// Bytes of a line that makes a push too large for its row.
const LARGE: usize = 9_000;

/// Nanoseconds after which pushes are due to be merged, and a lease has ended.
const WAIT: i64 = 310 * NANOS_PER_SECOND;

impl Schedule {
    /// Begins an activity.
    pub(crate) fn begin(&mut self) {
        if self.roll(100) < 30 {
            match self.setting.focus {
                Focus::None => {}
                Focus::Reads => return self.read_slowly(),
                Focus::Erasing => return self.erase(),
                Focus::Merges => return self.compact_slowly(),
            }
        }
        match self.roll(28) {
            0..7 => self.push_new(),
            7..11 => self.push_again(),
            11..14 => self.compact(),
            14..16 => self.retain(),
            16..19 if self.setting.deletes => self.delete(),
            19 if self.setting.deletes => self.cancel(),
            20 => self.erase(),
            21 => self.read_slowly(),
            22 => self.compact_slowly(),
            _ => self.read(),
        }
    }

    pub(crate) fn push_new(&mut self) {
        let batch = self.batch();
        self.batches.push(batch.clone());
        self.push(batch);
    }

    pub(crate) fn batch(&mut self) -> Vec<Line> {
        let padding = if self.roll(100) < 40 { LARGE } else { 0 };
        self.batch_of(padding)
    }

    /// A few lines, the first of which has so many bytes at least.
    fn batch_of(&mut self, padding: usize) -> Vec<Line> {
        let now = self.system.world.now();
        let count = self.roll(3) + 1;
        let late = match self.roll(100) {
            0..15 => 3 * 3600,
            15..20 => 23 * 3600,
            _ => 60,
        };
        (0..count)
            .map(|place| {
                self.numbers += 1;
                let age = self.between(0, late);
                Line {
                    number: self.numbers,
                    time: now.minus(age * NANOS_PER_SECOND),
                    stream: self.roll(STREAMS),
                    padding: if place == 0 { padding } else { 0 },
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
    pub(crate) fn compact(&mut self) {
        for _ in 0..1 + usize::from(self.roll(100) < 40) {
            // A machine may stand still; the lease, of 300 s, then ends before the run does.
            let limit = if self.roll(100) < 30 { 1200 } else { 120 };
            self.compact_for(limit);
        }
    }

    fn compact_for(&mut self, limit: i64) -> String {
        let (system, skew) = (Arc::clone(&self.system), self.skew());
        self.owners += 1;
        let owner = format!("compact {}.{}", self.begun, self.owners);
        let name = owner.clone();
        self.spawn(name.clone(), limit, async move {
            system.compact(&name, skew).await;
        });
        owner
    }

    pub(crate) fn retain(&mut self) {
        for _ in 0..1 + usize::from(self.roll(100) < 30) {
            let (system, skew) = (Arc::clone(&self.system), self.skew());
            self.owners += 1;
            let owner = format!("retain {}.{}", self.begun, self.owners);
            self.spawn(owner.clone(), 300, async move {
                system.retain(&owner, skew).await;
            });
        }
    }

    pub(crate) fn read(&mut self) {
        self.read_for(28);
    }

    fn read_for(&mut self, seconds: i64) {
        let (host, system) = (self.roll(HOSTS), Arc::clone(&self.system));
        let name = format!("read {}", self.begun);
        self.spawn(name.clone(), seconds, async move {
            system.read(host, &name).await;
        });
    }

    /// Asks to delete lines; an event may be delivered twice.
    fn delete(&mut self) {
        let now = self.system.world.now().plus(self.skew());
        // The event says when it was received.
        let received = Timestamp::from_millis(now.millis());
        let Some(asked) = self.asked(received) else {
            return;
        };
        self.asked.push(asked);
        for _ in 0..1 + usize::from(self.roll(100) < 20) {
            let place = self.system.ledger.ask(asked);
            let name = format!("delete {}", self.begun);
            let note = format!("{name} begins: {place} {asked:?}");
            self.system.note(&note);
            let system = Arc::clone(&self.system);
            self.spawn(name, 29, async move {
                system.delete(asked, place, received).await;
            });
        }
    }

    /// Lines of some streams between two that were sent, or all until now; or as once before.
    fn asked(&self, received: Timestamp) -> Option<Asked> {
        if !self.asked.is_empty() && self.roll(100) < 25 {
            return Some(self.asked[self.roll(self.asked.len())]);
        }
        let times = self.system.ledger.all_times();
        let one = *times.get(self.roll(times.len()))?;
        let other = times[self.roll(times.len())];
        let (first, last) = match self.roll(100) {
            0..40 => (*times.iter().min()?, received),
            40..60 => (one, received),
            _ => (one.min(other), one.max(other).min(received)),
        };
        Some(Asked {
            selector: self.roll(SELECTORS.len()),
            filter: self.roll(FILTERS.len()),
            first: first.min(last.minus(1)),
            last,
        })
    }

    /// Takes a request back.
    fn cancel(&mut self) {
        let requests = self.system.ledger.requests().into_iter();
        let ids: Vec<String> = requests.filter_map(|one| Some(one.accepted?.0)).collect();
        let Some(id) = ids.get(self.roll(ids.len())).cloned() else {
            return;
        };
        let now = self.system.world.now().plus(self.skew());
        let force = if self.roll(100) < 25 {
            "&force=true"
        } else {
            ""
        };
        let system = Arc::clone(&self.system);
        let name = format!("cancel {}", self.begun);
        self.spawn(
            name,
            29,
            async move { system.cancel(&id, force, now).await },
        );
    }

    /// Requests to delete are due, and everything happens at once.
    fn erase(&mut self) {
        // One push alone is not merged.
        self.push_new();
        self.push_new();
        self.settle(20);
        if self.setting.deletes {
            self.delete();
            self.settle(15);
            let wait = self.setting.cancel + 75 * NANOS_PER_SECOND;
            self.advance(wait + self.between(0, 600) * NANOS_PER_SECOND);
        }
        if self.roll(100) < 50 {
            let owner = self.compact_for(120);
            let calls = 4 + self.roll(4);
            self.stall(owner, calls);
            self.settle(calls + 2);
        }
        self.retain();
        self.settle(10 + self.roll(30));
        self.go_on();
        self.read();
        self.push_again();
        self.settle(self.roll(12));
        self.read();
    }

    /// Somebody reads whose machine stands still while what is to be read is merged, and the
    /// objects that went into it are deleted when they are due.
    fn read_slowly(&mut self) {
        for _ in 0..2 {
            let batch = self.batch_of(LARGE);
            self.push(batch);
        }
        self.settle(20);
        self.begun += 1;
        self.read_for(6 * 3600);
        let calls = 2 + self.roll(6);
        self.stall(format!("read {}", self.begun), calls);
        self.settle(12);
        // What was pushed is due to be merged.
        self.advance(WAIT);
        match self.roll(100) {
            0..50 => self.compact(),
            _ => {
                // Perhaps when it has committed, and its inputs are still there.
                let owner = self.compact_for(1200);
                self.stall(owner, 6 + self.roll(6));
                self.settle(12);
                self.retain();
            }
        }
        self.settle(15 + self.roll(30));
        self.advance(self.setting.grace + self.between(-60, 60) * NANOS_PER_SECOND);
        self.retain();
        self.settle(self.roll(15));
        self.go_on();
    }

    /// Merges on a machine that stands still until after its lease, while others merge too.
    fn compact_slowly(&mut self) {
        self.push_new();
        self.push_new();
        self.settle(20);
        self.advance(WAIT);
        let owner = self.compact_for(1200);
        let calls = 3 + self.roll(8);
        self.stall(owner, calls);
        self.settle(calls + 4);
        self.advance(WAIT);
        match self.roll(2) {
            0 => self.compact(),
            _ => self.retain(),
        }
        self.settle(self.roll(40));
        self.go_on();
    }

    /// A task stands still after some calls more.
    fn stall(&self, task: String, calls: usize) {
        let mut state = self.system.world.state();
        state.note(&format!("{task} stands still after {calls} calls"));
        state.stalled.push(Stall { task, calls });
    }

    /// All who stood still go on.
    fn go_on(&self) {
        let mut state = self.system.world.state();
        state.note("all go on");
        state.stalled.clear();
    }

    /// Clocks of hosts differ by seconds.
    fn skew(&self) -> i64 {
        self.between(-5, 5) * NANOS_PER_SECOND
    }
}
