//! What a template looks at: [`Reads`], so that nobody finds out what it does not need.
//!
//! Where a template hands the dot on whole, all labels are read; where the dot is something else
//! than the labels, fields of it are none.

use std::collections::BTreeSet;

use super::Fields;
use super::ast::{Control, Invocation, Node, Operand, Pipe, Term};
use super::parser::Templates;

/// What a template looks at.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reads {
    names: BTreeSet<String>,
    all: bool,
    pub(super) line: bool,
    pub(super) timestamp: bool,
}

/// What the dot or `$` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Meaning {
    Labels,
    Other,
}

/// The meanings at a place.
#[derive(Clone, Copy)]
struct Scope {
    dot: Meaning,
    dollar: Meaning,
}

impl Reads {
    pub(super) fn of(name: &str, templates: &Templates) -> Self {
        let mut walk = Walk {
            templates,
            reads: Self::default(),
            seen: BTreeSet::new(),
        };
        walk.template(name, Meaning::Labels);
        walk.reads
    }

    pub(super) fn fields(&self) -> Fields {
        if self.all {
            Fields::All
        } else {
            Fields::Names(self.names.iter().cloned().collect())
        }
    }
}

struct Walk<'t> {
    templates: &'t Templates,
    reads: Reads,
    /// Templates that were looked at, with the meaning of their dot.
    seen: BTreeSet<(&'t str, Meaning)>,
}

impl<'t> Walk<'t> {
    fn template(&mut self, name: &str, dot: Meaning) {
        let Some((name, list)) = self.templates.get_key_value(name) else {
            return;
        };
        if self.seen.insert((name, dot)) {
            self.list(list, Scope { dot, dollar: dot });
        }
    }

    fn list(&mut self, list: &'t [Node], scope: Scope) {
        for node in list {
            match node {
                Node::Text(_) | Node::Break | Node::Continue => {}
                Node::Label { pipe, .. } => self.pipe(pipe, scope),
                Node::Action(pipe) => self.pipe(pipe, scope),
                Node::If(control) => self.control(control, scope, scope),
                // Had the pipe been the labels, all of them would be read now.
                Node::With(control) | Node::Range(control) => {
                    self.control(
                        control,
                        scope,
                        Scope {
                            dot: Meaning::Other,
                            ..scope
                        },
                    );
                }
                Node::Template(invocation) => self.invocation(invocation, scope),
            }
        }
    }

    fn control(&mut self, control: &'t Control, outer: Scope, inner: Scope) {
        self.pipe(&control.pipe, outer);
        self.list(&control.list, inner);
        self.list(control.otherwise.as_deref().unwrap_or_default(), outer);
    }

    fn invocation(&mut self, invocation: &'t Invocation, scope: Scope) {
        let Some(pipe) = &invocation.pipe else {
            return self.template(&invocation.name, Meaning::Other);
        };
        if let ([], [command]) = (pipe.variables.as_slice(), pipe.commands.as_slice())
            && let [operand] = command.operands.as_slice()
        {
            match &operand.term {
                Term::Dot => return self.template(&invocation.name, scope.dot),
                Term::Variable(name, fields) if &**name == "$" && fields.is_empty() => {
                    return self.template(&invocation.name, scope.dollar);
                }
                _ => {}
            }
        }
        self.pipe(pipe, scope);
        self.template(&invocation.name, Meaning::Other);
    }

    fn pipe(&mut self, pipe: &'t Pipe, scope: Scope) {
        let operands = pipe.commands.iter().flat_map(|command| &command.operands);
        operands.for_each(|operand| self.operand(operand, scope));
    }

    fn operand(&mut self, operand: &'t Operand, scope: Scope) {
        match &operand.term {
            Term::Dot => self.value(scope.dot, &[]),
            Term::Field(fields) => self.value(scope.dot, fields),
            Term::Variable(name, fields) if &**name == "$" => self.value(scope.dollar, fields),
            Term::Pipe(pipe) => self.pipe(pipe, scope),
            Term::Chain(inner, fields) => match &inner.term {
                Term::Pipe(pipe) if is_dot(pipe) => self.value(scope.dot, fields),
                _ => self.operand(inner, scope),
            },
            Term::Function(function) => match function.name {
                "__line__" => self.reads.line = true,
                "__timestamp__" => self.reads.timestamp = true,
                _ => {}
            },
            Term::Variable(..)
            | Term::Bool(_)
            | Term::Nil
            | Term::Number(_)
            | Term::Text { .. } => {}
        }
    }

    fn value(&mut self, meaning: Meaning, fields: &[Box<str>]) {
        match (meaning, fields.first()) {
            (Meaning::Other, _) => {}
            (Meaning::Labels, None) => self.reads.all = true,
            (Meaning::Labels, Some(name)) => {
                self.reads.names.insert(name.to_string());
            }
        }
    }
}

/// Whether a pipe is the dot and nothing else.
fn is_dot(pipe: &Pipe) -> bool {
    match (pipe.variables.as_slice(), pipe.commands.as_slice()) {
        ([], [command]) => matches!(
            command.operands.as_slice(),
            [Operand {
                term: Term::Dot,
                ..
            }]
        ),
        _ => false,
    }
}
