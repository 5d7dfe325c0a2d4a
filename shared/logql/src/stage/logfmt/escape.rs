//! [`unescape`]: what a quoted value with escapes says. The escapes are JSON's, and `\'`.

use crate::stage::sound::push_sound;

/// Appends what an escaped text says, sound; false where it holds an escape that is none, a
/// quote, or a control character, which JSON wants escaped.
pub(super) fn unescape(mut text: &[u8], out: &mut Vec<u8>) -> bool {
    while !text.is_empty() {
        let stop = |byte: &u8| matches!(byte, b'\\' | b'"' | 0..b' ');
        let plain = text.iter().position(stop).unwrap_or(text.len());
        push_sound(&text[..plain], out);
        text = &text[plain..];
        if !text.is_empty() {
            let Some(len) = escape(text, out) else {
                return false;
            };
            text = &text[len..];
        }
    }
    true
}

/// Appends what the escape at the start of a text says; answers its length.
fn escape(text: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let [b'\\', kind, ..] = text else {
        return None;
    };
    out.push(match kind {
        b'"' | b'\\' | b'/' | b'\'' => *kind,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'u' => return unicode(text, out),
        _ => return None,
    });
    Some(2)
}

/// `\u00fc`, or two of them that make one character.
fn unicode(text: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let first = code(text)?;
    let second = code(&text[6..]).into_iter();
    let mut decoded = char::decode_utf16(std::iter::once(first).chain(second));
    // Half of a pair is a lost character.
    let c = decoded.next()?.unwrap_or(char::REPLACEMENT_CHARACTER);
    push_sound(c.encode_utf8(&mut [0; 4]).as_bytes(), out);
    Some(if c.len_utf16() == 2 { 12 } else { 6 })
}

/// The number behind `\u`.
fn code(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(br"\u")?.get(..4)?;
    digits.iter().try_fold(0, |code, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(code << 4 | digit as u16)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Option<&str>) {
        let mut out = Vec::new();
        let said = unescape(text.as_bytes(), &mut out).then_some(out);
        assert_eq!(said.as_deref(), want.map(str::as_bytes), "{text}");
    }

    #[test]
    fn escapes() {
        check("", Some(""));
        check("plain", Some("plain"));
        check(r#"a \"b\" \\ \/ \'"#, Some(r#"a "b" \ / '"#));
        check(r"\b\f\n\r\t", Some("\u{8}\u{c}\n\r\t"));
        check(r"gr\u00fcn \u00E9!", Some("gr\u{fc}n \u{e9}!"));
        check(r"\ud83d\ude00x", Some("\u{1f600}x"));
        check(r"\ud83dx", Some(" x"));
        check(r"\ud83d\u0041", Some(" A"));
        check(r"\ude00\n", Some(" \n"));
        check(r"\ufffd", Some(" "));
        check("\u{fffd}\\n", Some(" \n"));
    }

    #[test]
    fn mistakes() {
        check(r"\q", None);
        check(r"a\", None);
        check(r"\u12", None);
        check(r"\u12g4", None);
        check(r"\u+123", None);
        check("\\n\t", None);
        check(r#"a"b"#, None);
    }
}
