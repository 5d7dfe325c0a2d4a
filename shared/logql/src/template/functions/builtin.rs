//! What Go's templates bring along: logic, sizes, parts, printing. And the line itself.

use super::Parameter::{Any, Text, Value as Anything};
use super::{Function, Run, fixed, open, take, texts};
use crate::template::error::{Answer, Failure};
use crate::template::host::Host;
use crate::template::print::{Printer, printf};
use crate::template::value::{NOTHING, Value};

pub(super) const FUNCTIONS: [Function; 11] = [
    Function {
        name: "and",
        parameters: &[Anything],
        rest: Some(Anything),
        run: Run::And,
    },
    Function {
        name: "or",
        parameters: &[Anything],
        rest: Some(Anything),
        run: Run::Or,
    },
    Function {
        name: "call",
        parameters: &[Anything],
        rest: Some(Anything),
        run: Run::Call,
    },
    fixed("not", &[Anything], |host, given| {
        let [value] = take(given)?;
        Ok(Value::Bool(!host.is_true(value)))
    }),
    fixed("len", &[Anything], len),
    open("index", &[Anything], Anything, index),
    open("slice", &[Anything], Anything, slice),
    open("print", &[], Any, |host, given| {
        host.make(|sink, source| Printer::new(sink, source).print(given))
    }),
    open("println", &[], Any, |host, given| {
        host.make(|sink, source| Printer::new(sink, source).println(given))
    }),
    open("printf", &[Text], Any, |host, given| {
        let [format] = texts(given)?;
        let arguments = given.get(1..).unwrap_or_default();
        host.make(|sink, source| printf(&mut Printer::new(sink, source), format, arguments))
    }),
    fixed("__line__", &[], |host, _| {
        Ok(Value::Text(host.source.data.line()))
    }),
];

/// What Go's reflection says when it is asked for the type of nothing.
const NO_TYPE: &str = "reflect: call of reflect.Value.Type on zero Value";

fn len<'a>(host: &mut Host<'a>, given: &[Value<'a>]) -> Answer<Value<'a>> {
    let [value] = take(given)?;
    let len = match value {
        Value::Nothing => return Err(Failure::said(NO_TYPE)),
        Value::Any(inner) if inner.is_nothing() => {
            return Err(Failure::said("len of nil pointer"));
        }
        _ => match value.plain() {
            Value::Text(text) => text.len(),
            Value::Labels => host.source.all().len(),
            Value::Map(entries) => entries.len(),
            Value::List(items) => items.len(),
            other => {
                return Err(Failure::said(format!(
                    "len of type {}",
                    other.kind().name()
                )));
            }
        },
    };
    Ok(Value::Int(len as i64))
}

fn index<'a>(host: &mut Host<'a>, given: &[Value<'a>]) -> Answer<Value<'a>> {
    let [mut item] = take(given)?;
    if item.is_nothing() {
        return Err(Failure::said("index of untyped nil"));
    }
    for index in given.get(1..).unwrap_or_default() {
        let index = index.plain();
        item = match item.plain() {
            Value::Nothing => return Err(Failure::said("index of nil pointer")),
            Value::Text(text) => {
                let at = place(index, text.len())?;
                let byte = text.get(at).copied().map(Value::Byte);
                byte.ok_or(Failure::said("reflect: string index out of range"))?
            }
            Value::List(items) => {
                let item = items.get(place(index, items.len())?).map(Value::Any);
                item.ok_or(Failure::said("reflect: slice index out of range"))?
            }
            Value::Labels => Value::Text(host.source.label(key(index)?)),
            Value::Map(entries) => Value::Any(entry(entries, key(index)?)),
            other => {
                let name = other.kind().name();
                return Err(Failure::said(format!("can't index item of type {name}")));
            }
        };
    }
    Ok(item)
}

/// The value of a key; nothing if there is none.
pub(in crate::template) fn entry<'a>(
    entries: &'a [(&'a [u8], Value<'a>)],
    key: &[u8],
) -> &'a Value<'a> {
    let found = entries.binary_search_by(|(known, _)| (*known).cmp(key));
    found
        .ok()
        .and_then(|at| entries.get(at))
        .map_or(&NOTHING, |(_, value)| value)
}

fn key(index: Value<'_>) -> Answer<&[u8]> {
    match index {
        Value::Text(text) => Ok(text),
        Value::Nothing => Err(Failure::said("value is nil; should be of type string")),
        other => {
            let name = other.kind().name();
            Err(Failure::said(format!(
                "value has type {name}; should be string"
            )))
        }
    }
}

/// An index up to `len`, that included.
fn place(index: Value<'_>, len: usize) -> Answer<usize> {
    let number = match index {
        Value::Int(_) | Value::Int64(_) | Value::Byte(_) => index.int(),
        Value::Nothing => return Err(Failure::said("cannot index slice/array with nil")),
        other => {
            let name = other.kind().name();
            return Err(Failure::said(format!(
                "cannot index slice/array with type {name}"
            )));
        }
    };
    let place = usize::try_from(number).ok().filter(|place| *place <= len);
    place.ok_or_else(|| Failure::said(format!("index out of range: {number}")))
}

fn slice<'a>(_: &mut Host<'a>, given: &[Value<'a>]) -> Answer<Value<'a>> {
    let [item] = take(given)?;
    let item = item.plain();
    let indexes = given.get(1..).unwrap_or_default();
    if item.is_nothing() {
        return Err(Failure::said("slice of untyped nil"));
    }
    if indexes.len() > 3 {
        return Err(Failure::said(format!(
            "too many slice indexes: {}",
            indexes.len()
        )));
    }
    let len = match item {
        Value::Text(_) if indexes.len() == 3 => {
            return Err(Failure::said("cannot 3-index slice a string"));
        }
        Value::Text(text) => text.len(),
        Value::List(items) => items.len(),
        other => {
            let name = other.kind().name();
            return Err(Failure::said(format!("can't slice item of type {name}")));
        }
    };
    let mut bounds = [0, len, len];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = place(index.plain(), len)?;
    }
    let [first, last, end] = bounds;
    for (low, high) in [(first, last), (last, end)] {
        if low > high {
            return Err(Failure::said(format!(
                "invalid slice index: {low} > {high}"
            )));
        }
    }
    Ok(match item {
        Value::List(items) => Value::List(items.get(first..last).unwrap_or_default()),
        other => Value::Text(other.text().get(first..last).unwrap_or_default()),
    })
}
