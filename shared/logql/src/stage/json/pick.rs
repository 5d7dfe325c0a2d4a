//! `| json a="b.c[0]"`: the values at some paths become labels, all in one walk of the line.
//!
//! [`Pick`] holds the paths as a tree. The walk looks only for strings and brackets, as Loki's
//! does, so that broken lines give what they have; errors are those of the values at the paths.
//! Blocks that no path leads into are skipped: what is broken within them is not noticed.

use super::path::{self, Part};
use super::scan::{self, Fault, Token};
use super::text::{self, Strings};
use crate::stage::row::{Extract, NameId, RowError};
use crate::stage::{Names, Row, Wanted};
use crate::syntax::ast;

/// Takes the values at some paths.
#[derive(Debug)]
pub(in crate::stage) struct Pick {
    /// The labels, in the order written.
    names: Vec<NameId>,
    /// The tree; the first is the line itself.
    nodes: Vec<Node>,
}

/// A place in a line that paths lead to or through.
#[derive(Debug, Default)]
struct Node {
    /// Places of the labels that take what is here.
    takers: Vec<usize>,
    fields: Vec<(Box<str>, usize)>,
    indexes: Vec<(u64, usize)>,
}

/// Buffers that are used again for each line.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    /// By label: whether its path was met.
    met: Vec<bool>,
    frames: Vec<Frame>,
    key: Vec<u8>,
    texts: text::Buffers,
}

/// What the walk is in, by the place of its node.
#[derive(Clone, Copy, Debug)]
enum Frame {
    Object(usize),
    /// With the number of elements that were begun.
    Array(usize, u64),
    /// What is left of an array behind the place where it breaks.
    Rest,
}

impl Pick {
    pub(super) fn compile(
        extractions: &[ast::Extraction],
        names: &mut Names,
    ) -> Result<Self, String> {
        let mut pick = Self {
            names: Vec::new(),
            nodes: vec![Node::default()],
        };
        for (taker, extraction) in extractions.iter().enumerate() {
            let mut node = 0;
            for part in path::parse(&extraction.path)? {
                node = pick.child(node, part);
            }
            pick.nodes[node].takers.push(taker);
            pick.names.push(names.id(&extraction.name));
        }
        Ok(pick)
    }

    /// The place that a step leads to from a node.
    fn child(&mut self, node: usize, part: Part) -> usize {
        let next = self.nodes.len();
        let known = match &part {
            Part::Field(field) => self.field(node, field.as_bytes()),
            Part::Index(index) => self.index(node, *index),
        };
        if let Some(known) = known {
            return known;
        }
        match part {
            Part::Field(field) => self.nodes[node].fields.push((field.into(), next)),
            Part::Index(index) => self.nodes[node].indexes.push((index, next)),
        }
        self.nodes.push(Node::default());
        next
    }

    fn field(&self, node: usize, key: &[u8]) -> Option<usize> {
        let mut fields = self.nodes[node].fields.iter();
        fields.find_map(|(field, child)| (field.as_bytes() == key).then_some(*child))
    }

    fn index(&self, node: usize, index: u64) -> Option<usize> {
        let mut indexes = self.nodes[node].indexes.iter();
        indexes.find_map(|(known, child)| (*known == index).then_some(*child))
    }

    pub(super) fn run(&self, row: &mut Row<'_>, wanted: &Wanted, buffers: &mut Buffers) {
        row.extract(wanted, |line, out| match line.first() {
            None => {}
            Some(b'"' | b'{' | b'[') => {
                buffers.met.clear();
                buffers.met.resize(self.names.len(), false);
                buffers.frames.clear();
                let mut walk = Walk {
                    pick: self,
                    line,
                    strings: Strings::new(line),
                    missing: self.names.len(),
                    surplus: 0,
                    out,
                    buffers,
                };
                walk.run();
                walk.fill();
            }
            Some(_) => out.fail(RowError::Json, ""),
        });
    }
}

