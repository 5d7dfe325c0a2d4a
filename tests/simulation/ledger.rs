//! [`Ledger`]: which lines were sent and acknowledged, which were asked to be deleted, and what an
//! answer must have and must not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use narvi_model::answer::{QueryResult, Sample};
use narvi_model::{Day, NANOS_PER_SECOND, Timestamp};

use super::requests::{Asked, Request};
use super::rng::Rng;
use super::setting::{STREAMS, Setting};

/// Clocks of hosts differ by less.
const SKEW: i64 = 10 * NANOS_PER_SECOND;

/// What happened before what, whatever the clocks say.
pub(crate) type Tick = u64;

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
    /// Its text: the number, a word to filter by, then noise that does not compress.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{} w={} ", self.number, self.word());
        let mut rng = Rng::new(self.number);
        while text.len() < self.padding {
            text.push_str(&format!("{:016x}", rng.next()));
        }
        text
    }

    pub(crate) fn word(&self) -> usize {
        (self.number % 3) as usize
    }
}

/// A line, and when it was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) line: Line,
    /// When the last push of it began.
    pub(crate) began: Tick,
    /// When the last push of it began that was acknowledged.
    acknowledged: Option<Tick>,
}

/// What became of all lines.
pub(crate) struct Ledger {
    lines: Mutex<Lines>,
    periods: [Option<i64>; STREAMS],
}

#[derive(Default)]
pub(crate) struct Lines {
    tick: Tick,
    sent: BTreeMap<u64, Sent>,
    requests: Vec<Request>,
    wrong: Vec<String>,
}

/// What is known when a query begins.
pub(crate) struct Known {
    began: Tick,
    /// Lines that are acknowledged, with the beginning of their last push that is.
    acknowledged: BTreeMap<u64, Tick>,
}

impl Lines {
    fn tick(&mut self) -> Tick {
        self.tick += 1;
        self.tick
    }

    fn is_hidden(&self, sent: &Sent, began: Tick) -> bool {
        self.requests.iter().any(|one| one.hides(sent, began))
    }
}

impl Ledger {
    pub(crate) fn new(setting: &Setting) -> Self {
        Self {
            lines: Mutex::default(),
            periods: setting.periods,
        }
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap()
    }

    /// Notes that a push begins.
    pub(crate) fn send(&self, lines: &[Line]) -> Tick {
        let mut known = self.lines();
        let began = known.tick();
        for line in lines {
            let sent = known.sent.entry(line.number).or_insert(Sent {
                line: *line,
                began,
                acknowledged: None,
            });
            sent.began = began;
        }
        began
    }

    /// Notes that the push that began then is acknowledged.
    pub(crate) fn acknowledge(&self, lines: &[Line], began: Tick) {
        let mut known = self.lines();
        known.tick();
        for line in lines {
            let sent = known.sent.get_mut(&line.number).unwrap();
            sent.acknowledged = sent.acknowledged.max(Some(began));
        }
    }

    /// The times of the first and of the last line that was sent.
    pub(crate) fn times(&self) -> Option<(Timestamp, Timestamp)> {
        let lines = self.lines();
        let times = lines.sent.values().map(|sent| sent.line.time);
        Some((times.clone().min()?, times.max()?))
    }

    /// The times of all lines that were sent, in no order.
    pub(crate) fn all_times(&self) -> Vec<Timestamp> {
        let lines = self.lines();
        lines.sent.values().map(|sent| sent.line.time).collect()
    }

    pub(crate) fn known(&self) -> Known {
        let mut lines = self.lines();
        let began = lines.tick();
        let sent = lines.sent.iter();
        let acknowledged = sent.filter_map(|(number, sent)| Some((*number, sent.acknowledged?)));
        Known {
            began,
            acknowledged: acknowledged.collect(),
        }
    }

    /// Something that must not be.
    pub(crate) fn wrong(&self, what: String) {
        self.lines().wrong.push(what);
    }

