//! Points in time: the clock, the line's time, conversions, and the methods that a time has.

use super::Parameter::{Any, Text, Time as Point};
use super::{Function, fixed, take, texts};
use crate::template::error::{Answer, Failure};
use crate::template::host::Host;
use crate::template::quote::quoted;
use crate::template::time::{Time, Zone, parse};
use crate::template::value::Value;

pub(super) const FUNCTIONS: [Function; 9] = [
    fixed("__timestamp__", &[], |host, _| {
        Ok(Value::Time(Time::utc(0, host.source.data.timestamp())))
    }),
    fixed("now", &[], |host, _| Ok(Value::Time(now(host)))),
    fixed("unixEpoch", &[Point], |host, given| epoch(host, given, 1)),
    fixed("unixEpochMillis", &[Point], |host, given| {
        epoch(host, given, 1_000)
    }),
    fixed("unixEpochNanos", &[Point], |host, given| {
        epoch(host, given, 1_000_000_000)
    }),
    fixed("date", &[Text, Any], |host, given| {
        let [layout, value] = take(given)?;
        let time = match value.plain() {
            Value::Time(time) => time,
            Value::Int(seconds) | Value::Int64(seconds) => Time::utc(seconds, 0),
            _ => now(host),
        };
        formatted(host, time.in_utc(), layout.text())
    }),
    fixed("toDate", &[Text, Text], |host, given| {
        let [layout, text] = texts(given)?;
        Ok(read(host, (layout, text), &Zone::Utc))
    }),
    fixed("toDateInZone", &[Text, Text, Text], |host, given| {
        let [layout, zone, text] = texts(given)?;
        let zone = Zone::named(&String::from_utf8_lossy(zone));
        host.step(16)?;
        Ok(read(host, (layout, text), &zone))
    }),
    fixed("unixToTime", &[Text], from_epoch),
];

/// What can be called on a time; the time itself is given first.
const METHODS: [Function; 20] = [
    fixed("Format", &[Text], |host, given| {
        let [time, layout] = take(given)?;
        formatted(host, point(time), layout.text())
    }),
    fixed("String", &[], |host, given| {
        let mut shown = String::new();
        receiver(given)?.write_go(&mut shown);
        host.keep(&shown)
    }),
    fixed("UTC", &[], |_, given| {
        Ok(Value::Time(receiver(given)?.in_utc()))
    }),
    fixed("Local", &[], |_, given| {
        Ok(Value::Time(receiver(given)?.in_utc()))
    }),
    fixed("IsZero", &[], |_, given| {
        Ok(Value::Bool(receiver(given)?.is_zero()))
    }),
    fixed("Unix", &[], |_, given| {
        Ok(Value::Int64(receiver(given)?.since_epoch(1)))
    }),
    fixed("UnixMilli", &[], |_, given| {
        Ok(Value::Int64(receiver(given)?.since_epoch(1_000)))
    }),
    fixed("UnixMicro", &[], |_, given| {
        Ok(Value::Int64(receiver(given)?.since_epoch(1_000_000)))
    }),
    fixed("UnixNano", &[], |_, given| {
        Ok(Value::Int64(receiver(given)?.since_epoch(1_000_000_000)))
    }),
    fixed("Year", &[], |_, given| {
        Ok(Value::Int(receiver(given)?.civil().year))
    }),
    fixed("Month", &[], |host, given| {
        host.keep(receiver(given)?.month())
    }),
    fixed("Weekday", &[], |host, given| {
        host.keep(receiver(given)?.weekday_name())
    }),
    fixed("Day", &[], |_, given| Ok(int(receiver(given)?.civil().day))),
    fixed("YearDay", &[], |_, given| {
        Ok(Value::Int(receiver(given)?.year_day()))
    }),
    fixed("Hour", &[], |_, given| {
        Ok(int(receiver(given)?.civil().hour))
    }),
    fixed("Minute", &[], |_, given| {
        Ok(int(receiver(given)?.civil().minute))
    }),
    fixed("Second", &[], |_, given| {
        Ok(int(receiver(given)?.civil().second))
    }),
    fixed("Nanosecond", &[], |_, given| {
        Ok(int(receiver(given)?.nanos))
    }),
    fixed("Before", &[Point], |_, given| {
        Ok(Value::Bool(order(given)?.is_lt()))
    }),
    fixed("After", &[Point], |_, given| {
        Ok(Value::Bool(order(given)?.is_gt()))
    }),
];

