//! [`lines`]: text as lines, each with a time of its own.
//!
//! Lines that are alike and of one time would be stored once, so each is a nanosecond after the one
//! before; the same text read again has the same times.

use bytes::Bytes;
use memchr::memchr_iter;
use narvi_model::{Line, Timestamp};

/// Every line of a text that is not empty, without its end (`\n` or `\r\n`); lines share the memory
/// of the text. What is no UTF-8 is replaced.
#[must_use]
pub fn lines(text: &Bytes, first: Timestamp) -> Vec<(Timestamp, Line)> {
    let mut lines = Vec::new();
    let mut start = 0;
    for end in memchr_iter(b'\n', text).chain([text.len()]) {
        let line = &text[start..end];
        start = end + 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        let line = Line::new(text.slice_ref(line))
            .unwrap_or_else(|_| Line::from(String::from_utf8_lossy(line).as_ref()));
        lines.push((first.plus(lines.len() as i64), line));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &[u8], want: &[(i64, &str)]) {
        let lines = lines(&Bytes::copy_from_slice(text), Timestamp::from_nanos(5));
        let shown: Vec<_> = lines
            .iter()
            .map(|(time, line)| (time.nanos(), String::from_utf8_lossy(line.as_bytes())))
            .collect();
        let want: Vec<_> = want
            .iter()
            .map(|(time, line)| (*time, (*line).into()))
            .collect();
        assert_eq!(shown, want);
    }

    #[test]
    fn text_becomes_lines() {
        check(b"", &[]);
        check(b"\n\r\n\n", &[]);
        check(b"a", &[(5, "a")]);
        check(b"a\na\r\n\nb\rc\n", &[(5, "a"), (6, "a"), (7, "b\rc")]);
        check(b"\xffx", &[(5, "\u{fffd}x")]);
    }
}
