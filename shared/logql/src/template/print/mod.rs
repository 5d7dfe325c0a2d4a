//! Values as text: [`print`] and [`println`] as Go's `fmt`, [`printf`] with its verbs, [`plain`]
//! for the output of an action.
//!
//! `format` reads the format and its arguments, `value` picks the way of a verb with a value,
//! `number` and `text` write. Flags are [`Flags`].

mod format;
mod number;
mod text;
mod value;

use super::data::Source;
use super::error::Answer;
use super::sink::Sink;
use super::value::Value;

pub(super) use format::printf;

/// What stands between `%` and the verb.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    width: Option<usize>,
    precision: Option<usize>,
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    /// `%+v`, which is not the plus of numbers.
    plus_v: bool,
    /// `%#v`: as Go's source would have it.
    sharp_v: bool,
}

/// One printing: where to, and the labels if they are printed.
pub(super) struct Printer<'p, 'w, 'a> {
    pub(super) sink: &'p mut Sink<'w>,
    pub(super) labels: &'p Source<'a>,
    pub(super) flags: Flags,
}

impl<'p, 'w, 'a> Printer<'p, 'w, 'a> {
    pub(super) fn new(sink: &'p mut Sink<'w>, labels: &'p Source<'a>) -> Self {
        Self {
            sink,
            labels,
            flags: Flags::default(),
        }
    }

    /// The output of an action: as `%v`, but for what is no value.
    pub(super) fn plain(&mut self, value: Value<'a>) -> Answer<()> {
        match value.plain() {
            Value::Text(text) => self.sink.push(text),
            Value::Nothing => self.sink.push(b"<no value>"),
            other => self.argument(other, 'v'),
        }
    }

    /// As `%s`.
    pub(super) fn as_text(&mut self, value: Value<'a>) -> Answer<()> {
        self.argument(value, 's')
    }

    /// `fmt.Sprint`: a space between two of which neither is a text.
    pub(super) fn print(&mut self, values: &[Value<'a>]) -> Answer<()> {
        let mut after_text = true;
        for (at, value) in values.iter().enumerate() {
            let is_text = matches!(value.plain(), Value::Text(_));
            if at > 0 && !is_text && !after_text {
                self.sink.byte(b' ')?;
            }
            self.argument(*value, 'v')?;
            after_text = is_text;
        }
        Ok(())
    }

    /// `fmt.Sprintln`.
    pub(super) fn println(&mut self, values: &[Value<'a>]) -> Answer<()> {
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                self.sink.byte(b' ')?;
            }
            self.argument(*value, 'v')?;
        }
        self.sink.byte(b'\n')
    }

    /// Pads what was written since `start` to the width.
    fn pad(&mut self, start: usize) -> Answer<()> {
        let Some(width) = self.flags.width else {
            return Ok(());
        };
        let missing = width.saturating_sub(runes(self.sink.since(start)));
        if self.flags.minus {
            return self.sink.repeat(b" ", missing);
        }
        self.sink
            .pad(start, missing, if self.flags.zero { b'0' } else { b' ' })
    }
}

/// Characters as Go counts them: a byte that is no text is one.
pub(super) fn runes(text: &[u8]) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.utf8_chunks()
        .map(|chunk| chunk.valid().chars().count() + chunk.invalid().len())
        .sum()
}
