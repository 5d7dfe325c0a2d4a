//! [`find`]: the first member of a JSON object that says its level, in the order of the text and in
//! nested objects as well. Reads no more than names and where values end; what is broken ends it.

use super::LevelDetector;

/// The value of the member, escapes as they are.
pub(super) fn find<'t>(detector: &LevelDetector<'_>, object: &'t [u8]) -> Option<&'t [u8]> {
    let mut text = Text {
        bytes: object,
        at: 1,
    };
    let mut depth = 1;
    loop {
        match text.sign()? {
            b'}' => depth -= 1,
            b',' => {}
            b'"' => {
                let name = text.string()?;
                if text.sign()? != b':' {
                    return None;
                }
                match text.sign()? {
                    b'"' => {
                        let value = text.string()?;
                        if detector.place(name).is_some() {
                            return Some(value);
                        }
                    }
                    b'{' if depth < detector.max_depth => depth += 1,
                    b'{' | b'[' => text.skip_nested()?,
                    _ => text.skip_bare(),
                }
            }
            _ => return None,
        }
        if depth == 0 {
            return None;
        }
    }
}

struct Text<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl<'t> Text<'t> {
    /// The next byte that is no space, passed over.
    fn sign(&mut self) -> Option<u8> {
        let rest = self.bytes.get(self.at..)?;
        let space = rest.iter().position(|c| !c.is_ascii_whitespace())?;
        self.at += space + 1;
        Some(rest[space])
    }

    /// What stands between the quote before here and the next.
    fn string(&mut self) -> Option<&'t [u8]> {
        let start = self.at;
        loop {
            self.at += memchr::memchr2(b'"', b'\\', self.bytes.get(self.at..)?)?;
            if self.bytes[self.at] == b'"' {
                self.at += 1;
                return Some(&self.bytes[start..self.at - 1]);
            }
            self.at += 2;
        }
    }

    /// Passes over the rest of an object or list whose first sign was read.
    fn skip_nested(&mut self) -> Option<()> {
        let mut open = 1_usize;
        while open > 0 {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            match byte {
                b'"' => drop(self.string()?),
                b'{' | b'[' => open += 1,
                b'}' | b']' => open -= 1,
                _ => {}
            }
        }
        Some(())
    }

    /// Passes over the rest of a number, `true`, `false` or `null`.
    fn skip_bare(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|c| matches!(c, b',' | b'}'));
        self.at += end.unwrap_or(rest.len());
    }
}