/// The method of a name.
pub(in crate::template) fn method(name: &str) -> Option<&'static Function> {
    const ALL: &[Function] = &METHODS;
    ALL.iter().find(|function| function.name == name)
}

fn now<'a>(host: &Host<'a>) -> Time<'a> {
    Time::utc(0, host.source.data.now())
}

fn point(value: Value<'_>) -> Time<'_> {
    match value.plain() {
        Value::Time(time) => time,
        _ => Time::zero(),
    }
}

fn receiver<'a>(given: &[Value<'a>]) -> Answer<Time<'a>> {
    let [time] = take(given)?;
    Ok(point(time))
}

fn order(given: &[Value<'_>]) -> Answer<std::cmp::Ordering> {
    let [one, other] = take(given)?.map(point);
    Ok((one.seconds, one.nanos).cmp(&(other.seconds, other.nanos)))
}

fn int<'a>(number: u32) -> Value<'a> {
    Value::Int(i64::from(number))
}

fn epoch<'a>(host: &mut Host<'a>, given: &[Value<'a>], per_second: i64) -> Answer<Value<'a>> {
    let units = receiver(given)?.since_epoch(per_second);
    host.make(|sink, _| sink.put(format_args!("{units}")))
}

fn formatted<'a>(host: &mut Host<'a>, time: Time<'a>, layout: &[u8]) -> Answer<Value<'a>> {
    // Each byte of a layout may begin an element, of at most 9 letters.
    host.step(layout.len())?;
    let mut shown = String::with_capacity(layout.len() + 16);
    time.format(&String::from_utf8_lossy(layout), &mut shown);
    host.keep(&shown)
}

/// The time that a text is by a layout; Go's zero if it is none.
fn read<'a>(host: &Host<'a>, (layout, text): (&[u8], &[u8]), zone: &Zone) -> Value<'a> {
    let layout = String::from_utf8_lossy(layout);
    let text = std::str::from_utf8(text).ok();
    let time = text.and_then(|text| parse(&layout, text, zone, host.arena));
    Value::Time(time.unwrap_or_else(Time::zero))
}

/// The unit follows from the number of digits.
fn from_epoch<'a>(_: &mut Host<'a>, given: &[Value<'a>]) -> Answer<Value<'a>> {
    let [text] = texts(given)?;
    let shown = String::from_utf8_lossy(text);
    let refused = |why: &str| {
        Err(Failure::said(format!(
            "unable to parse time '{shown}': {why}"
        )))
    };
    // What Rust reads as an integer is what Go does.
    let number: i64 = match shown.parse() {
        Ok(number) => number,
        Err(error) => {
            let reason = match error.kind() {
                std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => {
                    "value out of range"
                }
                _ => "invalid syntax",
            };
            return refused(&format!(
                "strconv.ParseInt: parsing {}: {reason}",
                quoted(&shown)
            ));
        }
    };
    let time = match text.len() {
        5 => Time::utc(number * 86_400, 0),
        10 => Time::utc(number, 0),
        13 => Time::utc(0, number.wrapping_mul(1_000_000)),
        16 => Time::utc(0, number.wrapping_mul(1_000)),
        19 => Time::utc(0, number),
        // Go wraps an error that there is not.
        _ => return refused("%!w(<nil>)"),
    };
    Ok(Value::Time(time))
}
