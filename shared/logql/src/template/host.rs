//! [`Host`]: what functions are called with: the line, the memory of this rendering, its bounds.
//!
//! [`Scratch`] keeps the memory from one line to the next.

use bumpalo::Bump;
use regex::bytes::Regex;

use super::data::{Data, Source};
use super::error::{Answer, Failure};
use super::functions::pattern::Prepared;
use super::sink::Sink;
use super::value::Value;
use crate::limits::{KEPT_TEMPLATE_MEMORY, MAX_TEMPLATE_MEMORY, MAX_TEMPLATE_STEPS};

/// Memory for rendering one template after the other; each thread has its own.
#[derive(Debug, Default)]
pub struct Scratch {
    arena: Bump,
    work: Vec<u8>,
    last: Option<Compiled>,
}

/// An expression that was no literal, kept since the next line is likely to have the same.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) pattern: Box<[u8]>,
    pub(super) regex: Regex,
}

impl Scratch {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Empties it for the next line and lends its parts.
    pub(super) fn host<'a>(&'a mut self, data: &'a dyn Data) -> Host<'a> {
        if self.arena.allocated_bytes() > KEPT_TEMPLATE_MEMORY {
            self.arena = Bump::new();
        }
        self.arena.reset();
        if self.work.capacity() > KEPT_TEMPLATE_MEMORY {
            self.work = Vec::new();
        }
        let arena = &self.arena;
        Host {
            source: Source::new(data, arena),
            arena,
            work: &mut self.work,
            last: &mut self.last,
            prepared: None,
            steps: match data.is_stopped() {
                true => 0,
                false => MAX_TEMPLATE_STEPS,
            },
            memory: MAX_TEMPLATE_MEMORY,
        }
    }
}

/// What functions are called with.
pub(super) struct Host<'a> {
    pub(super) source: Source<'a>,
    pub(super) arena: &'a Bump,
    work: &'a mut Vec<u8>,
    pub(super) last: &'a mut Option<Compiled>,
    /// The expression of the call that runs, if it is a literal.
    pub(super) prepared: Option<&'a Prepared>,
    /// Steps and bytes that are left.
    steps: usize,
    memory: usize,
}

impl<'a> Host<'a> {
    /// Counts steps.
    pub(super) fn step(&mut self, count: usize) -> Answer<()> {
        self.steps = self.steps.checked_sub(count).ok_or(Failure::TooSlow)?;
        Ok(())
    }

    /// Counts bytes in memory, and the time to write them.
    pub(super) fn claim(&mut self, bytes: usize) -> Answer<()> {
        self.memory = self.memory.checked_sub(bytes).ok_or(Failure::TooLarge)?;
        self.step(bytes / 64)
    }

    /// Go's truth: no zero, no empty text, list or map.
    pub(super) fn is_true(&self, value: Value<'a>) -> bool {
        match value.plain() {
            Value::Nothing => false,
            Value::Bool(truth) => truth,
            Value::Int(int) | Value::Int64(int) => int != 0,
            Value::Byte(byte) => byte != 0,
            Value::Float(float) => float != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::Time(_) => true,
            Value::Labels => !self.source.all().is_empty(),
            Value::Map(entries) => !entries.is_empty(),
            Value::List(items) => !items.is_empty(),
            Value::Any(inner) => self.is_true(*inner),
        }
    }

    /// A text that `write` writes.
    pub(super) fn make(
        &mut self,
        write: impl FnOnce(&mut Sink<'_>, &Source<'a>) -> Answer<()>,
    ) -> Answer<Value<'a>> {
        self.work.clear();
        write(&mut Sink::new(self.work), &self.source)?;
        self.claim(self.work.len())?;
        Ok(Value::Text(self.arena.alloc_slice_copy(self.work)))
    }

    /// A text that exists.
    pub(super) fn keep(&mut self, text: &str) -> Answer<Value<'a>> {
        self.make(|sink, _| sink.push(text.as_bytes()))
    }
}
