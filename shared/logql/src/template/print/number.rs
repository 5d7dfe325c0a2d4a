//! Integers, floats and single characters.

use super::Printer;
use super::value::Written;
use crate::template::error::Answer;
use crate::template::float::{self, Shape};
use crate::template::quote::{Beyond, is_printable, quote};

/// What a code beyond Unicode is shown as.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

impl Printer<'_, '_, '_> {
    /// An integer, which has 64 bits, signed or not.
    pub(super) fn integer(&mut self, value: i128, verb: char) -> Answer<Written> {
        let code = value as u64;
        let radix = match verb {
            'v' | 'd' => 10,
            'b' => 2,
            'o' | 'O' => 8,
            'x' | 'X' => 16,
            'c' => {
                let start = self.sink.len();
                self.sink.char(character(code))?;
                self.pad(start)?;
                return Ok(Written::Yes);
            }
            'q' => {
                let start = self.sink.len();
                let beyond = if self.flags.plus {
                    Beyond::AsciiEscaped
                } else {
                    Beyond::Printed
                };
                let mut buffer = [0; 4];
                let text = character(code).encode_utf8(&mut buffer);
                quote(self.sink, text.as_bytes(), '\'', beyond)?;
                self.pad(start)?;
                return Ok(Written::Yes);
            }
            'U' => {
                self.unicode(code)?;
                return Ok(Written::Yes);
            }
            _ => return Ok(Written::UnknownVerb),
        };
        self.digits(value, (radix, verb))?;
        Ok(Written::Yes)
    }

    /// An unsigned integer; only `%#v` shows the difference.
    pub(super) fn byte(&mut self, byte: u8, verb: char) -> Answer<Written> {
        if verb == 'v' && self.flags.sharp_v {
            self.sink.put(format_args!("0x{byte:x}"))?;
            return Ok(Written::Yes);
        }
        self.integer(i128::from(byte), verb)
    }

    fn digits(&mut self, value: i128, (radix, verb): (u8, char)) -> Answer<()> {
        let (size, negative) = (value.unsigned_abs(), value < 0);
        let flags = self.flags;
        let signed = negative || flags.plus || flags.space;
        let least = match flags.precision {
            Some(0) if size == 0 => return self.sink.repeat(b" ", flags.width.unwrap_or(0)),
            Some(precision) => precision,
            None if flags.zero && !flags.minus => {
                flags.width.unwrap_or(0).saturating_sub(usize::from(signed))
            }
            None => 0,
        };
        let start = self.sink.len();
        if signed {
            self.sink.byte(if negative {
                b'-'
            } else if flags.plus {
                b'+'
            } else {
                b' '
            })?;
        }
        if verb == 'O' {
            self.sink.push(b"0o")?;
        }
        match radix {
            2 if flags.sharp => self.sink.push(b"0b")?,
            16 if flags.sharp => self.sink.push(if verb == 'X' { b"0X" } else { b"0x" })?,
            _ => {}
        }
        let place = self.sink.len();
        match (radix, verb) {
            (2, _) => self.sink.put(format_args!("{size:b}"))?,
            (8, _) => self.sink.put(format_args!("{size:o}"))?,
            (16, 'X') => self.sink.put(format_args!("{size:X}"))?,
            (16, _) => self.sink.put(format_args!("{size:x}"))?,
            _ => self.sink.put(format_args!("{size}"))?,
        }
        let written = self.sink.len() - place;
        self.sink.pad(place, least.saturating_sub(written), b'0')?;
        if radix == 8 && flags.sharp && self.sink.since(place).first() != Some(&b'0') {
            self.sink.pad(place, 1, b'0')?;
        }
        self.pad_blank(start)
    }

    /// Pads with blanks even where zeros are asked for, since those are there already.
    fn pad_blank(&mut self, start: usize) -> Answer<()> {
        let zero = std::mem::take(&mut self.flags.zero);
        let answer = self.pad(start);
        self.flags.zero = zero;
        answer
    }

    /// `U+0041`, with `#` also `'A'`.
    fn unicode(&mut self, code: u64) -> Answer<()> {
        let start = self.sink.len();
        self.sink.push(b"U+")?;
        let place = self.sink.len();
        self.sink.put(format_args!("{code:X}"))?;
        let least = self.flags.precision.unwrap_or(0).max(4);
        let written = self.sink.len() - place;
        self.sink.pad(place, least.saturating_sub(written), b'0')?;
        let shown = u32::try_from(code).ok().and_then(char::from_u32);
        if let Some(c) = shown.filter(|c| self.flags.sharp && is_printable(*c)) {
            self.sink.put(format_args!(" '{c}'"))?;
        }
        self.pad_blank(start)
    }

    pub(super) fn float(&mut self, value: f64, verb: char) -> Answer<Written> {
        let (verb, precision) = match verb {
            'v' => (b'g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => (verb as u8, None),
            'f' | 'F' => (b'f', Some(6)),
            'e' | 'E' => (verb as u8, Some(6)),
            _ => return Ok(Written::UnknownVerb),
        };
        let shape = Shape {
            verb,
            precision: self.flags.precision.or(precision),
        };
        let flags = self.flags;
        let start = self.sink.len();
        if !value.is_sign_negative() || value.is_nan() {
            // The sign that an infinity brings with it is in its place below.
            match (value.is_nan(), flags.plus, flags.space) {
                (_, true, _) => self.sink.byte(b'+')?,
                (_, false, true) => self.sink.byte(b' ')?,
                (_, false, false) => {}
            }
        }
        if !value.is_finite() {
            self.not_finite(value)?;
            self.pad_blank(start)?;
            return Ok(Written::Yes);
        }
        let place = self.sink.len();
        float::write(self.sink, value, shape)?;
        if flags.sharp && verb != b'b' {
            self.keep_point(place + usize::from(value.is_sign_negative()), shape)?;
        }
        let signed = value.is_sign_negative() || flags.plus || flags.space;
        match flags.width {
            // Zeros go between the sign and the digits.
            Some(width) if flags.zero && !flags.minus && signed => {
                let missing = width.saturating_sub(self.sink.len() - start);
                self.sink.pad(start + 1, missing, b'0')?;
            }
            _ => self.pad(start)?,
        }
        Ok(Written::Yes)
    }

    fn not_finite(&mut self, value: f64) -> Answer<()> {
        if value.is_nan() {
            return self.sink.push(b"NaN");
        }
        match (value > 0.0, self.flags.plus, self.flags.space) {
            (false, _, _) => self.sink.push(b"-Inf"),
            (true, false, false) => self.sink.push(b"+Inf"),
            (true, _, _) => self.sink.push(b"Inf"),
        }
    }

    /// `%#g`: the point stays, and so do zeros.
    fn keep_point(&mut self, start: usize, shape: Shape) -> Answer<()> {
        let number = self.sink.since(start).to_vec();
        let is_hex = matches!(shape.verb, b'x' | b'X');
        let ends = |byte: &u8| match byte {
            b'p' | b'P' => true,
            b'e' | b'E' => !is_hex,
            _ => false,
        };
        let end = number.iter().position(ends).unwrap_or(number.len());
        let (digits, tail) = number.split_at_checked(end).unwrap_or((&number, b""));
        let mut missing = match shape.verb {
            b'g' | b'G' | b'x' => shape.precision.unwrap_or(6),
            _ => 0,
        };
        let mut seen = false;
        for byte in digits.iter().filter(|byte| **byte != b'.') {
            seen |= *byte != b'0';
            missing = missing.saturating_sub(usize::from(seen));
        }
        self.sink.cut(start + end);
        if !digits.contains(&b'.') {
            missing = missing.saturating_sub(usize::from(digits == b"0"));
            self.sink.byte(b'.')?;
        }
        self.sink.repeat(b"0", missing)?;
        self.sink.push(tail)
    }
}

fn character(code: u64) -> char {
    u32::try_from(code)
        .ok()
        .and_then(char::from_u32)
        .unwrap_or(REPLACEMENT)
}
