//! What the lexer knows of bytes: numbers, delimiters, where names end.

use crate::template::quote::is_printable;

/// What Go calls space in templates.
pub(super) const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

/// The length of what looks like a number; as an error, if a letter or digit too many follows,
/// which the length then contains.
pub(super) fn number_len(text: &str) -> Result<usize, usize> {
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut digits: &[char] = &DECIMAL;
    if let Some(tail) = rest.strip_prefix('0') {
        rest = tail;
        for (marks, others) in [
            (['x', 'X'], &HEX[..]),
            (['o', 'O'], &OCTAL),
            (['b', 'B'], &BINARY),
        ] {
            if let Some(tail) = rest.strip_prefix(marks) {
                (rest, digits) = (tail, others);
                break;
            }
        }
    }
    rest = rest.trim_start_matches(digits);
    if let Some(tail) = rest.strip_prefix('.') {
        rest = tail.trim_start_matches(digits);
    }
    let exponent = match digits.len() {
        11 => rest.strip_prefix(['e', 'E']),
        23 => rest.strip_prefix(['p', 'P']),
        _ => None,
    };
    if let Some(tail) = exponent {
        rest = tail
            .strip_prefix(['+', '-'])
            .unwrap_or(tail)
            .trim_start_matches(DECIMAL);
    }
    rest = rest.strip_prefix('i').unwrap_or(rest);
    let len = text.len() - rest.len();
    match rest.chars().next() {
        Some(c) if is_alphanumeric(c) => Err(len + c.len_utf8()),
        _ => Ok(len),
    }
}

const DECIMAL: [char; 11] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '_'];
const OCTAL: [char; 9] = ['0', '1', '2', '3', '4', '5', '6', '7', '_'];
const BINARY: [char; 3] = ['0', '1', '_'];
const HEX: [char; 23] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f', 'A', 'B', 'C',
    'D', 'E', 'F', '_',
];

/// Whether `inside`, what follows `{{`, begins with a trim marker.
pub(super) fn has_left_trim(inside: &str) -> bool {
    inside
        .strip_prefix('-')
        .is_some_and(|tail| tail.starts_with(SPACES))
}

/// The length of a closing delimiter at the start, and whether it trims.
pub(super) fn right_delim(rest: &str) -> Option<(usize, bool)> {
    if rest.starts_with("}}") {
        return Some((2, false));
    }
    let marked = rest.strip_prefix(SPACES)?.starts_with("-}}");
    marked.then_some((4, true))
}

pub(super) fn is_terminator(behind: &str) -> bool {
    behind.is_empty()
        || behind.starts_with(SPACES)
        || behind.starts_with(['.', ',', '|', ':', ')', '('])
        || behind.starts_with("}}")
}

/// What names are made of.
pub(super) fn is_alphanumeric(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// `U+0040 '@'`, as Go's `%#U`; `None` is the end of the text, -1 there.
pub(super) fn code_point(c: Option<char>) -> String {
    match c {
        None => "U+FFFFFFFFFFFFFFFF".to_owned(),
        Some(c) if is_printable(c) => format!("U+{:04X} '{c}'", u32::from(c)),
        Some(c) => format!("U+{:04X}", u32::from(c)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for good in [
            "1", "-1", "0x1F", "1e3", "1_000", ".5", "0b11", "1i", "0x1p-2",
        ] {
            assert_eq!(number_len(good), Ok(good.len()), "{good}");
        }
        assert_eq!(number_len("1a"), Err(2));
        assert_eq!(number_len("0b12"), Err(4));
    }
}
