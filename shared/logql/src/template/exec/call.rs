//! Calls: how many arguments, of which types, and what is said if they are others.

use bumpalo::collections::Vec as ArenaVec;

use super::eval::Access;
use super::{At, Done, Execution};
use crate::template::ast::{Operand, Term};
use crate::template::error::Failure;
use crate::template::functions::pattern::Prepared;
use crate::template::functions::{Function, Parameter, Plain, Run};
use crate::template::value::{Type, Value};

/// A call of a function as it stands in the template.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    /// What is quoted if the function itself complains.
    pub(super) node: At<'a>,
    pub(super) operands: &'a [Operand],
    /// The value that was piped into it, its last argument.
    pub(super) last: Option<Value<'a>>,
    pub(super) prepared: Option<&'a Prepared>,
}

/// What `and` and `or` look for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    False,
    True,
}

impl<'a> Execution<'_, 'a> {
    pub(super) fn function(
        &mut self,
        dot: Value<'a>,
        function: &'static Function,
        call: Call<'a>,
    ) -> Done<Value<'a>> {
        self.step()?;
        self.check_count(function, call)?;
        match function.run {
            Run::And => self.logic(dot, call, Until::False),
            Run::Or => self.logic(dot, call, Until::True),
            Run::Plain(run) => {
                let mut given = ArenaVec::new_in(self.host.arena);
                self.arguments(dot, function, call, &mut given)?;
                self.run_plain((function.name, run), call, &given)
            }
            Run::Call => {
                let mut given = ArenaVec::new_in(self.host.arena);
                self.arguments(dot, function, call, &mut given)?;
                let callee = given.first().copied().unwrap_or(Value::Nothing);
                self.at = Some(call.node);
                Err(self.error(format_args!(
                    "error calling call: {}",
                    not_callable(call, callee)
                )))
            }
        }
    }

    /// A method of a value, which is the first argument of its function.
    pub(super) fn method(
        &mut self,
        dot: Value<'a>,
        (method, receiver): (&'static Function, Value<'a>),
        access: Access<'_, 'a>,
    ) -> Done<Value<'a>> {
        let Access {
            node,
            operands,
            last,
            ..
        } = access;
        let call = Call {
            node,
            operands,
            last,
            prepared: None,
        };
        self.check_count(method, call)?;
        let mut given = ArenaVec::new_in(self.host.arena);
        given.push(receiver);
        self.arguments(dot, method, call, &mut given)?;
        match method.run {
            Run::Plain(run) => self.run_plain((method.name, run), call, &given),
            Run::And | Run::Or | Run::Call => Ok(Value::Nothing),
        }
    }

    fn run_plain(
        &mut self,
        (name, run): (&'static str, Plain),
        call: Call<'a>,
        given: &[Value<'a>],
    ) -> Done<Value<'a>> {
        self.host.prepared = call.prepared;
        run(&mut self.host, given).map_err(|failure| {
            self.at = Some(call.node);
            match failure {
                Failure::Said(text) => self.error(format_args!("error calling {name}: {text}")),
                limit => self.error(limit),
            }
        })
    }

    fn check_count(&mut self, function: &Function, call: Call<'a>) -> Done<()> {
        let written = call.operands.len();
        let given = written + usize::from(call.last.is_some());
        let (name, wanted) = (function.name, function.parameters.len());
        if function.rest.is_some() && given < wanted {
            return Err(self.error(format_args!(
                "wrong number of args for {name}: want at least {wanted} got {written}"
            )));
        }
        if function.rest.is_none() && given != wanted {
            return Err(self.error(format_args!(
                "wrong number of args for {name}: want {wanted} got {given}"
            )));
        }
        Ok(())
    }

    /// The first argument that is what is looked for, or the last one.
    fn logic(&mut self, dot: Value<'a>, call: Call<'a>, until: Until) -> Done<Value<'a>> {
        let mut value = Value::Nothing;
        for operand in call.operands {
            value = self.argument(dot, Parameter::Value, operand)?;
            if self.host.is_true(value) == (until == Until::True) {
                return Ok(value);
            }
        }
        Ok(call.last.unwrap_or(value))
    }

    fn arguments(
        &mut self,
        dot: Value<'a>,
        function: &'static Function,
        call: Call<'a>,
        given: &mut ArenaVec<'a, Value<'a>>,
    ) -> Done<()> {
        let parameter = |at: usize| {
            let fixed = function.parameters.get(at).copied();
            fixed.or(function.rest).unwrap_or(Parameter::Any)
        };
        for (at, operand) in call.operands.iter().enumerate() {
            let value = self.argument(dot, parameter(at), operand)?;
            self.weigh(value)?;
            given.push(value);
        }
        if let Some(last) = call.last {
            let value = self.fitting(last, parameter(call.operands.len()))?;
            self.weigh(value)?;
            given.push(value);
        }
        Ok(())
    }

    /// Counts what a function takes to read an argument.
    fn weigh(&mut self, value: Value<'a>) -> Done<()> {
        let bytes = match value {
            Value::Text(text) => text.len(),
            _ => 0,
        };
        let answer = self.host.step(1 + bytes / 64);
        answer.map_err(|failure| self.error(failure))
    }

    /// The value of an operand for a parameter.
    pub(super) fn argument(
        &mut self,
        dot: Value<'a>,
        parameter: Parameter,
        operand: &'a Operand,
    ) -> Done<Value<'a>> {
        self.at = Some(At::Operand(operand));
        let node = At::Operand(operand);
        let value = match &operand.term {
            Term::Dot => dot,
            Term::Nil => {
                return match parameter {
                    Parameter::Any | Parameter::Value => Ok(Value::Nothing),
                    _ => {
                        let name = parameter.name();
                        Err(self.error(format_args!("cannot assign nil to {name}")))
                    }
                };
            }
            Term::Field(_) | Term::Variable(..) | Term::Chain(..) => {
                let (receiver, fields) = self.receiver(dot, operand)?;
                self.chain(
                    dot,
                    Access {
                        receiver,
                        node,
                        operands: &[],
                        last: None,
                        fields,
                    },
                )?
            }
            Term::Pipe(pipe) => self.nested(dot, pipe)?,
            Term::Function(function) => {
                let call = Call {
                    node,
                    operands: &[],
                    last: None,
                    prepared: None,
                };
                self.function(dot, function, call)?
            }
            Term::Bool(_) | Term::Number(_) | Term::Text { .. } => {
                return self.literal(dot, parameter, operand);
            }
        };
        self.fitting(value, parameter)
    }

    /// A literal becomes what it is taken for, if it can be that.
    fn literal(
        &mut self,
        dot: Value<'a>,
        parameter: Parameter,
        operand: &'a Operand,
    ) -> Done<Value<'a>> {
        let wanted = match (parameter, &operand.term) {
            (Parameter::Any | Parameter::Value, _) => return self.constant(dot, operand),
            (Parameter::Text, Term::Text { text, .. }) => return Ok(Value::Text(text)),
            (Parameter::Text, _) => "string",
            (Parameter::Int, Term::Number(number)) => match number.int {
                Some(int) => return Ok(Value::Int(int)),
                None => "integer",
            },
            (Parameter::Int, _) => "integer",
            (Parameter::Float, Term::Number(number)) => match number.float {
                Some(float) => return Ok(Value::Float(float)),
                None => "float",
            },
            (Parameter::Float, _) => "float",
            (Parameter::Time, _) => {
                let name = parameter.name();
                let text = format!("can't handle {operand} for arg of type {name}");
                return Err(self.error(text));
            }
        };
        Err(self.error(format_args!("expected {wanted}; found {operand}")))
    }

    /// A value that a parameter takes.
    fn fitting(&mut self, value: Value<'a>, parameter: Parameter) -> Done<Value<'a>> {
        let wanted = parameter.name();
        match (parameter, value.kind()) {
            (Parameter::Any, _) => Ok(value.plain()),
            (Parameter::Value, _) => Ok(value),
            (_, Type::Nothing) => Err(self.error(format_args!("invalid value; expected {wanted}"))),
            (_, Type::Any) if value.is_nothing() => Err(self.error(format_args!(
                "wrong type for value; expected {wanted}; got interface {{}}"
            ))),
            _ => {
                let value = value.plain();
                let got = value.kind();
                if parameter.takes(got) {
                    return Ok(value);
                }
                let got = got.name();
                let text = format!("wrong type for value; expected {wanted}; got {got}");
                Err(self.error(text))
            }
        }
    }
}

/// What Go says of calling something that is no function.
fn not_callable(call: Call<'_>, callee: Value<'_>) -> String {
    let callee = callee.plain();
    if callee.is_nothing() {
        return "call of nil".to_owned();
    }
    let kind = callee.kind().name();
    match (call.operands.first(), callee) {
        (Some(operand), _) => format!("non-function {operand} of type {kind}"),
        (None, Value::Text(text)) => {
            format!(
                "non-function {} of type {kind}",
                String::from_utf8_lossy(text)
            )
        }
        (None, _) => format!("non-function <{kind} Value> of type {kind}"),
    }
}
