//! Reads an expression from left to right and writes each part of it in Rust's syntax.
//!
//! Nothing is built but the text: [`Part`] is where the part lies that a repetition would take, and
//! [`Group`] what is open around it. Whatever is refused is refused where Go meets it.

use std::collections::HashSet;

use super::class::{class, escaped_letter};
use super::cursor::Cursor;
use super::escape::{NOTHING, character, perl_class, unicode_class, write_literal};
use super::{MAX_DEPTH, RegexpError, WITHIN};

/// How often a part may be repeated, all counts around it multiplied.
const MAX_COPIES: u32 = 1000;

/// The expression in Rust's syntax.
pub(super) fn to_rust(pattern: &str) -> Result<String, RegexpError> {
    let mut parser = Parser {
        cursor: Cursor::new(pattern),
        out: String::with_capacity(pattern.len()),
        groups: Vec::new(),
        open: Group::default(),
        captures: 0,
        names: HashSet::new(),
    };
    parser.run()?;
    Ok(parser.out)
}

/// The refusal of a pattern of which too much is inside each other.
pub(super) fn too_deep(pattern: &str) -> RegexpError {
    RegexpError::new("expression nests too deeply", pattern)
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    out: String,
    /// The groups around `open`, the outermost first.
    groups: Vec<Group>,
    /// The innermost group that is open, or the expression itself.
    open: Group,
    /// Capturing groups so far.
    captures: usize,
    /// Their names.
    names: HashSet<&'a str>,
}

#[derive(Default)]
struct Group {
    /// Where it starts in what is written.
    start: usize,
    /// The last part, unless an alternative has just begun.
    last: Option<Part>,
    inner: Inner,
}

/// What a repetition would take.
#[derive(Clone, Copy)]
struct Part {
    /// Where it lies in what is written.
    start: usize,
    end: usize,
    is_repeated: bool,
    inner: Inner,
}

/// What counts of the parts inside a part.
#[derive(Clone, Copy, Default)]
struct Inner {
    /// The largest product of the counts inside each other.
    copies: u32,
    depth: u32,
}

impl Inner {
    fn including(self, other: Self) -> Self {
        Self {
            copies: self.copies.max(other.copies),
            depth: self.depth.max(other.depth),
        }
    }
}

