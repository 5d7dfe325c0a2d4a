//! Rendering: [`Execution`] walks the nodes and writes; `eval` computes, `call` calls.
//!
//! Like Go it remembers the piece of the template that it last looked at, since complaints quote
//! that one.

mod call;
mod eval;

use std::fmt::Display;

use bumpalo::collections::Vec as ArenaVec;

use super::Template;
use super::ast::{Binding, Command, Control, Invocation, Node, Operand, Pipe};
use super::error::{Failure, RenderError};
use super::host::Host;
use super::print::Printer;
use super::quote::quoted;
use super::sink::Sink;
use super::value::Value;
use crate::limits::MAX_TEMPLATE_DEPTH;

type Done<T> = Result<T, RenderError>;

/// How the walk goes on behind a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

/// A piece of the template, as complaints quote it.
#[derive(Clone, Copy)]
enum At<'a> {
    Pipe(&'a Pipe),
    Command(&'a Command),
    Operand(&'a Operand),
    Invocation(&'a Invocation),
}

/// One rendering.
pub(super) struct Execution<'t, 'a> {
    template: &'a Template,
    host: Host<'a>,
    sink: Sink<'t>,
    /// The template that runs.
    name: &'a str,
    at: Option<At<'a>>,
    /// Variables with their values, the innermost last.
    variables: ArenaVec<'a, (&'a str, Value<'a>)>,
    depth: usize,
}

impl<'t, 'a> Execution<'t, 'a> {
    pub(super) fn new(template: &'a Template, host: Host<'a>, out: &'t mut Vec<u8>) -> Self {
        let mut variables = ArenaVec::new_in(host.arena);
        variables.push(("$", Value::Labels));
        Self {
            template,
            host,
            sink: Sink::new(out),
            name: &template.name,
            at: None,
            variables,
            depth: 0,
        }
    }

    /// Renders the template of the given name.
    pub(super) fn run(&mut self) -> Done<()> {
        match self.template.lists.get(&*self.template.name) {
            Some(list) => self.list(Value::Labels, list).map(drop),
            None => Ok(()),
        }
    }

    /// Go's text for what went wrong at the last piece that was looked at.
    fn error(&self, text: impl Display) -> RenderError {
        let parsed = &self.template.name;
        let Some(at) = self.at else {
            return RenderError(format!("template: {}: {text}", self.name));
        };
        let (pos, shown) = match at {
            At::Pipe(pipe) => (pipe.pos, pipe.to_string()),
            At::Command(command) => (command.pos, command.to_string()),
            At::Operand(operand) => (operand.pos, operand.to_string()),
            At::Invocation(invocation) => (invocation.pos, invocation.to_string()),
        };
        let before = self.template.text.get(..pos).unwrap_or(&self.template.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rfind('\n').map_or(pos, |newline| pos - newline - 1);
        let name = quoted(self.name);
        RenderError(format!(
            "template: {parsed}:{line}:{column}: executing {name} at <{shown}>: {text}"
        ))
    }

    fn step(&mut self) -> Done<()> {
        match self.host.step(1) {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.error(failure)),
        }
    }

    fn written(&mut self, answer: Result<(), Failure>) -> Done<()> {
        answer.map_err(|failure| self.error(failure))
    }

    /// Counts a level of nesting; the caller counts back.
    fn descend(&mut self) -> Done<()> {
        if self.depth == MAX_TEMPLATE_DEPTH {
            let text = format!("exceeded maximum template depth ({MAX_TEMPLATE_DEPTH})");
            return Err(self.error(text));
        }
        self.depth += 1;
        Ok(())
    }

    fn list(&mut self, dot: Value<'a>, list: &'a [Node]) -> Done<Flow> {
        self.descend()?;
        for node in list {
            let flow = self.node(dot, node)?;
            if flow != Flow::Next {
                self.depth -= 1;
                return Ok(flow);
            }
        }
        self.depth -= 1;
        Ok(Flow::Next)
    }

    fn node(&mut self, dot: Value<'a>, node: &'a Node) -> Done<Flow> {
        self.step()?;
        match node {
            Node::Text(text) => {
                let answer = self.sink.push(text.as_bytes());
                self.written(answer)?;
            }
            Node::Label { name, .. } if matches!(dot, Value::Labels) => {
                let answer = self.sink.push(self.host.source.label(name.as_bytes()));
                self.written(answer)?;
            }
            Node::Label { pipe, .. } => self.action(dot, pipe)?,
            Node::Action(pipe) => self.action(dot, pipe)?,
            Node::If(control) => return self.either(dot, control),
            Node::With(control) => return self.with(dot, control),
            Node::Range(control) => return self.range(dot, control),
            Node::Template(invocation) => self.invoke(dot, invocation)?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn action(&mut self, dot: Value<'a>, pipe: &'a Pipe) -> Done<()> {
        let value = self.pipe(dot, pipe)?;
        if pipe.variables.is_empty() {
            let answer = Printer::new(&mut self.sink, &self.host.source).plain(value);
            self.written(answer)?;
        }
        Ok(())
    }

    fn either(&mut self, dot: Value<'a>, control: &'a Control) -> Done<Flow> {
        let mark = self.variables.len();
        let value = self.pipe(dot, &control.pipe)?;
        let flow = if self.host.is_true(value) {
            self.list(dot, &control.list)?
        } else {
            self.otherwise(dot, control)?
        };
        self.variables.truncate(mark);
        Ok(flow)
    }

    fn with(&mut self, dot: Value<'a>, control: &'a Control) -> Done<Flow> {
        let mark = self.variables.len();
        let value = self.pipe(dot, &control.pipe)?;
        let flow = if self.host.is_true(value) {
            self.list(value, &control.list)?
        } else {
            self.otherwise(dot, control)?
        };
        self.variables.truncate(mark);
        Ok(flow)
    }

    fn otherwise(&mut self, dot: Value<'a>, control: &'a Control) -> Done<Flow> {
        match &control.otherwise {
            Some(list) => self.list(dot, list),
            None => Ok(Flow::Next),
        }
    }

    fn range(&mut self, dot: Value<'a>, control: &'a Control) -> Done<Flow> {
        let mark = self.variables.len();
        let value = self.pipe(dot, &control.pipe)?.plain();
        let ran = match value {
            Value::Int(count) | Value::Int64(count) => self.count(value, count, control)?,
            Value::Byte(count) => self.count(value, i64::from(count), control)?,
            Value::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    if !self.round(control, Value::Int(at as i64), Value::Any(item))? {
                        break;
                    }
                }
                !items.is_empty()
            }
            Value::Labels => {
                let all = self.host.source.all();
                for (name, value) in all {
                    if !self.round(control, Value::Text(name), *value)? {
                        break;
                    }
                }
                !all.is_empty()
            }
            Value::Map(entries) => {
                for (key, value) in entries {
                    if !self.round(control, Value::Text(key), Value::Any(value))? {
                        break;
                    }
                }
                !entries.is_empty()
            }
            Value::Nothing => false,
            other => {
                let shown = self.shown(other)?;
                return Err(self.error(format_args!("range can't iterate over {shown}")));
            }
        };
        let flow = if ran {
            Flow::Next
        } else {
            self.otherwise(dot, control)?
        };
        self.variables.truncate(mark);
        Ok(flow)
    }

    /// A loop over a number; answers whether it ran at all.
    fn count(&mut self, value: Value<'a>, count: i64, control: &'a Control) -> Done<bool> {
        if control.pipe.variables.len() > 1 {
            let shown = self.shown(value)?;
            let text = format!("can't use {shown} to iterate over more than one variable");
            return Err(self.error(text));
        }
        for at in 0..count {
            let item = match value {
                Value::Int64(_) => Value::Int64(at),
                Value::Byte(_) => Value::Byte(at as u8),
                _ => Value::Int(at),
            };
            if !self.round(control, Value::Nothing, item)? {
                break;
            }
        }
        Ok(count > 0)
    }

    /// One round of a loop; answers whether there may be another.
    fn round(&mut self, control: &'a Control, index: Value<'a>, item: Value<'a>) -> Done<bool> {
        self.step()?;
        let names = &control.pipe.variables;
        let bound = match names.as_slice() {
            [] => [None, None],
            [name] => [Some((name, item)), None],
            [first, second, ..] => [Some((first, index)), Some((second, item))],
        };
        // Those that are declared lie on top, the first one below.
        let declared = names.len();
        for (at, (name, value)) in bound.into_iter().flatten().enumerate() {
            match control.pipe.binding {
                Binding::Assign => self.assign(name, value)?,
                Binding::Declare => {
                    let place = self.variables.len() - declared + at;
                    if let Some(slot) = self.variables.get_mut(place) {
                        slot.1 = value;
                    }
                }
            }
        }
        let mark = self.variables.len();
        let flow = self.list(item, &control.list)?;
        self.variables.truncate(mark);
        Ok(flow != Flow::Break)
    }

    fn invoke(&mut self, dot: Value<'a>, invocation: &'a Invocation) -> Done<()> {
        self.at = Some(At::Invocation(invocation));
        let Some((name, list)) = self.template.lists.get_key_value(&*invocation.name) else {
            let name = quoted(&invocation.name);
            return Err(self.error(format_args!("template {name} not defined")));
        };
        self.descend()?;
        let dot = match &invocation.pipe {
            Some(pipe) => self.pipe(dot, pipe)?,
            None => Value::Nothing,
        };
        let outer = std::mem::replace(&mut self.name, name);
        let mut variables = ArenaVec::new_in(self.host.arena);
        variables.push(("$", dot));
        let outside = std::mem::replace(&mut self.variables, variables);
        self.list(dot, list)?;
        self.depth -= 1;
        (self.name, self.variables) = (outer, outside);
        Ok(())
    }

    /// A value in a complaint.
    fn shown(&mut self, value: Value<'a>) -> Done<String> {
        let text = self
            .host
            .make(|sink, source| Printer::new(sink, source).print(&[value]));
        let text = text.map_err(|failure| self.error(failure))?;
        Ok(String::from_utf8_lossy(text.text()).into_owned())
    }
}
