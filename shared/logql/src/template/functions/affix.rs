//! What stands at the ends of texts: the `trim` family, and whether one begins, ends or contains.

use memchr::memmem;

use super::Parameter::Text;
use super::runes::{all, trim_end, trim_start};
use super::{Function, fixed, texts};
use crate::template::error::Answer;
use crate::template::host::Host;
use crate::template::value::Value;

pub(super) const FUNCTIONS: [Function; 13] = [
    fixed("Trim", &[Text, Text], |_, given| {
        let [text, cutset] = texts(given)?;
        Ok(Value::Text(trim_end(
            trim_start(text, in_set(cutset)),
            in_set(cutset),
        )))
    }),
    fixed("trimAll", &[Text, Text], |_, given| {
        let [cutset, text] = texts(given)?;
        Ok(Value::Text(trim_end(
            trim_start(text, in_set(cutset)),
            in_set(cutset),
        )))
    }),
    fixed("TrimLeft", &[Text, Text], |_, given| {
        let [text, cutset] = texts(given)?;
        Ok(Value::Text(trim_start(text, in_set(cutset))))
    }),
    fixed("TrimRight", &[Text, Text], |_, given| {
        let [text, cutset] = texts(given)?;
        Ok(Value::Text(trim_end(text, in_set(cutset))))
    }),
    fixed("TrimPrefix", &[Text, Text], |_, given| {
        let [text, prefix] = texts(given)?;
        Ok(Value::Text(text.strip_prefix(prefix).unwrap_or(text)))
    }),
    fixed("TrimSuffix", &[Text, Text], |_, given| {
        let [text, suffix] = texts(given)?;
        Ok(Value::Text(text.strip_suffix(suffix).unwrap_or(text)))
    }),
    fixed("trimPrefix", &[Text, Text], |_, given| {
        let [prefix, text] = texts(given)?;
        Ok(Value::Text(text.strip_prefix(prefix).unwrap_or(text)))
    }),
    fixed("trimSuffix", &[Text, Text], |_, given| {
        let [suffix, text] = texts(given)?;
        Ok(Value::Text(text.strip_suffix(suffix).unwrap_or(text)))
    }),
    fixed("TrimSpace", &[Text], trim_space),
    fixed("trim", &[Text], trim_space),
    fixed("contains", &[Text, Text], |_, given| {
        let [part, text] = texts(given)?;
        Ok(Value::Bool(memmem::find(text, part).is_some()))
    }),
    fixed("hasPrefix", &[Text, Text], |_, given| {
        let [prefix, text] = texts(given)?;
        Ok(Value::Bool(text.starts_with(prefix)))
    }),
    fixed("hasSuffix", &[Text, Text], |_, given| {
        let [suffix, text] = texts(given)?;
        Ok(Value::Bool(text.ends_with(suffix)))
    }),
];

fn trim_space<'a>(_: &mut Host<'a>, given: &[Value<'a>]) -> Answer<Value<'a>> {
    let [text] = texts(given)?;
    Ok(Value::Text(trim_end(
        trim_start(text, char::is_whitespace),
        char::is_whitespace,
    )))
}

/// Whether a character is one of `set`.
fn in_set(set: &[u8]) -> impl Fn(char) -> bool {
    move |c| all(set).any(|known| known == c)
}
