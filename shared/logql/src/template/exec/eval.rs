//! Pipelines, commands, fields and variables.

use super::call::Call;
use super::{At, Done, Execution};
use crate::template::ast::{Binding, Command, Ideal, Number, Operand, Pipe, Term};
use crate::template::functions::times::method;
use crate::template::functions::{Parameter, entry};
use crate::template::value::{Type, Value};

/// What a field is asked of, and what it is given.
#[derive(Clone, Copy)]
pub(super) struct Access<'f, 'a> {
    pub(super) receiver: Value<'a>,
    /// The piece that the field belongs to.
    pub(super) node: At<'a>,
    /// Arguments that follow it.
    pub(super) operands: &'a [Operand],
    /// The value that was piped into it.
    pub(super) last: Option<Value<'a>>,
    pub(super) fields: &'f [Box<str>],
}

impl<'a> Execution<'_, 'a> {
    pub(super) fn pipe(&mut self, dot: Value<'a>, pipe: &'a Pipe) -> Done<Value<'a>> {
        self.at = Some(At::Pipe(pipe));
        let mut value = None;
        for command in &pipe.commands {
            // An element of a list is from here on what it holds.
            value = Some(self.command(dot, command, value)?.plain());
        }
        let value = value.unwrap_or(Value::Nothing);
        for name in &pipe.variables {
            match pipe.binding {
                Binding::Assign => self.assign(name, value)?,
                Binding::Declare => self.variables.push((name, value)),
            }
        }
        Ok(value)
    }

    pub(super) fn assign(&mut self, name: &str, value: Value<'a>) -> Done<()> {
        let slot = self
            .variables
            .iter_mut()
            .rev()
            .find(|(known, _)| *known == name);
        match slot {
            Some(slot) => {
                slot.1 = value;
                Ok(())
            }
            None => Err(self.error(format_args!("undefined variable: {name}"))),
        }
    }

    fn command(
        &mut self,
        dot: Value<'a>,
        command: &'a Command,
        last: Option<Value<'a>>,
    ) -> Done<Value<'a>> {
        self.step()?;
        let Some((first, rest)) = command.operands.split_first() else {
            return Ok(Value::Nothing);
        };
        match &first.term {
            Term::Function(function) => {
                self.at = Some(At::Operand(first));
                let node = At::Command(command);
                let prepared = command.prepared.as_ref();
                self.function(
                    dot,
                    function,
                    Call {
                        node,
                        operands: rest,
                        last,
                        prepared,
                    },
                )
            }
            Term::Pipe(pipe) => {
                self.refuse_arguments(first, rest, last)?;
                self.nested(dot, pipe)
            }
            Term::Field(_) | Term::Chain(..) | Term::Variable(..) => {
                let (receiver, fields) = self.receiver(dot, first)?;
                if fields.is_empty() {
                    self.refuse_arguments(first, rest, last)?;
                    return Ok(receiver);
                }
                let node = At::Operand(first);
                self.chain(
                    dot,
                    Access {
                        receiver,
                        node,
                        operands: rest,
                        last,
                        fields,
                    },
                )
            }
            Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(_) | Term::Text { .. } => {
                self.at = Some(At::Operand(first));
                self.refuse_arguments(first, rest, last)?;
                match &first.term {
                    Term::Nil => Err(self.error("nil is not a command")),
                    _ => self.constant(dot, first),
                }
            }
        }
    }

    /// What the fields of an operand are asked of, and the fields; none for a mere variable.
    pub(super) fn receiver(
        &mut self,
        dot: Value<'a>,
        operand: &'a Operand,
    ) -> Done<(Value<'a>, &'a [Box<str>])> {
        self.at = Some(At::Operand(operand));
        match &operand.term {
            Term::Field(fields) => Ok((dot, fields)),
            Term::Variable(name, fields) => Ok((self.variable(name)?, fields)),
            Term::Chain(inner, fields) => {
                Ok((self.argument(dot, Parameter::Value, inner)?, fields))
            }
            _ => Ok((dot, &[])),
        }
    }

    /// A pipeline in parentheses.
    pub(super) fn nested(&mut self, dot: Value<'a>, pipe: &'a Pipe) -> Done<Value<'a>> {
        self.descend()?;
        let value = self.pipe(dot, pipe)?;
        self.depth -= 1;
        Ok(value)
    }

    fn refuse_arguments(
        &mut self,
        first: &'a Operand,
        rest: &[Operand],
        last: Option<Value<'a>>,
    ) -> Done<()> {
        if rest.is_empty() && last.is_none() {
            return Ok(());
        }
        Err(self.error(format_args!("can't give argument to non-function {first}")))
    }

    /// Bools, numbers, texts and the dot.
    pub(super) fn constant(&mut self, dot: Value<'a>, operand: &'a Operand) -> Done<Value<'a>> {
        match &operand.term {
            Term::Bool(truth) => Ok(Value::Bool(*truth)),
            Term::Dot => Ok(dot),
            Term::Text { text, .. } => Ok(Value::Text(text)),
            Term::Number(number) => self.number(operand, number),
            _ => Err(self.error(format_args!("can't evaluate command {operand}"))),
        }
    }

    fn number(&mut self, operand: &'a Operand, number: &Number) -> Done<Value<'a>> {
        self.at = Some(At::Operand(operand));
        match number.ideal {
            Ideal::Int(int) => Ok(Value::Int(int)),
            Ideal::Float(float) => Ok(Value::Float(float)),
            Ideal::Overflow => Err(self.error(format_args!("{} overflows int", number.text))),
        }
    }

    pub(super) fn variable(&mut self, name: &str) -> Done<Value<'a>> {
        let known = self
            .variables
            .iter()
            .rev()
            .find(|(known, _)| *known == name);
        match known {
            Some((_, value)) => Ok(*value),
            None => Err(self.error(format_args!("undefined variable: {name}"))),
        }
    }

    /// Field after field; only the last one is given arguments.
    pub(super) fn chain(&mut self, dot: Value<'a>, access: Access<'_, 'a>) -> Done<Value<'a>> {
        let Some((name, before)) = access.fields.split_last() else {
            return Ok(access.receiver);
        };
        let mut receiver = access.receiver;
        for field in before {
            let inner = Access {
                receiver,
                operands: &[],
                last: None,
                fields: &[],
                ..access
            };
            receiver = self.field(dot, field, inner)?;
        }
        self.field(dot, name, Access { receiver, ..access })
    }

    fn field(&mut self, dot: Value<'a>, name: &str, access: Access<'_, 'a>) -> Done<Value<'a>> {
        let kind = access.receiver.kind();
        let has_arguments = !access.operands.is_empty() || access.last.is_some();
        match access.receiver.plain() {
            Value::Nothing if kind == Type::Any => {
                let text = format!("nil pointer evaluating interface {{}}.{name}");
                return Err(self.error(text));
            }
            Value::Nothing => return Ok(Value::Nothing),
            Value::Time(time) => {
                if let Some(method) = method(name) {
                    return self.method(dot, (method, Value::Time(time)), access);
                }
            }
            Value::Labels | Value::Map(_) if has_arguments => {
                let text = format!("{name} is not a method but has arguments");
                return Err(self.error(text));
            }
            Value::Labels => return Ok(Value::Text(self.host.source.label(name.as_bytes()))),
            Value::Map(entries) => return Ok(Value::Any(entry(entries, name.as_bytes()))),
            _ => {}
        }
        let kind = kind.name();
        Err(self.error(format_args!("can't evaluate field {name} in type {kind}")))
    }
}
