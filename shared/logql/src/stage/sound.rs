//! Sound text: what labels may hold of lines that are not quite UTF-8.
//!
//! A byte that is no part of a character becomes a space, and so does U+FFFD, the sign of one that
//! was lost before (spec `logql.md` §7).

/// What stands for a lost character.
const LOST: char = char::REPLACEMENT_CHARACTER;

/// Whether a text stays as it is.
pub(super) fn is_sound(text: &[u8]) -> bool {
    text.is_ascii() || std::str::from_utf8(text).is_ok_and(|text| !text.contains(LOST))
}

/// Appends a text as labels may hold it.
pub(super) fn push_sound(text: &[u8], out: &mut Vec<u8>) {
    for chunk in text.utf8_chunks() {
        for (n, part) in chunk.valid().split(LOST).enumerate() {
            out.extend((n > 0).then_some(b' '));
            out.extend_from_slice(part.as_bytes());
        }
        out.extend(chunk.invalid().iter().map(|_| b' '));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_characters_become_spaces() {
        for (text, want) in [
            (&b""[..], ""),
            (b"plain", "plain"),
            ("gr\u{fc}n".as_bytes(), "gr\u{fc}n"),
            ("a\u{fffd}\u{fffd}b".as_bytes(), "a  b"),
            (b"a\xff\xe2\x82b\xff", "a   b "),
        ] {
            let mut out = Vec::new();
            push_sound(text, &mut out);
            assert_eq!(out, want.as_bytes());
            assert_eq!(is_sound(text), text == want.as_bytes());
            assert!(is_sound(&out));
        }
    }
}
