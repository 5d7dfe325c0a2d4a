//! Classes in brackets: `[^a-z\d[:space:]]`. They know no classes inside each other and no
//! operations on sets, as Rust's do: `[[a]` is a class of two characters.

use super::RegexpError;
use super::cursor::Cursor;
use super::escape::{character, perl_class, unicode_class, write_literal};

const BAD_RANGE: &str = "invalid character class range";

/// Names of classes of POSIX, which are of ASCII to both.
const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// Reads a class from its `[` on and answers it in Rust's words.
pub(super) fn class(cursor: &mut Cursor<'_>) -> Result<String, RegexpError> {
    let whole = cursor.rest();
    cursor.skip(1);
    let mut out = String::from(if cursor.eat("^") { "[^" } else { "[" });
    let opening = out.len();
    // A `]` that comes first is a character.
    let mut is_first = true;
    // Once there is no `:]` ahead there will be none.
    let mut may_name = true;
    while is_first || !cursor.eat("]") {
        is_first = false;
        if may_name && cursor.rest().starts_with("[:") {
            may_name = posix(cursor, &mut out)?;
            if may_name {
                continue;
            }
        }
        let letter = escaped_letter(cursor);
        if let Some(set) = letter.and_then(perl_class) {
            cursor.skip(2);
            out.push_str(set);
        } else if matches!(letter, Some('p' | 'P')) {
            out.push_str(&unicode_class(cursor)?);
        } else {
            range(cursor, &mut out, whole)?;
        }
    }
    if out.len() == opening {
        // Only surrogates, which no text has.
        out.push_str("a&&b");
    }
    out.push(']');
    Ok(out)
}

/// The letter of an escape that stands here.
pub(super) fn escaped_letter(cursor: &Cursor<'_>) -> Option<char> {
    cursor.rest().strip_prefix('\\')?.chars().next()
}

/// `[:alpha:]`, from its `[` on; not read where it does not end.
fn posix(cursor: &mut Cursor<'_>, out: &mut String) -> Result<bool, RegexpError> {
    let start = cursor.offset();
    let name = cursor.rest().strip_prefix("[:");
    let Some((name, _)) = name.and_then(|rest| rest.split_once(":]")) else {
        return Ok(false);
    };
    cursor.skip(name.len() + "[::]".len());
    let text = cursor.since(start);
    if !POSIX.contains(&name.strip_prefix('^').unwrap_or(name)) {
        return Err(RegexpError::new(BAD_RANGE, text));
    }
    out.push_str(text);
    Ok(true)
}

/// One character, or two with a `-` between.
fn range(cursor: &mut Cursor<'_>, out: &mut String, whole: &str) -> Result<(), RegexpError> {
    let start = cursor.offset();
    let low = member(cursor, whole)?;
    let mut high = low;
    // A `-` that comes last is a character.
    let after = cursor.rest().strip_prefix('-');
    if after.is_some_and(|after| !after.is_empty() && !after.starts_with(']')) {
        cursor.skip(1);
        high = member(cursor, whole)?;
    }
    if high < low {
        return Err(RegexpError::new(BAD_RANGE, cursor.since(start)));
    }
    // Surrogates are no characters in Rust and in no text.
    let low = char::from_u32(low).unwrap_or('\u{E000}');
    let high = char::from_u32(high).unwrap_or('\u{D7FF}');
    if low <= high {
        write_literal(out, low);
    }
    if low < high {
        out.push('-');
        write_literal(out, high);
    }
    Ok(())
}

fn member(cursor: &mut Cursor<'_>, whole: &str) -> Result<u32, RegexpError> {
    if cursor.peek() == Some('\\') {
        return character(cursor);
    }
    let c = cursor.next();
    c.map(u32::from)
        .ok_or_else(|| RegexpError::new("missing closing ]", whole))
}
