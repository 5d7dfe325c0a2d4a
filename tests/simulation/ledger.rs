//! [`Ledger`]: which lines were sent, which were acknowledged, and what an answer must have.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use narvi_model::Timestamp;
use narvi_model::answer::{QueryResult, Sample};

/// A line, unique by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) number: u64,
    pub(crate) time: Timestamp,
    /// Its stream, one of a few.
    pub(crate) stream: usize,
    /// Bytes of noise behind the number.
    pub(crate) padding: usize,
}

impl Line {
    /// Its text: the number, then noise that does not compress.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{} ", self.number);
        let mut rng = super::rng::Rng::new(self.number);
        while text.len() < self.padding {
            text.push_str(&format!("{:016x}", rng.next()));
        }
        text
    }
}

/// What became of all lines.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<Lines>);

#[derive(Default)]
pub(crate) struct Lines {
    sent: BTreeMap<u64, Line>,
    acknowledged: BTreeSet<u64>,
    wrong: Vec<String>,
}

/// What is known when a query begins: every one of these lines must be answered.
pub(crate) struct Known {
    pub(crate) acknowledged: BTreeSet<u64>,
    /// Lines before this may have been dropped.
    pub(crate) kept_from: Timestamp,
}

impl Ledger {
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap()
    }

    pub(crate) fn send(&self, lines: &[Line]) {
        let sent = &mut self.lines().sent;
        sent.extend(lines.iter().map(|line| (line.number, *line)));
    }

    pub(crate) fn acknowledge(&self, lines: &[Line]) {
        let numbers = lines.iter().map(|line| line.number);
        self.lines().acknowledged.extend(numbers);
    }

    /// The times of the first and of the last line that was sent.
    pub(crate) fn times(&self) -> Option<(Timestamp, Timestamp)> {
        let lines = self.lines();
        let times = lines.sent.values().map(|line| line.time);
        Some((times.clone().min()?, times.max()?))
    }

    pub(crate) fn acknowledged(&self) -> BTreeSet<u64> {
        self.lines().acknowledged.clone()
    }

    /// Something that must not be.
    pub(crate) fn wrong(&self, what: String) {
        self.lines().wrong.push(what);
    }

    /// The first thing that was wrong.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        self.lines().wrong.first().cloned().map_or(Ok(()), Err)
    }

    /// Lines: those that must be there are, none twice, none that nobody sent.
    pub(crate) fn check_lines(&self, who: &str, known: &Known, result: &QueryResult) {
        let QueryResult::Streams(streams) = result else {
            return self.wrong(format!("{who}: no lines but {result:?}"));
        };
        let mut found = BTreeSet::new();
        for entry in streams.iter().flat_map(|stream| &stream.entries) {
            let text = String::from_utf8_lossy(entry.line.as_bytes()).into_owned();
            let number = text.split(' ').next().unwrap().parse().unwrap();
            let sent = self.lines().sent.get(&number).copied();
            if !sent.is_some_and(|line| line.time == entry.timestamp && line.text() == text) {
                self.wrong(format!("{who}: line {number} was not sent like this"));
            }
            if !found.insert(number) {
                self.wrong(format!("{who}: line {number} is answered twice"));
            }
        }
        for number in known.acknowledged.difference(&found) {
            let line = self.lines().sent[number];
            if line.time >= known.kept_from {
                self.wrong(format!("{who}: line {number} is lost"));
            }
        }
    }

    /// A count: at least what must be there, at most what was sent.
    pub(crate) fn check_count(&self, who: &str, known: &Known, result: &QueryResult) {
        let counted = match result {
            QueryResult::Vector(series) => series.iter().flat_map(|series| &series.samples),
            other => return self.wrong(format!("{who}: no count but {other:?}")),
        };
        let counted: f64 = counted.map(|sample: &Sample| sample.value).sum();
        let lines = self.lines();
        let is_kept = |number: &&u64| lines.sent[*number].time >= known.kept_from;
        let least = known.acknowledged.iter().filter(is_kept).count();
        let most = lines.sent.len();
        drop(lines);
        if counted < least as f64 || counted > most as f64 {
            self.wrong(format!(
                "{who}: {counted} lines counted, not {least} to {most}"
            ));
        }
    }
}
