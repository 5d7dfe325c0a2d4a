//! Texts made of others: case, replacing, cutting, filling.

use memchr::memmem;

use super::Parameter::{Int, Text};
use super::runes::{all, first, prefix};
use super::{Function, fixed, take, texts};
use crate::template::error::{Answer, Failure};
use crate::template::host::Host;
use crate::template::print::runes;
use crate::template::sink::Sink;
use crate::template::value::Value;

pub(super) const FUNCTIONS: [Function; 14] = [
    fixed("ToLower", &[Text], to_lower),
    fixed("lower", &[Text], to_lower),
    fixed("ToUpper", &[Text], to_upper),
    fixed("upper", &[Text], to_upper),
    fixed("title", &[Text], title),
    fixed("Replace", &[Text, Text, Text, Int], |host, given| {
        let [text, old, new, count] = take(given)?;
        replace(host, text.text(), (old.text(), new.text()), count.int())
    }),
    fixed("replace", &[Text, Text, Text], |host, given| {
        let [old, new, text] = texts(given)?;
        replace(host, text, (old, new), -1)
    }),
    fixed("repeat", &[Int, Text], |host, given| {
        let [count, text] = take(given)?;
        let count = repetitions(count.int())?;
        host.make(|sink, _| sink.repeat(text.text(), count))
    }),
    fixed("trunc", &[Int, Text], |_, given| {
        let [count, text] = take(given)?;
        Ok(Value::Text(truncate(text.text(), count.int())))
    }),
    fixed("substr", &[Int, Int, Text], |_, given| {
        let [start, end, text] = take(given)?;
        Ok(Value::Text(substring(text.text(), start.int(), end.int())?))
    }),
    fixed("indent", &[Int, Text], |host, given| {
        indent(host, given, b"")
    }),
    fixed("nindent", &[Int, Text], |host, given| {
        indent(host, given, b"\n")
    }),
    fixed("alignLeft", &[Int, Text], |host, given| {
        align(host, given, Side::Left)
    }),
    fixed("alignRight", &[Int, Text], |host, given| {
        align(host, given, Side::Right)
    }),
];

fn to_lower<'a>(host: &mut Host<'a>, given: &[Value<'a>]) -> Answer<Value<'a>> {
    let [text] = texts(given)?;
    host.make(|sink, _| {
        if text.is_ascii() {
            let start = sink.len();
            sink.push(text)?;
            sink.lower_since(start);
            return Ok(());
        }
        all(text).try_for_each(|c| sink.char(lower(c)))
    })
}

fn to_upper<'a>(host: &mut Host<'a>, given: &[Value<'a>]) -> Answer<Value<'a>> {
    let [text] = texts(given)?;
    host.make(|sink, _| {
        if text.is_ascii() {
            let start = sink.len();
            sink.push(text)?;
            sink.upper_since(start);
            return Ok(());
        }
        all(text).try_for_each(|c| sink.char(upper(c)))
    })
}

/// Go maps one character to one; where Unicode has more, it stays.
fn upper(c: char) -> char {
    let mut mapped = c.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

fn lower(c: char) -> char {
    let mut mapped = c.to_lowercase();
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        // The capital I with a dot, the only one.
        (Some(one), Some(_)) => one,
        _ => c,
    }
}

fn title<'a>(host: &mut Host<'a>, given: &[Value<'a>]) -> Answer<Value<'a>> {
    let [text] = texts(given)?;
    host.make(|sink, _| {
        let mut before = ' ';
        for c in all(text) {
            sink.char(if parts_words(before) { upper(c) } else { c })?;
            before = c;
        }
        Ok(())
    })
}

/// Whether a word may begin behind it.
fn parts_words(c: char) -> bool {
    if c.is_ascii() {
        return !(c.is_ascii_alphanumeric() || c == '_');
    }
    c.is_whitespace()
}

/// The first `count` occurrences of the one by the other; all if `count` is below 0.
fn replace<'a>(
    host: &mut Host<'a>,
    text: &'a [u8],
    (old, new): (&[u8], &[u8]),
    count: i64,
) -> Answer<Value<'a>> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if old == new || count == 0 {
        return Ok(Value::Text(text));
    }
    host.make(|sink, _| {
        if old.is_empty() {
            return scatter(sink, text, new, count);
        }
        let mut done = 0;
        for at in memmem::find_iter(text, old).take(count) {
            sink.push(text.get(done..at).unwrap_or_default())?;
            sink.push(new)?;
            done = at + old.len();
        }
        sink.push(text.get(done..).unwrap_or_default())
    })
}

