//! Characters in bytes that need not be text: each byte that is none counts as one, as in Go.

/// The first character; a byte that is no text is [`char::REPLACEMENT_CHARACTER`].
pub(super) fn first(text: &[u8]) -> Option<(char, usize)> {
    let byte = *text.first()?;
    if byte.is_ascii() {
        return Some((char::from(byte), 1));
    }
    let window = text.get(..text.len().min(4))?;
    let valid = window.utf8_chunks().next()?.valid();
    Some(
        valid
            .chars()
            .next()
            .map_or((char::REPLACEMENT_CHARACTER, 1), |c| (c, c.len_utf8())),
    )
}

/// The last one.
pub(super) fn last(text: &[u8]) -> Option<(char, usize)> {
    let byte = *text.last()?;
    if byte.is_ascii() {
        return Some((char::from(byte), 1));
    }
    for len in 2..=text.len().min(4) {
        let tail = text.get(text.len() - len..)?;
        if let Ok(tail) = std::str::from_utf8(tail) {
            return tail.chars().next().map(|c| (c, len));
        }
    }
    Some((char::REPLACEMENT_CHARACTER, 1))
}

/// All of them, from the left.
pub(super) fn all(text: &[u8]) -> impl Iterator<Item = char> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (c, width) = first(rest)?;
        rest = rest.get(width..).unwrap_or_default();
        Some(c)
    })
}

/// `text` without characters at its start for which `is_cut` holds.
pub(super) fn trim_start(mut text: &[u8], is_cut: impl Fn(char) -> bool) -> &[u8] {
    while let Some((c, width)) = first(text).filter(|(c, _)| is_cut(*c)) {
        debug_assert!(is_cut(c));
        text = text.get(width..).unwrap_or_default();
    }
    text
}

/// The same at its end.
pub(super) fn trim_end(mut text: &[u8], is_cut: impl Fn(char) -> bool) -> &[u8] {
    while let Some((_, width)) = last(text).filter(|(c, _)| is_cut(*c)) {
        text = text.get(..text.len() - width).unwrap_or_default();
    }
    text
}

/// The bytes of the first `count` characters.
pub(super) fn prefix(text: &[u8], count: usize) -> &[u8] {
    let mut end = 0;
    for _ in 0..count {
        match first(text.get(end..).unwrap_or_default()) {
            Some((_, width)) => end += width,
            None => break,
        }
    }
    text.get(..end).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends() {
        for (text, want_first, want_last) in [
            (&b"ab"[..], Some(('a', 1)), Some(('b', 1))),
            ("é日".as_bytes(), Some(('é', 2)), Some(('日', 3))),
            (
                b"\xff\xe6\x97",
                Some(('\u{fffd}', 1)),
                Some(('\u{fffd}', 1)),
            ),
            (b"", None, None),
        ] {
            assert_eq!(first(text), want_first);
            assert_eq!(last(text), want_last);
        }
        assert_eq!(prefix("é日x".as_bytes(), 2), "é日".as_bytes());
    }
}
