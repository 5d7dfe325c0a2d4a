//! `eq ne lt le gt ge`: values of one kind only, which Go says of the others.

use std::cmp::Ordering;

use super::Parameter::Value as Anything;
use super::{Function, fixed, open, take};
use crate::template::error::{Answer, Failure};
use crate::template::host::Host;
use crate::template::print::Printer;
use crate::template::value::{Type, Value};

pub(super) const FUNCTIONS: [Function; 6] = [
    open("eq", &[Anything], Anything, |host, given| {
        equal(host, given).map(Value::Bool)
    }),
    fixed("ne", &[Anything, Anything], |host, given| {
        equal(host, given).map(|equal| Value::Bool(!equal))
    }),
    fixed("lt", &[Anything, Anything], |_, given| {
        less(given).map(Value::Bool)
    }),
    fixed("le", &[Anything, Anything], |host, given| {
        at_most(host, given).map(Value::Bool)
    }),
    fixed("gt", &[Anything, Anything], |host, given| {
        at_most(host, given).map(|at_most| Value::Bool(!at_most))
    }),
    fixed("ge", &[Anything, Anything], |_, given| {
        less(given).map(|less| Value::Bool(!less))
    }),
];

/// What can be compared with each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Int,
    Unsigned,
    Float,
    Text,
    Other,
}

fn kind(value: Value<'_>) -> Kind {
    match value {
        Value::Bool(_) => Kind::Bool,
        Value::Int(_) | Value::Int64(_) => Kind::Int,
        Value::Byte(_) => Kind::Unsigned,
        Value::Float(_) => Kind::Float,
        Value::Text(_) => Kind::Text,
        _ => Kind::Other,
    }
}

fn incompatible(a: Value<'_>, b: Value<'_>) -> Failure {
    let (a, b) = (a.kind().name(), b.kind().name());
    Failure::said(format!("incompatible types for comparison: {a} and {b}"))
}

/// Whether the first is one of the others.
fn equal<'a>(host: &mut Host<'a>, given: &[Value<'a>]) -> Answer<bool> {
    let [first] = take(given)?;
    let first = first.plain();
    let others = given.get(1..).unwrap_or_default();
    if others.is_empty() {
        return Err(Failure::said("missing argument for comparison"));
    }
    for other in others {
        if equal_two(host, first, other.plain())? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal_two<'a>(host: &mut Host<'a>, a: Value<'a>, b: Value<'a>) -> Answer<bool> {
    Ok(match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Text(a), Value::Text(b)) => a == b,
        (Value::Time(a), Value::Time(b)) => a == b,
        (Value::Nothing, Value::Nothing) => true,
        _ if is_integer(a) && is_integer(b) => a.int() == b.int(),
        _ if kind(a) != kind(b) => {
            if a.is_nothing() || b.is_nothing() {
                return Ok(false);
            }
            return Err(incompatible(a, b));
        }
        (Value::Nothing, _) | (_, Value::Nothing) => false,
        _ => return Err(not_comparable(host, a, b)?),
    })
}

fn is_integer(value: Value<'_>) -> bool {
    matches!(kind(value), Kind::Int | Kind::Unsigned)
}

/// What Go says of maps and lists.
fn not_comparable<'a>(host: &mut Host<'a>, a: Value<'a>, b: Value<'a>) -> Answer<Failure> {
    let is_map = |value: Value<'_>| matches!(value.kind(), Type::Map | Type::Labels);
    let mut shown = |value| -> Answer<String> {
        let text = host.make(|sink, source| Printer::new(sink, source).as_text(value))?;
        Ok(String::from_utf8_lossy(text.text()).into_owned())
    };
    let (a_type, b_type) = (a.kind().name(), b.kind().name());
    if a.kind() == b.kind() || (is_map(a) && is_map(b)) {
        return Ok(Failure::said(format!(
            "non-comparable type {}: {b_type}",
            shown(b)?
        )));
    }
    let (a, b) = (shown(a)?, shown(b)?);
    Ok(Failure::said(format!(
        "non-comparable types {a}: {a_type}, {b_type}: {b}"
    )))
}

fn less(given: &[Value<'_>]) -> Answer<bool> {
    let [a, b] = take(given)?.map(Value::plain);
    let invalid = || Failure::said("invalid type for comparison");
    if kind(a) == Kind::Other || kind(b) == Kind::Other {
        return Err(invalid());
    }
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => Ok(a < b),
        (Value::Text(a), Value::Text(b)) => Ok(a.cmp(b) == Ordering::Less),
        _ if is_integer(a) && is_integer(b) => Ok(a.int() < b.int()),
        _ if kind(a) != kind(b) => Err(incompatible(a, b)),
        _ => Err(invalid()),
    }
}

fn at_most<'a>(host: &mut Host<'a>, given: &[Value<'a>]) -> Answer<bool> {
    Ok(less(given)? || equal(host, given)?)
}
