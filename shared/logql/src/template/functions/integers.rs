//! Arithmetic of integers, which wraps, and the conversion to them.

use super::Parameter::Any;
use super::cast::to_int;
use super::{Function, fixed, open, take};
use crate::template::error::{Answer, Failure};
use crate::template::value::Value;

pub(super) const FUNCTIONS: [Function; 8] = [
    fixed("int", &[Any], |_, given| {
        let [value] = take(given)?;
        Ok(Value::Int(to_int(value)))
    }),
    open("add", &[], Any, |_, given| {
        fold(0, given, i64::wrapping_add)
    }),
    open("mul", &[Any], Any, |_, given| {
        fold(1, given, i64::wrapping_mul)
    }),
    open("max", &[Any], Any, |_, given| {
        fold(i64::MIN, given, i64::max)
    }),
    open("min", &[Any], Any, |_, given| {
        fold(i64::MAX, given, i64::min)
    }),
    fixed("sub", &[Any, Any], |_, given| {
        let [a, b] = take(given)?;
        Ok(Value::Int64(to_int(a).wrapping_sub(to_int(b))))
    }),
    fixed("div", &[Any, Any], |_, given| {
        divide(given, i64::wrapping_div)
    }),
    fixed("mod", &[Any, Any], |_, given| {
        divide(given, i64::wrapping_rem)
    }),
];

fn fold<'a>(start: i64, given: &[Value<'a>], step: fn(i64, i64) -> i64) -> Answer<Value<'a>> {
    Ok(Value::Int64(
        given
            .iter()
            .fold(start, |all, value| step(all, to_int(*value))),
    ))
}

fn divide<'a>(given: &[Value<'a>], operation: fn(i64, i64) -> i64) -> Answer<Value<'a>> {
    let [a, b] = take(given)?;
    match to_int(b) {
        0 => Err(Failure::said("runtime error: integer divide by zero")),
        b => Ok(Value::Int64(operation(to_int(a), b))),
    }
}