impl Parser<'_> {
    fn run(&mut self) -> Result<(), RegexpError> {
        let mut repetition = None;
        while let Some(c) = self.cursor.peek() {
            let before = repetition.take();
            match c {
                '(' if self.cursor.rest().starts_with("(?") => self.open_special()?,
                '(' => {
                    self.cursor.skip(1);
                    self.captures += 1;
                    self.open_group("(");
                }
                ')' => self.close_group()?,
                '|' => {
                    self.cursor.skip(1);
                    self.out.push('|');
                    self.open.last = None;
                }
                '[' => {
                    let class = class(&mut self.cursor)?;
                    self.write(&class);
                }
                '\\' => self.escape()?,
                '^' | '$' | '.' => {
                    self.cursor.skip(1);
                    self.write(c.encode_utf8(&mut [0; 4]));
                }
                _ => match Count::ahead(self.cursor.rest()) {
                    Some(count) => {
                        let start = before.unwrap_or(self.cursor.offset());
                        self.repeat(&count, start)?;
                        repetition = Some(start);
                    }
                    None => {
                        self.cursor.skip(c.len_utf8());
                        self.literal(u32::from(c));
                    }
                },
            }
        }
        if self.groups.is_empty() {
            return Ok(());
        }
        Err(RegexpError::new("missing closing )", self.cursor.text()))
    }

    /// Writes a part.
    fn write(&mut self, text: &str) {
        let start = self.out.len();
        self.out.push_str(text);
        self.end_part(start, Inner::default());
    }

    /// Writes a character, or a surrogate, which no text has.
    fn literal(&mut self, code: u32) {
        let start = self.out.len();
        match char::from_u32(code) {
            Some(c) => write_literal(&mut self.out, c),
            None => self.out.push_str(NOTHING),
        }
        self.end_part(start, Inner::default());
    }

    /// What has been written since `start` is a part.
    fn end_part(&mut self, start: usize, inner: Inner) {
        self.open.inner = self.open.inner.including(inner);
        self.open.last = Some(Part {
            start,
            end: self.out.len(),
            is_repeated: false,
            inner,
        });
    }

    fn open_group(&mut self, text: &str) {
        let group = Group {
            start: self.out.len(),
            ..Group::default()
        };
        self.out.push_str(text);
        self.groups.push(std::mem::replace(&mut self.open, group));
    }

    fn close_group(&mut self) -> Result<(), RegexpError> {
        let Some(around) = self.groups.pop() else {
            return Err(RegexpError::new("unexpected )", self.cursor.text()));
        };
        self.cursor.skip(1);
        self.out.push(')');
        let group = std::mem::replace(&mut self.open, around);
        let inner = self.deeper(group.inner)?;
        self.end_part(group.start, inner);
        Ok(())
    }

    fn deeper(&self, inner: Inner) -> Result<Inner, RegexpError> {
        if inner.depth >= MAX_DEPTH {
            return Err(too_deep(self.cursor.text()));
        }
        Ok(Inner {
            depth: inner.depth + 1,
            ..inner
        })
    }

    /// `(?P<name>`, `(?<name>`, `(?flags)` and `(?flags:`.
    fn open_special(&mut self) -> Result<(), RegexpError> {
        let (start, rest) = (self.cursor.offset(), self.cursor.rest());
        // Only something after the `<` makes it a name.
        let is_name = |head: &str| rest.len() > head.len() && rest.starts_with(head);
        let head = ["(?P<", "(?<"].into_iter().find(|head| is_name(head));
        let Some(head) = head else {
            return self.flags();
        };
        let refused = |place| RegexpError::new("invalid named capture", place);
        self.cursor.skip(head.len());
        let name = self.cursor.eat_until(">");
        let name = name.ok_or_else(|| refused(rest))?;
        if name.is_empty() || !name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_') {
            return Err(refused(self.cursor.since(start)));
        }
        self.captures += 1;
        let is_new = self.names.insert(name);
        let group = if is_new && !name.starts_with(|c: char| c.is_ascii_digit()) {
            format!("(?P<{name}>")
        } else {
            // To Rust it is no name, or one that is taken; in Go no name has a dot.
            format!("(?P<_.{}.{name}>", self.captures)
        };
        self.open_group(&group);
        Ok(())
    }

    /// `(?i-s)` or `(?i-s:`; in Go a flag may stand there twice, of which the last counts.
    fn flags(&mut self) -> Result<(), RegexpError> {
        const FLAGS: [char; 4] = ['i', 'm', 's', 'U'];
        let start = self.cursor.offset();
        self.cursor.skip("(?".len());
        let mut state = [None; 4];
        // Whether flags are put off, and whether one has been since the `-`.
        let (mut is_off, mut is_named) = (false, false);
        let end = loop {
            let c = self.cursor.next();
            if let Some(flag) = FLAGS.iter().position(|flag| Some(*flag) == c) {
                state[flag] = Some(!is_off);
                is_named = true;
                continue;
            }
            match c {
                Some('-') if !is_off => (is_off, is_named) = (true, false),
                Some(end @ (':' | ')')) if is_named || !is_off => break end,
                _ => {
                    let place = self.cursor.since(start);
                    return Err(RegexpError::new(
                        "invalid or unsupported Perl syntax",
                        place,
                    ));
                }
            }
        };
        let those = |wanted| {
            let flags = FLAGS.iter().zip(state);
            flags.filter_map(move |(flag, state)| (state == Some(wanted)).then_some(*flag))
        };
        let mut text = String::from("(?");
        text.extend(those(true));
        text.extend(those(false).next().map(|_| '-'));
        text.extend(those(false));
        text.push(end);
        match (end, text.as_str()) {
            (':', _) => self.open_group(&text),
            (_, "(?)") => {}
            _ => self.out.push_str(&text),
        }
        Ok(())
    }

    fn escape(&mut self) -> Result<(), RegexpError> {
        let letter = escaped_letter(&self.cursor);
        let same = match letter {
            Some('A') => r"\A",
            Some('z') => r"\z",
            Some('b') => r"(?-u:\b)",
            Some('B') => WITHIN,
            _ => "",
        };
        if !same.is_empty() {
            self.cursor.skip(2);
            self.write(same);
        } else if let Some(set) = letter.and_then(perl_class) {
            self.cursor.skip(2);
            self.write(&format!("[{set}]"));
        } else if matches!(letter, Some('p' | 'P')) {
            let class = unicode_class(&mut self.cursor)?;
            self.write(&class);
        } else if letter == Some('Q') {
            self.cursor.skip(2);
            let quoted = self.cursor.eat_until(r"\E");
            let quoted = quoted.unwrap_or_else(|| self.cursor.eat_while(|_| true));
            quoted.chars().for_each(|c| self.literal(u32::from(c)));
        } else {
            let code = character(&mut self.cursor)?;
            self.literal(code);
        }
        Ok(())
    }

    /// Repeats the last part. `start` is that of the repetition right before this one, if any.
    fn repeat(&mut self, count: &Count, start: usize) -> Result<(), RegexpError> {
        let here = self.cursor.offset();
        self.cursor.skip(count.len);
        const BAD_COUNT: &str = "invalid repeat count";
        // Such a count is refused without the `?` that may follow it.
        if !count.is_valid {
            return Err(RegexpError::new(BAD_COUNT, self.cursor.since(here)));
        }
        self.cursor.eat("?");
        let place = self.cursor.since(here);
        if start != here {
            let reason = "invalid nested repetition operator";
            return Err(RegexpError::new(reason, self.cursor.since(start)));
        }
        let Some(part) = self.open.last else {
            let reason = "missing argument to repetition operator";
            return Err(RegexpError::new(reason, place));
        };
        let mut inner = self.deeper(part.inner)?;
        inner.copies = match count.most {
            0 => 0,
            most => inner.copies.max(1).saturating_mul(most),
        };
        if inner.copies > MAX_COPIES {
            return Err(RegexpError::new(BAD_COUNT, place));
        }
        let (before, after) = match (count.most, part.is_repeated) {
            // Rust drops the groups of what is never there; so it is there or not, and impossible.
            (0, _) => ("(?:", format!("{NOTHING})?")),
            // Flags stood between the two; Rust takes no repetition of a repetition.
            (_, true) => ("(?:", format!("){place}")),
            (_, false) => ("", place.to_owned()),
        };
        self.out.insert_str(part.start, before);
        // What flags have been written since do not count for the part.
        let end = part.end + before.len();
        self.out.insert_str(end, &after);
        self.open.inner = self.open.inner.including(inner);
        self.open.last = Some(Part {
            end: end + after.len(),
            is_repeated: true,
            inner,
            ..part
        });
        Ok(())
    }
}