/// `new` before each character and at the end, `count` times at most.
fn scatter(sink: &mut Sink<'_>, text: &[u8], new: &[u8], count: usize) -> Answer<()> {
    let mut rest = text;
    for _ in 0..count {
        sink.push(new)?;
        let Some((_, width)) = first(rest) else {
            return Ok(());
        };
        let (head, tail) = rest.split_at_checked(width).unwrap_or((rest, b""));
        sink.push(head)?;
        rest = tail;
    }
    sink.push(rest)
}

/// A number of times, which Go's `strings.Repeat` refuses below 0.
fn repetitions(count: i64) -> Answer<usize> {
    usize::try_from(count).map_err(|_| Failure::said("strings: negative Repeat count"))
}

/// The first bytes, or the last ones for a count below 0.
fn truncate(text: &[u8], count: i64) -> &[u8] {
    let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if size >= text.len() {
        return text;
    }
    let cut = if count < 0 {
        text.get(text.len() - size..)
    } else {
        text.get(..size)
    };
    cut.unwrap_or(text)
}

/// Bytes from `start` to `end`; what Go says of bounds that do not fit.
fn substring(text: &[u8], start: i64, end: i64) -> Answer<&[u8]> {
    let len = text.len() as i64;
    let (first, last) = if start < 0 {
        (0, end)
    } else if end < 0 || end > len {
        (start, len)
    } else {
        (start, end)
    };
    let bounds = usize::try_from(first).ok().zip(usize::try_from(last).ok());
    if let Some(cut) = bounds.and_then(|(first, last)| text.get(first..last)) {
        return Ok(cut);
    }
    let said = if start < 0 && last < 0 {
        format!("[:{last}]")
    } else if start < 0 {
        format!("[:{last}] with length {len}")
    } else if last == len && (end < 0 || end > len) {
        format!("[{first}:{len}]")
    } else {
        format!("[{first}:{last}]")
    };
    Err(Failure::said(format!(
        "runtime error: slice bounds out of range {said}"
    )))
}

fn indent<'a>(host: &mut Host<'a>, given: &[Value<'a>], before: &[u8]) -> Answer<Value<'a>> {
    let [count, text] = take(given)?;
    let (count, text) = (repetitions(count.int())?, text.text());
    host.make(|sink, _| {
        sink.push(before)?;
        for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
            if at > 0 {
                sink.byte(b'\n')?;
            }
            sink.repeat(b" ", count)?;
            sink.push(line)?;
        }
        Ok(())
    })
}

/// Where the text stays.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

fn align<'a>(host: &mut Host<'a>, given: &[Value<'a>], side: Side) -> Answer<Value<'a>> {
    let [width, text] = take(given)?;
    let text = text.text();
    let len = runes(text);
    let Ok(width) = usize::try_from(width.int()) else {
        return Ok(Value::Text(text));
    };
    if width <= len {
        let cut = match side {
            Side::Left => prefix(text, width),
            Side::Right => text.get(prefix(text, len - width).len()..).unwrap_or(text),
        };
        // Go turns what is cut into characters and back.
        let is_text = width == len || std::str::from_utf8(cut).is_ok();
        return if is_text {
            Ok(Value::Text(cut))
        } else {
            host.make(|sink, _| all(cut).try_for_each(|c| sink.char(c)))
        };
    }
    host.make(|sink, _| {
        if side == Side::Left {
            sink.push(text)?;
        }
        sink.repeat(b" ", width - len)?;
        if side == Side::Right {
            sink.push(text)?;
        }
        Ok(())
    })
}