/// A walk over one line.
struct Walk<'a, 'm> {
    pick: &'a Pick,
    line: &'a [u8],
    strings: Strings<'a>,
    /// How many paths were not met.
    missing: usize,
    /// How many brackets closed nothing.
    surplus: usize,
    out: &'a mut Extract<'m>,
    buffers: &'a mut Buffers,
}

impl Walk<'_, '_> {
    fn run(&mut self) {
        let mut at = Some(0);
        while let Some(from) = at.filter(|_| self.missing > 0) {
            at = match self.buffers.frames.last().copied() {
                None => self.outside(from),
                Some(Frame::Object(node)) => self.within(Some(node), from),
                Some(Frame::Rest) => self.within(None, from),
                Some(Frame::Array(node, count)) => self.element(node, count, from),
            };
        }
    }

    /// Labels whose path was not met are empty, unless the line has them already.
    fn fill(&mut self) {
        for &name in &self.pick.names {
            if self.out.wants(name) && !self.out.has(name) {
                self.out.put_text(name, b"");
            }
        }
    }

    /// The first string or bracket at or behind `from`.
    fn mark(&self, from: usize) -> Option<usize> {
        let is_mark = |byte: &u8| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']');
        let skipped = self.line.get(from..)?.iter().position(is_mark)?;
        Some(from + skipped)
    }

    /// Goes on outside of everything, where no key may be; answers where to go on.
    fn outside(&mut self, from: usize) -> Option<usize> {
        let at = self.mark(from)?;
        match self.line[at] {
            b'"' => {
                let end = scan::text(self.line, at)?.part.end + 1;
                if self.line[scan::next(self.line, end)?] == b':' {
                    self.fail(Fault::Malformed);
                    return None;
                }
                Some(end)
            }
            b'}' | b']' => {
                self.surplus += 1;
                Some(at + 1)
            }
            b'{' if self.surplus > 0 => {
                self.surplus -= 1;
                Some(at + 1)
            }
            _ => self.open(Some(0), at),
        }
    }

    /// Goes on within an object, or where no path leads on.
    fn within(&mut self, node: Option<usize>, from: usize) -> Option<usize> {
        let at = self.mark(from)?;
        match self.line[at] {
            b'"' => {
                let key = scan::text(self.line, at)?;
                let end = key.part.end + 1;
                let colon = scan::next(self.line, end)?;
                if self.line[colon] != b':' {
                    return Some(end);
                }
                let text = self.strings.key(&key, &mut self.buffers.key)?;
                let child = node.and_then(|node| self.pick.field(node, text));
                self.value(child, colon + 1)
            }
            b'}' | b']' => {
                self.buffers.frames.pop();
                Some(at + 1)
            }
            // No key before it, so no path leads there.
            _ => self.open(None, at),
        }
    }

    /// Goes on behind a key.
    fn value(&mut self, child: Option<usize>, from: usize) -> Option<usize> {
        if let Some(node) = child {
            self.take(node, from);
        }
        let at = scan::next(self.line, from)?;
        match self.line[at] {
            b'{' | b'[' => self.open(child, at),
            // A string as well: it is a key again where a colon follows.
            _ => Some(at),
        }
    }

    /// Goes into the block at `at` if paths lead through it, else behind it.
    fn open(&mut self, node: Option<usize>, at: usize) -> Option<usize> {
        let is_object = self.line[at] == b'{';
        let frame = node.and_then(|place| {
            let node = &self.pick.nodes[place];
            match is_object {
                true => (!node.fields.is_empty()).then_some(Frame::Object(place)),
                false => (!node.indexes.is_empty()).then_some(Frame::Array(place, 0)),
            }
        });
        if let Some(frame) = frame {
            self.buffers.frames.push(frame);
            return Some(at + 1);
        }
        let block = match is_object {
            true => Token::Object(at),
            false => Token::Array(at),
        };
        block.end(self.line).ok()
    }

    /// Goes on within an array, in front of an element or behind one. Where an array breaks nothing
    /// is said of it.
    fn element(&mut self, node: usize, count: u64, from: usize) -> Option<usize> {
        let mut at = scan::next(self.line, from)?;
        match self.line[at] {
            b']' => {
                self.buffers.frames.pop();
                return Some(at + 1);
            }
            b',' if count > 0 => at = scan::next(self.line, at + 1)?,
            _ if count > 0 => return Some(self.give_up(at)),
            _ => {}
        }
        let token = scan::token(self.line, at);
        let Ok(end) = token.and_then(|token| token.end(self.line)) else {
            return Some(self.give_up(at));
        };
        if let Some(Frame::Array(_, count)) = self.buffers.frames.last_mut() {
            *count += 1;
        }
        let Some(child) = self.pick.index(node, count) else {
            return Some(end);
        };
        self.take(child, at);
        match self.line[at] {
            b'{' | b'[' => self.open(Some(child), at),
            _ => Some(end),
        }
    }

    fn give_up(&mut self, at: usize) -> usize {
        if let Some(frame) = self.buffers.frames.last_mut() {
            *frame = Frame::Rest;
        }
        at
    }

    /// Gives the value at or behind `at` to the labels that take it, if it is the first there.
    fn take(&mut self, node: usize, at: usize) {
        let takers = &self.pick.nodes[node].takers;
        let is_met = |taker: &usize| self.buffers.met[*taker];
        if takers.is_empty() || takers.iter().any(is_met) {
            return;
        }
        self.missing -= takers.len();
        let token = scan::token(self.line, at);
        let found = token.and_then(|token| token.end(self.line).map(|end| (token, end)));
        for &taker in takers {
            self.buffers.met[taker] = true;
            let name = self.pick.names[taker];
            match &found {
                Ok((token, end)) if self.out.wants(name) => self.put(name, token, *end),
                Ok(_) => {}
                Err(fault) => self.fail(*fault),
            }
        }
    }

    fn put(&mut self, name: NameId, token: &Token, end: usize) {
        let name = self.out.target(name);
        match token {
            Token::Text(text) => {
                let texts = &mut self.buffers.texts;
                self.strings.put(self.out, name, text, texts);
            }
            Token::Plain(part) => self.out.put_part(name, part.clone()),
            Token::Null(_) => self.out.put_text(name, b""),
            Token::Object(start) | Token::Array(start) => self.out.put_part(name, *start..end),
        }
    }

    fn fail(&mut self, fault: Fault) {
        self.out.fail(RowError::Json, fault.details());
    }
}

