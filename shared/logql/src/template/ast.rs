//! The compiled template: [`Node`]s in lists, [`Pipe`]s in them, [`Command`]s in those, made of
//! [`Operand`]s.
//!
//! `Display` writes Go's normal form of a piece, which is what complaints quote.

use std::fmt;

use super::functions::Function;
use super::functions::pattern::Prepared;

/// A list of nodes.
pub(super) type List = Vec<Node>;

/// A piece of a template.
#[derive(Debug)]
pub(super) enum Node {
    Text(Box<str>),
    /// `{{.name}}` and nothing else, the commonest action; the pipe is for when the dot is no map
    /// of labels.
    Label {
        name: Box<str>,
        pipe: Box<Pipe>,
    },
    Action(Pipe),
    If(Box<Control>),
    Range(Box<Control>),
    With(Box<Control>),
    Template(Box<Invocation>),
    Break,
    Continue,
}

/// What `if`, `range` and `with` have in common.
#[derive(Debug)]
pub(super) struct Control {
    pub(super) pipe: Pipe,
    pub(super) list: List,
    pub(super) otherwise: Option<List>,
}

/// `{{template "name" pipe}}`.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) pos: usize,
    pub(super) name: Box<str>,
    pub(super) pipe: Option<Pipe>,
}

/// `$a, $b := command | command`.
#[derive(Debug)]
pub(super) struct Pipe {
    pub(super) pos: usize,
    pub(super) binding: Binding,
    /// Names of variables, with their `$`.
    pub(super) variables: Vec<Box<str>>,
    pub(super) commands: Vec<Command>,
}

/// What a pipe does to its variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    Declare,
    Assign,
}

/// A function or value with its arguments.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) pos: usize,
    /// Never empty.
    pub(super) operands: Vec<Operand>,
    /// The expression, when the function takes one and it is a literal.
    pub(super) prepared: Option<Prepared>,
}

/// A part of a command.
#[derive(Debug)]
pub(super) struct Operand {
    pub(super) pos: usize,
    pub(super) term: Term,
}

/// What an operand is.
#[derive(Debug)]
pub(super) enum Term {
    Bool(bool),
    /// `(pipe).a.b` or `function.a`.
    Chain(Box<Operand>, Vec<Box<str>>),
    Dot,
    /// `.a.b`.
    Field(Vec<Box<str>>),
    Function(&'static Function),
    Nil,
    Number(Number),
    Pipe(Box<Pipe>),
    Text {
        literal: Box<str>,
        text: Box<[u8]>,
    },
    /// `$a.b`, the name with its `$`.
    Variable(Box<str>, Vec<Box<str>>),
}

/// A number as it was written, and as what it can be taken.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Number {
    pub(super) text: Box<str>,
    pub(super) int: Option<i64>,
    pub(super) float: Option<f64>,
    /// What it is where anything goes.
    pub(super) ideal: Ideal,
}

/// The type of a number where nothing asks for another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ideal {
    Int(i64),
    Float(f64),
    /// It is an unsigned integer of 64 bits, which templates have not.
    Overflow,
}

impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, name) in self.variables.iter().enumerate() {
            write!(f, "{}{name}", if at > 0 { ", " } else { "" })?;
        }
        if !self.variables.is_empty() {
            f.write_str(if self.binding == Binding::Assign {
                " = "
            } else {
                " := "
            })?;
        }
        for (at, command) in self.commands.iter().enumerate() {
            write!(f, "{}{command}", if at > 0 { " | " } else { "" })?;
        }
        Ok(())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, operand) in self.operands.iter().enumerate() {
            let space = if at > 0 { " " } else { "" };
            match &operand.term {
                Term::Pipe(pipe) => write!(f, "{space}({pipe})")?,
                _ => write!(f, "{space}{operand}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.term {
            Term::Bool(value) => write!(f, "{value}"),
            Term::Chain(inner, fields) => {
                match &inner.term {
                    Term::Pipe(pipe) => write!(f, "({pipe})")?,
                    _ => write!(f, "{inner}")?,
                }
                fields.iter().try_for_each(|field| write!(f, ".{field}"))
            }
            Term::Dot => f.write_str("."),
            Term::Field(fields) => fields.iter().try_for_each(|field| write!(f, ".{field}")),
            Term::Function(function) => f.write_str(function.name),
            Term::Nil => f.write_str("nil"),
            Term::Number(number) => f.write_str(&number.text),
            Term::Pipe(pipe) => write!(f, "{pipe}"),
            Term::Text { literal, .. } => f.write_str(literal),
            Term::Variable(name, fields) => {
                f.write_str(name)?;
                fields.iter().try_for_each(|field| write!(f, ".{field}"))
            }
        }
    }
}

impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{template {}", super::quote::quoted(&self.name))?;
        if let Some(pipe) = &self.pipe {
            write!(f, " {pipe}")?;
        }
        f.write_str("}}")
    }
}
