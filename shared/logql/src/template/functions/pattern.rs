//! Regular expressions. One that is a literal is compiled with the template: [`prepare`].

use narvi_model::regexp::{Expression, referenced};
use regex::bytes::{Captures, Regex};

use super::Parameter::Text;
use super::{Function, fixed, texts};
use crate::limits::{
    MAX_TEMPLATE_EXPRESSIONS, MAX_TEMPLATE_REGEX_BYTES, TEMPLATE_EXPRESSION_BYTES,
    TEMPLATE_REGEX_STEPS,
};
use crate::template::EXPRESSIONS_TOO_LARGE;
use crate::template::ast::{Operand, Term};
use crate::template::error::{Answer, Failure};
use crate::template::host::{Compiled, Host};
use crate::template::sink::Sink;
use crate::template::value::Value;

/// An expression, or why it is none, which is said once it is used.
pub(in crate::template) type Prepared = Result<Regex, String>;

pub(super) const FUNCTIONS: [Function; 3] = [
    fixed("regexReplaceAll", &[Text, Text, Text], |host, given| {
        let [pattern, text, with] = texts(given)?;
        let regex = find(host, pattern)?;
        replace(host, text, &regex, |sink, captures| {
            expand(sink, &regex, captures, with)
        })
    }),
    fixed(
        "regexReplaceAllLiteral",
        &[Text, Text, Text],
        |host, given| {
            let [pattern, text, with] = texts(given)?;
            let regex = find(host, pattern)?;
            replace(host, text, &regex, |sink, _| sink.push(with))
        },
    ),
    fixed("count", &[Text, Text], |host, given| {
        let [pattern, text] = texts(given)?;
        let regex = find(host, pattern)?;
        host.step(text.len() / 16)?;
        let parts = splits_characters(text);
        let matches = regex
            .find_iter(text)
            .filter(|found| !parts(found.start(), found.end()));
        Ok(Value::Int(matches.count() as i64))
    }),
];

/// Compiles the expression of a call if it stands in the template; adds what it takes to `bytes`.
///
/// # Errors
/// Where those of the template take too much together.
pub(in crate::template) fn prepare(
    operands: &[Operand],
    bytes: &mut usize,
) -> Result<Option<Prepared>, &'static str> {
    let [function, pattern, ..] = operands else {
        return Ok(None);
    };
    let (Term::Function(function), Term::Text { text, .. }) = (&function.term, &pattern.term)
    else {
        return Ok(None);
    };
    if FUNCTIONS.iter().all(|known| known.name != function.name) {
        return Ok(None);
    }
    Ok(Some(match read(text) {
        Err(reason) => Err(reason),
        Ok(expression) => {
            // One that is too large by itself is refused for that, once it is used.
            *bytes += expression.weight().min(2 * MAX_TEMPLATE_REGEX_BYTES);
            *bytes += TEMPLATE_EXPRESSION_BYTES;
            if *bytes > MAX_TEMPLATE_EXPRESSIONS {
                return Err(EXPRESSIONS_TOO_LARGE);
            }
            compile(&expression)
        }
    }))
}

fn read(pattern: &[u8]) -> Result<Expression, String> {
    let text = std::str::from_utf8(pattern)
        .map_err(|_| "error parsing regexp: invalid UTF-8".to_owned())?;
    Ok(Expression::parse(text)?)
}

fn compile(expression: &Expression) -> Prepared {
    Ok(expression.compile_within(MAX_TEMPLATE_REGEX_BYTES)?)
}

/// The expression of this call: that of the template, the last one, or a new one.
fn find(host: &mut Host<'_>, pattern: &[u8]) -> Answer<Regex> {
    if let Some(prepared) = host.prepared {
        return prepared.clone().map_err(Failure::said);
    }
    if let Some(last) = host.last.as_ref().filter(|last| *last.pattern == *pattern) {
        return Ok(last.regex.clone());
    }
    host.step(TEMPLATE_REGEX_STEPS)?;
    let expression = read(pattern).map_err(Failure::said)?;
    let regex = compile(&expression).map_err(Failure::said)?;
    *host.last = Some(Compiled {
        pattern: pattern.into(),
        regex: regex.clone(),
    });
    Ok(regex)
}

fn replace<'a>(
    host: &mut Host<'a>,
    text: &'a [u8],
    regex: &Regex,
    write: impl Fn(&mut Sink<'_>, &Captures<'_>) -> Answer<()>,
) -> Answer<Value<'a>> {
    host.step(text.len() / 16)?;
    if !regex.is_match(text) {
        return Ok(Value::Text(text));
    }
    host.make(|sink, _| {
        let mut done = 0;
        let parts = splits_characters(text);
        for captures in regex.captures_iter(text) {
            let Some(whole) = captures.get(0) else {
                continue;
            };
            if parts(whole.start(), whole.end()) {
                continue;
            }
            sink.push(text.get(done..whole.start()).unwrap_or_default())?;
            write(sink, &captures)?;
            done = whole.end();
        }
        sink.push(text.get(done..).unwrap_or_default())
    })
}

/// Tells empty matches inside of a character, which Go has not.
fn splits_characters(text: &[u8]) -> impl Fn(usize, usize) -> bool {
    let text = std::str::from_utf8(text).ok();
    move |start, end| start == end && text.is_some_and(|text| !text.is_char_boundary(start))
}

/// Writes `with`, groups put in for `$1`, `${1}` and `$name`, a dollar for `$$`.
fn expand(sink: &mut Sink<'_>, regex: &Regex, captures: &Captures<'_>, with: &[u8]) -> Answer<()> {
    let mut rest = with;
    while let Some(at) = memchr::memchr(b'$', rest) {
        sink.push(rest.get(..at).unwrap_or_default())?;
        rest = rest.get(at + 1..).unwrap_or_default();
        if let Some(tail) = rest.strip_prefix(b"$") {
            sink.byte(b'$')?;
            rest = tail;
            continue;
        }
        let Some((name, tail)) = group_name(rest) else {
            sink.byte(b'$')?;
            continue;
        };
        let group = referenced(name, regex).find_map(|group| captures.get(group));
        sink.push(group.map_or(b"", |group| group.as_bytes()))?;
        rest = tail;
    }
    sink.push(rest)
}

/// The name at the start, in braces or not, and what follows it.
fn group_name(rest: &[u8]) -> Option<(&str, &[u8])> {
    let braced = rest.strip_prefix(b"{");
    let body = braced.unwrap_or(rest);
    let valid = body.utf8_chunks().next()?.valid();
    let len = valid
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(valid.len());
    let name = valid.get(..len).filter(|name| !name.is_empty())?;
    let tail = body.get(len..)?;
    let tail = if braced.is_some() {
        tail.strip_prefix(b"}")?
    } else {
        tail
    };
    Some((name, tail))
}
