//! [`Row`]: one line on its way through the stages; [`Machine`]: what a worker keeps between lines.
//!
//! From the first stage that reads labels on, stages run line by line: what they make of a line
//! stays in the machine's buffers, which are used again for the next, so that a line allocates
//! nothing. Values are places in those buffers or in the chunk. Stages see a [`Row`] only.

mod extract;
mod labels;
mod names;
mod show;

use std::ops::Range;

use super::Scratch;
use crate::batch::Batch;
use crate::limits::MAX_LINE_MEMORY;
use crate::running::Running;

pub(crate) use extract::{Extract, Mark, Wanted};
pub(crate) use labels::{Category, RowLabels, Value};
pub(crate) use names::{NameId, Names};
pub(crate) use show::RowKey;

/// What can go wrong with a line (spec `logql.md` §11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowError {
    /// `JSONParserErr`
    Json,
    /// `LogfmtParserErr`
    Logfmt,
    /// `SampleExtractionErr`
    Sample,
    /// `LabelFilterErr`
    LabelFilter,
    /// `TemplateFormatErr`
    Template,
}

impl RowError {
    /// The value of `__error__`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "JSONParserErr",
            Self::Logfmt => "LogfmtParserErr",
            Self::Sample => "SampleExtractionErr",
            Self::LabelFilter => "LabelFilterErr",
            Self::Template => "TemplateFormatErr",
        }
    }
}

/// The line as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
enum LineAt {
    /// As it was stored.
    Chunk,
    /// Written by a stage, in `written`.
    Written(Range<usize>),
}

/// A text of `__error__` or `__error_details__`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ErrorText {
    /// One of ours.
    Known(RowError),
    /// Some text: what went wrong exactly, or what came as structured metadata.
    Stored(Value),
}

/// What a worker keeps between the lines, chunks and units of a query.
#[derive(Debug)]
pub struct Machine {
    names: Names,
    /// The names that the query itself has.
    own_names: Names,
    labels: RowLabels,
    /// The names of the chunk's columns of metadata.
    metadata: Vec<NameId>,
    buffers: Buffers,
    line: LineAt,
    error: Option<ErrorText>,
    details: Option<ErrorText>,
    /// How many of the wanted labels the parsers of this line have found.
    found: usize,
    running: Running,
    /// `None` while a stage has it.
    scratch: Option<Box<Scratch>>,
}

/// What was made of the current line.
#[derive(Debug, Default)]
struct Buffers {
    /// Lines that stages wrote.
    written: Vec<u8>,
    /// Everything else.
    arena: Vec<u8>,
    /// The line that is being written.
    next: Vec<u8>,
}

impl Machine {
    /// For a query whose stages know these names.
    pub(crate) fn new(names: &Names, running: &Running) -> Self {
        Self {
            names: names.clone(),
            own_names: names.clone(),
            labels: RowLabels::default(),
            metadata: Vec::new(),
            buffers: Buffers::default(),
            line: LineAt::Chunk,
            error: None,
            details: None,
            found: 0,
            running: running.clone(),
            scratch: None,
        }
    }

    /// The query that lines are read for.
    pub(crate) fn running(&self) -> &Running {
        &self.running
    }

    /// Begins a chunk.
    pub(crate) fn start_chunk(&mut self, batch: &Batch) {
        if self.names.is_full() {
            self.names = self.own_names.clone();
            self.labels.forget();
        }
        let names = &mut self.names;
        self.labels
            .start_chunk(batch.stream.iter().map(|(name, _)| names.id(name)));
        self.metadata.clear();
        for column in &batch.metadata {
            let name = batch.metadata_name(&column.name);
            self.metadata.push(self.names.id(&name));
        }
    }

