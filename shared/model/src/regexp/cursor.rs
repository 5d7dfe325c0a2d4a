//! [`Cursor`]: what of a pattern has been read.

/// A place in a pattern.
pub(super) struct Cursor<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, rest: text }
    }

    /// All of the pattern.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// What has not been read yet.
    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    /// The number of bytes that have been read.
    pub(super) fn offset(&self) -> usize {
        self.text.len() - self.rest.len()
    }

    /// What has been read since `offset`.
    pub(super) fn since(&self, offset: usize) -> &'a str {
        self.text.get(offset..self.offset()).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.skip(c.len_utf8());
        Some(c)
    }

    /// Reads `expected` if it stands here.
    pub(super) fn eat(&mut self, expected: &str) -> bool {
        let after = self.rest.strip_prefix(expected);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    /// Reads what `is_wanted` takes.
    pub(super) fn eat_while(&mut self, is_wanted: impl Fn(char) -> bool) -> &'a str {
        let start = self.offset();
        self.rest = self.rest.trim_start_matches(is_wanted);
        self.since(start)
    }

    /// Reads up to the next `end` and `end` itself, answers what is before it; nothing is read
    /// where there is none.
    pub(super) fn eat_until(&mut self, end: &str) -> Option<&'a str> {
        let (before, after) = self.rest.split_once(end)?;
        self.rest = after;
        Some(before)
    }

    /// Reads `len` bytes, or all if that many are not left.
    pub(super) fn skip(&mut self, len: usize) {
        self.rest = self.rest.get(len..).unwrap_or_default();
    }
}
