//! Arithmetic of floats (in decimal digits, so that 0.1 and 0.2 are 0.3), rounding, and the
//! conversions from texts with units.

use narvi_model::duration::parse_go;

use super::Parameter::{Any, Float, Int, Text};
use super::cast::to_float;
use super::decimal::Decimal;
use super::{Function, fixed, open, take, texts};
use crate::template::error::{Answer, Failure};
use crate::template::float;
use crate::template::host::Host;
use crate::template::quote::quoted;
use crate::template::value::Value;

pub(super) const FUNCTIONS: [Function; 13] = [
    fixed("float64", &[Any], |_, given| {
        let [value] = take(given)?;
        Ok(Value::Float(to_float(value)))
    }),
    open("addf", &[], Any, |_, given| {
        let mut all = vec![Value::Int(0)];
        all.extend_from_slice(given);
        fold(&all, |a, b| Ok(a.add(&b)))
    }),
    open("subf", &[Any], Any, |_, given| {
        fold(given, |a, b| Ok(a.subtract(&b)))
    }),
    open("mulf", &[Any], Any, |_, given| {
        fold(given, |a, b| Ok(a.multiply(&b)))
    }),
    open("divf", &[Any], Any, |_, given| {
        fold(given, |a, b| a.divide(&b))
    }),
    open("maxf", &[Any], Any, |_, given| {
        extreme(given, f64::INFINITY, f64::max)
    }),
    open("minf", &[Any], Any, |_, given| {
        extreme(given, f64::NEG_INFINITY, f64::min)
    }),
    fixed("ceil", &[Any], |_, given| {
        let [value] = take(given)?;
        Ok(Value::Float(to_float(value).ceil()))
    }),
    fixed("floor", &[Any], |_, given| {
        let [value] = take(given)?;
        Ok(Value::Float(to_float(value).floor()))
    }),
    open("round", &[Any, Int], Float, round),
    fixed("bytes", &[Text], bytes),
    fixed("duration", &[Text], duration),
    fixed("duration_seconds", &[Text], duration),
];

fn fold<'a>(
    given: &[Value<'a>],
    step: impl Fn(Decimal, Decimal) -> Answer<Decimal>,
) -> Answer<Value<'a>> {
    let mut numbers = given.iter().map(|value| Decimal::of(to_float(*value)));
    let mut total = numbers.next().unwrap_or_else(|| Decimal::of(0.0))?;
    for number in numbers {
        total = step(total, number?)?.checked()?;
    }
    Ok(Value::Float(total.to_float()))
}

/// The largest or smallest, where `winner` beats even what is no number.
fn extreme<'a>(given: &[Value<'a>], winner: f64, better: fn(f64, f64) -> f64) -> Answer<Value<'a>> {
    let mut numbers = given.iter().map(|value| to_float(*value));
    let first = numbers.next().unwrap_or(0.0);
    let best = numbers.fold(first, |a, b| {
        if a == winner || b == winner {
            winner
        } else if a.is_nan() || b.is_nan() {
            f64::NAN
        } else {
            better(a, b)
        }
    });
    Ok(Value::Float(best))
}

fn round<'a>(_: &mut Host<'a>, given: &[Value<'a>]) -> Answer<Value<'a>> {
    let [value, places] = take(given)?;
    let round_on = given.get(2).map_or(0.5, |value| to_float(*value));
    let power = float::power_of_10(places.int());
    let scaled = power * to_float(value);
    let rounded = if scaled.fract() >= round_on {
        scaled.ceil()
    } else {
        scaled.floor()
    };
    Ok(Value::Float(rounded / power))
}

/// Units of sizes; the same with `b` behind them mean the same.
const UNITS: [(&str, u64); 13] = [
    ("", 1),
    ("k", 1_000),
    ("m", 1_000_000),
    ("g", 1_000_000_000),
    ("t", 1_000_000_000_000),
    ("p", 1_000_000_000_000_000),
    ("e", 1_000_000_000_000_000_000),
    ("ki", 1 << 10),
    ("mi", 1 << 20),
    ("gi", 1 << 30),
    ("ti", 1 << 40),
    ("pi", 1 << 50),
    ("ei", 1 << 60),
];

fn bytes<'a>(_: &mut Host<'a>, given: &[Value<'a>]) -> Answer<Value<'a>> {
    let [text] = texts(given)?;
    let text = String::from_utf8_lossy(text);
    let len = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ','));
    let (number, unit) = text
        .split_at_checked(len.unwrap_or(text.len()))
        .unwrap_or((&text, ""));
    let number = number.replace(',', "");
    let Some(number) = float::parse(number.as_bytes()) else {
        let shown = quoted(&number);
        return Err(Failure::said(format!(
            "strconv.ParseFloat: parsing {shown}: invalid syntax"
        )));
    };
    let unit = unit.trim().to_lowercase();
    let short = unit.strip_suffix('b').unwrap_or(&unit);
    let Some((_, size)) = UNITS.iter().find(|(name, _)| *name == short) else {
        return Err(Failure::said(format!("unhandled size name: {unit}")));
    };
    let bytes = number * *size as f64;
    if bytes >= u64::MAX as f64 {
        return Err(Failure::said(format!("too large: {text}")));
    }
    Ok(Value::Float(bytes as u64 as f64))
}

fn duration<'a>(_: &mut Host<'a>, given: &[Value<'a>]) -> Answer<Value<'a>> {
    let [text] = texts(given)?;
    let nanos = parse_go(&String::from_utf8_lossy(text));
    let nanos = nanos.map_err(|error| Failure::said(error.to_string()))?;
    let seconds = (nanos / 1_000_000_000) as f64;
    Ok(Value::Float(seconds + (nanos % 1_000_000_000) as f64 / 1e9))
}
