//! What follows a backslash, inside brackets and outside.

use super::RegexpError;
use super::cursor::Cursor;

/// A class that no character is in.
pub(super) const NOTHING: &str = "[a&&b]";

/// The characters of `\d`, `\s`, `\w` and their opposites as parts of a class.
pub(super) fn perl_class(letter: char) -> Option<&'static str> {
    Some(match letter {
        'd' => "0-9",
        'D' => "[^0-9]",
        's' => r"\t\n\f\r ",
        'S' => r"[^\t\n\f\r ]",
        'w' => "0-9A-Za-z_",
        'W' => "[^0-9A-Za-z_]",
        _ => return None,
    })
}

/// Writes a character that stands for itself.
pub(super) fn write_literal(out: &mut String, c: char) {
    if regex_syntax::is_meta_character(c) {
        out.push('\\');
    }
    out.push(c);
}

/// Reads `\p` or `\P` and a name, and answers the class in Rust's words.
pub(super) fn unicode_class(cursor: &mut Cursor<'_>) -> Result<String, RegexpError> {
    const REASON: &str = "invalid character class range";
    let (start, rest) = (cursor.offset(), cursor.rest());
    let mut positive = rest.starts_with(r"\p");
    cursor.skip(2);
    let name = if cursor.eat("{") {
        let name = cursor.eat_until("}");
        name.ok_or_else(|| RegexpError::new(REASON, rest))?
    } else {
        let start = cursor.offset();
        cursor.next();
        cursor.since(start)
    };
    let name = match name.strip_prefix('^') {
        Some(opposite) => {
            positive = !positive;
            opposite
        }
        None => name,
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' ');
    let letter = if positive { 'p' } else { 'P' };
    // A category or a script; the other properties that Rust knows are none of Go's.
    let known = ["gc", "sc"]
        .map(|property| format!(r"\{letter}{{{property}={name}}}"))
        .into_iter()
        .find(|class| name.chars().all(is_plain) && regex_syntax::parse(class).is_ok());
    known.ok_or_else(|| RegexpError::new(REASON, cursor.since(start)))
}

/// Reads an escape that is one character, which may be a surrogate.
pub(super) fn character(cursor: &mut Cursor<'_>) -> Result<u32, RegexpError> {
    let start = cursor.offset();
    cursor.skip(1);
    let Some(c) = cursor.next() else {
        return Err(RegexpError::new(
            "trailing backslash at end of expression",
            "",
        ));
    };
    let code = match c {
        'a' => Some(7),
        'f' => Some(12),
        'n' => Some(10),
        'r' => Some(13),
        't' => Some(9),
        'v' => Some(11),
        'x' => hexadecimal(cursor),
        '0'..='7' => octal(cursor, c),
        _ if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(u32::from(c)),
        _ => None,
    };
    code.ok_or_else(|| RegexpError::new("invalid escape sequence", cursor.since(start)))
}

/// `\0`, `\07`, `\123`: up to three digits; one that is not 0 would be a reference to a group.
fn octal(cursor: &mut Cursor<'_>, first: char) -> Option<u32> {
    let mut code = first.to_digit(8)?;
    for place in 1..3 {
        match cursor.peek().and_then(|c| c.to_digit(8)) {
            Some(digit) => code = code * 8 + digit,
            None if place == 1 && first != '0' => return None,
            None => break,
        }
        cursor.next();
    }
    Some(code)
}

/// `\x7F` or `\x{10FFFF}`, after its `x`.
fn hexadecimal(cursor: &mut Cursor<'_>) -> Option<u32> {
    if !cursor.eat("{") {
        let (high, low) = (cursor.next(), cursor.next());
        return Some(high?.to_digit(16)? * 16 + low?.to_digit(16)?);
    }
    let mut code = None;
    loop {
        match cursor.next()? {
            '}' => return code,
            c => {
                let grown = code.unwrap_or(0) * 16 + c.to_digit(16)?;
                code = Some(grown).filter(|code| *code <= u32::from(char::MAX));
                code?;
            }
        }
    }
}
