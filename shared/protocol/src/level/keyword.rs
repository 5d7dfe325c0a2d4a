//! [`find`]: the first word of a line that names a level, between signs that end a word.

/// Words in the order in which they are tried at one place; none begins another of the list that
/// may end at the same sign.
const WORDS: [(&[u8], &str); 9] = [
    (b"trace", "trace"),
    (b"debug", "debug"),
    (b"fatal", "fatal"),
    (b"critical", "critical"),
    (b"error", "error"),
    (b"err", "error"),
    (b"warning", "warn"),
    (b"warn", "warn"),
    (b"info", "info"),
];

/// A word may begin after these.
const OPENS: [bool; 256] = table(b" \t\n[({\"=");

/// A word may end before these.
const CLOSES: [bool; 256] = table(b" \t\n[](){}:,!\"=");

/// What words begin with, in both cases.
const FIRSTS: [bool; 256] = table(b"tdfcewiTDFCEWI");

const fn table(signs: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut n = 0;
    while n < signs.len() {
        table[signs[n] as usize] = true;
        n += 1;
    }
    table
}

/// The level that the line names first.
pub(super) fn find(line: &[u8]) -> Option<&'static str> {
    let mut opens = true;
    for (at, &byte) in line.iter().enumerate() {
        if opens
            && FIRSTS[usize::from(byte)]
            && let Some(level) = at_start(&line[at..])
        {
            return Some(level);
        }
        opens = OPENS[usize::from(byte)];
    }
    None
}

fn at_start(rest: &[u8]) -> Option<&'static str> {
    for (word, level) in WORDS {
        if let Some((start, rest)) = rest.split_at_checked(word.len())
            && start.eq_ignore_ascii_case(word)
            && rest.first().is_none_or(|&sign| CLOSES[usize::from(sign)])
        {
            return Some(level);
        }
    }
    None
}
