//! Texts: `%s %q %x %X %v`.

use super::Printer;
use super::value::Written;
use crate::template::error::Answer;
use crate::template::quote::{Beyond, quote};

impl Printer<'_, '_, '_> {
    pub(super) fn text(&mut self, text: &[u8], verb: char) -> Answer<Written> {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(text)?,
            'v' | 's' => {
                let start = self.sink.len();
                self.sink.push(self.cut(text))?;
                self.pad(start)?;
            }
            'q' => self.quoted(text)?,
            'x' | 'X' => self.hexadecimal(text, verb)?,
            _ => return Ok(Written::UnknownVerb),
        }
        Ok(Written::Yes)
    }

    /// The first characters, as many as the precision says.
    fn cut<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(limit) = self.flags.precision.filter(|limit| *limit < text.len()) else {
            return text;
        };
        let mut end = 0;
        let mut left = limit;
        for chunk in text.utf8_chunks() {
            let widths = chunk.valid().chars().map(char::len_utf8);
            for width in widths.chain(chunk.invalid().iter().map(|_| 1)) {
                if left == 0 {
                    return text.get(..end).unwrap_or(text);
                }
                left -= 1;
                end += width;
            }
        }
        text
    }

    fn quoted(&mut self, text: &[u8]) -> Answer<()> {
        let text = self.cut(text);
        let start = self.sink.len();
        let sharp = self.flags.sharp && !self.flags.sharp_v;
        if sharp && fits_backticks(text) {
            self.sink.byte(b'`')?;
            self.sink.push(text)?;
            self.sink.byte(b'`')?;
        } else {
            let beyond = if self.flags.plus {
                Beyond::AsciiEscaped
            } else {
                Beyond::Printed
            };
            quote(self.sink, text, '"', beyond)?;
        }
        self.pad(start)
    }

    fn hexadecimal(&mut self, text: &[u8], verb: char) -> Answer<()> {
        let text = match self.flags.precision {
            Some(precision) => text.get(..precision).unwrap_or(text),
            None => text,
        };
        let start = self.sink.len();
        for (at, byte) in text.iter().enumerate() {
            if at > 0 && self.flags.space {
                self.sink.byte(b' ')?;
            }
            if self.flags.sharp && (at == 0 || self.flags.space) {
                self.sink.push(b"0x")?;
            }
            self.sink.put(format_args!("{byte:02x}"))?;
        }
        if verb == 'X' {
            self.sink.upper_since(start);
        }
        self.pad(start)
    }
}

/// Whether Go would write it in backticks.
fn fits_backticks(text: &[u8]) -> bool {
    let bad = |c: char| (c.is_ascii_control() && c != '\t') || c == '`' || c == '\u{feff}';
    std::str::from_utf8(text).is_ok_and(|text| !text.contains(bad))
}
