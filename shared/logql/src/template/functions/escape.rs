//! Texts for other languages: HTML, JavaScript, addresses, Base64.

use super::Parameter::{Any, Text};
use super::runes::first;
use super::{Function, fixed, open, texts};
use crate::template::error::{Answer, Failure};
use crate::template::host::Host;
use crate::template::print::Printer;
use crate::template::quote::{is_printable, quoted};
use crate::template::sink::Sink;
use crate::template::value::Value;

pub(super) const FUNCTIONS: [Function; 7] = [
    open("html", &[], Any, |host, given| {
        let text = joined(host, given)?;
        host.make(|sink, _| html(sink, text))
    }),
    open("js", &[], Any, |host, given| {
        let text = joined(host, given)?;
        host.make(|sink, _| javascript(sink, text))
    }),
    open("urlquery", &[], Any, |host, given| {
        let text = joined(host, given)?;
        host.make(|sink, _| encode(sink, text))
    }),
    fixed("urlencode", &[Text], |host, given| {
        let [text] = texts(given)?;
        host.make(|sink, _| encode(sink, text))
    }),
    fixed("urldecode", &[Text], |host, given| {
        let [text] = texts(given)?;
        host.make(|sink, _| decode(sink, text))
    }),
    fixed("b64enc", &[Text], |host, given| {
        let [text] = texts(given)?;
        host.make(|sink, _| to_base64(sink, text))
    }),
    fixed("b64dec", &[Text], |host, given| {
        let [text] = texts(given)?;
        host.make(|sink, _| {
            let start = sink.len();
            if let Err(at) = from_base64(sink, text)? {
                // What is wrong is the answer, too.
                sink.cut(start);
                sink.put(format_args!("illegal base64 data at input byte {at}"))?;
            }
            Ok(())
        })
    }),
];

/// One text as it is, anything else as printed.
fn joined<'a>(host: &mut Host<'a>, given: &[Value<'a>]) -> Answer<&'a [u8]> {
    if let [one] = given
        && let Value::Text(text) = one.plain()
    {
        return Ok(text);
    }
    host.claim(std::mem::size_of_val(given))?;
    let shown = given.iter().map(|value| match value.plain() {
        Value::Nothing => Value::Text(b"<no value>"),
        other => other,
    });
    let shown = host.arena.alloc_slice_fill_iter(shown.collect::<Vec<_>>());
    host.make(|sink, source| Printer::new(sink, source).print(shown))
        .map(Value::text)
}

fn html(sink: &mut Sink<'_>, text: &[u8]) -> Answer<()> {
    for byte in text {
        match byte {
            0 => sink.push("\u{fffd}".as_bytes())?,
            b'"' => sink.push(b"&#34;")?,
            b'\'' => sink.push(b"&#39;")?,
            b'&' => sink.push(b"&amp;")?,
            b'<' => sink.push(b"&lt;")?,
            b'>' => sink.push(b"&gt;")?,
            byte => sink.byte(*byte)?,
        }
    }
    Ok(())
}

fn javascript(sink: &mut Sink<'_>, text: &[u8]) -> Answer<()> {
    let mut rest = text;
    while let Some((c, width)) = first(rest) {
        let (head, tail) = rest.split_at_checked(width).unwrap_or((rest, b""));
        match c {
            '\\' => sink.push(b"\\\\")?,
            '\'' => sink.push(b"\\'")?,
            '"' => sink.push(b"\\\"")?,
            '<' | '>' | '&' | '=' | '\0'..='\x1f' => {
                sink.put(format_args!("\\u{:04X}", u32::from(c)))?;
            }
            c if c.is_ascii() || is_printable(c) => sink.push(head)?,
            c => sink.put(format_args!("\\u{:04X}", u32::from(c)))?,
        }
        rest = tail;
    }
    Ok(())
}

fn encode(sink: &mut Sink<'_>, text: &[u8]) -> Answer<()> {
    for byte in text {
        match byte {
            b' ' => sink.byte(b'+')?,
            b'-' | b'_' | b'.' | b'~' => sink.byte(*byte)?,
            byte if byte.is_ascii_alphanumeric() => sink.byte(*byte)?,
            byte => sink.put(format_args!("%{byte:02X}"))?,
        }
    }
    Ok(())
}

fn decode(sink: &mut Sink<'_>, text: &[u8]) -> Answer<()> {
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match byte {
            b'+' => sink.byte(b' ')?,
            b'%' => {
                let code = tail
                    .get(..2)
                    .and_then(|digits| Some((digit(digits, 0)?, digits)));
                let code = code.and_then(|(high, digits)| Some(high * 16 + digit(digits, 1)?));
                let Some(code) = code else {
                    let shown = String::from_utf8_lossy(tail.get(..2).unwrap_or(tail));
                    let shown = quoted(&format!("%{shown}"));
                    return Err(Failure::said(format!("invalid URL escape {shown}")));
                };
                sink.byte(code)?;
                rest = tail.get(2..).unwrap_or_default();
            }
            byte => sink.byte(*byte)?,
        }
    }
    Ok(())
}

fn digit(digits: &[u8], at: usize) -> Option<u8> {
    let value = char::from(*digits.get(at)?).to_digit(16)?;
    u8::try_from(value).ok()
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn to_base64(sink: &mut Sink<'_>, text: &[u8]) -> Answer<()> {
    for chunk in text.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let index = (bits >> (18 - 6 * at)) as usize & 63;
            let letter = ALPHABET.get(index).copied().unwrap_or(b'=');
            sink.byte(if at <= chunk.len() { letter } else { b'=' })?;
        }
    }
    Ok(())
}

/// Decodes; within, where the first byte is that does not fit. Line ends are passed over.
fn from_base64(sink: &mut Sink<'_>, text: &[u8]) -> Answer<Result<(), usize>> {
    let mut bytes = text
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, b)| !matches!(b, b'\n' | b'\r'));
    loop {
        let mut bits: u32 = 0;
        for at in 0..4 {
            let Some((place, byte)) = bytes.next() else {
                return Ok(if at == 0 {
                    Ok(())
                } else {
                    Err(text.len() - at)
                });
            };
            if let Some(six) = ALPHABET.iter().position(|letter| *letter == byte) {
                bits = bits << 6 | six as u32;
                continue;
            }
            if byte != b'=' || at < 2 {
                return Ok(Err(place));
            }
            // Two letters are one byte and want a second mark, three are two.
            if at == 2 {
                match bytes.next() {
                    None => return Ok(Err(text.len())),
                    Some((_, b'=')) => sink.byte((bits >> 4) as u8)?,
                    Some(_) => return Ok(Err(place)),
                }
            } else {
                sink.push(&[(bits >> 10) as u8, (bits >> 2) as u8])?;
            }
            return Ok(bytes.next().map_or(Ok(()), |(place, _)| Err(place)));
        }
        sink.push(&[(bits >> 16) as u8, (bits >> 8) as u8, bits as u8])?;
    }
}
