//! All functions that templates can call: [`find`] by name, [`Function`] with what it asks for.
//!
//! A file for each family: `builtin` and `compare` (Go's own), `escape` (for HTML, JavaScript and
//! addresses), `affix`, `text`, `pattern` (regular expressions), `integers`, `floats`, `times`,
//! `json`. `cast` makes numbers of anything, `decimal` counts in digits, `runes` knows characters.

mod affix;
mod builtin;
mod cast;
mod compare;
mod decimal;
mod escape;
mod floats;
mod integers;
mod json;
pub(super) mod pattern;
mod runes;
mod text;
pub(super) mod times;

use std::fmt;

use super::error::{Answer, Failure};
use super::host::Host;
use super::value::{Type, Value};

pub(super) use builtin::entry;

/// A function of templates.
pub(super) struct Function {
    pub(super) name: &'static str,
    /// What must be given.
    pub(super) parameters: &'static [Parameter],
    /// What may follow, any number of times.
    pub(super) rest: Option<Parameter>,
    pub(super) run: Run,
}

/// What a function asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parameter {
    Text,
    Int,
    Float,
    Time,
    /// Go's `interface {}`.
    Any,
    /// Go's `reflect.Value`: anything, and nothing at all.
    Value,
}

impl Parameter {
    /// The type as Go names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => Type::Text.name(),
            Self::Int => Type::Int.name(),
            Self::Float => Type::Float.name(),
            Self::Time => Type::Time.name(),
            Self::Any => Type::Any.name(),
            Self::Value => "reflect.Value",
        }
    }

    /// Whether it takes a value of this type as it is.
    pub(super) fn takes(self, kind: Type) -> bool {
        match self {
            Self::Text => kind == Type::Text,
            Self::Int => kind == Type::Int,
            Self::Float => kind == Type::Float,
            Self::Time => kind == Type::Time,
            Self::Any | Self::Value => true,
        }
    }
}

/// A function that is given values of the types it asks for.
pub(super) type Plain = for<'a> fn(&mut Host<'a>, &[Value<'a>]) -> Answer<Value<'a>>;

/// How a function is run.
#[derive(Clone, Copy)]
pub(super) enum Run {
    Plain(Plain),
    /// `and` and `or`, which look at an argument only if they need it.
    And,
    Or,
    /// `call`, of which there is nothing to call.
    Call,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A function with a fixed number of arguments.
const fn fixed(name: &'static str, parameters: &'static [Parameter], run: Plain) -> Function {
    Function {
        name,
        parameters,
        rest: None,
        run: Run::Plain(run),
    }
}

/// A function with any number of further arguments.
const fn open(
    name: &'static str,
    parameters: &'static [Parameter],
    rest: Parameter,
    run: Plain,
) -> Function {
    Function {
        name,
        parameters,
        rest: Some(rest),
        run: Run::Plain(run),
    }
}

/// All of them.
const FAMILIES: [&[Function]; 10] = [
    &builtin::FUNCTIONS,
    &compare::FUNCTIONS,
    &escape::FUNCTIONS,
    &affix::FUNCTIONS,
    &text::FUNCTIONS,
    &pattern::FUNCTIONS,
    &integers::FUNCTIONS,
    &floats::FUNCTIONS,
    &times::FUNCTIONS,
    &json::FUNCTIONS,
];

/// The function of a name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    FAMILIES
        .iter()
        .copied()
        .flatten()
        .find(|function| function.name == name)
}

/// The arguments, of which there are as many as asked for.
fn take<'a, const N: usize>(arguments: &[Value<'a>]) -> Answer<[Value<'a>; N]> {
    let given = arguments
        .get(..N)
        .and_then(|given| <[Value<'a>; N]>::try_from(given).ok());
    given.ok_or(Failure::Said("too few arguments".into()))
}

/// The same, as texts.
fn texts<'a, const N: usize>(arguments: &[Value<'a>]) -> Answer<[&'a [u8]; N]> {
    Ok(take::<N>(arguments)?.map(Value::text))
}
