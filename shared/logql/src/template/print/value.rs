//! A value with a verb: which way it is written, and what is said when the two do not fit.

use super::Printer;
use crate::template::error::Answer;
use crate::template::value::{Type, Value};

impl<'a> Printer<'_, '_, 'a> {
    /// An argument of a print function.
    pub(super) fn argument(&mut self, value: Value<'a>, verb: char) -> Answer<()> {
        let value = value.plain();
        match (verb, value) {
            ('T' | 'v', Value::Nothing) => {
                let start = self.sink.len();
                self.sink.push(b"<nil>")?;
                self.pad(start)
            }
            (_, Value::Nothing) => self.bad_verb(value, verb),
            ('T', _) => self.text(value.kind().name().as_bytes(), 's').map(drop),
            // There are no addresses here.
            ('p' | 'w', _) => self.bad_verb(value, verb),
            _ => self.value(value, verb),
        }
    }

    fn value(&mut self, value: Value<'a>, verb: char) -> Answer<()> {
        match value {
            Value::Nothing => self.nothing(verb),
            Value::Bool(truth) => match verb {
                't' | 'v' => {
                    let start = self.sink.len();
                    self.sink.put(format_args!("{truth}"))?;
                    self.pad(start)
                }
                _ => self.bad_verb(value, verb),
            },
            Value::Int(int) | Value::Int64(int) => {
                let done = self.integer(i128::from(int), verb)?;
                self.unless(done, value, verb)
            }
            Value::Byte(byte) => {
                let done = self.byte(byte, verb)?;
                self.unless(done, value, verb)
            }
            Value::Float(float) => {
                let done = self.float(float, verb)?;
                self.unless(done, value, verb)
            }
            Value::Text(text) => {
                let done = self.text(text, verb)?;
                self.unless(done, value, verb)
            }
            Value::Time(time) => {
                let mut shown = String::new();
                time.write_go(&mut shown);
                let done = self.text(shown.as_bytes(), verb)?;
                self.unless(done, value, verb)
            }
            Value::Labels => self.map(self.labels.all(), verb, Type::Labels),
            Value::Map(entries) => self.map(entries, verb, Type::Map),
            Value::List(items) => self.list(items, verb),
            Value::Any(inner) => self.value(*inner, verb),
        }
    }

    /// `null` inside of a map or list.
    fn nothing(&mut self, verb: char) -> Answer<()> {
        match verb {
            'v' if self.flags.sharp_v => self.sink.push(b"interface {}(nil)"),
            _ => self.sink.push(b"<nil>"),
        }
    }

    fn map(&mut self, entries: &[(&'a [u8], Value<'a>)], verb: char, kind: Type) -> Answer<()> {
        let sharp = self.flags.sharp_v;
        self.sink.push(if sharp {
            kind.name().as_bytes()
        } else {
            b"map"
        })?;
        self.sink.byte(if sharp { b'{' } else { b'[' })?;
        for (at, (key, value)) in entries.iter().enumerate() {
            self.separator(at)?;
            self.value(Value::Text(key), verb)?;
            self.sink.byte(b':')?;
            self.value(*value, verb)?;
        }
        self.sink.byte(if sharp { b'}' } else { b']' })
    }

    fn list(&mut self, items: &[Value<'a>], verb: char) -> Answer<()> {
        let sharp = self.flags.sharp_v;
        if sharp {
            self.sink.push(Type::List.name().as_bytes())?;
        }
        self.sink.byte(if sharp { b'{' } else { b'[' })?;
        for (at, item) in items.iter().enumerate() {
            self.separator(at)?;
            self.value(*item, verb)?;
        }
        self.sink.byte(if sharp { b'}' } else { b']' })
    }

    fn separator(&mut self, at: usize) -> Answer<()> {
        match (at, self.flags.sharp_v) {
            (0, _) => Ok(()),
            (_, true) => self.sink.push(b", "),
            (_, false) => self.sink.byte(b' '),
        }
    }

    fn unless(&mut self, done: Written, value: Value<'a>, verb: char) -> Answer<()> {
        match done {
            Written::Yes => Ok(()),
            Written::UnknownVerb => self.bad_verb(value, verb),
        }
    }

    /// `%!d(string=1)`.
    fn bad_verb(&mut self, value: Value<'a>, verb: char) -> Answer<()> {
        self.sink.put(format_args!("%!{verb}("))?;
        self.typed(value)?;
        self.sink.byte(b')')
    }

    /// `string=1`, or `<nil>`.
    pub(super) fn typed(&mut self, value: Value<'a>) -> Answer<()> {
        let value = value.plain();
        if value.is_nothing() {
            return self.sink.push(b"<nil>");
        }
        self.sink.put(format_args!("{}=", value.kind().name()))?;
        self.value(value, 'v')
    }
}

/// Whether a verb suits a value.
#[derive(Clone, Copy)]
pub(super) enum Written {
    Yes,
    UnknownVerb,
}