/// `*`, `+`, `?`, `{2}`, `{2,}`, `{2,3}`.
struct Count {
    /// Bytes of its text.
    len: usize,
    /// The number of copies that must be there, or may.
    most: u32,
    is_valid: bool,
}

impl Count {
    /// The count that `text` starts with; braces around something else stand for themselves.
    fn ahead(text: &str) -> Option<Self> {
        if text.starts_with(['*', '+', '?']) {
            return Some(Self {
                len: 1,
                most: 1,
                is_valid: true,
            });
        }
        let mut cursor = Cursor::new(text);
        if !cursor.eat("{") {
            return None;
        }
        let least = number(&mut cursor)?;
        let mut most = Some(least);
        if cursor.eat(",") {
            most = match cursor.peek() {
                Some('}') => None,
                _ => Some(number(&mut cursor)?),
            };
        }
        let is_valid = most.is_none_or(|most| least <= most && most <= MAX_COPIES);
        cursor.eat("}").then(|| Self {
            len: cursor.offset(),
            most: most.unwrap_or(least.max(1)),
            is_valid: is_valid && least <= MAX_COPIES,
        })
    }
}

/// A number without zeros in front.
fn number(cursor: &mut Cursor<'_>) -> Option<u32> {
    let digits = cursor.eat_while(|c| c.is_ascii_digit());
    let is_number = digits == "0" || !(digits.is_empty() || digits.starts_with('0'));
    is_number.then(|| digits.parse().unwrap_or(u32::MAX))
}