    /// The first thing that was wrong.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        self.lines().wrong.first().cloned().map_or(Ok(()), Err)
    }

    /// Notes that a request to delete is made; its place.
    pub(crate) fn ask(&self, asked: Asked) -> usize {
        let mut lines = self.lines();
        lines.tick();
        lines.requests.push(Request::new(asked));
        lines.requests.len() - 1
    }

    /// Notes what was heard of a request.
    pub(crate) fn hear(&self, place: usize, note: impl FnOnce(&mut Request, Tick)) {
        let mut lines = self.lines();
        let tick = lines.tick();
        note(&mut lines.requests[place], tick);
    }

    pub(crate) fn has_requests(&self) -> bool {
        !self.lines().requests.is_empty()
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.lines().requests.clone()
    }

    /// Notes which requests are heeded and which are of the past, as it is now.
    pub(crate) fn look(&self, active: &BTreeSet<String>, past: &BTreeSet<String>) {
        let mut lines = self.lines();
        let tick = lines.tick();
        for request in &mut lines.requests {
            let Some((id, _)) = &request.accepted else {
                continue;
            };
            request.is_active = active.contains(id);
            if !request.is_active && past.contains(id) {
                request.retired.get_or_insert(tick);
            }
        }
    }

    fn is_kept(&self, line: &Line, now: Timestamp) -> bool {
        let period = self.periods[line.stream];
        period.is_none_or(|period| line.time >= now.minus(period - SKEW))
    }

    /// Lines that must be in an answer at `now`, and those that must not.
    pub(crate) fn wanted(&self, known: &Known, now: Timestamp) -> (BTreeSet<u64>, BTreeSet<u64>) {
        let lines = self.lines();
        let must = known.acknowledged.iter().filter(|(number, pushed)| {
            let line = &lines.sent[number].line;
            let mut requests = lines.requests.iter();
            self.is_kept(line, now)
                && !requests.any(|one| one.may_hide(line, (known.began, **pushed)))
        });
        let hidden = lines.sent.values();
        let hidden = hidden.filter(|sent| lines.is_hidden(sent, known.began));
        (
            must.map(|(number, _)| *number).collect(),
            hidden.map(|sent| sent.line.number).collect(),
        )
    }

    /// Lines: those that must be there are, none twice, none that nobody sent.
    pub(crate) fn check_lines(
        &self,
        who: &str,
        (known, now): (&Known, Timestamp),
        result: &QueryResult,
    ) {
        let QueryResult::Streams(streams) = result else {
            return self.wrong(format!("{who}: no lines but {result:?}"));
        };
        let mut found = BTreeSet::new();
        for entry in streams.iter().flat_map(|stream| &stream.entries) {
            let text = String::from_utf8_lossy(entry.line.as_bytes()).into_owned();
            let number = self.number(who, entry.timestamp, &text);
            if !found.insert(number) {
                self.wrong(format!("{who}: line {number} is answered twice"));
            }
        }
        self.check_found(who, (known, now), &found);
    }

    /// The number of a line, which was sent as it is.
    pub(crate) fn number(&self, who: &str, time: Timestamp, text: &str) -> u64 {
        let number = text.split(' ').next().unwrap().parse().unwrap();
        let line = self.lines().sent.get(&number).map(|sent| sent.line);
        if !line.is_some_and(|line| line.time == time && line.text() == text) {
            self.wrong(format!("{who}: line {number} was not sent like this"));
        }
        number
    }

    /// Which lines there are.
    pub(crate) fn check_found(
        &self,
        who: &str,
        (known, now): (&Known, Timestamp),
        found: &BTreeSet<u64>,
    ) {
        let (must, hidden) = self.wanted(known, now);
        for number in must.difference(found) {
            self.wrong(format!("{who}: line {number} is lost"));
        }
        for number in hidden.intersection(found) {
            self.wrong(format!(
                "{who}: line {number} is there, though it was deleted"
            ));
        }
    }

    /// A count: at least what must be there, at most what was sent.
    pub(crate) fn check_count(
        &self,
        who: &str,
        (known, now): (&Known, Timestamp),
        result: &QueryResult,
    ) {
        let counted = match result {
            QueryResult::Vector(series) => series.iter().flat_map(|series| &series.samples),
            other => return self.wrong(format!("{who}: no count but {other:?}")),
        };
        let counted: f64 = counted.map(|sample: &Sample| sample.value).sum();
        let (must, hidden) = self.wanted(known, now);
        let (least, most) = (must.len(), self.lines().sent.len() - hidden.len());
        if counted < least as f64 || counted > most as f64 {
            self.wrong(format!(
                "{who}: {counted} lines counted, not {least} to {most}"
            ));
        }
    }

    /// Streams: those that have lines, and none of which all were deleted whatever they hold.
    pub(crate) fn check_streams(
        &self,
        who: &str,
        (known, now): (&Known, Timestamp),
        found: &BTreeSet<usize>,
    ) {
        let (must, _) = self.wanted(known, now);
        let lines = self.lines();
        let must: BTreeSet<usize> = must
            .iter()
            .map(|number| lines.sent[number].line.stream)
            .collect();
        let mut wrong = Vec::new();
        for stream in must.difference(found) {
            wrong.push(format!("{who}: stream {stream} is not listed"));
        }
        // A row of the catalog tells the times of all its lines, and not those of one stream.
        let times = lines.sent.values().map(|sent| sent.line.time);
        let (first, last) = (times.clone().min(), times.max());
        let Some((first, last)) = first.zip(last) else {
            return;
        };
        for stream in found {
            let mut heeded = lines
                .requests
                .iter()
                .filter(|one| one.is_heeded(known.began));
            if heeded.any(|one| one.asked.is_whole(*stream, first, last)) {
                wrong.push(format!(
                    "{who}: stream {stream} is listed, though it was deleted"
                ));
            }
        }
        drop(lines);
        wrong.into_iter().for_each(|what| self.wrong(what));
    }

    /// What is stored at `now`, when a run of retention has been there that nothing kept from its
    /// work: nothing that was expired.
    pub(crate) fn check_expired(&self, now: Timestamp, found: &BTreeSet<u64>) {
        let lines = self.lines();
        let is_expired = |number: &&u64| {
            let line = &lines.sent[*number].line;
            let end = Day::of(line.time).end();
            self.periods[line.stream].is_some_and(|period| end <= now.minus(period + SKEW))
        };
        let expired: Vec<u64> = found.iter().filter(is_expired).copied().collect();
        drop(lines);
        if !expired.is_empty() {
            self.wrong(format!(
                "lines {expired:?} are stored, though they are expired"
            ));
        }
    }
}