    /// Begins a line of the chunk.
    pub(crate) fn start_row<'a>(&'a mut self, batch: &'a Batch, at: u32) -> Row<'a> {
        self.labels.start_line();
        self.names.start_line();
        self.buffers.written.clear();
        self.buffers.arena.clear();
        self.line = LineAt::Chunk;
        (self.error, self.details) = (None, None);
        self.found = 0;
        for (place, column) in batch.metadata.iter().enumerate() {
            if column.value(at).is_none() {
                continue;
            }
            let value = Value::Metadata(place as u32);
            match self.metadata[place] {
                NameId::ERROR => self.error = Some(ErrorText::Stored(value)),
                NameId::DETAILS => self.details = Some(ErrorText::Stored(value)),
                name => self.labels.set(name, Category::Metadata, value),
            }
        }
        Row {
            batch,
            at,
            machine: self,
        }
    }
}

/// One line on its way through the stages.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    batch: &'a Batch,
    at: u32,
    machine: &'a mut Machine,
}

impl Row<'_> {
    /// Its place in the chunk.
    pub(crate) const fn place(&self) -> u32 {
        self.at
    }

    /// When, in nanoseconds.
    pub(crate) fn timestamp(&self) -> i64 {
        self.batch.timestamps[self.at as usize]
    }

    /// The current time, in nanoseconds: the same for all lines of a query.
    pub(crate) fn now(&self) -> i64 {
        self.machine.running.now()
    }

    /// The query that the line is read for.
    pub(crate) fn running(&self) -> &Running {
        &self.machine.running
    }

    /// The line as it is now.
    pub(crate) fn line(&self) -> &[u8] {
        match &self.machine.line {
            LineAt::Chunk => self.batch.lines.line(self.at),
            LineAt::Written(place) => &self.machine.buffers.written[place.clone()],
        }
    }

    /// Bytes of the line as it is now.
    pub(crate) fn line_len(&self) -> usize {
        match &self.machine.line {
            LineAt::Chunk => self.batch.line_len(self.at) as usize,
            LineAt::Written(place) => place.len(),
        }
    }

    /// Replaces the line by what `write` appends; where `write` answers false the line stays.
    pub(crate) fn write_line(&mut self, write: impl FnOnce(&mut Self, &mut Vec<u8>) -> bool) {
        let mut next = std::mem::take(&mut self.machine.buffers.next);
        next.clear();
        if write(self, &mut next) {
            let written = &mut self.machine.buffers.written;
            let start = written.len();
            written.extend_from_slice(&next);
            self.machine.line = LineAt::Written(start..written.len());
        }
        self.machine.buffers.next = next;
    }

    /// Takes the buffers of the stages out, so that they can be written while the row is read;
    /// they must be [given back](Self::give_back).
    pub(crate) fn take_scratch(&mut self) -> Box<Scratch> {
        self.machine.scratch.take().unwrap_or_default()
    }

    /// Gives the buffers of the stages back.
    pub(crate) fn give_back(&mut self, scratch: Box<Scratch>) {
        self.machine.scratch = Some(scratch);
    }

    /// The number of a label's name; `None` where no label has it.
    pub(crate) fn name(&self, name: &str) -> Option<NameId> {
        self.machine.names.find(name)
    }

    /// Whether stages may write more of what they make of this line.
    pub(crate) fn has_room(&self) -> bool {
        let buffers = &self.machine.buffers;
        buffers.written.len() + buffers.arena.len() < MAX_LINE_MEMORY
    }

    /// The value of a label. `__error__` and `__error_details__` are labels here.
    pub(crate) fn get(&self, name: NameId) -> Option<&[u8]> {
        match name {
            NameId::ERROR => self.machine.error.map(|error| self.error_text(error)),
            NameId::DETAILS => self.machine.details.map(|error| self.error_text(error)),
            _ => {
                let (_, value) = self.machine.labels.get(name)?;
                Some(self.text(value))
            }
        }
    }

    /// The value of a label with the place where it lies, for a label that takes it over.
    pub(crate) fn find(&self, name: NameId) -> Option<(Category, Value)> {
        self.machine.labels.get(name)
    }

    /// The text of a value of this line.
    pub(crate) fn text(&self, value: Value) -> &[u8] {
        match value {
            Value::Chunk { start, len } => &self.batch.lines.bytes[range(start, len)],
            Value::Written { start, len } => &self.machine.buffers.written[range(start, len)],
            Value::Arena { start, len } => &self.machine.buffers.arena[range(start, len)],
            Value::Stream(place) => self.stream_value(place).as_bytes(),
            Value::Metadata(place) => {
                let column = self.batch.metadata.get(place as usize);
                column
                    .and_then(|c| c.value(self.at))
                    .unwrap_or_default()
                    .as_bytes()
            }
        }
    }

    fn stream_value(&self, place: u32) -> &str {
        let label = self.batch.stream.iter().nth(place as usize);
        label.map(|(_, value)| value).unwrap_or_default()
    }

    fn error_text(&self, error: ErrorText) -> &[u8] {
        match error {
            ErrorText::Known(error) => error.as_str().as_bytes(),
            ErrorText::Stored(value) => self.text(value),
        }
    }

    /// Keeps a text until the line is done.
    pub(crate) fn keep(&mut self, text: &[u8]) -> Value {
        self.machine.buffers.keep(text)
    }

    /// Makes `name` a label of the line's own with a value that lies somewhere already.
    pub(crate) fn set_value(&mut self, name: NameId, value: Value) {
        self.machine.labels.set(name, Category::Parsed, value);
    }

    /// The value of a label; an error is none here.
    pub(crate) fn label(&self, name: NameId) -> Option<&[u8]> {
        let (_, value) = self.machine.labels.get(name)?;
        Some(self.text(value))
    }

    /// Removes the labels that `keep` does not want; errors stay.
    pub(crate) fn retain_labels(&mut self, keep: impl Fn(NameId, &[u8]) -> bool) {
        let slots = self.machine.labels.slots().len();
        for place in 0..slots {
            let slot = self.machine.labels.slots()[place];
            let gone = slot.value.is_some_and(|at| !keep(slot.name, self.text(at)));
            if gone {
                self.remove(slot.name);
            }
        }
        for place in 0..self.machine.labels.stream_names().len() {
            let name = self.machine.labels.stream_names()[place];
            let value = self.stream_value(place as u32).as_bytes();
            if self.machine.labels.shows_stream(name) && !keep(name, value) {
                self.remove(name);
            }
        }
    }

    /// Removes a label, `__error__` and `__error_details__` included.
    pub(crate) fn remove(&mut self, name: NameId) {
        // A later parser may extract it again.
        self.machine.found = 0;
        match name {
            NameId::ERROR => self.machine.error = None,
            NameId::DETAILS => self.machine.details = None,
            _ => self.machine.labels.remove(name),
        }
    }

    /// Whether the line carries an error.
    pub(crate) fn has_error(&self) -> bool {
        self.machine.error.is_some()
    }

    /// Notes what is wrong with the line, in place of what was wrong before.
    pub(crate) fn fail(&mut self, error: RowError, details: &str) {
        let details = self.keep(details.as_bytes());
        self.fail_value(error, details);
    }

    /// As [`Row::fail`], with details that were kept before.
    pub(crate) fn fail_value(&mut self, error: RowError, details: Value) {
        self.machine.error = Some(ErrorText::Known(error));
        let has_details = !self.text(details).is_empty();
        self.machine.details = has_details.then_some(ErrorText::Stored(details));
    }

    /// As [`Row::fail`], with what `write` appends as details.
    pub(crate) fn fail_with(&mut self, error: RowError, write: impl FnOnce(&Self, &mut Vec<u8>)) {
        let mut details = std::mem::take(&mut self.machine.buffers.next);
        details.clear();
        write(self, &mut details);
        let value = self.keep(&details);
        self.fail_value(error, value);
        self.machine.buffers.next = details;
    }
}

fn range(start: u32, len: u32) -> Range<usize> {
    let start = start as usize;
    start..start + len as usize
}

impl Buffers {
    /// Keeps a text until the line is done.
    fn keep(&mut self, text: &[u8]) -> Value {
        let start = self.arena.len() as u32;
        self.arena.extend_from_slice(text);
        let len = text.len() as u32;
        Value::Arena { start, len }
    }
}
