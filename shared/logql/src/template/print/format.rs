//! [`printf`]: formats with flags, widths, precisions and numbered arguments.

use super::{Flags, Printer};
use crate::template::error::Answer;
use crate::template::value::Value;

/// Widths and precisions beyond are refused, as Go does.
const TOO_LARGE: i64 = 1_000_000;

/// Writes `format` with its arguments.
pub(in crate::template) fn printf<'a>(
    printer: &mut Printer<'_, '_, 'a>,
    format: &'a [u8],
    arguments: &[Value<'a>],
) -> Answer<()> {
    Formatting {
        format,
        at: 0,
        arguments,
        next: 0,
        reordered: false,
    }
    .run(printer)
}

struct Formatting<'f, 'a> {
    format: &'a [u8],
    /// The next byte of the format.
    at: usize,
    arguments: &'f [Value<'a>],
    /// The argument that the next verb prints.
    next: usize,
    reordered: bool,
}

/// What is known of a `%` once its verb is reached.
struct Directive {
    /// Whether numbers of arguments made sense.
    good_number: bool,
    /// Whether a `[n]` came last.
    after_number: bool,
}

impl<'a> Formatting<'_, 'a> {
    fn run(mut self, printer: &mut Printer<'_, '_, 'a>) -> Answer<()> {
        while self.at < self.format.len() {
            let rest = self.format.get(self.at..).unwrap_or_default();
            let plain = memchr::memchr(b'%', rest).unwrap_or(rest.len());
            printer.sink.push(rest.get(..plain).unwrap_or_default())?;
            self.at += plain;
            if self.at == self.format.len() {
                break;
            }
            self.at += 1;
            printer.flags = Flags::default();
            self.directive(printer)?;
        }
        if !self.reordered && self.next < self.arguments.len() {
            printer.flags = Flags::default();
            printer.sink.push(b"%!(EXTRA ")?;
            let extra = self.arguments.get(self.next..).unwrap_or_default();
            for (at, value) in extra.iter().enumerate() {
                if at > 0 {
                    printer.sink.push(b", ")?;
                }
                printer.typed(*value)?;
            }
            printer.sink.byte(b')')?;
        }
        Ok(())
    }

    fn directive(&mut self, printer: &mut Printer<'_, '_, 'a>) -> Answer<()> {
        self.flags(&mut printer.flags);
        let mut found = Directive {
            good_number: true,
            after_number: false,
        };
        self.number(&mut found);
        self.width(printer, &mut found)?;
        // A dot at the very end is the verb.
        if self.peek() == Some(b'.') && self.at + 1 < self.format.len() {
            self.at += 1;
            self.precision(printer, &mut found)?;
        }
        if !found.after_number {
            self.number(&mut found);
        }
        let Some(verb) = self.verb() else {
            return printer.sink.push(b"%!(NOVERB)");
        };
        if verb == '%' {
            return printer.sink.byte(b'%');
        }
        if !found.good_number {
            return printer.sink.put(format_args!("%!{verb}(BADINDEX)"));
        }
        let Some(value) = self.arguments.get(self.next) else {
            return printer.sink.put(format_args!("%!{verb}(MISSING)"));
        };
        self.next += 1;
        if verb == 'v' || verb == 'w' {
            let flags = &mut printer.flags;
            flags.sharp_v = std::mem::take(&mut flags.sharp);
            flags.plus_v = std::mem::take(&mut flags.plus);
        }
        printer.argument(*value, verb)
    }

    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    fn flags(&mut self, flags: &mut Flags) {
        while let Some(byte) = self.peek() {
            match byte {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = true,
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b' ' => flags.space = true,
                _ => return,
            }
            self.at += 1;
        }
    }

    /// `[2]`: which argument comes next.
    fn number(&mut self, found: &mut Directive) {
        found.after_number = false;
        if self.peek() != Some(b'[') {
            return;
        }
        self.reordered = true;
        let rest = self.format.get(self.at..).unwrap_or_default();
        let close = rest
            .iter()
            .position(|byte| *byte == b']')
            .filter(|_| rest.len() >= 3);
        let Some(close) = close else {
            found.good_number = false;
            self.at += 1;
            return;
        };
        self.at += close + 1;
        let digits = std::str::from_utf8(rest.get(1..close).unwrap_or_default());
        let plain = digits
            .ok()
            .filter(|d| d.bytes().all(|byte| byte.is_ascii_digit()));
        let number = plain.and_then(|digits| digits.parse::<usize>().ok());
        match number.filter(|number| *number <= TOO_LARGE as usize) {
            Some(number) if number >= 1 && number <= self.arguments.len() => {
                self.next = number - 1;
                found.after_number = true;
            }
            // Beyond the arguments it is still a number, so that none follows it.
            number => {
                found.good_number = false;
                found.after_number = number.is_some();
            }
        }
    }

    fn width(&mut self, printer: &mut Printer<'_, '_, 'a>, found: &mut Directive) -> Answer<()> {
        if self.peek() != Some(b'*') {
            printer.flags.width = self.digits();
            if found.after_number && printer.flags.width.is_some() {
                found.good_number = false;
            }
            return Ok(());
        }
        self.at += 1;
        found.after_number = false;
        let width = self.star();
        if width.is_none() {
            printer.sink.push(b"%!(BADWIDTH)")?;
        }
        if width.is_some_and(|width| width < 0) {
            printer.flags.minus = true;
            printer.flags.zero = false;
        }
        printer.flags.width = width.map(|width| width.unsigned_abs() as usize);
        Ok(())
    }

    fn precision(
        &mut self,
        printer: &mut Printer<'_, '_, 'a>,
        found: &mut Directive,
    ) -> Answer<()> {
        if found.after_number {
            found.good_number = false;
        }
        self.number(found);
        if self.peek() != Some(b'*') {
            printer.flags.precision = Some(self.digits().unwrap_or(0));
            return Ok(());
        }
        self.at += 1;
        found.after_number = false;
        let precision = self
            .star()
            .and_then(|precision| usize::try_from(precision).ok());
        if precision.is_none() {
            printer.sink.push(b"%!(BADPREC)")?;
        }
        printer.flags.precision = precision;
        Ok(())
    }

    /// The argument of `*`.
    fn star(&mut self) -> Option<i64> {
        let value = self.arguments.get(self.next)?.plain();
        self.next += 1;
        match value {
            Value::Int(int) | Value::Int64(int) => {
                Some(int).filter(|int| int.unsigned_abs() <= TOO_LARGE as u64)
            }
            Value::Byte(byte) => Some(i64::from(byte)),
            _ => None,
        }
    }

    /// A number in the format; beyond the bound there is none.
    fn digits(&mut self) -> Option<usize> {
        let mut number = None;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            let value = number.unwrap_or(0) * 10 + usize::from(digit - b'0');
            if number.is_some_and(|number| number > TOO_LARGE as usize) {
                // Go stops at the digit that is too much, and takes it for the verb.
                return None;
            }
            number = Some(value);
            self.at += 1;
        }
        number
    }

    fn verb(&mut self) -> Option<char> {
        let rest = self.format.get(self.at..)?;
        let window = rest.get(..rest.len().min(4))?;
        let chunk = window.utf8_chunks().next()?;
        let (verb, width) = match chunk.valid().chars().next() {
            Some(c) => (c, c.len_utf8()),
            None => (char::REPLACEMENT_CHARACTER, 1),
        };
        self.at += width;
        Some(verb)
    }
}
