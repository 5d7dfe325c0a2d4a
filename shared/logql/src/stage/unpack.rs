//! `| unpack`: undoes what Promtail's `pack` did (spec `logql.md` §7).
//!
//! The line is an object of strings; the one called `_entry` becomes the line, the others labels.
//! Lines without one stay as they are.

use super::json::scan::{self, Fault, Text, Token};
use super::json::text::{self, Strings};
use super::row::{Extract, RowError};
use super::{Row, Wanted};

/// The member that becomes the line.
const ENTRY: &[u8] = b"_entry";

/// What is said of a line that is no object; the number is Loki's for one.
const NO_OBJECT: &str = "expecting json object(6), but it is not";

/// Buffers that are used again for each line.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    /// Keys and values, in the order of the line.
    members: Vec<(Text, Text)>,
    key: Vec<u8>,
    entry: Vec<u8>,
    texts: text::Buffers,
}

/// Replaces the line; a query that reads no labels is not told of lines that it cannot undo.
pub(super) fn run(row: &mut Row<'_>, wanted: &Wanted) {
    let mut scratch = row.take_scratch();
    let buffers = &mut scratch.unpack;
    let mut is_packed = false;
    row.extract(wanted, |line, out| {
        let found = match line.first() {
            None => return,
            Some(b'{') => members(line, buffers).map_err(Fault::details),
            Some(_) => Err(NO_OBJECT),
        };
        match found {
            Ok(has_entry) => {
                is_packed = has_entry;
                if has_entry {
                    label(line, out, buffers);
                }
            }
            Err(_) if wanted.is_nothing() => {}
            Err(details) => out.fail(RowError::Json, details),
        }
    });
    if is_packed {
        row.write_line(|_, line| {
            line.extend_from_slice(&buffers.entry);
            true
        });
    }
    row.give_back(scratch);
}

/// Finds the members that are strings; answers whether the line's own is among them.
fn members(line: &[u8], buffers: &mut Buffers) -> Result<bool, Fault> {
    let strings = Strings::new(line);
    buffers.members.clear();
    let mut has_entry = false;
    let mut at = scan::first_key(line)?;
    while line[at] != b'}' {
        if line[at] != b'"' {
            return Err(Fault::Object);
        }
        let key = scan::key(line, at)?;
        let name = strings.key(&key, &mut buffers.key).ok_or(Fault::Escape)?;
        let is_entry = name == ENTRY;
        let value = scan::token(line, scan::colon(line, &key)?)?;
        let end = value.end(line)?;
        match value {
            Token::Text(text) if is_entry => {
                has_entry = true;
                let entry = strings.key(&text, &mut buffers.key).ok_or(Fault::Escape)?;
                buffers.entry.clear();
                buffers.entry.extend_from_slice(entry);
            }
            Token::Text(text) => buffers.members.push((key, text)),
            _ => {}
        }
        at = scan::behind(line, end)?;
    }
    Ok(has_entry)
}

fn label(line: &[u8], out: &mut Extract<'_>, buffers: &mut Buffers) {
    let strings = Strings::new(line);
    for (key, text) in &buffers.members {
        let key = strings.key(key, &mut buffers.key);
        if let Some(name) = key.and_then(|key| out.key(key)) {
            strings.put(out, name, text, &mut buffers.texts);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::stage::tests::run;

    #[track_caller]
    fn check(line: &str, want: (&str, &str)) {
        let got = run("| unpack", &[("app", "x")], line).unwrap();
        assert_eq!((&*got.0, &*got.1), want, "{line}");
    }

    #[test]
    fn the_entry_becomes_the_line() {
        for (line, want) in [
            (
                r#"{"_entry":"say \"hi\"","pod":"p1","app":"y","n":1}"#,
                (r#"say "hi""#, r#"{app="x", app_extracted="y", pod="p1"}"#),
            ),
            (
                r#"{"a b":"\u00e9","_entry":"","a b":"2", "o": {"p":"q"}}"#,
                ("", r#"{a_b="é", app="x"}"#),
            ),
            (
                r#" {"_entry":"x"}"#,
                (
                    r#" {"_entry":"x"}"#,
                    "{__error__=\"JSONParserErr\", __error_details__=\"expecting json \
                     object(6), but it is not\", app=\"x\"}",
                ),
            ),
        ] {
            check(line, want);
        }
    }

    #[test]
    fn lines_without_an_entry_stay() {
        for line in ["", r#"{"pod":"p9"}"#, r#"{"_entry":123,"c":"d"}"#, "{}"] {
            check(line, (line, r#"{app="x"}"#));
        }
    }

    #[test]
    fn broken_lines_stay_and_say_so() {
        for (line, details) in [
            ("plain", super::NO_OBJECT),
            ("{", "Malformed JSON error"),
            (
                r#"{"_entry":"x","a":"b""#,
                "Value is array, but can't find closing ']' symbol",
            ),
            (
                r#"{"_entry":"\x","a":"b"}"#,
                "Encountered an invalid escape sequence in a string",
            ),
        ] {
            let labels = format!(
                "{{__error__=\"JSONParserErr\", __error_details__=\"{details}\", app=\"x\"}}"
            );
            check(line, (line, &labels));
        }
    }
}