#[cfg(test)]
mod tests {
    use crate::stage::Demand;
    use crate::stage::tests::{compile, run};

    #[track_caller]
    fn check(paths: &str, line: &str, want: &str) {
        let got = run(&format!("| json {paths}"), &[("app", "x")], line).unwrap();
        assert_eq!(got, (line.to_owned(), want.to_owned()), "{paths} of {line}");
    }

    #[test]
    fn values_at_paths() {
        let line = concat!(
            r#"{"a":1,"req":{"headers":{"user agent":"c\u0075rl"},"remote":["10.1",7000]},"#,
            r#""tags":["a","b",{"c":0}],"z":null,"o":{"p":[]},"e":""}"#,
        );
        for (paths, want) in [
            ("a", r#"{a="1", app="x"}"#),
            (
                r#"ua="req.headers[\"user agent\"]""#,
                r#"{app="x", ua="curl"}"#,
            ),
            (
                r#"r0="req.remote[0]", r1="req.remote[1]""#,
                r#"{app="x", r0="10.1", r1="7000"}"#,
            ),
            (
                r#"t="tags", t0="tags[0]", c="tags[2].c""#,
                r#"{app="x", c="0", t="[\"a\",\"b\",{\"c\":0}]", t0="a"}"#,
            ),
            (
                r#"o, p="o.p", e, z"#,
                r#"{app="x", e="", o="{\"p\":[]}", p="[]", z=""}"#,
            ),
            (
                r#"n="nope", m="tags[9]", l="a.b", i="[0]""#,
                r#"{app="x", i="", l="", m="", n=""}"#,
            ),
            (r#"app="a""#, r#"{app="x", app_extracted="1"}"#),
            (r#"app="nope""#, r#"{app="x"}"#),
            (r#"b="a", c="a""#, r#"{app="x", b="1", c="1"}"#),
        ] {
            check(paths, line, want);
        }
        check(
            r#"a="[1].b[0]""#,
            r#"[0,{"b":[2,3]}]"#,
            r#"{a="2", app="x"}"#,
        );
        check("a", r#"{"a":1,"a":2}"#, r#"{a="1", app="x"}"#);
        check(
            r#"c="b.c""#,
            r#"{"b":1,"b":{"c":2}}"#,
            r#"{app="x", c="2"}"#,
        );
        check(r#"b, b="a""#, r#"{"a":1,"b":2}"#, r#"{app="x", b="2"}"#);
        check("a", "", r#"{app="x"}"#);
    }

    #[test]
    fn an_expression_overwrites() {
        let got = run(r#"| json | json a="b""#, &[], r#"{"a":1,"b":2}"#).unwrap();
        assert_eq!(got.1, r#"{a="2", b="2"}"#);
    }

    #[test]
    fn broken_lines_give_what_they_have() {
        for (line, want) in [
            (r#"{"broken": "json", "a": 1"#, r#"{a="1", app="x"}"#),
            (r#"{"b":2 "a":"1""#, r#"{a="1", app="x"}"#),
            (r#"{"b":2 "b":"a"#, r#"{a="", app="x"}"#),
            (r#"{"b":tru;"a":"1","#, r#"{a="1", app="x"}"#),
            (r#"{"b":{"a":1"#, r#"{a="", app="x"}"#),
            (r#"{"b": "a": 1}"#, r#"{a="1", app="x"}"#),
            (r#"{"b":1}{"a":2}"#, r#"{a="2", app="x"}"#),
            (r#""text""#, r#"{a="", app="x"}"#),
        ] {
            check("a", line, want);
        }
        check(r#"a="b[0].a""#, r#"{"b":[{"a":1"#, r#"{a="", app="x"}"#);
        check(
            r#"a="b[1]", c"#,
            r#"{"b":[x,2],"c":3}"#,
            r#"{a="", app="x", c="3"}"#,
        );
    }

    #[test]
    fn errors_are_those_of_the_values() {
        let error = r#"__error__="JSONParserErr""#;
        for (line, details, labels) in [
            ("plain", "", ""),
            (r#" {"a":1}"#, "", ""),
            (
                r#"{"b":2 "a":"1"#,
                r#"Value is string, but can't find closing '\"' symbol"#,
                r#"a="", "#,
            ),
            (r#"{"a":tru}"#, "Unknown value type", r#"a="", "#),
            (
                r#"{"a":[1"#,
                "Value is array, but can't find closing ']' symbol",
                r#"a="", "#,
            ),
            (r#"{"a":"#, "Malformed JSON error", r#"a="", "#),
            (r#""a":1"#, "Malformed JSON error", r#"a="", "#),
            (r#"{"b":1],"a":2}"#, "Malformed JSON error", r#"a="", "#),
            (r#"{}}{"a":2}"#, "Malformed JSON error", r#"a="", "#),
        ] {
            let details = match details {
                "" => String::new(),
                details => format!(r#"__error_details__="{details}", "#),
            };
            check(
                "a",
                line,
                &format!(r#"{{{error}, {details}{labels}app="x"}}"#),
            );
        }
    }

    #[test]
    fn paths_that_are_none_are_refused() {
        let error = compile(r#"| json a="b..c""#, Demand::All).unwrap_err();
        assert_eq!(
            error.to_string(),
            "parse error : stage '| json a=\"b..c\"' : cannot parse expression [b..c]: \
             syntax error: unexpected DOT, expecting FIELD"
        );
    }

    #[test]
    fn hostile_lines_are_bounded() {
        let deep = "{\"a\":[".repeat(100_000);
        check(r#"a="a[0].a[0].b""#, &deep, r#"{a="", app="x"}"#);
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        check(r#"b="a[0][0][1]""#, &deep, r#"{app="x", b=""}"#);
    }
}
